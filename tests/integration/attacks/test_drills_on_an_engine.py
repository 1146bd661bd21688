"""Drills of a real engine that may not begin: what nobody agreed to is not started there, nor an engine in vain."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drbot.core.runs.drill import Drill, DrillEnd
from drbot.core.site.configuration import load_configuration
from drbot.core.site.level import Level
from drbot.core.site.proofs import ProofResult
from drbot.core.site.stored_backups import BackupKind, StoredBackup
from drbot.lab.system import Lab
from drbot.runners.clients.sandbox import INSTANCE_LABEL
from drbot.runners.contract.fingerprint import settings_of
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.main import HANDS, worker_context_of
from drbot.runners.upkeep.drill_keeper import Keeper
from drbot.runners.upkeep.proving import prover_of
from drbot.store.base.database import Database
from drbot.store.base.doorbell import doorbell_of
from drbot.store.records import drills
from tests.labs import LabFactory

pytestmark = pytest.mark.docker


@dataclass(frozen=True, kw_only=True)
class Here:
    """A worker of a lab, and what it is asked to practise."""

    lab: Lab
    worker_context: WorkerContext

    def with_dr_yml(self, **changes: Any) -> "Here":
        """Started again after somebody has edited dr.yml."""
        configuration = self.worker_context.configuration.model_copy(update=changes)
        return replace(self, worker_context=replace(self.worker_context, configuration=configuration))

    def practise(self, level: Level = Level.DATABASE) -> Drill:
        """A drill to its end, of which nobody is told."""
        database = self.worker_context.database
        with database.write() as tx:
            incident = drills.ask(tx, level, site="production", service=None, person="aiko", rehearsed=True)
        Keeper(worker_context=self.worker_context, hands=HANDS, stop=threading.Event()).look()
        with database.read() as connection:
            found = drills.get(connection, incident.id)
        assert found is not None
        return found

    def started(self, drill: Drill, since: int) -> list[str]:
        """Images of the containers that it started on production's engine."""
        label = f"{INSTANCE_LABEL}={drill.instance}"
        with self.lab.client() as client:
            told = client.events(
                since=since, until=int(time.time()) + 1, decode=True, filters={"label": label, "event": "start"}
            )
            return [one["from"] for one in told]


@pytest.fixture
def here(lab_factory: LabFactory, tmp_path: Path) -> Iterator[Here]:
    lab = lab_factory("lab")
    loaded = load_configuration(lab.configuration)
    database = Database(f"sqlite:///{tmp_path / 'state.db'}")
    database.migrate()
    doorbell = doorbell_of(None)
    context = worker_context_of(loaded.configuration, database, doorbell, "production", tmp_path, loaded.roster)
    context.own.agreed_to(settings_of(loaded.configuration))
    yield Here(lab=lab, worker_context=context)
    doorbell.stop()
    context.target.clients.close()
    database.close()


def test_no_image_that_nobody_agreed_to_gets_all_rights_on_productions_engine(here: Here) -> None:
    edited = here.worker_context.configuration.drills.model_copy(update={"image": "drbot-lab/service:1"})
    since = int(time.time())

    drill = here.with_dr_yml(drills=edited).practise()

    assert drill.end is DrillEnd.FAILED
    assert "dr.yml was changed since two people last agreed" in (drill.why or "")
    assert here.started(drill, since) == []


def test_no_compose_file_that_nobody_agreed_to_is_started_in_it(here: Here, tmp_path: Path) -> None:
    configuration = here.worker_context.configuration
    site = configuration.site().model_copy(update={"projects": tmp_path / "strangers"})
    since = int(time.time())

    drill = here.with_dr_yml(sites={**configuration.sites, "production": site}).practise()

    assert drill.end is DrillEnd.FAILED
    assert f"projects: {configuration.site().projects} → {tmp_path / 'strangers'}" in (drill.why or "")
    assert here.started(drill, since) == []


@pytest.mark.parametrize("level", Level)
def test_no_engine_is_made_where_there_is_no_backup_to_go_back_to(here: Here, level: Level) -> None:
    since = int(time.time())

    drill = here.practise(level)

    assert drill.end is DrillEnd.FAILED
    assert f"A drill of level {int(level)} needs a" in (drill.why or "") and "there is none" in (drill.why or "")
    assert here.started(drill, since) == []


def test_no_redis_is_tried_as_a_compose_file_says_that_nobody_agreed_to(here: Here, tmp_path: Path) -> None:
    """Each new backup is tried by itself, and Redis with whatever rights its compose file gives it."""
    configuration = here.worker_context.configuration
    site = configuration.site().model_copy(update={"projects": tmp_path / "strangers"})
    edited = here.with_dr_yml(sites={**configuration.sites, "production": site}).worker_context
    backup = StoredBackup(
        kind=BackupKind.FULL, name="full_20260101_000000", place="file:/backups", is_off_site=False,
        moment=datetime(2026, 1, 1, tzinfo=UTC), size=1,
    )  # fmt: skip

    proof = prover_of(edited, threading.Event()).prove(backup)

    assert proof is not None
    assert proof.result is ProofResult.POSTPONED
    assert "dr.yml was changed since two people last agreed" in proof.fault
