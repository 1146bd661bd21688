"""The lab that most of these share, and a state of a test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.lab.system import Lab
from drbot.store.base.database import Database
from tests.labs import LabFactory


@pytest.fixture(scope="module")
def lab(lab_factory: LabFactory) -> Lab:
    return lab_factory("lab")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/state.db")
    made.migrate()
    yield made
    made.close()
