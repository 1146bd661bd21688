"""Drills as a way into production: a drill's worker stands on production's host, knows people that nobody else knows,
and opens gates that nobody is asked about. Nothing of that is good anywhere but in its copy.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pyotp
import pytest

from drbot.core.approvals.approval import claim_of
from drbot.core.base.errors import FencedError, PermanentError
from drbot.core.base.signing import verify
from drbot.core.ledger.attestation import Claim, Entrance, Origin, Proof, Purpose, statement
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.drill import STAND_INS, Drill, DrillEnd
from drbot.core.runs.run import RunKind, RunState
from drbot.core.site.drill_site import DrillPlace
from drbot.core.site.level import Level
from drbot.core.site.site import DRILL_SITE, ObjectStore
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.contract.action import StepContext
from drbot.runners.contract.target import Target
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.foundation.watching import never
from drbot.runners.upkeep.code_checker import CodeChecker
from drbot.runners.upkeep.drill_keeper import Holding, Keeper
from drbot.runners.upkeep.drill_run import Hands, end_all, own_contexts
from drbot.runners.upkeep.scheduled_drills import scheduled_drills
from drbot.runners.worker import Worker
from drbot.store.base.doorbell import doorbell_of
from drbot.store.records import codes, drills
from drbot.store.runs import runs
from tests.integration.runners.worker_fixture import WorkerFixture, worker_fixture_in

A_SHELL = Origin(entrance=Entrance.TERMINAL, name="mallory@bot")
SANDBOX = "unix:///sandbox/docker.sock"


@pytest.fixture
def worker_fixture(tmp_path: Path) -> Iterator[WorkerFixture]:
    made = worker_fixture_in(tmp_path)
    yield made
    made.database.close()


def drilling(worker_fixture: WorkerFixture, **about: Any) -> list[WorkerContext]:
    """The contexts of the workers of a drill that somebody has just begun."""
    told: dict[str, Any] = {"level": Level.DATABASE, "rehearsed": True, "service": None} | about
    drill = Drill(
        incident=7, site="production", runbook="level2-postgres", asked_by="aiko", asked_at=datetime.now(UTC),
        instance="0123abcd", **told,
    )  # fmt: skip
    folder = worker_fixture.worker_context.home / "sandbox"
    (folder / "drbot").mkdir(parents=True)
    place = DrillPlace(docker=SANDBOX, folder=folder / "projects", leads=lambda address, port: port)
    target = cast("Target", worker_fixture.target)
    return own_contexts(worker_fixture.worker_context, drill, place, folder / "drbot", lambda *given: target)


@pytest.mark.parametrize("rehearsed", [True, False])
def test_a_code_that_a_drill_has_checked_is_no_vote_in_production(
    worker_fixture: WorkerFixture, rehearsed: bool
) -> None:
    """The drill's worker has never seen an authenticator, so it would take whichever is offered first."""
    run, production = worker_fixture.go(worker_fixture.declare()), worker_fixture.worker_context
    request = worker_fixture.request(run)
    vote = claim_of(request, production.roster, person="ben", seal=request.seal, decision="approve")
    checker = CodeChecker(drilling(worker_fixture, rehearsed=rehearsed)[0])
    checker.tick()

    secret = pyotp.random_base32()
    with worker_fixture.database.write() as tx:
        published = codes.worker_key(tx.connection, DRILL_SITE)
        assert published is not None
        codes.enrol(tx, DRILL_SITE, "ben", published, secret)
    signed: list[str] = []
    for claim in (Claim(purpose=Purpose.ENROL, person="ben", decision="enrol"), vote):
        code = pyotp.TOTP(secret).at(datetime.now(UTC), counter_offset=len(signed))
        with worker_fixture.database.write() as tx:
            asked = codes.ask(tx, DRILL_SITE, Proof.CODE, claim, key=published, code=code, origin=A_SHELL)
        checker.tick()
        with worker_fixture.database.read() as connection:
            signed.append(codes.get(connection, asked).signature or "")

    assert not verify(production.key.public, statement(Proof.CODE, vote), signed[-1])


@pytest.mark.parametrize("action", ["host.prepare", "host.provision", "dns.change", "certificate.issue"])
def test_what_acts_outside_is_refused_whatever_a_runbook_says(worker_fixture: WorkerFixture, action: str) -> None:
    """A drill's worker is a process of production's host: what it installs there is installed in production."""
    (drill,) = drilling(worker_fixture)
    context = SimpleNamespace(step=Step(id="act", title={"en": "Act"}, do=action, drill="run"))

    with pytest.raises(PermanentError, match="it would act outside of the copy"):
        drill.registry.actions[action](cast("StepContext", context), {})


@pytest.mark.parametrize("level", [Level.HOST, Level.DATACENTRE])
def test_no_drill_begins_by_itself_with_what_anybody_could_have_put_into_a_bucket(
    worker_fixture: WorkerFixture, level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The compose files of the newest full backup are started, in an engine on production's host."""
    monkeypatch.delenv("RESTIC_PASSWORD", raising=False)
    bucket = {"object_store": ObjectStore(bucket="shop")}
    configuration = worker_fixture.worker_context.configuration.model_copy(update=bucket)
    here = replace(worker_fixture.worker_context, configuration=configuration)
    (work,) = (one for one in scheduled_drills(here) if one.key == f"drill.level{int(level)}")

    with pytest.raises(PermanentError, match="Without RESTIC_PASSWORD whoever can write in s3://shop/"):
        work.act(never)

    monkeypatch.setenv("RESTIC_PASSWORD", "kept elsewhere")
    work.act(never)
    with worker_fixture.database.read() as connection:
        going = drills.going_on(connection)
    assert going is not None and going.level is level


def queued(worker_fixture: WorkerFixture, incident: int) -> str:
    """A run of this drill that waits for a worker."""
    with worker_fixture.database.write() as tx:
        run = runs.queue(
            tx, incident=incident, site=DRILL_SITE, kind=RunKind.RECOVER, runbook="level2-postgres", arguments={},
            person="aiko",
        )  # fmt: skip
    return run.id


def asked_for(worker_fixture: WorkerFixture) -> Drill:
    with worker_fixture.database.write() as tx:
        incident = drills.ask(tx, Level.DATABASE, site="production", service=None, person="aiko", rehearsed=True)
        found = drills.get(tx.connection, incident.id)
    assert found is not None
    return found


def test_a_drills_worker_takes_no_run_of_another_drill(worker_fixture: WorkerFixture) -> None:
    """Whose engine is gone: it would go on in this one's."""
    drill = asked_for(worker_fixture)
    run = queued(worker_fixture, drill.incident)

    Worker(drilling(worker_fixture)[0], doorbell_of(None), Event()).handle(run)

    with worker_fixture.database.read() as connection:
        assert runs.get(connection, run).state is RunState.QUEUED


def test_a_drill_that_an_incident_ends_names_it(worker_fixture: WorkerFixture) -> None:
    drill, production = asked_for(worker_fixture), worker_fixture.worker_context
    keeper = Keeper(worker_context=production, hands=cast("Hands", None), stop=Event())
    holding = Holding(keeper=keeper, drill=drill)
    assert holding.cancelled() is None

    number = worker_fixture.declare().incident

    assert holding.cancelled() == f"DR-{number} was declared, and an incident comes first: it ended the drill."


def test_a_drill_without_an_engine_is_over_and_says_why(worker_fixture: WorkerFixture) -> None:
    drill, production = asked_for(worker_fixture), worker_fixture.worker_context
    clients = SimpleNamespace(docker=DockerEngine("unix:///nobody.sock", patience_seconds=0))
    without = replace(production, target=cast("Target", SimpleNamespace(clients=clients)))

    Keeper(worker_context=without, hands=cast("Hands", None), stop=Event()).look()

    with worker_fixture.database.read() as connection:
        found = drills.get(connection, drill.incident)
    assert found is not None and found.end is DrillEnd.FAILED
    assert "the Docker engine does not answer" in (found.why or "")


def test_what_a_dead_worker_held_in_a_drill_ends_with_the_drill(worker_fixture: WorkerFixture) -> None:
    drill = asked_for(worker_fixture)
    held, waiting = queued(worker_fixture, drill.incident), queued(worker_fixture, drill.incident)
    with worker_fixture.database.write() as tx:
        assert runs.claim(tx, held, "dead", 60) is not None

    with worker_fixture.database.write() as tx:
        end_all(tx, replace(drill, end=DrillEnd.BROKEN_OFF, why="Its worker stopped answering."))

    with worker_fixture.database.read() as connection:
        assert {runs.get(connection, one).state for one in (held, waiting)} == {RunState.STOPPED}
        assert runs.claimable(connection, DRILL_SITE) == {}
    with worker_fixture.database.write() as tx, pytest.raises(FencedError):
        runs.renew(tx, held, 1, 60)


def test_a_drill_writes_nothing_into_the_record_of_productions_worker(worker_fixture: WorkerFixture) -> None:
    production = worker_fixture.worker_context
    (drill,) = drilling(worker_fixture)

    drill.own.planned("r1", "a" * 64, incident=7, engine=SANDBOX)
    drill.own.agreed_to({"system": "of the drill"})
    drill.own.saw_policy(9, "f" * 64, {"people": {}})

    assert drill.own.run("r1") is not None
    assert (production.own.run("r1"), production.own.settings(), production.own.policy()) == (None, None, None)


def test_stand_ins_vote_only_where_nobody_is_asked(worker_fixture: WorkerFixture) -> None:
    (drill,) = drilling(worker_fixture, rehearsed=False)

    with worker_fixture.database.read() as connection:
        roster = drill.roster_now(connection)

    assert not set(STAND_INS) & set(roster.people)
    assert roster.people.keys() == worker_fixture.worker_context.roster.people.keys()
