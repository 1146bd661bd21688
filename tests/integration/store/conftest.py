"""`database`: a migrated, empty database, once on SQLite and once on PostgreSQL."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from drbot.store.base.database import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    url: str = request.getfixturevalue("fresh_postgres_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Migrated and empty."""
    database = Database(database_url)
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Database]:
    """An empty database, for a state that is brought back."""
    with closing(Database(f"sqlite:///{tmp_path / 'elsewhere.db'}")) as database:
        database.migrate()
        yield database
