"""A swap that a person lets try again is not forgotten: whoever takes things back, stops or asks finds it."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from drbot.core.base.errors import PermanentError, TemporaryError, UserError
from drbot.core.ledger.events import EventKind
from drbot.core.runbooks.runbook import Limits
from drbot.core.runs.run import Offer, Run, RunState, StepState
from drbot.core.runs.safe_state import SafeState, safe_state
from drbot.core.text.redaction import Redactor
from drbot.runners.contract.action import Finding, ProbeFunction, StepContext
from drbot.runners.execution.run_context import idle_run_context
from drbot.runners.execution.undoing import take_back
from drbot.runners.execution.unsure import look_after_unsure
from drbot.store.base import schema
from drbot.store.records import leases, steps
from drbot.store.runs import runs
from tests.integration.runners.test_kept import kept_volumes
from tests.integration.runners.test_workers import DYING, dead_in_the_restore, die_in
from tests.integration.runners.worker_fixture import SECONDS, WorkerFixture, title, with_registry
from tests.waiting import wait_for


def retried_swap(worker_fixture: WorkerFixture, *, between: bool = False) -> Run:
    """The swap was done, or half done, when its worker died; a person lets it be tried again, people are asked anew."""
    run_id, go_on = die_in(worker_fixture, "volume.swap")
    run = worker_fixture.run(run_id)
    go_on.set()
    worker_fixture.ended()
    if between:
        volumes = worker_fixture.target.volumes
        volumes[f"postgres_data_{run.id}"], volumes["postgres_data"] = volumes["postgres_data"], "gone"
    worker_fixture.settle(run, "swap", "retry")
    run = worker_fixture.go(run)
    assert run.state is RunState.WAITING
    return run


def dead_in_the_swap(worker_fixture: WorkerFixture) -> tuple[Run, threading.Event]:
    """The worker died during the swap; that is noticed, and nobody has looked at it yet."""
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    hold = worker_fixture.target.hold("volume.swap")
    worker_fixture.begin(run, worker_fixture.worker(DYING))
    assert hold.reached.wait(SECONDS)

    def expired() -> list[str]:
        with worker_fixture.database.write() as tx:
            return leases.expire_leases(tx)

    wait_for(expired, SECONDS, "the dead worker to be noticed")
    return run, hold.go_on


def sick_services(worker_fixture: WorkerFixture) -> Run:
    """The data is in place; the services do not answer, and the runbook says that people are asked."""
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    sick = {"health.services": lambda context, given: Finding(passed=False, sentence="They do not answer.")}
    worker_fixture.worker_context = with_registry(worker_fixture, probes=sick).worker_context
    run = worker_fixture.go(run)
    assert run.state is RunState.NEEDS_DECISION
    return run


def left(worker_fixture: WorkerFixture, run: Run) -> SafeState:
    assert run.plan is not None
    with worker_fixture.database.read() as connection:
        return safe_state(run.plan, {record.id: record for record in steps.of_run(connection, run.id)})


def slow(looking: threading.Event, seen: threading.Event) -> ProbeFunction:
    """A probe that has begun and waits for the test; the swap is not in place."""

    def probe(context: StepContext, given: Mapping[str, Any]) -> Finding:
        looking.set()
        assert seen.wait(SECONDS)
        return Finding(passed=False, sentence="Not swapped.")

    return probe


def test_nothing_is_tried_again_while_a_worker_still_looks_at_the_first_try(worker_fixture: WorkerFixture) -> None:
    run, go_on = dead_in_the_swap(worker_fixture)
    looking, seen = threading.Event(), threading.Event()
    probes = {**worker_fixture.target.registry.probes, "volume.swapped": slow(looking, seen)}
    slowly = replace(
        worker_fixture.worker_context, registry=replace(worker_fixture.target.registry, actions={}, probes=probes)
    )
    look = threading.Thread(target=look_after_unsure, args=(slowly,))
    look.start()
    assert looking.wait(SECONDS)

    worker_fixture.settle(run, "swap", "retry")
    worker_fixture.worker().handle(run.id)
    assert worker_fixture.run(run).state is RunState.QUEUED
    assert look_after_unsure(worker_fixture.worker_context) == []  # nor does a second worker look
    seen.set()
    look.join(SECONDS)
    assert worker_fixture.rung[-1] == run.id
    assert worker_fixture.go(run).state is RunState.WAITING
    go_on.set()
    worker_fixture.ended()


@pytest.mark.parametrize("between", [False, True], ids=["after", "between"])
def test_two_fresh_votes_finish_a_swap_that_had_begun(worker_fixture: WorkerFixture, between: bool) -> None:
    run = retried_swap(worker_fixture, between=between)

    worker_fixture.approve(run)
    run = worker_fixture.go(run)

    assert worker_fixture.states(run)["confirm"] == "waiting"
    assert worker_fixture.target.volumes["postgres_data"] == "good"
    assert worker_fixture.target.volumes[f"postgres_data_before_{run.id}"] == "corrupt"
    assert kept_volumes(worker_fixture) == [f"postgres_data_before_{run.id}"]


@pytest.mark.parametrize("between", [False, True], ids=["after", "between"])
def test_a_no_to_the_second_try_takes_the_first_one_back(worker_fixture: WorkerFixture, between: bool) -> None:
    run = retried_swap(worker_fixture, between=between)

    worker_fixture.vote(run, "ben", "deny")
    run = worker_fixture.go(run)

    assert run.state is RunState.BLOCKED
    assert worker_fixture.target.volumes["postgres_data"] == "corrupt"  # as it was, not half of something else
    assert worker_fixture.step(run, "swap").state is StepState.UNDONE
    assert worker_fixture.target.calls.index("swap", -4) < worker_fixture.target.calls.index("stop-postgres", -4)


def test_somebody_elses_change_still_voids_the_second_try(worker_fixture: WorkerFixture) -> None:
    run = retried_swap(worker_fixture, between=True)
    worker_fixture.target.engine = "engine-2"

    worker_fixture.approve(run)
    run = worker_fixture.go(run)

    assert run.state is RunState.BLOCKED
    assert worker_fixture.request(run).state.value == "void"
    assert worker_fixture.target.volumes["postgres_data"] == "corrupt"


def test_a_stop_before_the_second_try_says_that_nobody_knows(worker_fixture: WorkerFixture) -> None:
    run = retried_swap(worker_fixture)

    state = left(worker_fixture, run)

    assert "not known how far swap got" in state.sentence
    assert (state.offers, state.is_known) == ((), False)


def test_services_that_a_dead_worker_may_have_stopped_are_offered_to_be_started(worker_fixture: WorkerFixture) -> None:
    run_id, go_on = die_in(worker_fixture, "compose.stop")
    go_on.set()
    worker_fixture.ended()
    run = worker_fixture.run(run_id)
    assert worker_fixture.step(run, "stop-apps").state is StepState.PENDING

    assert left(worker_fixture, run).offers == ("restart",)


def test_nobody_undoes_a_recovery_by_settling_a_step_whose_failure_was_borne(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.errors["evidence.collect"] = [PermanentError("no room for a log")]
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    run = worker_fixture.go(run)
    assert (worker_fixture.states(run)["evidence"], worker_fixture.target.volumes["postgres_data"]) == (
        "failed",
        "good",
    )

    with pytest.raises(UserError, match="nothing to settle"):
        worker_fixture.settle(run, "evidence", "undo")


def test_a_step_without_an_undo_cannot_be_settled_with_one(worker_fixture: WorkerFixture) -> None:
    run = sick_services(worker_fixture)
    assert worker_fixture.step(run, "health").state is StepState.FAILED

    with pytest.raises(UserError, match=r"is not possible here\."):
        worker_fixture.settle(run, "health", "undo")
    assert worker_fixture.target.volumes["postgres_data"] == "good"


def test_what_an_undo_says_is_masked_like_everything_else(worker_fixture: WorkerFixture) -> None:
    worker_fixture.worker_context = replace(worker_fixture.worker_context, redact=Redactor(["hunter2-secret"]))
    worker_fixture.target.errors["volume.swap"] = [PermanentError("no")]
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    run = worker_fixture.go(run)
    worker_fixture.target.errors["compose.start"] = [PermanentError("docker compose up failed: hunter2-secret")]

    worker_fixture.settle(run, "swap", "undo")
    run = worker_fixture.go(run)

    assert run.state is RunState.FAILED
    assert "docker compose up failed" in (run.outcome or "")
    assert "hunter2" not in str([event.payload for event in worker_fixture.events(run)])


def test_why_a_step_is_tried_again_is_masked_like_everything_else(worker_fixture: WorkerFixture) -> None:
    worker_fixture.worker_context = replace(worker_fixture.worker_context, redact=Redactor(["hunter2-secret"]))
    worker_fixture.target.errors["backup.check"] = [
        TemporaryError("cannot reach redis://:geheim77@x hunter2-secret", kind="network")
    ]

    run = worker_fixture.go(worker_fixture.declare())

    (retried,) = worker_fixture.events(run, "step.retried")
    assert "cannot reach" in retried.payload["why"]
    assert "hunter2" not in str(retried.payload) and "geheim" not in str(retried.payload)


def test_an_undo_that_hangs_ends_at_the_steps_time_limit(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    worker_fixture.target.errors["volume.swap"] = [PermanentError("no")]
    run = worker_fixture.go(run)
    assert run.plan is not None
    step = run.plan.step("stop-postgres").model_copy(update={"limits": Limits(time=0.3)})
    run_context = idle_run_context(worker_fixture.worker_context, run, run.plan)
    worker_fixture.target.hold("compose.start")  # it never goes on by itself

    assert take_back(run_context, step, run_context.records()) == "cancelled"


def test_an_undo_is_tried_until_its_limit_while_the_engine_is_away(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    away = TemporaryError("the Docker engine does not answer")
    worker_fixture.target.errors["health.wait"] = [PermanentError("no rows")]
    worker_fixture.target.errors["volume.swap_back"] = [away, away, away]

    run = worker_fixture.go(run)

    assert worker_fixture.step(run, "swap").state is StepState.UNDONE
    assert worker_fixture.target.volumes["postgres_data"] == "corrupt"
    assert {"auth", "front-user", "postgres"} <= worker_fixture.target.running


def test_an_undo_that_never_succeeds_ends_at_its_limit_with_the_reason(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    worker_fixture.target.errors["volume.swap"] = [PermanentError("no")]
    run = worker_fixture.go(run)
    assert run.plan is not None
    step = run.plan.step("stop-postgres").model_copy(update={"limits": Limits(time=0.3)})
    run_context = idle_run_context(worker_fixture.worker_context, run, run.plan)
    worker_fixture.target.errors["compose.start"] = [TemporaryError("the Docker engine does not answer")] * 10_000

    assert take_back(run_context, step, run_context.records()) == "the Docker engine does not answer"


def test_a_text_that_looks_like_drbots_own_does_not_replace_the_look_at_a_proof(worker_fixture: WorkerFixture) -> None:
    run, go_on = dead_in_the_restore(worker_fixture)
    said = '"Restore beside production" was settled as done. Its check passes.'
    with worker_fixture.database.write() as tx:
        tx.record(EventKind.STATUS_UPDATE, incident=run.incident, person="daiki", text=said)
        tx.record(EventKind.INCIDENT_NOTE, incident=run.incident, text=said)  # of an earlier run

    worker_fixture.settle(run, "restore-beside", "done")
    run = worker_fixture.go(run)

    assert worker_fixture.step(run, "restore-beside").state is StepState.UNSURE
    assert worker_fixture.request(run).proven_at is None
    assert run.state is RunState.NEEDS_DECISION
    go_on.set()


def test_a_word_that_comes_before_the_question_is_looked_at_too(worker_fixture: WorkerFixture) -> None:
    """The worker still has the run and looks at the failed swap; a person is faster than its question."""
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run)
    worker_fixture.target.errors["volume.swap"] = [PermanentError("no")]
    looking, seen = threading.Event(), threading.Event()
    worker_fixture = with_registry(worker_fixture, probes={"volume.swapped": slow(looking, seen)})
    worker_fixture.begin(run)
    assert looking.wait(SECONDS)
    assert worker_fixture.run(run).state is RunState.RUNNING

    worker_fixture.settle(run, "swap", "done")
    seen.set()
    worker_fixture.ended()

    notes = [str(event.payload.get("text")) for event in worker_fixture.events(run)]
    assert any(
        note.startswith(f'"{title(run, "swap")}" was settled as done by Aiko. Its check does not pass')
        for note in notes
    )
    assert worker_fixture.run(run).state is RunState.NEEDS_DECISION
    assert kept_volumes(worker_fixture) == []


def died_in_the_swap(worker_fixture: WorkerFixture) -> Run:
    """The worker is dead; what it had begun has come to its end all the same."""
    run_id, go_on = die_in(worker_fixture, "volume.swap")
    go_on.set()
    worker_fixture.ended()
    return worker_fixture.run(run_id)


def test_a_swap_that_is_found_done_when_its_run_is_stopped_is_said_and_its_old_data_listed(
    worker_fixture: WorkerFixture,
) -> None:
    run = died_in_the_swap(worker_fixture)
    worker_fixture.settle(run, "swap", "stop")

    ended = worker_fixture.go(run)

    assert ended.state is RunState.STOPPED
    assert "The data was replaced" in (ended.outcome or "") and Offer.UNDO in ended.offers
    assert kept_volumes(worker_fixture) == [f"postgres_data_before_{run.id}"]


def test_a_swap_that_is_found_not_begun_when_its_run_is_stopped_is_said_so(worker_fixture: WorkerFixture) -> None:
    run_id, go_on = die_in(worker_fixture, "volume.swap")
    run = worker_fixture.run(run_id)
    worker_fixture.settle(run, "swap", "stop")

    ended = worker_fixture.go(run)

    assert "Nothing was replaced" in (ended.outcome or "") and Offer.RESTART in ended.offers
    assert kept_volumes(worker_fixture) == []
    go_on.set()
    worker_fixture.ended()


def test_stop_of_a_swap_nobody_saw_the_end_of_is_looked_at_first_and_offers_a_restart(
    worker_fixture: WorkerFixture,
) -> None:
    run_id, go_on = die_in(worker_fixture, "volume.swap")
    run = worker_fixture.run(run_id)

    worker_fixture.stop(run)
    ended = worker_fixture.go(run)

    assert ended.state is RunState.STOPPED
    assert "Nothing was replaced. The services are stopped" in (ended.outcome or "")
    assert Offer.RESTART in ended.offers
    restarted = worker_fixture.go(worker_fixture.queue(run.incident, "restart-services"))
    assert restarted.state is RunState.SUCCEEDED
    go_on.set()
    worker_fixture.ended()


def test_old_data_is_listed_although_no_worker_came_when_its_run_was_stopped(worker_fixture: WorkerFixture) -> None:
    run = died_in_the_swap(worker_fixture)
    worker_fixture.stop(run)
    with worker_fixture.database.write() as tx:
        long_ago = tx.now - timedelta(seconds=runs.UNHEARD_SECONDS + 1)
        tx.connection.execute(update(schema.runs).where(schema.runs.c.id == run.id).values(queued_at=long_ago))
        assert runs.end_unheard(tx) == [run.id]
    assert "It is not known how far swap got" in (worker_fixture.run(run).outcome or "")
    assert kept_volumes(worker_fixture) == []

    worker_fixture.worker().handle(run.id)

    assert kept_volumes(worker_fixture) == [f"postgres_data_before_{run.id}"]
