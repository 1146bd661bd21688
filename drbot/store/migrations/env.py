"""Runs the migrations on the connection that `Database.migrate` hands over, inside its transaction."""

from alembic import context

import drbot.store.base.schema  # noqa: F401 - the tables put themselves into the metadata
from drbot.store.base.column_types import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
)
context.run_migrations()
