"""`verb_fixture`: people and an empty SQLite store."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drbot.store.base.database import Database
from tests.integration.commands.verb_fixture import VerbFixture, build

Build = Callable[[str], VerbFixture]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, made once because migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "state.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture
def verb_fixture(tmp_path: Path, template: Path) -> Iterator[VerbFixture]:
    """Migrated and empty."""
    shutil.copy(template, tmp_path / "state.db")
    verb_fixture = build(tmp_path)
    yield verb_fixture
    verb_fixture.database.close()


@pytest.fixture
def built(tmp_path: Path, template: Path) -> Iterator[Build]:
    """A fixture with another dr.yml."""
    shutil.copy(template, tmp_path / "state.db")
    verb_fixtures: list[VerbFixture] = []

    def make(text: str) -> VerbFixture:
        verb_fixtures.append(build(tmp_path, text))
        return verb_fixtures[-1]

    yield make
    for verb_fixture in verb_fixtures:
        verb_fixture.database.close()
