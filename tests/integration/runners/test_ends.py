"""How a run ends is said by what was done and seen on this host: not by rows, nor by the checks, undos and levels of a
runbook of one's own.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import delete, select

from drbot.core.base.errors import PermanentError
from drbot.core.runs.run import Run, RunState, StepState
from drbot.runners.execution.endings import succeed
from drbot.runners.execution.run_context import RunContext, idle_run_context
from drbot.runners.foundation.own_record import OwnStep
from drbot.store.base.schema import locks
from drbot.store.base.schema import steps as step_rows
from drbot.store.runs import runs
from tests.integration.attacks.rows import vote
from tests.integration.runners.test_edited_files import own, planned
from tests.integration.runners.test_kept import kept_volumes
from tests.integration.runners.test_rows_over_time import approved, of, queued, rows, swapped_and_frozen, with_runbook
from tests.integration.runners.test_words_of_a_card import SET_ASIDE
from tests.integration.runners.worker_fixture import WorkerFixture, title


def agreed(worker_fixture: WorkerFixture, text: str) -> tuple[WorkerFixture, Run]:
    """A run of this runbook that two people have agreed to."""
    worker_fixture, run = planned(worker_fixture, text)
    assert run.state is RunState.WAITING, run.outcome
    for person in ("ben", "chika"):
        vote(worker_fixture, run.id, person)
    return worker_fixture, run


RIGHT = '{probe: volume.swapped, with: {volume: "${postgres.volume}", keeper: "${postgres.volume}_before_${run.id}"}}'
WRONG = '{probe: volume.swapped, with: {volume: "${postgres.volume}", keeper: nowhere}}'


@pytest.mark.parametrize("checks", [f"[{RIGHT}, {WRONG}]", f"[{WRONG}, {RIGHT}]"])
def test_a_swap_in_place_is_not_said_to_be_taken_back_because_a_second_check_looks_elsewhere(
    guarded: WorkerFixture, checks: str
) -> None:
    """ "before", says the second check, of a keeper that does not exist: there was nothing to swap back."""
    undone = ("    if_fails: ask\n    interrupt: never\n", "    if_fails: undo\n    interrupt: never\n")
    worker_fixture, run = agreed(guarded, own("level2-postgres", (f"check: [{RIGHT}]", f"check: {checks}"), undone))

    run = worker_fixture.go(run)

    assert "Production is as it was" in str(run.outcome)
    assert worker_fixture.target.volumes["postgres_data"] == "corrupt"  # as it was, not the restored data
    assert worker_fixture.target.moves == 2


def test_a_swap_that_is_found_done_at_a_stop_is_found_by_its_own_check(guarded: WorkerFixture) -> None:
    worker_fixture, run = agreed(guarded, own("level2-postgres", (f"check: [{RIGHT}]", f"check: [{RIGHT}, {WRONG}]")))
    assert worker_fixture.go(run).state is RunState.NEEDS_DECISION

    worker_fixture.settle(run, "swap", "stop")
    run = worker_fixture.go(run)

    assert "The data was replaced" in str(run.outcome)
    assert kept_volumes(worker_fixture) == [f"postgres_data_before_{run.id}"]


def test_a_host_that_was_cleared_has_no_undo(guarded: WorkerFixture) -> None:
    """An `undo` that only looks, and the end said that the host is as it was."""
    looks = "    undo: {do: evidence.collect, with: {services: auth}}\n    if_fails: ask\n    interrupt: never\n"
    text = SET_ASIDE.replace("    if_fails: ask\n    interrupt: never\n", looks)
    assert text != SET_ASIDE

    _, run = planned(guarded, text)

    assert run.state is RunState.FAILED
    assert "aside: host.set_aside destroys, and nothing takes it back; leave its undo out" in str(run.outcome)


def test_as_it_was_is_only_said_when_each_undo_brings_back_what_its_step_did(guarded: WorkerFixture) -> None:
    starts = '    undo: {do: compose.start, with: {services: ["${postgres.service}"], within: 20s}}\n'
    looks = "    undo: {do: evidence.collect, with: {services: auth}}\n"
    worker_fixture, run = agreed(guarded, own("level2-postgres", (starts, looks)))
    worker_fixture.target.errors["health.wait"] = [PermanentError("fails on purpose")]

    run = worker_fixture.go(run)

    assert "What can be taken back was taken back." in str(run.outcome)
    assert "as it was" not in str(run.outcome)


@pytest.mark.parametrize("how", ["if_fails: continue", "unless: [{probe: own_checks.http}]"])
def test_no_run_goes_on_without_what_people_agreed_to(guarded: WorkerFixture, how: str) -> None:
    asks = ("    if_fails: ask\n    interrupt: never\n", f"    {how}\n    interrupt: never\n")
    _, run = planned(guarded, own("level2-postgres", asks))

    assert run.state is RunState.FAILED
    assert "swap needs two people; leave out `unless` and `if_fails: continue`" in str(run.outcome)


def recorded(worker_fixture: WorkerFixture, run: Run) -> RunContext:
    """A run that a worker has claimed."""
    rows(worker_fixture, delete(locks), queued(run))
    with worker_fixture.database.write() as tx:
        claimed = runs.claim(tx, run.id, "worker_fixture", 5.0)
    assert claimed is not None and claimed.plan is not None
    return idle_run_context(worker_fixture.worker_context, claimed, claimed.plan)


def test_a_run_whose_swap_did_not_happen_is_not_simply_done(guarded: WorkerFixture) -> None:
    """Whatever let it get that far."""
    run_context = recorded(guarded, swapped_and_frozen(guarded))
    run_context.note("swap", OwnStep(state=StepState.SKIPPED))

    succeed(run_context)

    ended = guarded.run(run_context.run.id)
    assert (ended.outcome, ended.missed) == (f"Done, but not everything passed: {title(ended, 'swap')}.", ("swap",))


def with_facts(worker_fixture: WorkerFixture, run: Run, step: str, **more: Any) -> Any:
    with worker_fixture.database.read() as connection:
        query = select(step_rows.c.facts).where(step_rows.c.run == run.id, step_rows.c.id == step)
        known: Mapping[str, Any] = connection.execute(query).scalar_one()
    return of(run, step).values(facts={**known, **more})


@pytest.mark.parametrize("fact", [{"culprit": "postgres"}, {"missed": ["health"]}], ids=str)
def test_a_fact_that_was_added_in_the_database_is_noticed(guarded: WorkerFixture, fact: dict[str, Any]) -> None:
    run = swapped_and_frozen(guarded)
    rows(guarded, delete(locks), with_facts(guarded, run, "evidence", **fact), queued(run))

    ended = guarded.go(run)

    assert ended.state is RunState.FAILED
    assert "what evidence found out was changed in the database" in str(ended.outcome)
    assert "The data was replaced" in str(ended.outcome)
    assert "PostgreSQL does not work" not in str(ended.outcome)


def test_who_is_to_blame_is_said_by_what_this_host_has_noted(guarded: WorkerFixture) -> None:
    run_context = recorded(guarded, swapped_and_frozen(guarded))
    rows(guarded, with_facts(guarded, run_context.run, "evidence", culprit="postgres"))

    assert "culprit" not in run_context.facts()["evidence"]


def test_a_run_that_ends_because_of_a_culprit_says_what_it_leaves(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.running.discard("auth")

    ended = worker_fixture.go(worker_fixture.declare(1, "auth"))

    assert ended.state is RunState.FAILED
    assert "It needs level 2: /dr level 2. Nothing was replaced." in str(ended.outcome)


STOPS = """
runbook: own
title: {en: Stop}
level: 3
steps:
  - id: approval
    title: {en: Two people approve}
    gate: {people: 2, for: [stop], proof: []}
    after: []
  - id: stop
    title: {en: Stop}
    do: compose.stop
    with: {services: [auth, postgres]}
    after: [approval]
    effect: change
    again: safe
    limits: {time: 2m}
    drill: run
  - id: look
    title: {en: Look}
    do: health.wait
    with: {services: auth}
    after: [stop]
    limits: {time: 1m}
    drill: run
"""
CLONES = """  - id: clone
    title: {en: Clone}
    do: repository.clone
    with: {url: "https://x/y.git", commit: abc, folder: /nowhere}
    after: [look]
    effect: change
    limits: {time: 1h}
    drill: run
"""


def stopped_by_own(guarded: WorkerFixture, text: str) -> tuple[WorkerFixture, Run]:
    """A runbook of one's own, as two people let it go."""
    worker_fixture = with_runbook(guarded, "own.yml", text)
    run = worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "own"))
    for person in ("ben", "chika"):
        vote(worker_fixture, run.id, person)
    return worker_fixture, worker_fixture.go(run)


def test_what_was_touched_does_not_follow_from_the_level_that_a_file_says(guarded: WorkerFixture) -> None:
    worker_fixture, run = stopped_by_own(guarded, STOPS)

    assert "auth" not in worker_fixture.target.running
    assert "Nothing was replaced. The services are stopped; they can be started as they were." in str(run.outcome)


def test_nor_does_it_follow_from_a_step_that_a_file_has_too(guarded: WorkerFixture) -> None:
    _, run = stopped_by_own(guarded, STOPS + CLONES)

    assert "The new system is not complete." in str(run.outcome)
    assert "Nothing that was there before was touched" not in str(run.outcome)


def test_a_step_that_failed_and_keeps_nobody_waiting_is_not_called_passed(guarded: WorkerFixture) -> None:
    guarded.target.errors["notify.stakeholders"] = [PermanentError("Nobody was told")]
    run = approved(guarded)
    guarded.go(run)
    guarded.answer(run)

    ended = guarded.go(run)

    assert guarded.step(ended, "notify").state is StepState.FAILED
    assert (ended.state, ended.missed) == (RunState.SUCCEEDED, ())
    assert ended.outcome == f"Done. What did not pass on the way: {title(ended, 'notify')}."


def test_a_recovery_by_drbots_own_runbook_ends_as_before(guarded: WorkerFixture) -> None:
    run = approved(guarded)
    guarded.go(run)
    guarded.answer(run)

    ended = guarded.go(run)

    assert (ended.state, ended.outcome, ended.missed) == (RunState.SUCCEEDED, "Every check passed.", ())
