"""Who typed a code that was read over the phone: wrong ones count against them, not against the voter."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Empty where the voter typed it."""
    op.add_column("codes", sa.Column("typed_by", sa.Text()))
