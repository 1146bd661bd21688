"""`worker_fixture`: a worker on the real store with a harmless target."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.integration.attacks.rows import with_second_factor
from tests.integration.runners.worker_fixture import WorkerFixture, worker_fixture_in
from tests.integration.store.store_fixture import ClockedDatabase


@pytest.fixture
def database(tmp_path: Path) -> Iterator[ClockedDatabase]:
    """Migrated and empty; its time is what a test says."""
    with closing(ClockedDatabase(f"sqlite:///{tmp_path / 'state.db'}")) as database:
        database.migrate()
        yield database


@pytest.fixture
def worker_fixture(tmp_path: Path) -> Iterator[WorkerFixture]:
    """An empty one; at the end all its threads have ended."""
    made = worker_fixture_in(tmp_path)
    yield made
    made.ended()
    made.database.close()


@pytest.fixture
def guarded(worker_fixture: WorkerFixture) -> WorkerFixture:
    """Votes count with the worker's signature under a code alone."""
    return with_second_factor(worker_fixture)


@pytest.fixture
def worker_fixture_with(tmp_path: Path) -> Iterator[Callable[..., WorkerFixture]]:
    """The same with other `approvals` in dr.yml."""
    made: list[WorkerFixture] = []

    def build(**approvals: Any) -> WorkerFixture:
        made.append(worker_fixture_in(tmp_path, **approvals))
        return made[-1]

    yield build
    for one in made:
        one.ended()
        one.database.close()
