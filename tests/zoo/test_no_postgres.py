"""Systems without PostgreSQL: a full backup is all that they have, and all that they need."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from drbot.cli.dr import person_named
from drbot.commands.dispatch import dispatch
from drbot.commands.facts.context import context_of
from drbot.commands.speech.messages import Reply, Request
from drbot.core.approvals.approval import EntryPoint
from drbot.core.site.configuration import load_configuration
from drbot.runners.main import worker_context_of
from drbot.runners.planning.surveyor import Surveyor
from drbot.store.base.database import Database
from drbot.store.base.doorbell import doorbell_of
from tests.zoo.animals import Animal, animal
from tests.zoo.backed_up import PASSWORD
from tests.zoo.checksums import checksums
from tests.zoo.keeper import Kept
from tests.zoo.levels import attempt, write_configuration
from tests.zoo.zoo import Zoo

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]
SMALLEST = animal("pebblebook")


@contextmanager
def backed_up(zoo: Zoo, one: Animal, *not_files: str) -> Iterator[Kept]:
    """It works, and has a full backup: without these of its `files`, which its people forgot."""
    with zoo.keeping(one) as kept:
        written = write_configuration(kept)
        document = YAML().load(written)
        site = document["sites"]["production"]
        site["files"] = [name for name in site["files"] if not name.endswith(not_files or "\n")]
        YAML().dump(document, written)
        assert attempt(kept, "backup full").passed
        yield kept


@pytest.mark.parametrize(
    "one",
    [SMALLEST, *(pytest.param(animal(name), marks=pytest.mark.long) for name in ("cinderpath", "rookery"))],
    ids=lambda one: one.name,
)
def test_it_is_ready_and_every_drill_of_its_host_recovers_it(zoo: Zoo, one: Animal) -> None:
    with backed_up(zoo, one) as kept:
        before = checksums(kept)
        found = [attempt(kept, tried) for tried in ("prove", "check", "drill 1", "drill 2", "drill 3")]
        after = checksums(kept)

    assert [(outcome.tried, outcome.said) for outcome in found if not outcome.passed] == []
    assert before.lost(after) == []


@pytest.mark.more
def test_a_host_is_not_recovered_in_time_without_a_volume_that_no_backup_held(zoo: Zoo) -> None:
    with backed_up(zoo, animal("cinderpath"), "_media") as kept:
        drill = attempt(kept, "drill 3")
        log = (kept.folder / "drbot" / "drill 3.log").read_text()

    assert not drill.passed
    assert "recovered, but a goal was missed" in log
    assert "Not brought back, because no backup held it: cinderpath_media." in drill.said


@pytest.mark.more
def test_where_there_is_neither_a_store_nor_files_the_settings_are_practised(zoo: Zoo) -> None:
    with backed_up(zoo, animal("cinderpath"), "_media", "_pages") as kept:
        drill = attempt(kept, "drill 2")

    assert drill.passed, drill.said


def planned(kept: Kept, tmp_path: Path) -> Reply:
    """What `/dr plan level2` says, with the worker that looks."""
    home, loaded = tmp_path / "home", load_configuration(kept.folder / "drbot" / "dr.yml")
    database, doorbell, over = Database(f"sqlite:///{tmp_path / 'state.db'}"), doorbell_of(None), threading.Event()
    database.migrate()
    worker_context = worker_context_of(loaded.configuration, database, doorbell, "production", home, loaded.roster)
    surveying = threading.Thread(target=Surveyor(worker_context).run, args=(over,))
    surveying.start()
    try:
        commands = context_of(database, doorbell, loaded)
        request = Request(
            verb_text="plan level2", person=person_named("aiko", commands.roster), account=None, channel=None,
            entry_point=EntryPoint.TERMINAL, at=datetime.now(UTC),
        )  # fmt: skip
        return dispatch(commands, request)
    finally:
        over.set()
        surveying.join()
        doorbell.stop()
        worker_context.target.clients.close()
        database.close()


def test_what_is_lost_of_it_is_found_and_the_full_backup_is_planned(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESTIC_PASSWORD", PASSWORD)
    with backed_up(zoo, SMALLEST) as kept:
        sound = planned(kept, tmp_path)
        kept.inside("pebblebook", "find", "/data", "-type", "f", "-delete")
        broken = planned(kept, tmp_path)

    assert not sound.ok
    assert "postgres" not in f"{sound.text} {sound.choices}".lower()
    assert broken.ok, broken.text
    assert f"{kept.name}/data" in f"{broken.text} {broken.tables}"
