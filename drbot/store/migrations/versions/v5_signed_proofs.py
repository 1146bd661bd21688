"""The worker's signature under what a card says of a proof."""

from alembic import op
from sqlalchemy import Column, Text

revision = "v5"
down_revision = "v4"


def upgrade() -> None:
    """A proof of before has none; one that people are still asked about is asked about again."""
    op.add_column("requests", Column("proof_signature", Text))
