"""Rented machines, and where names lead: as a worker has seen them last."""

import sqlalchemy as sa
from alembic import op

from drbot.store.base.schema import Json, Moment

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """One row per machine, kept when it is gone; one per name."""
    op.create_table(
        "machines",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("incident", sa.Integer()),
        sa.Column("run", sa.Text()),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("addresses", Json(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("gone_at", Moment()),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_machines")),
    )
    op.create_index(op.f("ix_machines_incident"), "machines", ["incident"])
    op.create_table(
        "led_names",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("addresses", Json(), nullable=False),
        sa.Column("told", Json()),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_led_names")),
    )
