"""A machine that a run has rented is given back by that very run alone, and never under users or under a proof that
another run counts on. Whoever may write every row and any YAML tries.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import delete

from drbot.core.base.errors import PermanentError
from drbot.core.runs.run import Run, RunState
from drbot.core.site.site import Dns, Site
from drbot.runners.contract.action import Finding, StepContext
from drbot.store.base.schema import locks
from tests.integration.attacks.rows import vote
from tests.integration.runners.test_rows_over_time import queued, rows, with_runbook
from tests.integration.runners.test_words_of_a_card import DNS
from tests.integration.runners.worker_fixture import WorkerFixture, asked, title, with_registry

RENT = """
runbook: rent
title: {en: Rent}
level: 4
steps:
  - id: provision
    title: {en: Rent}
    do: host.provision
    with: {site: elsewhere}
    after: []
    effect: change
    again: safe
    limits: {time: 10m}
    undo: {do: host.release, with: {site: elsewhere}}
    drill: run
""" + asked("provision")


LOOKS = "do: evidence.collect\n    with: {services: auth}"  # what raises the system there, runs at that site
MOVE = DNS.replace("run: {runbook: restart-services, site: production}", LOOKS)
TAKEN_BACK = """  - id: look
    title: {en: Look}
    do: health.wait
    with: {services: auth}
    after: [dns]
    limits: {time: 1m}
    if_fails: undo
    drill: skip
"""
RAISE = f"""
runbook: own
title: {{en: Move the users}}
level: 4
steps:
{RENT[RENT.index("  - id: provision") : RENT.index("  - id: approval")]}
  - id: raise
    title: {{en: Raise}}
    {LOOKS}
    after: [provision]
    limits: {{time: 1h}}
    drill: run
""" + DNS.split("    drill: run\n", 1)[1]
TAKE = (
    RENT[: RENT.index("  - id: approval")].replace("runbook: rent", "runbook: take")
    + """  - id: release
    title: {en: Give back}
    do: host.release
    with: {site: elsewhere}
    after: [provision]
    effect: change
    again: safe
    limits: {time: 10m}
    drill: run
"""
)


def with_machines(worker_fixture: WorkerFixture, **addresses: str) -> tuple[WorkerFixture, list[str]]:
    """dr.yml names these sites; what rents a machine there and moves users is quiet. The list: who gave one back."""
    worker_fixture.target.records = {"app.example.com": {"addresses": ["192.0.2.200"], "ttl": 60}}
    known = worker_fixture.worker_context.configuration
    sites = {**known.sites, **{name: Site(address=address) for name, address in addresses.items()}}
    changed = known.model_copy(update={"sites": sites, "dns": Dns(zone="example.com.", names=("app.example.com",))})
    released: list[str] = []
    quiet = worker_fixture.worker_context.registry.actions["notify.stakeholders"]

    def release(context: StepContext, given: Mapping[str, Any]) -> Any:
        released.append(context.own_work().run)
        return quiet(context, given)

    def led(context: StepContext, given: Mapping[str, Any]) -> frozenset[str]:
        return frozenset({"name"})

    worker_fixture = with_registry(
        replace(worker_fixture, worker_context=replace(worker_fixture.worker_context, configuration=changed)),
        actions={"host.provision": quiet, "host.release": release, "dns.change": quiet, "dns.change_back": quiet},
        probes={"dns.points_to": lambda context, given: Finding(passed=True, sentence="Yes.")},
        subjects={"dns.change": led, "dns.change_back": led},
    )
    return with_runbook(worker_fixture, "rent.yml", RENT), released


def rented_by_another(worker_fixture: WorkerFixture) -> Run:
    """The machine of `elsewhere`: it was rented in an incident of its own."""
    run = worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "rent"))
    assert run.state is RunState.WAITING, run.outcome
    rows(worker_fixture, delete(locks))
    return run


def moved(worker_fixture: WorkerFixture, runbook: str) -> Run:
    """Two people agree."""
    run = worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, runbook))
    assert run.state is RunState.WAITING, run.outcome
    for person in ("ben", "chika"):
        vote(worker_fixture, run.id, person)
    run = worker_fixture.go(run)
    rows(worker_fixture, delete(locks))
    return run


def given_up_by_a_row(worker_fixture: WorkerFixture, run: Run) -> None:
    rows(worker_fixture, queued(run, stop_requested="x").values(state="stopped", stop_kind="discarded"))
    worker_fixture.worker().handle(run.id)


def test_what_is_given_back_was_rented_by_the_very_run_that_is_given_up(guarded: WorkerFixture) -> None:
    """Tags follow dr.yml and rows, so the machine says who rented it: what another run has rented is that one's."""
    worker_fixture, released = with_machines(guarded, elsewhere="192.0.2.1")
    earlier = worker_fixture.go(worker_fixture.declare())
    rows(worker_fixture, delete(locks))
    rented = worker_fixture.go(worker_fixture.queue(earlier.incident, "rent"))

    given_up_by_a_row(worker_fixture, rented)

    assert released == [rented.id]


def test_a_machine_that_another_incident_moved_users_to_stays(guarded: WorkerFixture) -> None:
    worker_fixture, released = with_machines(with_runbook(guarded, "own.yml", MOVE), elsewhere="192.0.2.1")
    rented = rented_by_another(worker_fixture)
    assert moved(worker_fixture, "own").state is RunState.SUCCEEDED

    given_up_by_a_row(worker_fixture, rented)

    assert released == []


def test_a_machine_that_users_were_led_back_to_stays(guarded: WorkerFixture) -> None:
    """A move to `elsewhere`, then a move to `other` that its run takes back: users are on `elsewhere` again."""
    away = MOVE.replace("runbook: own", "runbook: away").replace("site: elsewhere", "site: other") + TAKEN_BACK
    worker_fixture = with_runbook(with_runbook(guarded, "own.yml", MOVE), "away.yml", away)
    worker_fixture, released = with_machines(worker_fixture, elsewhere="192.0.2.1", other="192.0.2.2")
    rented = rented_by_another(worker_fixture)
    assert moved(worker_fixture, "own").state is RunState.SUCCEEDED
    worker_fixture.target.errors["health.wait"] = [PermanentError("fails on purpose")]
    worker_fixture.target.running.clear()  # a control site has no services of its own
    away_run = moved(worker_fixture, "away")
    assert f"Taken back: {title(away_run, 'dns')}" in str(away_run.outcome)

    given_up_by_a_row(worker_fixture, rented)

    assert released == []


def test_a_machine_that_users_were_led_to_by_another_name_of_its_site_stays(guarded: WorkerFixture) -> None:
    """dr.yml calls one address by two names of sites; two people agree to lead users to "twin (192.0.2.1)"."""
    worker_fixture = with_runbook(guarded, "own.yml", MOVE.replace("site: elsewhere", "site: twin"))
    worker_fixture, released = with_machines(worker_fixture, elsewhere="192.0.2.1", twin="192.0.2.1")
    rented = rented_by_another(worker_fixture)
    assert moved(worker_fixture, "own").state is RunState.SUCCEEDED

    given_up_by_a_row(worker_fixture, rented)

    assert released == []


def test_the_new_place_is_not_given_back_by_another_run_while_people_agree_to_move_users_there(
    guarded: WorkerFixture,
) -> None:
    """A runbook of one's own, that asks nobody, "rents" the machine that this incident has already and gives it back.
    The card still says what was proven there.
    """
    worker_fixture = with_runbook(with_runbook(guarded, "own.yml", RAISE), "take.yml", TAKE)
    worker_fixture, released = with_machines(worker_fixture, elsewhere="192.0.2.1")
    run = worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "own"))
    assert run.state is RunState.WAITING, run.outcome
    rows(worker_fixture, delete(locks))

    taking = worker_fixture.go(worker_fixture.queue(run.incident, "take"))

    assert released == []
    assert "another run may depend on" in str(taking.outcome)


def test_the_new_place_is_not_given_back_by_the_run_that_rented_it_while_another_counts_on_it(
    guarded: WorkerFixture,
) -> None:
    """The run that was first rented the machine, and is given up by a row while people read the card of the second."""
    worker_fixture = with_runbook(guarded, "own.yml", RAISE)
    worker_fixture, released = with_machines(worker_fixture, elsewhere="192.0.2.1")
    rented = rented_by_another(worker_fixture)
    second = worker_fixture.go(worker_fixture.queue(rented.incident, "own"))
    assert second.state is RunState.WAITING, second.outcome

    given_up_by_a_row(worker_fixture, rented)

    assert released == []


def test_a_run_that_a_row_ended_moves_nobody_when_its_row_comes_back(guarded: WorkerFixture) -> None:
    """So that the machine may be given back when the run that counts on it is stopped by a row, but not under it."""
    worker_fixture = with_runbook(guarded, "own.yml", RAISE)
    worker_fixture, released = with_machines(worker_fixture, elsewhere="192.0.2.1")
    rented = rented_by_another(worker_fixture)
    second = worker_fixture.go(worker_fixture.queue(rented.incident, "own"))
    given_up_by_a_row(worker_fixture, second)
    given_up_by_a_row(worker_fixture, rented)
    assert released == [rented.id]
    rows(worker_fixture, queued(second), delete(locks))
    for person in ("ben", "chika"):
        vote(worker_fixture, second.id, person)

    ended = worker_fixture.go(second)

    assert (ended.state, worker_fixture.step(second, "dns").attempt) == (RunState.FAILED, 0), ended.outcome
