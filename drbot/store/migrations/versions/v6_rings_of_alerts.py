"""How often a group of alerts was announced, what was too much of it, and when an alert was last heard of."""

from alembic import op
from sqlalchemy import Column, Integer

from drbot.store.base.column_types import Moment

revision = "v6"
down_revision = "v5"


def upgrade() -> None:
    """Groups of before were announced once."""
    op.add_column("alert_groups", Column("rings", Integer, nullable=False, server_default="1"))
    op.add_column("alert_groups", Column("beyond", Integer, nullable=False, server_default="0"))
    op.add_column("alerts", Column("heard_at", Moment))
