"""Whoever may write the whole database, but is not on the worker's host, destroys nothing that two people did not
approve: the worker believes its own record, its seal and signatures, and counts again right before each act.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Table, select, update

from drbot.core.errors import PermanentError
from drbot.core.people import Person, Roster
from drbot.core.plan import Plan, document_of
from drbot.core.run import Run, RunState, Settlement, StepState
from drbot.core.runbook import Undo
from drbot.runners.sealed_plans import sign
from drbot.store import runs
from drbot.store.rosters import Rosters
from drbot.store.schema import requests, steps, votes
from drbot.store.schema import runs as runs_table
from tests.integration.runners.bench import Bench
from tests.waiting import PATIENCE, wait_for

SECONDS = PATIENCE


def write(bench: Bench, table: Table, values: Mapping[str, Any], **where: Any) -> None:
    """What an attacker writes; no event tells of it."""
    statement = update(table).values(**values)
    for name, value in where.items():
        statement = statement.where(table.c[name] == value)
    with bench.database.write() as tx:
        assert tx.connection.execute(statement).rowcount


def require_untouched(bench: Bench) -> None:
    """Nothing changed places and every service runs."""
    assert bench.target.moves == 0
    assert bench.target.volumes["postgres_data"] == "corrupt"
    assert {"auth", "front-user", "postgres"} <= bench.target.running


def asked(bench: Bench) -> Run:
    """A level-2 run that waits for its two approvers, the copy proven beside production."""
    return bench.go(bench.declare())


def done(bench: Bench) -> Run:
    """The same, approved and swapped; users work with the restored data, and the run waits for its last answer."""
    run = asked(bench)
    bench.approve(run)
    run = bench.go(run)
    assert bench.target.moves == 1
    return run


def changed(plan: Plan, step: str, **update: Any) -> Plan:
    """The plan with another step of this name."""
    return plan.model_copy(
        update={"steps": tuple(one.model_copy(update=update) if one.id == step else one for one in plan.steps)}
    )


@pytest.mark.parametrize("how", ["effect", "gate"])
def test_a_plan_that_was_edited_in_the_database_starts_nothing(bench: Bench, how: str) -> None:
    run = asked(bench)
    assert run.plan is not None
    plan = changed(run.plan, "swap", effect="change") if how == "effect" else changed(run.plan, "approval", gate=None)

    write(bench, runs_table, {"plan": document_of(plan), "state": "queued"}, id=run.id)
    run = bench.go(run)

    assert run.state is RunState.FAILED
    assert "is not the one that was made here" in (run.outcome or "")
    require_untouched(bench)


def test_a_plan_signed_by_nobody_starts_nothing(bench: Bench) -> None:
    run = asked(bench)

    write(bench, runs_table, {"plan_signature": None, "state": "queued"}, id=run.id)

    assert bench.go(run).state is RunState.FAILED
    require_untouched(bench)


@pytest.mark.parametrize("do", ["volume.swap", "volume.swap_back"])
def test_an_undo_that_destroys_what_nobody_approved_is_refused_at_run_time_too(bench: Bench, do: str) -> None:
    run = planned_with_evil_undo(bench, do)
    run = bench.go(run)
    bench.approve(run)

    run = bench.go(run)

    assert run.state is RunState.FAILED
    assert "No approval covers that verify is taken back" in (run.outcome or "")
    assert bench.target.volumes["redis_data"] == "good"
    assert bench.target.volumes["postgres_data"] == "corrupt"  # what was approved is taken back, nothing else


@pytest.mark.parametrize(
    ("do", "given"),
    [
        ("volume.swap_back", {"volume": "redis_data", "keeper": "redis_old", "replacement": "redis_gone"}),
        ("kept.remove", {"volume": "redis_old"}),
        ("evidence.collect", {"services": ["auth"]}),
    ],
)
def test_under_an_approval_exactly_what_was_approved_is_taken_back(
    bench: Bench, do: str, given: dict[str, object]
) -> None:
    bench.target.volumes |= {"redis_data": "of today", "redis_old": "a year old"}
    run = planned_with(bench, "swap", Undo.model_validate({"do": do, "with": given}))
    run = bench.go(run)
    bench.approve(run)

    run = bench.go(run)

    assert run.state is RunState.FAILED
    assert f"{do} with these names does not take volume.swap back" in (run.outcome or "")
    assert (bench.target.volumes["redis_data"], bench.target.volumes["redis_old"]) == ("of today", "a year old")
    assert bench.target.volumes["postgres_data"] == "good"


def test_a_run_that_a_row_moves_to_another_incident_is_not_gone_on_with(bench: Bench) -> None:
    """What was done for users in its own incident would be looked up in the other."""
    run = asked(bench)
    bench.approve(run)
    write(bench, runs_table, {"incident": bench.declare().incident}, id=run.id)

    run = bench.go(run)

    assert run.state is RunState.FAILED
    assert "is not the one that was planned" in (run.outcome or "")
    require_untouched(bench)


def test_without_a_roster_in_the_ledger_no_gate_opens(bench: Bench) -> None:
    """dr.yml alone makes nobody an approver: it may have been edited, and the ledger cut."""
    roster = bench.equipment.roster
    bench.equipment = replace(bench.equipment, rosters=Rosters(roster, bench.equipment.configuration.approvals))
    run = asked(bench)
    assert bench.vote(run, "ben", "approve").counted and bench.vote(run, "chika", "approve").counted

    run = bench.go(run)

    reasons = [event.payload["why"] for event in bench.events(run, "request.void")]
    assert any("holds no roster that is in force" in why for why in reasons), reasons
    require_untouched(bench)


def planned_with_evil_undo(bench: Bench, do: str) -> Run:
    """A harmless step with an undo that is none of it."""
    given = {"volume": "redis_data", "replacement": "postgres_data", "keeper": "redis_data_kept"}
    return planned_with(bench, "verify", Undo.model_validate({"do": do, "with": given}))


def planned_with(bench: Bench, step: str, undo: Undo) -> Run:
    """As through a hole of the linter: the worker itself seals a plan with this undo, and `verify` fails on purpose."""
    other = asked(bench)
    bench.stop(other)
    bench.worker().handle(other.id)
    assert other.plan is not None
    run = bench.queue(other.incident, "level2-postgres")
    plan = changed(changed(other.plan, step, undo=undo), "verify", if_fails="undo", effect="change")
    document = json.loads(json.dumps(document_of(plan)).replace(other.id, run.id))
    bench.target.errors["health.wait"] = [PermanentError("fails on purpose")]
    with bench.database.write() as tx:
        claimed = runs.claim(tx, run.id, "worker", 5.0)
        assert claimed is not None
        plan = Plan.model_validate(document)
        runs.planned(tx, claimed, plan, sign(bench.equipment, plan, run.incident))
        runs.hand_over(tx, claimed, "worker")
    return run


def test_votes_for_one_request_count_for_no_other(bench: Bench) -> None:
    run = asked(bench)
    first = bench.request(run)
    bench.vote(run, "ben", "approve")
    write(bench, requests, {"state": "void"}, id=first.id)
    write(bench, runs_table, {"state": "queued"}, id=run.id)
    other = bench.declare()
    second = bench.request(bench.go(other))

    with bench.database.write() as tx:
        tx.connection.execute(update(votes).values(request=second.id, seal=second.seal))
        tx.connection.execute(
            update(requests)
            .where(requests.c.id == second.id)
            .values(state="granted", proven_at=tx.now, granted_at=tx.now)
        )
        tx.connection.execute(update(runs_table).where(runs_table.c.id == other.id).values(state="queued"))
    bench.go(other)

    require_untouched(bench)


def test_a_request_that_this_worker_did_not_open_gives_no_permit(bench: Bench) -> None:
    run = asked(bench)
    bench.approve(run)
    request = bench.request(run)
    with bench.database.write() as tx:
        row = dict(tx.connection.execute(select(requests).where(requests.c.id == request.id)).mappings().one())
        tx.connection.execute(requests.insert().values(**(row | {"id": f"{run.id}-q9", "number": 9})))
        tx.connection.execute(update(votes).values(request=f"{run.id}-q9"))

    run = bench.go(run)

    require_untouched(bench)
    reasons = [event.payload["why"] for event in bench.events(run, "request.void")]
    assert any("not one that this worker opened" in why for why in reasons), reasons


def test_a_settled_undo_after_the_end_brings_nothing_back(bench: Bench) -> None:
    run = done(bench)
    words = {"state": "failed", "settlement": Settlement.UNDO.value, "settled_by": "aiko"}
    write(bench, steps, words, run=run.id, id="swap")
    write(bench, runs_table, {"state": "queued"}, id=run.id)

    run = bench.go(run)

    assert bench.target.moves == 1
    assert bench.target.volumes["postgres_data"] == "good"
    assert run.state is RunState.FAILED


def test_what_was_approved_once_is_done_once(bench: Bench) -> None:
    run = done(bench)
    bench.target.volumes["postgres_data"] = "good, and written to by users"
    write(bench, requests, {"state": "granted", "used_by": None}, run=run.id)
    write(bench, steps, {"state": "pending"}, run=run.id)
    write(bench, runs_table, {"state": "queued"}, id=run.id)
    bench.target.volumes[f"postgres_data_{run.id}"] = "a copy that was put there again"

    run = bench.go(run)

    assert bench.target.moves == 1
    assert bench.target.volumes["postgres_data"] == "good, and written to by users"


def test_a_fact_that_was_changed_in_the_database_is_noticed(bench: Bench) -> None:
    run = asked(bench)
    bench.approve(run)

    write(bench, steps, {"facts": {"kept_bytes": 8, "checks": []}}, run=run.id, id="restore-beside")
    run = bench.go(run)

    assert run.state is RunState.FAILED
    assert "what restore-beside found out was changed" in (run.outcome or "")
    require_untouched(bench)


def test_a_proof_that_only_the_database_has_seen_is_none(bench: Bench) -> None:
    bench.target.bad.add(bench.target.backups[0].name)
    run = asked(bench)
    assert run.state is RunState.BLOCKED
    write(bench, steps, {"state": "succeeded"}, run=run.id, id="restore-beside")
    with bench.database.write() as tx:
        values = {"state": "granted", "granted_at": tx.now, "proven_at": tx.now}
        tx.connection.execute(update(requests).where(requests.c.run == run.id).values(**values))
    write(bench, runs_table, {"state": "queued"}, id=run.id)

    run = bench.go(run)

    assert run.state is RunState.FAILED
    require_untouched(bench)


@pytest.mark.parametrize("what", ["removed", "demoted"])
def test_who_lost_the_vote_after_the_grant_stops_it_before_any_service_is_stopped(bench: Bench, what: str) -> None:
    run = asked(bench)
    bench.approve(run)
    bench.equipment = replace(bench.equipment, roster=without_chika(bench.equipment.roster, what))

    run = bench.go(run)

    assert run.state is RunState.BLOCKED
    assert "compose.stop" not in bench.target.calls and "stop-apps" not in bench.target.calls
    assert bench.states(run)["approval"] != StepState.SUCCEEDED.value  # the gate itself does not open
    require_untouched(bench)


def without_chika(roster: Roster, what: str) -> Roster:
    people: dict[str, Person] = dict(roster.people)
    chika = people.pop("chika")
    if what == "demoted":
        people["chika"] = replace(chika, roles=frozenset({"operator"}))
    return replace(roster, people=people)


def test_a_time_to_start_that_was_prolonged_in_the_database_is_over_all_the_same(bench_with: Any) -> None:
    bench = bench_with(start_within="1s")
    run = asked(bench)
    bench.approve(run)
    bench.upkeep()
    mine = bench.equipment.own
    begun = mine.now()
    wait_for(lambda: (mine.now() - begun).total_seconds() > 1.5, SECONDS, "the time to start to pass")
    with bench.database.write() as tx:
        later = {"proven_at": tx.now, "granted_at": tx.now, "start_by": tx.now.replace(year=2099), "start_seconds": 1e9}
        tx.connection.execute(update(requests).where(requests.c.run == run.id).values(**later))

    run = bench.go(run)

    assert run.state is RunState.BLOCKED
    require_untouched(bench)


def test_two_genuine_votes_on_exactly_that_are_enough(bench: Bench) -> None:
    run = done(bench)

    assert bench.states(run)["confirm"] == StepState.WAITING.value
    assert bench.target.volumes["postgres_data"] == "good"
