"""Proofs behind votes, codes for the workers to check, and break-glass that holds."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Two columns and three tables."""
    op.add_column("requests", sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("votes", sa.Column("attestation", sa.Text(), nullable=True))
    op.add_column("votes", sa.Column("terminal", sa.Text(), nullable=True))
    op.create_table(
        "worker_keys",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("public", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_worker_keys")),
    )
    op.create_table(
        "enrolments",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site", "person", name=op.f("pk_enrolments")),
    )
    op.create_table(
        "codes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("entrance", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_codes")),
    )
    op.create_index(op.f("ix_codes_site_answer"), "codes", ["site", "answer"], unique=False)
