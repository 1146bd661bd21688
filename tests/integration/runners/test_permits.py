"""Whoever may write the whole database, but is not on the worker's host, destroys nothing that two people did not
approve: the worker believes its own record, its seal and signatures, and counts again right before each act.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Table, select, update

from drbot.core.base.errors import PermanentError
from drbot.core.runbooks.runbook import Undo
from drbot.core.runs.plan import Plan, document_of
from drbot.core.runs.run import Run, RunState, Settlement, StepState
from drbot.core.site.people import Person, Roster
from drbot.runners.execution.sealed_plans import sign
from drbot.store.base.schema import requests, steps, votes
from drbot.store.base.schema import runs as runs_table
from drbot.store.records.rosters import Rosters
from drbot.store.runs import runs
from tests.integration.runners.worker_fixture import WorkerFixture, title
from tests.waiting import PATIENCE, wait_for

SECONDS = PATIENCE


def write(worker_fixture: WorkerFixture, table: Table, values: Mapping[str, Any], **where: Any) -> None:
    """What an attacker writes; no event tells of it."""
    statement = update(table).values(**values)
    for name, value in where.items():
        statement = statement.where(table.c[name] == value)
    with worker_fixture.database.write() as tx:
        assert tx.connection.execute(statement).rowcount


def require_untouched(worker_fixture: WorkerFixture) -> None:
    """Nothing changed places and every service runs."""
    assert worker_fixture.target.moves == 0
    assert worker_fixture.target.volumes["postgres_data"] == "corrupt"
    assert {"auth", "front-user", "postgres"} <= worker_fixture.target.running


def asked(worker_fixture: WorkerFixture) -> Run:
    """A level-2 run that waits for its two approvers, the copy proven beside production."""
    return worker_fixture.go(worker_fixture.declare())


def done(worker_fixture: WorkerFixture) -> Run:
    """The same, approved and swapped; users work with the restored data, and the run waits for its last answer."""
    run = asked(worker_fixture)
    worker_fixture.approve(run)
    run = worker_fixture.go(run)
    assert worker_fixture.target.moves == 1
    return run


def changed(plan: Plan, step: str, **update: Any) -> Plan:
    """The plan with another step of this name."""
    return plan.model_copy(
        update={"steps": tuple(one.model_copy(update=update) if one.id == step else one for one in plan.steps)}
    )


@pytest.mark.parametrize("how", ["effect", "gate"])
def test_a_plan_that_was_edited_in_the_database_starts_nothing(worker_fixture: WorkerFixture, how: str) -> None:
    run = asked(worker_fixture)
    assert run.plan is not None
    plan = changed(run.plan, "swap", effect="change") if how == "effect" else changed(run.plan, "approval", gate=None)

    write(worker_fixture, runs_table, {"plan": document_of(plan), "state": "queued"}, id=run.id)
    run = worker_fixture.go(run)

    assert run.state is RunState.FAILED
    assert "is not the one that was made here" in (run.outcome or "")
    require_untouched(worker_fixture)


def test_a_plan_signed_by_nobody_starts_nothing(worker_fixture: WorkerFixture) -> None:
    run = asked(worker_fixture)

    write(worker_fixture, runs_table, {"plan_signature": None, "state": "queued"}, id=run.id)

    assert worker_fixture.go(run).state is RunState.FAILED
    require_untouched(worker_fixture)


@pytest.mark.parametrize("do", ["volume.swap", "volume.swap_back"])
def test_an_undo_that_destroys_what_nobody_approved_is_refused_at_run_time_too(
    worker_fixture: WorkerFixture, do: str
) -> None:
    run = planned_with_evil_undo(worker_fixture, do)
    run = worker_fixture.go(run)
    worker_fixture.approve(run)

    run = worker_fixture.go(run)

    assert run.state is RunState.FAILED
    assert f'No approval covers taking back "{title(run, "verify")}".' in (run.outcome or "")
    assert worker_fixture.target.volumes["redis_data"] == "good"
    assert worker_fixture.target.volumes["postgres_data"] == "corrupt"  # what was approved is taken back, nothing else


@pytest.mark.parametrize(
    ("do", "given"),
    [
        ("volume.swap_back", {"volume": "redis_data", "keeper": "redis_old", "replacement": "redis_gone"}),
        ("kept.remove", {"volume": "redis_old"}),
        ("evidence.collect", {"services": ["auth"]}),
    ],
)
def test_under_an_approval_exactly_what_was_approved_is_taken_back(
    worker_fixture: WorkerFixture, do: str, given: dict[str, object]
) -> None:
    worker_fixture.target.volumes |= {"redis_data": "of today", "redis_old": "a year old"}
    run = planned_with(worker_fixture, "swap", Undo.model_validate({"do": do, "with": given}))
    run = worker_fixture.go(run)
    worker_fixture.approve(run)

    run = worker_fixture.go(run)

    assert run.state is RunState.FAILED
    assert f"{do} with these names does not take volume.swap back" in (run.outcome or "")
    assert (worker_fixture.target.volumes["redis_data"], worker_fixture.target.volumes["redis_old"]) == (
        "of today",
        "a year old",
    )
    assert worker_fixture.target.volumes["postgres_data"] == "good"


def test_a_run_that_a_row_moves_to_another_incident_is_not_gone_on_with(worker_fixture: WorkerFixture) -> None:
    """What was done for users in its own incident would be looked up in the other."""
    run = asked(worker_fixture)
    worker_fixture.approve(run)
    write(worker_fixture, runs_table, {"incident": worker_fixture.declare().incident}, id=run.id)

    run = worker_fixture.go(run)

    assert run.state is RunState.FAILED
    assert "is not the one that was planned" in (run.outcome or "")
    require_untouched(worker_fixture)


def test_without_a_roster_in_the_ledger_no_gate_opens(worker_fixture: WorkerFixture) -> None:
    """dr.yml alone makes nobody an approver: it may have been edited, and the ledger cut."""
    roster = worker_fixture.worker_context.roster
    worker_fixture.worker_context = replace(
        worker_fixture.worker_context, rosters=Rosters(roster, worker_fixture.worker_context.configuration.approvals)
    )
    run = asked(worker_fixture)
    assert worker_fixture.vote(run, "ben", "approve").counted and worker_fixture.vote(run, "chika", "approve").counted

    run = worker_fixture.go(run)

    reasons = [event.payload["why"] for event in worker_fixture.events(run, "request.void")]
    assert any("holds no roster that is in force" in why for why in reasons), reasons
    require_untouched(worker_fixture)


def planned_with_evil_undo(worker_fixture: WorkerFixture, do: str) -> Run:
    """A harmless step with an undo that is none of it."""
    given = {"volume": "redis_data", "replacement": "postgres_data", "keeper": "redis_data_kept"}
    return planned_with(worker_fixture, "verify", Undo.model_validate({"do": do, "with": given}))


def planned_with(worker_fixture: WorkerFixture, step: str, undo: Undo) -> Run:
    """As through a hole of the linter: the worker itself seals a plan with this undo, and `verify` fails on purpose."""
    other = asked(worker_fixture)
    worker_fixture.stop(other)
    worker_fixture.worker().handle(other.id)
    assert other.plan is not None
    run = worker_fixture.queue(other.incident, "level2-postgres")
    plan = changed(changed(other.plan, step, undo=undo), "verify", if_fails="undo", effect="change")
    document = json.loads(json.dumps(document_of(plan)).replace(other.id, run.id))
    worker_fixture.target.errors["health.wait"] = [PermanentError("fails on purpose")]
    with worker_fixture.database.write() as tx:
        claimed = runs.claim(tx, run.id, "worker", 5.0)
        assert claimed is not None
        plan = Plan.model_validate(document)
        runs.planned(tx, claimed, plan, sign(worker_fixture.worker_context, plan, run.incident))
        runs.hand_over(tx, claimed, "worker")
    return run


def test_votes_for_one_request_count_for_no_other(worker_fixture: WorkerFixture) -> None:
    run = asked(worker_fixture)
    first = worker_fixture.request(run)
    worker_fixture.vote(run, "ben", "approve")
    write(worker_fixture, requests, {"state": "void"}, id=first.id)
    write(worker_fixture, runs_table, {"state": "queued"}, id=run.id)
    other = worker_fixture.declare()
    second = worker_fixture.request(worker_fixture.go(other))

    with worker_fixture.database.write() as tx:
        tx.connection.execute(update(votes).values(request=second.id, seal=second.seal))
        tx.connection.execute(
            update(requests)
            .where(requests.c.id == second.id)
            .values(state="granted", proven_at=tx.now, granted_at=tx.now)
        )
        tx.connection.execute(update(runs_table).where(runs_table.c.id == other.id).values(state="queued"))
    worker_fixture.go(other)

    require_untouched(worker_fixture)


def test_a_request_that_this_worker_did_not_open_gives_no_permit(worker_fixture: WorkerFixture) -> None:
    run = asked(worker_fixture)
    worker_fixture.approve(run)
    request = worker_fixture.request(run)
    with worker_fixture.database.write() as tx:
        row = dict(tx.connection.execute(select(requests).where(requests.c.id == request.id)).mappings().one())
        tx.connection.execute(requests.insert().values(**(row | {"id": f"{run.id}-q9", "number": 9})))
        tx.connection.execute(update(votes).values(request=f"{run.id}-q9"))

    run = worker_fixture.go(run)

    require_untouched(worker_fixture)
    reasons = [event.payload["why"] for event in worker_fixture.events(run, "request.void")]
    assert any("not one that this worker opened" in why for why in reasons), reasons


def test_a_settled_undo_after_the_end_brings_nothing_back(worker_fixture: WorkerFixture) -> None:
    run = done(worker_fixture)
    words = {"state": "failed", "settlement": Settlement.UNDO.value, "settled_by": "aiko"}
    write(worker_fixture, steps, words, run=run.id, id="swap")
    write(worker_fixture, runs_table, {"state": "queued"}, id=run.id)

    run = worker_fixture.go(run)

    assert worker_fixture.target.moves == 1
    assert worker_fixture.target.volumes["postgres_data"] == "good"
    assert run.state is RunState.FAILED


def test_what_was_approved_once_is_done_once(worker_fixture: WorkerFixture) -> None:
    run = done(worker_fixture)
    worker_fixture.target.volumes["postgres_data"] = "good, and written to by users"
    write(worker_fixture, requests, {"state": "granted", "used_by": None}, run=run.id)
    write(worker_fixture, steps, {"state": "pending"}, run=run.id)
    write(worker_fixture, runs_table, {"state": "queued"}, id=run.id)
    worker_fixture.target.volumes[f"postgres_data_{run.id}"] = "a copy that was put there again"

    run = worker_fixture.go(run)

    assert worker_fixture.target.moves == 1
    assert worker_fixture.target.volumes["postgres_data"] == "good, and written to by users"


def test_a_fact_that_was_changed_in_the_database_is_noticed(worker_fixture: WorkerFixture) -> None:
    run = asked(worker_fixture)
    worker_fixture.approve(run)

    write(worker_fixture, steps, {"facts": {"kept_bytes": 8, "checks": []}}, run=run.id, id="restore-beside")
    run = worker_fixture.go(run)

    assert run.state is RunState.FAILED
    assert "what restore-beside found out was changed" in (run.outcome or "")
    require_untouched(worker_fixture)


def test_a_proof_that_only_the_database_has_seen_is_none(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.bad.add(worker_fixture.target.backups[0].name)
    run = asked(worker_fixture)
    assert run.state is RunState.BLOCKED
    write(worker_fixture, steps, {"state": "succeeded"}, run=run.id, id="restore-beside")
    with worker_fixture.database.write() as tx:
        values = {"state": "granted", "granted_at": tx.now, "proven_at": tx.now}
        tx.connection.execute(update(requests).where(requests.c.run == run.id).values(**values))
    write(worker_fixture, runs_table, {"state": "queued"}, id=run.id)

    run = worker_fixture.go(run)

    assert run.state is RunState.FAILED
    require_untouched(worker_fixture)


@pytest.mark.parametrize("what", ["removed", "demoted"])
def test_who_lost_the_vote_after_the_grant_stops_it_before_any_service_is_stopped(
    worker_fixture: WorkerFixture, what: str
) -> None:
    run = asked(worker_fixture)
    worker_fixture.approve(run)
    worker_fixture.worker_context = replace(
        worker_fixture.worker_context, roster=without_chika(worker_fixture.worker_context.roster, what)
    )

    run = worker_fixture.go(run)

    assert run.state is RunState.BLOCKED
    assert "compose.stop" not in worker_fixture.target.calls and "stop-apps" not in worker_fixture.target.calls
    assert worker_fixture.states(run)["approval"] != StepState.SUCCEEDED.value  # the gate itself does not open
    require_untouched(worker_fixture)


def without_chika(roster: Roster, what: str) -> Roster:
    people: dict[str, Person] = dict(roster.people)
    chika = people.pop("chika")
    if what == "demoted":
        people["chika"] = replace(chika, roles=frozenset({"operator"}))
    return replace(roster, people=people)


def test_a_time_to_start_that_was_prolonged_in_the_database_is_over_all_the_same(worker_fixture_with: Any) -> None:
    worker_fixture = worker_fixture_with(start_within="1s")
    run = asked(worker_fixture)
    worker_fixture.approve(run)
    worker_fixture.upkeep()
    mine = worker_fixture.worker_context.own
    begun = mine.now()
    wait_for(lambda: (mine.now() - begun).total_seconds() > 1.5, SECONDS, "the time to start to pass")
    with worker_fixture.database.write() as tx:
        later = {"proven_at": tx.now, "granted_at": tx.now, "start_by": tx.now.replace(year=2099), "start_seconds": 1e9}
        tx.connection.execute(update(requests).where(requests.c.run == run.id).values(**later))

    run = worker_fixture.go(run)

    assert run.state is RunState.BLOCKED
    require_untouched(worker_fixture)


def test_two_genuine_votes_on_exactly_that_are_enough(worker_fixture: WorkerFixture) -> None:
    run = done(worker_fixture)

    assert worker_fixture.states(run)["confirm"] == StepState.WAITING.value
    assert worker_fixture.target.volumes["postgres_data"] == "good"


def test_a_gate_of_one_person_in_a_row_ends_the_run_with_a_sentence(worker_fixture: WorkerFixture) -> None:
    """No plan of drbot has one, so there is no plan."""
    run = asked(worker_fixture)
    assert run.plan is not None
    plan = document_of(run.plan)
    for step in plan["steps"]:
        if step["gate"]:
            step["gate"]["people"] = 1
    write(worker_fixture, runs_table, {"plan": plan, "state": "queued"}, id=run.id)

    run = worker_fixture.go(run)

    assert run.state is RunState.FAILED and run.outcome
    require_untouched(worker_fixture)
