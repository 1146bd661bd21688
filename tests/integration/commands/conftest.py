"""`stage`: people and an empty SQLite store."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drbot.store.database import Database
from tests.integration.commands.stage import Stage, build

Build = Callable[[str], Stage]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, made once because migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "state.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture
def stage(tmp_path: Path, template: Path) -> Iterator[Stage]:
    """Migrated and empty."""
    shutil.copy(template, tmp_path / "state.db")
    stage = build(tmp_path)
    yield stage
    stage.database.close()


@pytest.fixture
def built(tmp_path: Path, template: Path) -> Iterator[Build]:
    """A stage with another dr.yml."""
    shutil.copy(template, tmp_path / "state.db")
    stages: list[Stage] = []

    def make(text: str) -> Stage:
        stages.append(build(tmp_path, text))
        return stages[-1]

    yield make
    for stage in stages:
        stage.database.close()
