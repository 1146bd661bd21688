"""Why a step failed, and what its undo said, are columns of their own."""

from alembic import op
from sqlalchemy import Column, Text

revision = "v2"
down_revision = "v1"


def upgrade() -> None:
    """What failed before has no cause."""
    for name in ("cause", "taken_back"):
        op.add_column("steps", Column(name, Text))
