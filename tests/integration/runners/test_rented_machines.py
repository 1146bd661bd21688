"""A machine that a run has rented is given back by that very run alone, and never under users or under a proof that
another run counts on. Whoever may write every row and any YAML tries.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import delete

from drbot.core.errors import PermanentError
from drbot.core.run import Run, RunState
from drbot.core.site import Dns, Site
from drbot.runners.action import Finding, StepContext
from drbot.store.schema import locks
from tests.integration.attacks.rows import vote
from tests.integration.runners.bench import Bench, asked, with_registry
from tests.integration.runners.test_rows_over_time import queued, rows, with_runbook
from tests.integration.runners.test_words_of_a_card import DNS

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


def with_machines(bench: Bench, **addresses: str) -> tuple[Bench, list[str]]:
    """dr.yml names these sites; what rents a machine there and moves users is quiet. The list: who gave one back."""
    bench.target.records = {"app.example.com": {"addresses": ["192.0.2.200"], "ttl": 60}}
    known = bench.equipment.configuration
    sites = {**known.sites, **{name: Site(address=address) for name, address in addresses.items()}}
    changed = known.model_copy(update={"sites": sites, "dns": Dns(zone="example.com.", names=("app.example.com",))})
    released: list[str] = []
    quiet = bench.equipment.registry.actions["notify.stakeholders"]

    def release(context: StepContext, given: Mapping[str, Any]) -> Any:
        released.append(context.own_work().run)
        return quiet(context, given)

    def led(context: StepContext, given: Mapping[str, Any]) -> frozenset[str]:
        return frozenset({"name"})

    bench = with_registry(
        replace(bench, equipment=replace(bench.equipment, configuration=changed)),
        actions={"host.provision": quiet, "host.release": release, "dns.change": quiet, "dns.change_back": quiet},
        probes={"dns.leads": lambda context, given: Finding(passed=True, sentence="Yes.")},
        subjects={"dns.change": led, "dns.change_back": led},
    )
    return with_runbook(bench, "rent.yml", RENT), released


def rented_by_another(bench: Bench) -> Run:
    """The machine of `elsewhere`: it was rented in an incident of its own."""
    run = bench.go(bench.queue(bench.declare().incident, "rent"))
    assert run.state is RunState.WAITING, run.outcome
    rows(bench, delete(locks))
    return run


def moved(bench: Bench, runbook: str) -> Run:
    """Two people agree."""
    run = bench.go(bench.queue(bench.declare().incident, runbook))
    assert run.state is RunState.WAITING, run.outcome
    for person in ("ben", "chika"):
        vote(bench, run.id, person)
    run = bench.go(run)
    rows(bench, delete(locks))
    return run


def given_up_by_a_row(bench: Bench, run: Run) -> None:
    rows(bench, queued(run, stop_requested="x").values(state="stopped", stop_kind="discarded"))
    bench.worker().handle(run.id)


def test_what_is_given_back_was_rented_by_the_very_run_that_is_given_up(guarded: Bench) -> None:
    """Tags follow dr.yml and rows, so the machine says who rented it: what another run has rented is that one's."""
    bench, released = with_machines(guarded, elsewhere="192.0.2.1")
    earlier = bench.go(bench.declare())
    rows(bench, delete(locks))
    rented = bench.go(bench.queue(earlier.incident, "rent"))

    given_up_by_a_row(bench, rented)

    assert released == [rented.id]


def test_a_machine_that_another_incident_moved_users_to_stays(guarded: Bench) -> None:
    bench, released = with_machines(with_runbook(guarded, "own.yml", MOVE), elsewhere="192.0.2.1")
    rented = rented_by_another(bench)
    assert moved(bench, "own").state is RunState.SUCCEEDED

    given_up_by_a_row(bench, rented)

    assert released == []


def test_a_machine_that_users_were_led_back_to_stays(guarded: Bench) -> None:
    """A move to `elsewhere`, then a move to `other` that its run takes back: users are on `elsewhere` again."""
    away = MOVE.replace("runbook: own", "runbook: away").replace("site: elsewhere", "site: other") + TAKEN_BACK
    bench = with_runbook(with_runbook(guarded, "own.yml", MOVE), "away.yml", away)
    bench, released = with_machines(bench, elsewhere="192.0.2.1", other="192.0.2.2")
    rented = rented_by_another(bench)
    assert moved(bench, "own").state is RunState.SUCCEEDED
    bench.target.errors["health.wait"] = [PermanentError("fails on purpose")]
    bench.target.running.clear()  # a control site has no services of its own
    assert "Taken back: dns" in str(moved(bench, "away").outcome)

    given_up_by_a_row(bench, rented)

    assert released == []


def test_a_machine_that_users_were_led_to_by_another_name_of_its_site_stays(guarded: Bench) -> None:
    """dr.yml calls one address by two names of sites; two people agree to lead users to "twin (192.0.2.1)"."""
    bench = with_runbook(guarded, "own.yml", MOVE.replace("site: elsewhere", "site: twin"))
    bench, released = with_machines(bench, elsewhere="192.0.2.1", twin="192.0.2.1")
    rented = rented_by_another(bench)
    assert moved(bench, "own").state is RunState.SUCCEEDED

    given_up_by_a_row(bench, rented)

    assert released == []


def test_the_new_place_is_not_given_back_by_another_run_while_people_agree_to_move_users_there(guarded: Bench) -> None:
    """A runbook of one's own, that asks nobody, "rents" the machine that this incident has already and gives it back.
    The card still says what was proven there.
    """
    bench = with_runbook(with_runbook(guarded, "own.yml", RAISE), "take.yml", TAKE)
    bench, released = with_machines(bench, elsewhere="192.0.2.1")
    run = bench.go(bench.queue(bench.declare().incident, "own"))
    assert run.state is RunState.WAITING, run.outcome
    rows(bench, delete(locks))

    taking = bench.go(bench.queue(run.incident, "take"))

    assert released == []
    assert "another run may count on" in str(taking.outcome)


def test_the_new_place_is_not_given_back_by_the_run_that_rented_it_while_another_counts_on_it(guarded: Bench) -> None:
    """The run that was first rented the machine, and is given up by a row while people read the card of the second."""
    bench = with_runbook(guarded, "own.yml", RAISE)
    bench, released = with_machines(bench, elsewhere="192.0.2.1")
    rented = rented_by_another(bench)
    second = bench.go(bench.queue(rented.incident, "own"))
    assert second.state is RunState.WAITING, second.outcome

    given_up_by_a_row(bench, rented)

    assert released == []


def test_a_run_that_a_row_ended_moves_nobody_when_its_row_comes_back(guarded: Bench) -> None:
    """So that the machine may be given back when the run that counts on it is stopped by a row, but not under it."""
    bench = with_runbook(guarded, "own.yml", RAISE)
    bench, released = with_machines(bench, elsewhere="192.0.2.1")
    rented = rented_by_another(bench)
    second = bench.go(bench.queue(rented.incident, "own"))
    given_up_by_a_row(bench, second)
    given_up_by_a_row(bench, rented)
    assert released == [rented.id]
    rows(bench, queued(second), delete(locks))
    for person in ("ben", "chika"):
        vote(bench, second.id, person)

    ended = bench.go(second)

    assert (ended.state, bench.step(second, "dns").attempt) == (RunState.FAILED, 0), ended.outcome
