"""What ends a recovery, a drill or a doubt is seen in the answer soon after it, and not five minutes later."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from drbot.core.site.confirmations import Subject
from drbot.runners.upkeep.readiness_keeper import EVERY, Looking
from drbot.store.records import confirmations
from tests.integration.store.store_fixture import ClockedDatabase

A_MOMENT = timedelta(seconds=10)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[ClockedDatabase]:
    database = ClockedDatabase(f"sqlite:///{tmp_path / 'state.db'}")
    database.migrate()
    yield database
    database.close()


def test_it_looks_at_once_and_then_every_five_minutes(database: ClockedDatabase) -> None:
    looks: list[str] = []
    looking = Looking(database=database, look=lambda: looks.append("look"))

    looking.look_if_due()
    database.moment += A_MOMENT
    looking.look_if_due()
    assert len(looks) == 1
    database.moment += EVERY
    looking.look_if_due()

    assert len(looks) == 2


def test_it_looks_again_when_something_ended_that_changes_the_answer(database: ClockedDatabase) -> None:
    looks: list[str] = []
    looking = Looking(database=database, look=lambda: looks.append("look"))
    looking.look_if_due()
    database.moment += A_MOMENT
    with database.write() as tx:
        confirmations.said(tx, Subject.ROSTER, "aiko")
    database.moment += A_MOMENT

    looking.look_if_due()
    looking.look_if_due()

    assert len(looks) == 2
