"""Where the history begins: all tables, which `Database.migrate` makes in a new database as schema.py says them."""

revision = "v1"
down_revision = None


def upgrade() -> None:
    """Nothing is older than this."""
