"""What a worker answers to who asks when PostgreSQL committed what."""

from alembic import op
from sqlalchemy import Column

from drbot.store.base.column_types import Json

revision = "v8"
down_revision = "v7"


def upgrade() -> None:
    op.add_column("surveys", Column("timeline", Json))
