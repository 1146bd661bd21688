"""What each site consists of, as its worker has read it: bots have no engine to ask."""

from alembic import op
from sqlalchemy import Column, Text

from drbot.store.base.column_types import Moment

revision = "v3"
down_revision = "v2"


def upgrade() -> None:
    """Workers fill it at their next look."""
    op.create_table(
        "inventories",
        Column("site", Text, primary_key=True),
        Column("document", Text, nullable=False),
        Column("seen_at", Moment, nullable=False),
    )
