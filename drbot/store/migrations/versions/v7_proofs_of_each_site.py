"""Whose backup was tried: the workers of other sites than the default one prove theirs too."""

from alembic import op
from sqlalchemy import Column, Float, Text, column, select, table, text

from drbot.store.base.column_types import Moment, Sentence

revision = "v7"
down_revision = "v6"

TRIED = (("mark", Text), ("sha256", Text), ("proven_at", Moment), ("seconds", Float), ("version", Text),
         ("result", Text), ("fault", Sentence))  # fmt: skip


def upgrade() -> None:
    """One site's worker alone had backups to tell of before, and proved them: its name is taken from there. Without it
    the proofs go, and the worker makes them anew.
    """
    connection = op.get_bind()
    site = connection.execute(text("SELECT min(source) FROM backups")).scalar()
    keys = (("kind", Text), ("name", Text), ("place", Text))
    before = table("proofs", *(column(name, of_type) for name, of_type in (*keys, *TRIED)))
    old = [dict(row) for row in connection.execute(select(before)).mappings()] if site else []
    op.drop_table("proofs")
    now = op.create_table(
        "proofs",
        *(Column(name, of_type, primary_key=True) for name, of_type in (("site", Text), *keys)),
        *(Column(name, of_type, nullable=False, index=name == "sha256") for name, of_type in TRIED),
    )
    op.bulk_insert(now, [row | {"site": site} for row in old])
