"""A swap that a person lets try again is not forgotten: whoever takes things back, stops or asks finds it."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from drbot.core.errors import PermanentError, TemporaryError, UserError
from drbot.core.events import EventKind
from drbot.core.redaction import Redactor
from drbot.core.run import Offer, Run, RunState, StepState
from drbot.core.runbook import Limits
from drbot.core.safe_state import SafeState, safe_state
from drbot.runners.action import Finding, ProbeFunction, StepContext
from drbot.runners.undoing import take_back
from drbot.runners.unsure import look_after_unsure
from drbot.runners.walk import idle_walk
from drbot.store import leases, steps
from tests.integration.runners.bench import SECONDS, Bench, with_registry
from tests.integration.runners.test_kept import kept_volumes
from tests.integration.runners.test_workers import DYING, dead_in_the_restore, die_in
from tests.waiting import wait_for


def retried_swap(bench: Bench, *, between: bool = False) -> Run:
    """The swap was done, or half done, when its worker died; a person lets it be tried again, people are asked anew."""
    run_id, go_on = die_in(bench, "volume.swap")
    run = bench.run(run_id)
    go_on.set()
    bench.ended()
    if between:
        volumes = bench.target.volumes
        volumes[f"postgres_data_{run.id}"], volumes["postgres_data"] = volumes["postgres_data"], "gone"
    bench.settle(run, "swap", "retry")
    run = bench.go(run)
    assert run.state is RunState.WAITING
    return run


def dead_in_the_swap(bench: Bench) -> tuple[Run, threading.Event]:
    """The worker died during the swap; that is noticed, and nobody has looked at it yet."""
    run = bench.go(bench.declare())
    bench.approve(run)
    hold = bench.target.hold("volume.swap")
    bench.begin(run, bench.worker(DYING))
    assert hold.reached.wait(SECONDS)

    def expired() -> list[str]:
        with bench.database.write() as tx:
            return leases.expire_leases(tx)

    wait_for(expired, SECONDS, "the dead worker to be noticed")
    return run, hold.go_on


def sick_services(bench: Bench) -> Run:
    """The data is in place; the services do not answer, and the runbook says that people are asked."""
    run = bench.go(bench.declare())
    bench.approve(run)
    sick = {"health.services": lambda context, given: Finding(passed=False, sentence="They do not answer.")}
    bench.equipment = with_registry(bench, probes=sick).equipment
    run = bench.go(run)
    assert run.state is RunState.NEEDS_DECISION
    return run


def left(bench: Bench, run: Run) -> SafeState:
    assert run.plan is not None
    with bench.database.read() as connection:
        return safe_state(run.plan, {record.id: record for record in steps.of_run(connection, run.id)})


def slow(looking: threading.Event, seen: threading.Event) -> ProbeFunction:
    """A probe that has begun and waits for the test; the swap is not in place."""

    def probe(context: StepContext, given: Mapping[str, Any]) -> Finding:
        looking.set()
        assert seen.wait(SECONDS)
        return Finding(passed=False, sentence="Not swapped.")

    return probe


def test_nothing_is_tried_again_while_a_worker_still_looks_at_the_first_try(bench: Bench) -> None:
    run, go_on = dead_in_the_swap(bench)
    looking, seen = threading.Event(), threading.Event()
    probes = {**bench.target.registry.probes, "volume.swapped": slow(looking, seen)}
    slowly = replace(bench.equipment, registry=replace(bench.target.registry, actions={}, probes=probes))
    look = threading.Thread(target=look_after_unsure, args=(slowly,))
    look.start()
    assert looking.wait(SECONDS)

    bench.settle(run, "swap", "retry")
    bench.worker().handle(run.id)
    assert bench.run(run).state is RunState.QUEUED
    assert look_after_unsure(bench.equipment) == []  # nor does a second worker look
    seen.set()
    look.join(SECONDS)
    assert bench.rung[-1] == run.id
    assert bench.go(run).state is RunState.WAITING
    go_on.set()
    bench.ended()


@pytest.mark.parametrize("between", [False, True], ids=["after", "between"])
def test_two_fresh_votes_finish_a_swap_that_had_begun(bench: Bench, between: bool) -> None:
    run = retried_swap(bench, between=between)

    bench.approve(run)
    run = bench.go(run)

    assert bench.states(run)["confirm"] == "waiting"
    assert bench.target.volumes["postgres_data"] == "good"
    assert bench.target.volumes[f"postgres_data_before_{run.id}"] == "corrupt"
    assert kept_volumes(bench) == [f"postgres_data_before_{run.id}"]


@pytest.mark.parametrize("between", [False, True], ids=["after", "between"])
def test_a_no_to_the_second_try_takes_the_first_one_back(bench: Bench, between: bool) -> None:
    run = retried_swap(bench, between=between)

    bench.vote(run, "ben", "deny")
    run = bench.go(run)

    assert run.state is RunState.BLOCKED
    assert bench.target.volumes["postgres_data"] == "corrupt"  # as it was, not half of something else
    assert bench.step(run, "swap").state is StepState.UNDONE
    assert bench.target.calls.index("swap", -4) < bench.target.calls.index("stop-postgres", -4)


def test_somebody_elses_change_still_voids_the_second_try(bench: Bench) -> None:
    run = retried_swap(bench, between=True)
    bench.target.engine = "engine-2"

    bench.approve(run)
    run = bench.go(run)

    assert run.state is RunState.BLOCKED
    assert bench.request(run).state.value == "void"
    assert bench.target.volumes["postgres_data"] == "corrupt"


def test_a_stop_before_the_second_try_says_that_nobody_knows(bench: Bench) -> None:
    run = retried_swap(bench)

    state = left(bench, run)

    assert "not known how far swap came" in state.sentence
    assert (state.offers, state.is_known) == ((), False)


def test_services_that_a_dead_worker_may_have_stopped_are_offered_to_be_started(bench: Bench) -> None:
    run_id, go_on = die_in(bench, "compose.stop")
    go_on.set()
    bench.ended()
    run = bench.run(run_id)
    assert bench.step(run, "stop-apps").state is StepState.PENDING

    assert left(bench, run).offers == ("restart",)


def test_nobody_undoes_a_recovery_by_settling_a_step_whose_failure_was_borne(bench: Bench) -> None:
    bench.target.errors["evidence.collect"] = [PermanentError("no room for a log")]
    run = bench.go(bench.declare())
    bench.approve(run)
    run = bench.go(run)
    assert (bench.states(run)["evidence"], bench.target.volumes["postgres_data"]) == ("failed", "good")

    with pytest.raises(UserError, match="nothing to settle"):
        bench.settle(run, "evidence", "undo")


def test_a_step_without_an_undo_cannot_be_settled_with_one(bench: Bench) -> None:
    run = sick_services(bench)
    assert bench.step(run, "health").state is StepState.FAILED

    with pytest.raises(UserError, match="is no decision about it"):
        bench.settle(run, "health", "undo")
    assert bench.target.volumes["postgres_data"] == "good"


def test_what_an_undo_says_is_masked_like_everything_else(bench: Bench) -> None:
    bench.equipment = replace(bench.equipment, redact=Redactor(["hunter2-secret"]))
    bench.target.errors["volume.swap"] = [PermanentError("no")]
    run = bench.go(bench.declare())
    bench.approve(run)
    run = bench.go(run)
    bench.target.errors["compose.start"] = [PermanentError("docker compose up failed: hunter2-secret")]

    bench.settle(run, "swap", "undo")
    run = bench.go(run)

    assert run.state is RunState.FAILED
    assert "docker compose up failed" in (run.outcome or "")
    assert "hunter2" not in str([event.payload for event in bench.events(run)])


def test_why_a_step_is_tried_again_is_masked_like_everything_else(bench: Bench) -> None:
    bench.equipment = replace(bench.equipment, redact=Redactor(["hunter2-secret"]))
    bench.target.errors["backup.check"] = [
        TemporaryError("cannot reach redis://:geheim77@x hunter2-secret", kind="network")
    ]

    run = bench.go(bench.declare())

    (retried,) = bench.events(run, "step.retried")
    assert "cannot reach" in retried.payload["why"]
    assert "hunter2" not in str(retried.payload) and "geheim" not in str(retried.payload)


def test_an_undo_that_hangs_ends_at_the_steps_time_limit(bench: Bench) -> None:
    run = bench.go(bench.declare())
    bench.approve(run)
    bench.target.errors["volume.swap"] = [PermanentError("no")]
    run = bench.go(run)
    assert run.plan is not None
    step = run.plan.step("stop-postgres").model_copy(update={"limits": Limits(time=0.3)})
    walk = idle_walk(bench.equipment, run, run.plan)
    bench.target.hold("compose.start")  # it never goes on by itself

    assert take_back(walk, step, walk.records()) == "cancelled"


def test_an_undo_is_tried_until_its_limit_while_the_engine_is_away(bench: Bench) -> None:
    run = bench.go(bench.declare())
    bench.approve(run)
    away = TemporaryError("the Docker engine does not answer")
    bench.target.errors["health.wait"] = [PermanentError("no rows")]
    bench.target.errors["volume.swap_back"] = [away, away, away]

    run = bench.go(run)

    assert bench.step(run, "swap").state is StepState.UNDONE
    assert bench.target.volumes["postgres_data"] == "corrupt"
    assert {"auth", "front-user", "postgres"} <= bench.target.running


def test_an_undo_that_never_succeeds_ends_at_its_limit_with_the_reason(bench: Bench) -> None:
    run = bench.go(bench.declare())
    bench.approve(run)
    bench.target.errors["volume.swap"] = [PermanentError("no")]
    run = bench.go(run)
    assert run.plan is not None
    step = run.plan.step("stop-postgres").model_copy(update={"limits": Limits(time=0.3)})
    walk = idle_walk(bench.equipment, run, run.plan)
    bench.target.errors["compose.start"] = [TemporaryError("the Docker engine does not answer")] * 10_000

    assert take_back(walk, step, walk.records()) == "the Docker engine does not answer"


def test_a_text_that_looks_like_drbots_own_does_not_replace_the_look_at_a_proof(bench: Bench) -> None:
    run, go_on = dead_in_the_restore(bench)
    said = "restore-beside was settled as done. Its check passes."
    with bench.database.write() as tx:
        tx.record(EventKind.STATUS_UPDATE, incident=run.incident, person="daiki", text=said)
        tx.record(EventKind.INCIDENT_NOTE, incident=run.incident, text=said)  # of an earlier run

    bench.settle(run, "restore-beside", "done")
    run = bench.go(run)

    assert bench.step(run, "restore-beside").state is StepState.UNSURE
    assert bench.request(run).proven_at is None
    assert run.state is RunState.NEEDS_DECISION
    go_on.set()


def test_a_word_that_comes_before_the_question_is_looked_at_too(bench: Bench) -> None:
    """The worker still has the run and looks at the failed swap; a person is faster than its question."""
    run = bench.go(bench.declare())
    bench.approve(run)
    bench.target.errors["volume.swap"] = [PermanentError("no")]
    looking, seen = threading.Event(), threading.Event()
    bench = with_registry(bench, probes={"volume.swapped": slow(looking, seen)})
    bench.begin(run)
    assert looking.wait(SECONDS)
    assert bench.run(run).state is RunState.RUNNING

    bench.settle(run, "swap", "done")
    seen.set()
    bench.ended()

    notes = [str(event.payload.get("text")) for event in bench.events(run)]
    assert any(note.startswith("swap was settled as done by Aiko. Its check does not pass") for note in notes)
    assert bench.run(run).state is RunState.NEEDS_DECISION
    assert kept_volumes(bench) == []


def died_in_the_swap(bench: Bench) -> Run:
    """The worker is dead; what it had begun has come to its end all the same."""
    run_id, go_on = die_in(bench, "volume.swap")
    go_on.set()
    bench.ended()
    return bench.run(run_id)


def test_a_swap_that_is_found_done_when_its_run_is_stopped_is_said_and_its_old_data_listed(bench: Bench) -> None:
    run = died_in_the_swap(bench)
    bench.settle(run, "swap", "stop")

    ended = bench.go(run)

    assert ended.state is RunState.STOPPED
    assert "The data was replaced" in (ended.outcome or "") and Offer.UNDO in ended.offers
    assert kept_volumes(bench) == [f"postgres_data_before_{run.id}"]


def test_a_swap_that_is_found_not_begun_when_its_run_is_stopped_is_said_so(bench: Bench) -> None:
    run_id, go_on = die_in(bench, "volume.swap")
    run = bench.run(run_id)
    bench.settle(run, "swap", "stop")

    ended = bench.go(run)

    assert "Nothing was replaced" in (ended.outcome or "") and Offer.RESTART in ended.offers
    assert kept_volumes(bench) == []
    go_on.set()
    bench.ended()


def test_old_data_is_listed_although_nobody_held_the_run_when_it_was_stopped(bench: Bench) -> None:
    run = died_in_the_swap(bench)
    bench.stop(run)
    assert kept_volumes(bench) == []

    bench.worker().handle(run.id)

    assert kept_volumes(bench) == [f"postgres_data_before_{run.id}"]
