"""Level 4 by its own runbook: the control site's worker is real, its parts at the new place are played."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from drbot.core.base.signing import KeyPair
from drbot.core.runs.plan import BackupIdentity, Plan
from drbot.core.runs.run import Run, RunState, StepState
from drbot.lab.cloud import NAME
from drbot.runners.actions.control_target import ControlTarget
from drbot.runners.actions.registry import REGISTRY
from drbot.runners.clients.name_service import NameService
from drbot.runners.contract.target import Chosen, Search
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.execution.sealed_plans import signature_of_end
from drbot.runners.foundation.own_record import OwnRecord
from drbot.runners.second_factor.join_token import join_site
from drbot.store.runs import runs
from tests.integration.runners.harmless import backup
from tests.integration.runners.worker_fixture import WorkerFixture, worker_fixture_in
from tests.waiting import PATIENCE, wait_for
from tests.web_servers import serving

if TYPE_CHECKING:  # whose file shows the fixtures of this one to all tests
    from tests.integration.centre.conftest import Centre

OLD, NEW = "127.0.0.1", "127.0.0.2"
SECONDS = PATIENCE
THERE = KeyPair.new()  # of the worker of the rented machine


class Control(ControlTarget):
    """The real target of a control site, with one good backup."""

    def choose_full_backup(self, search: Search) -> Chosen:
        """Of the site that was lost."""
        assert search.site == "production"
        return Chosen(backup=backup(1))

    def identify(self, backup: BackupIdentity) -> BackupIdentity:
        """Unchanged."""
        return backup


class Health(BaseHTTPRequestHandler):
    """The system at its new address."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(Health.status)
        self.end_headers()


@pytest.fixture
def front() -> Iterator[int]:
    """Its port, which is kept free at the old address: nobody else's connection begins there."""
    Health.status = 200
    with ExitStack() as opened:
        port = opened.enter_context(serving(Health, NEW))
        while not keep_free(opened, OLD, port):
            port = opened.enter_context(serving(Health, NEW))
        yield port


def keep_free(opened: ExitStack, address: str, port: int) -> bool:
    """Whether the port can be had there; whoever listens later still gets it."""
    kept = opened.enter_context(socket.socket())
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        kept.bind((address, port))
    except OSError:
        return False
    return True


@pytest.fixture
def old_front(front: int) -> Iterator[None]:
    """The old place answers too: it was repaired, or had never been lost."""
    with serving(Health, OLD, front):
        yield


@pytest.fixture
def control(centre: "Centre", front: int, tmp_path: Path) -> Iterator[WorkerFixture]:
    """A worker of the control site."""
    centre.configuration = centre.with_dns(url=f"http://{NAME}:{front}/health")
    folder = tmp_path / "worker_fixture"
    folder.mkdir()
    worker_fixture = worker_fixture_in(folder)
    worker_fixture.database.close()
    yield replace(worker_fixture, database=centre.database, worker_context=worker_context(worker_fixture, centre))
    worker_fixture.ended()


def worker_context(worker_fixture: WorkerFixture, centre: "Centre") -> WorkerContext:
    people = worker_fixture.worker_context.configuration.people
    configuration = centre.configuration.model_copy(update={"people": people})
    return replace(
        worker_fixture.worker_context,
        configuration=configuration,
        database=centre.database,
        site_name="control",
        home=centre.home,
        own=OwnRecord(centre.home),
        registry=REGISTRY,
        target=Control(configuration, centre.context().clients),
    )


def leads_to(centre: "Centre") -> tuple[str, ...]:
    assert centre.configuration.dns is not None
    return NameService(centre.configuration.dns).ask(NAME)


def play_machine(centre: "Centre") -> None:
    """What the rented machine does by its user data."""
    wait_for(lambda: centre.cloud.machines(), SECONDS, "a machine")
    text = centre.cloud.user_data(centre.cloud.machines()[0])
    join_site(centre.database, text.split("--join ")[1].split()[0], "recovery", 1, THERE.public)


def play_part(
    worker_fixture: WorkerFixture,
    runbook: str,
    state: RunState = RunState.SUCCEEDED,
    outcome: str = "Every check passed.",
    *,
    key: KeyPair = THERE,
) -> None:
    """What the worker there does: it plans its part, and signs how it ended."""

    def queued() -> str | None:
        with worker_fixture.database.read() as connection:
            return next((one for one in runs.claimable(connection, "recovery")), None)

    part = wait_for(queued, SECONDS, f"{runbook} to be queued")
    with worker_fixture.database.write() as tx:
        run = runs.claim(tx, str(part), "there", 60)
        assert run is not None
        assert run.runbook == runbook
        plan = Plan(
            run=run.id, site=run.site, level=3, runbook=runbook, runbook_sha256="", steps=(), fingerprint={},
            arguments={name: value for name, value in run.arguments.items() if value}, surveyed_at=tx.now,
        )  # fmt: skip
        runs.planned(tx, run, plan)
        runs.finish(tx, run, state, outcome, signature=signature_of_end(key, plan, state))


def raised(centre: "Centre", control: WorkerFixture) -> Run:
    """The system is up in its new place; the run waits for its approvers."""
    run = centre.run
    control.begin(run)
    play_machine(centre)
    control.wait_for_step(run, "recover", StepState.WAITING)
    play_part(control, "level3-host")
    control.ended()
    return control.go(run)


def moved(centre: "Centre", control: WorkerFixture) -> Run:
    """Users work at the new place, on the machine that was rented."""
    run = raised(centre, control)
    control.approve(run)
    assert control.go(run).state is RunState.WAITING  # the certificate's part is at work
    assert leads_to(centre) == (NEW,)
    return run
