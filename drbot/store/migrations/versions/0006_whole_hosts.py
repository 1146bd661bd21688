"""What was put aside of a whole host is one piece of kept data: it comes back, or is given up, as one."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Nothing of a whole host was listed before."""
    op.add_column("kept", sa.Column("whole_host", sa.Boolean(), nullable=False, server_default=sa.false()))
