"""Drills of a real engine that may not begin: what nobody agreed to is not started there, nor an engine in vain."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.runs.drill import Drill, DrillEnd
from drbot.core.site.configuration import load_configuration
from drbot.core.site.level import Level
from drbot.core.site.proofs import ProofResult
from drbot.core.site.site import Service, Site
from drbot.core.site.stored_backups import BackupKind, StoredBackup
from drbot.lab.compose import compose as in_its_folder
from drbot.lab.system import Lab
from drbot.runners.clients.compose import Compose, Watch
from drbot.runners.clients.process import Bounds
from drbot.runners.clients.sandbox import INSTANCE_LABEL
from drbot.runners.contract.fingerprint import settings_of
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.execution.settings_seen import changes
from drbot.runners.foundation.watching import never
from drbot.runners.main import HANDS, worker_context_of
from drbot.runners.upkeep.drill_keeper import Keeper
from drbot.runners.upkeep.drill_rights import DrillRights
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


def test_what_somebody_at_the_host_let_drills_go_by_needs_no_plan_but_nothing_else_does(
    here: Here, tmp_path: Path
) -> None:
    configuration = here.worker_context.configuration
    site = configuration.site().model_copy(update={"projects": tmp_path / "moved"})
    moved = here.with_dr_yml(sites={**configuration.sites, "production": site})
    moved.worker_context.own.may_practise(settings_of(moved.worker_context.configuration))

    drill = moved.practise()
    other = moved.with_dr_yml(
        drills=configuration.drills.model_copy(update={"image": "drbot-lab/service:1"})
    ).practise()

    assert "dr.yml was changed" not in (drill.why or "")
    assert "dr.yml was changed" in (other.why or "")
    assert changes(moved.worker_context) != ()  # a recovery still asks two people


@contextmanager
def edited(here: Here, name: str, **changes: Any) -> Iterator[None]:
    """Somebody writes these into the compose file of a service."""
    service = here.worker_context.configuration.site().services[name]
    override = here.worker_context.target.clients.compose.folder(service.project) / "docker-compose.override.yml"
    override.write_text(json.dumps({"services": {service.service: changes}}))
    try:
        yield
    finally:
        override.unlink()


@pytest.mark.more
def test_no_service_gets_in_a_drill_what_productions_own_does_not_have(here: Here) -> None:
    since = int(time.time())

    with edited(here, "auth", privileged=True, pid="host", volumes=["/etc:/host"]):
        drill = here.practise()

    assert drill.end is DrillEnd.FAILED
    assert "auth-service asks for pid: host, privileged, volumes: /etc (writable)" in (drill.why or "")
    assert here.started(drill, since) == []


def written(folder: Path, **service: Any) -> None:
    """A project of one service, as a full backup may bring it."""
    folder.mkdir(parents=True, exist_ok=True)
    image = "drbot-lab/service:1"
    document = {"services": {"auth-service": {"image": image, "command": ["sleep", "60"], **service}}}
    (folder / "docker-compose.yml").write_text(json.dumps(document))


def test_nor_what_a_full_backup_brings(here: Here, tmp_path: Path) -> None:
    """Also by a way of starting it that nobody has thought of: Compose itself is held."""
    name = "ordinary" + here.lab.name
    site = Site(projects=tmp_path / "copy", services={"app": Service(project=name, service="auth-service", role="app")})
    engine = here.worker_context.target.clients.docker
    compose, watch = Compose(site.projects, here.lab.host), Watch(bounds=Bounds(cancelled=never), on_line=print)
    DrillRights(production=engine, site=site, compose=compose, cancelled=never).hold()
    written(site.projects / name, cap_add=["SYS_ADMIN"], devices=["/dev/null:/dev/sda"], profiles=["odd"])

    with pytest.raises(PermanentError, match="asks for cap_add: SYS_ADMIN, devices: /dev/null rwm"):
        compose.up(name, ["auth-service"], watch)
    assert engine.container(site.services["app"]) is None

    written(site.projects / name, volumes=["./:/here", "own:/own"], ports=["8000"], user="0")
    document = json.loads((site.projects / name / "docker-compose.yml").read_text())
    (site.projects / name / "docker-compose.yml").write_text(json.dumps(document | {"volumes": {"own": {}}}))
    compose.up(name, ["auth-service"], watch)
    assert engine.container(site.services["app"]) is not None
    in_its_folder(here.lab.host, site.projects / name, "down", "--volumes", "--timeout", "0")


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
        site="production", kind=BackupKind.FULL, name="full_20260101_000000", place="file:/backups", is_off_site=False,
        moment=datetime(2026, 1, 1, tzinfo=UTC), size=1,
    )  # fmt: skip

    proof = prover_of(edited, threading.Event()).prove(backup)

    assert proof is not None
    assert proof.result is ProofResult.POSTPONED
    assert "dr.yml was changed since two people last agreed" in proof.fault
