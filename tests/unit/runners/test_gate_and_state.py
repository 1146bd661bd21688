"""The plain diff of a drift, and the one sentence about the state a run leaves behind."""

from datetime import UTC, datetime
from typing import Any

import pytest

from drbot.core.approvals.approval import ApprovalRequest, RequestState
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import StepRecord, StepState
from drbot.core.runs.safe_state import safe_state
from drbot.core.runs.stakes import Act, KeepKind, Keeps, Stakes
from drbot.runners.execution.gate import as_sealed, differences


def step(name: str, **fields: Any) -> Step:
    return Step.model_validate({"id": name, "title": {"en": name}, **fields})


PLAN = Plan(
    runbook="r",
    runbook_sha256="",
    level=2,
    site="production",
    run="r1",
    steps=(
        step("copy", do="postgres.restore_beside", effect="change", **{"with": {"volume": "new"}}),
        step("approval", gate={"for": ["swap"]}),
        step("stop", do="compose.stop", effect="change", **{"with": {"services": ["auth", "front"]}}),
        step("swap", do="volume.swap", effect="destroy"),
        step("start", do="compose.start", effect="change", **{"with": {"services": ["auth", "front"]}}),
    ),
    fingerprint={},
    stakes=Stakes(act=Act.RESTORE, keeps=Keeps(kind=KeepKind.VOLUME, names=("old",))),
    surveyed_at=datetime(2026, 11, 26, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("states", "sentence", "offers"),
    [
        ({}, "Nothing in production was changed.", ()),
        (
            {"copy": "succeeded"},
            "Nothing in production was changed. "
            "The restored copy is in new; it is removed when the incident is resolved.",
            (),
        ),
        ({"stop": "succeeded"}, "Nothing was replaced. The services are stopped", ("restart",)),
        ({"stop": "stopped"}, "Nothing was replaced. Some services may not be running", ("restart",)),
        ({"stop": "failed"}, "Nothing was replaced. Some services may not be running", ("restart",)),
        ({"stop": "succeeded", "swap": "unsure"}, "It is not known how far swap got", ()),
        ({"stop": "succeeded", "swap": "succeeded"}, "old. The services are stopped.", ("restart", "undo")),
        ({"stop": "succeeded", "swap": "succeeded", "start": "succeeded"}, "The services were started.", ("undo",)),
        (
            {"stop": "succeeded", "swap": "succeeded", "start": "failed"},
            "Some services may not be running",
            ("restart", "undo"),
        ),
        ({"stop": "undone"}, "Nothing in production was changed.", ()),
    ],
)
def test_every_way_of_stopping_has_one_true_sentence(
    states: dict[str, str], sentence: str, offers: tuple[str, ...]
) -> None:
    records = {
        planned.id: StepRecord(run="r1", id=planned.id, position=0, state=StepState(states.get(planned.id, "pending")))
        for planned in PLAN.steps
    }

    state = safe_state(PLAN, records)

    assert sentence in state.sentence
    assert state.offers == offers


def test_a_copy_that_makes_way_for_another_is_not_said_to_be_kept() -> None:
    copied = {"copy": StepState.SUCCEEDED}
    records = {
        planned.id: StepRecord(run="r1", id=planned.id, position=0, state=copied.get(planned.id, StepState.PENDING))
        for planned in PLAN.steps
    }

    state = safe_state(PLAN, records, given_up=True)

    assert "in new is not needed any more: its worker removes it" in state.sentence
    assert "is kept" not in state.sentence


@pytest.mark.parametrize(("start", "sentence"), [("pending", "is not complete"), ("succeeded", "run on the new host")])
def test_half_a_system_on_a_new_host_is_never_offered_to_be_started(start: str, sentence: str) -> None:
    plan = PLAN.model_copy(
        update={
            "level": 3,
            "stakes": Stakes(),
            "steps": (
                step("restore", do="postgres.restore", effect="change"),
                step("start", do="compose.start", effect="change", **{"with": {"services": ["auth"]}}),
            ),
        }
    )
    states = {"restore": StepState.STOPPED, "start": StepState(start)}
    records = {name: StepRecord(run="r1", id=name, position=0, state=state) for name, state in states.items()}

    state = safe_state(plan, records)

    assert sentence in state.sentence
    assert state.offers == ()


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        ({}, "The new system is not complete"),
        ({"raise": "succeeded"}, "The system runs at the new site, but users have not been moved there."),
        ({"raise": "succeeded", "dns": "undone"}, "The system runs at the new site, and users were moved back."),
        ({"raise": "succeeded", "dns": "succeeded"}, "Users were moved to the new site."),
    ],
)
def test_where_users_are_is_said_when_a_new_place_was_raised(states: dict[str, str], sentence: str) -> None:
    part = {"runbook": "level3-host", "site": "recovery"}
    steps = (
        step("raise", run=part),
        step("approval", gate={"for": ["dns"], "proof": ["raise"]}),
        step("dns", do="dns.change", effect="destroy", after=["raise", "approval"]),
    )
    plan = PLAN.model_copy(update={"level": 4, "stakes": Stakes(act=Act.CHANGE_DNS), "steps": steps})
    records = {
        planned.id: StepRecord(run="r1", id=planned.id, position=0, state=StepState(states.get(planned.id, "pending")))
        for planned in steps
    }

    assert safe_state(plan, records).sentence.startswith(sentence)


def test_a_drift_names_what_was_and_what_is() -> None:
    sealed = {"engine": "a", "volumes": {"data": "day 1"}, "postgres": "unreadable"}

    assert differences(sealed, {"engine": "a", "volumes": {"data": "day 1"}, "postgres": "unreadable"}) == []
    assert differences(sealed, {"engine": "b", "volumes": {}, "postgres": "unreadable"}) == [
        "engine: a → b",
        "volumes data: day 1 → missing",
    ]


def test_the_worker_believes_the_sealed_plan_and_not_a_row_that_asks_for_less_or_covers_more() -> None:
    moment = datetime(2026, 11, 26, tzinfo=UTC)
    sealed = PLAN.model_copy(update={"requesters": ("aiko",), "people": 3})
    row = ApprovalRequest(
        id="r1-q1",
        incident=1,
        run="r1",
        gate="approval",
        guards=("swap", "stop", "start"),
        seal="a" * 64,
        question="",
        target="production",
        people=1,
        requesters=(),
        requester_counts=True,
        state=RequestState.GRANTED,
        opened_at=moment,
        expires_at=moment,
        start_seconds=900,
    )

    believed = as_sealed(row, sealed, sealed.step("swap"))

    assert (believed.people, believed.requesters, believed.requester_counts) == (3, ("aiko",), False)
    assert believed.guards == ("swap",)
    assert as_sealed(row, sealed, sealed.step("stop")).guards == ()
