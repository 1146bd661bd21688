"""`schedule_of` is pure: every situation of a run has one answer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drbot.core.approvals.approval import ApprovalRequest, RequestState
from drbot.core.runs.plan import Plan, gates_before
from drbot.core.runs.run import StepRecord, StepState
from drbot.runners.execution.schedule import End, schedule_of
from tests.unit.bot.situations import step

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
REQUEST = ApprovalRequest(
    id="q1",
    incident=1,
    run="r1",
    gate="approval",
    guards=("swap",),
    seal="s",
    question="q",
    target="production",
    people=2,
    requesters=(),
    requester_counts=False,
    state=RequestState.OPEN,
    opened_at=NOW,
    expires_at=NOW + timedelta(minutes=30),
    start_seconds=900,
)


PLAN = Plan(
    runbook="r",
    runbook_sha256="",
    level=2,
    site="production",
    run="r1",
    steps=(
        step("look", do="evidence.collect", after=[], if_fails="continue"),
        step("copy", do="postgres.restore_beside", after=[], effect="change"),
        step("approval", gate={"for": ["swap"], "proof": ["copy"]}, after=[]),
        step("stop", do="compose.stop", after=["look", "copy", "approval"], effect="change", if_fails="undo"),
        step("swap", do="volume.swap", effect="destroy", if_fails="ask"),
        step("confirm", ask={"text": {"en": "Well?"}}),
    ),
    fingerprint={},
    surveyed_at=NOW,
)


def records(**states: Any) -> dict[str, StepRecord]:
    found = {}
    for position, planned in enumerate(PLAN.steps):
        state = StepState(states.get(planned.id, "pending"))
        found[planned.id] = StepRecord(run="r1", id=planned.id, position=position, state=state)
    return found


def request(state: str, *, proven: bool = False) -> dict[str, ApprovalRequest]:
    return {"approval": replace(REQUEST, state=RequestState(state), proven_at=NOW if proven else None)}


def test_at_the_start_everything_harmless_runs_side_by_side_and_the_gate_is_asked_for() -> None:
    schedule = schedule_of(PLAN, records(), {})

    assert schedule.start == ("look", "copy")
    assert schedule.open == ("approval",)
    assert schedule.end is None


def test_what_runs_is_not_started_again() -> None:
    running = records(look="running", copy="running", approval="waiting")

    schedule = schedule_of(PLAN, running, request("open"), {"look", "copy"})

    assert (schedule.start, schedule.open, schedule.waits_for) == ((), (), None)


def test_a_proof_is_told_to_the_request_once_all_of_it_is_there() -> None:
    assert schedule_of(PLAN, records(copy="running", approval="waiting"), request("open"), {"copy"}).prove == ()
    assert schedule_of(PLAN, records(copy="succeeded", approval="waiting"), request("open")).prove == ("q1",)


@pytest.mark.parametrize(
    ("state", "proven", "passed"),
    [("open", True, ()), ("granted", False, ()), ("granted", True, ("approval",))],
)
def test_the_gate_opens_only_with_the_grant_and_the_proof(state: str, proven: bool, passed: tuple[str, ...]) -> None:
    waiting = records(look="succeeded", copy="running", approval="waiting")

    assert schedule_of(PLAN, waiting, request(state, proven=proven), {"copy"}).passed == passed


def test_with_nothing_to_do_the_run_waits_for_its_gate() -> None:
    waiting = records(look="succeeded", copy="succeeded", approval="waiting")

    assert schedule_of(PLAN, waiting, request("open", proven=True)).waits_for == "approval"


@pytest.mark.parametrize("state", ["denied", "expired", "void", "withdrawn", "stopped"])
def test_a_request_that_ended_blocks_the_run_as_soon_as_nothing_runs(state: str) -> None:
    waiting = records(copy="running", approval="waiting")

    assert schedule_of(PLAN, waiting, request(state), {"copy"}).end is None
    end = schedule_of(PLAN, waiting, request(state)).end
    assert end is not None and end.kind is End.BLOCKED


@pytest.mark.parametrize("state", ["open", "used", "denied", "expired"])
def test_a_destroy_step_never_starts_without_a_permit(state: str) -> None:
    behind = records(look="succeeded", copy="succeeded", approval="succeeded", stop="succeeded")

    assert schedule_of(PLAN, behind, request(state, proven=True)).start == ()


def test_a_destroy_step_starts_with_its_permit() -> None:
    behind = records(look="succeeded", copy="succeeded", approval="succeeded", stop="succeeded")

    assert schedule_of(PLAN, behind, request("granted", proven=True)).start == ("swap",)


def test_a_used_permit_does_not_serve_twice_so_a_fresh_request_is_opened() -> None:
    retry = records(look="succeeded", copy="succeeded", approval="succeeded", stop="succeeded")

    schedule = schedule_of(PLAN, retry, request("used", proven=True))

    assert (schedule.start, schedule.open) == ((), ("approval",))


@pytest.mark.parametrize(
    ("name", "state", "kind"),
    [
        ("copy", "failed", End.FAILED),
        ("stop", "failed", End.UNDO),
        ("swap", "failed", End.ASK),
        ("swap", "unsure", End.ASK),
        ("copy", "stopped", End.FAILED),
        ("stop", "undone", End.UNDO),
    ],
)
def test_trouble_ends_the_run_as_the_runbook_says(name: str, state: str, kind: End) -> None:
    end = schedule_of(PLAN, records(approval="succeeded", **{name: state}), request("used")).end

    assert end is not None and end.kind is kind


def test_a_step_that_may_fail_does_not_hold_up_the_others() -> None:
    failed = records(look="failed", copy="succeeded", approval="succeeded")

    assert schedule_of(PLAN, failed, request("granted", proven=True)).start == ("stop",)


def test_a_question_is_put_and_then_its_answer_taken() -> None:
    before = dict.fromkeys(("look", "copy", "approval", "stop", "swap"), "succeeded")
    assert schedule_of(PLAN, records(**before), request("used")).ask == ("confirm",)

    answered = records(**before, confirm="waiting")
    assert schedule_of(PLAN, answered, request("used")).waits_for == "confirm"
    answered["confirm"] = replace(answered["confirm"], answer="yes")
    assert schedule_of(PLAN, answered, request("used")).answered == ("confirm",)


def test_everything_done_with_is_the_end() -> None:
    end = schedule_of(PLAN, records(**dict.fromkeys((s.id for s in PLAN.steps), "succeeded")), request("used")).end

    assert end is not None and end.kind is End.DONE


def test_what_stands_behind_the_gate_is_known() -> None:
    assert gates_before(PLAN, "copy") == frozenset()
    assert gates_before(PLAN, "swap") == {"approval"}
