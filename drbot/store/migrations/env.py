"""Runs the migrations on the connection that `Database.migrate` hands over, inside its transaction."""

from alembic import context

from drbot.store.base.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
)
context.run_migrations()
