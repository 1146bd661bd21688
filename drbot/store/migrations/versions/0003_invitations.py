"""One-time tokens by which the worker of a new machine joins."""

import sqlalchemy as sa
from alembic import op

from drbot.store.base.schema import Moment

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """One row per token; only its digest is kept."""
    op.create_table(
        "invitations",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("used_at", Moment()),
        sa.Column("owner", sa.Text()),
        sa.Column("public_key", sa.Text()),
        sa.Column("proof", sa.Text()),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_invitations")),
    )
    op.create_index(op.f("ix_invitations_incident"), "invitations", ["incident"])
