"""Brings the tables of an older drbot up to date with Alembic, which `Database.migrate` imports only then."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import Connection

from drbot.core.base.errors import UserError
from drbot.core.text.messages import phrase


def bring_up_to_date(connection: Connection, *, is_new: bool) -> None:
    """In the transaction of `connection`; new tables are only marked. Raises UserError for another version's."""
    config = migrations()
    config.attributes["connection"] = connection
    if is_new:
        command.stamp(config, "head")
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        if not isinstance(error.__cause__, ResolutionError):
            raise
        raise UserError(
            phrase("Opening drbot's own state."),
            phrase(
                "Another version of drbot made it (its tables are at {version}); this one would not understand it.",
                version=error.__cause__.argument,
            ),
            phrase("Start that version again, or name another folder with --home or DRBOT_HOME."),
        ) from error


def migrations() -> Config:
    """Where Alembic finds them."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    return config
