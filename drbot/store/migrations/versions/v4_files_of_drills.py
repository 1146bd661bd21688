"""Which entry of `files` a drill of level 2 practises."""

from alembic import op
from sqlalchemy import Column, Text

revision = "v4"
down_revision = "v3"


def upgrade() -> None:
    """Drills of before have none: it was the first of the site."""
    op.add_column("drills", Column("files", Text))
