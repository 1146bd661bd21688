"""What people read before names are led back or a machine is given back, and how such a run leaves things."""

from datetime import UTC, datetime
from typing import Any

import pytest

from drbot.core.runbooks.runbook import Step
from drbot.core.runs.centre_words import machine_text, move_text
from drbot.core.runs.plan import Plan, question_of
from drbot.core.runs.run import StepRecord, StepState
from drbot.core.runs.safe_state import safe_state
from drbot.core.runs.stakes import Act, NameMove, RentedMachine, Stakes, Users
from drbot.core.text.messages import say

AT = datetime(2026, 11, 26, 3, tzinfo=UTC)
OLD, NEW, OTHER = ("198.51.100.1",), ("203.0.113.7",), ("192.0.2.9",)
SITES = {OLD[0]: "production", NEW[0]: "recovery"}


def move(**changes: Any) -> NameMove:
    given = {"name": "app.example.com", "now": NEW, "told": NEW, "led": NEW, "to": OLD, "ttl": 60}
    return NameMove.model_validate(given | changes)


def plan(act: Act, does: str, **stakes: Any) -> Plan:
    step = Step(id="act", title={"en": "act"}, do=does, effect="destroy")
    return Plan(
        runbook="x", runbook_sha256="", level=4, site="control", run="r1", steps=(step,), fingerprint={},
        stakes=Stakes(act=act, **stakes), surveyed_at=AT,
    )  # fmt: skip


LEADING = plan(Act.LEAD_BACK, "dns.lead_back", moves=(move(),))
GIVING = plan(Act.GIVE_BACK, "machine.give_back")


@pytest.mark.parametrize(
    ("changes", "english", "japanese"),
    [
        ({}, "from 203.0.113.7 (recovery) to 198.51.100.1 (production)", "から 198.51.100.1 (production) へ"),
        (
            {"now": OTHER, "told": OTHER},
            "SOMEBODY ELSE CHANGED IT: drbot had pointed it at 203.0.113.7",
            "drbot 以外による変更",
        ),
        ({"told": OLD}, "A name server still tells users 198.51.100.1", "ネームサーバーの応答はまだ 198.51.100.1"),
        ({"told": None}, "No name server could be asked", "ネームサーバーは応答なし"),
        ({"now": (), "told": ()}, "from nowhere to", "なし から"),
    ],
)
def test_a_name_is_told_from_where_to_where_and_what_else_is_so(
    changes: dict[str, Any], english: str, japanese: str
) -> None:
    said = move_text(move(**changes), SITES)

    assert english in said and japanese in say(said, "ja")


def test_nobody_is_told_of_a_change_by_others_that_was_none() -> None:
    said = move_text(move(), SITES)

    assert "SOMEBODY" not in said and "以外" not in say(said, "ja") and "server" not in said


@pytest.mark.parametrize("users", list(Users))
def test_a_machine_is_told_with_all_that_goes_with_it(users: Users) -> None:
    one = RentedMachine(
        machine="vm-1", by="terraform", site="recovery", users=users, kept=("aside",), resources=("vm.a", "ip.b")
    )

    said = machine_text(one)

    assert "rented since an unknown time" in said
    assert "Kept data on it goes too: aside" in said and "aside" in say(said, "ja")
    assert "Terraform destroys: vm.a, ip.b" in said
    assert ("NOWHERE ELSE" in said) == (users is not Users.NEVER)


@pytest.mark.parametrize(
    ("state", "attempt", "sentence"),
    [
        (StepState.PENDING, 0, "No DNS name was changed."),
        (StepState.SUCCEEDED, 1, "Users were moved back."),
        (StepState.UNDONE, 1, "DNS points where it pointed before this run."),
        (StepState.UNSURE, 1, "It is not known whether DNS was pointed back:"),
    ],
)
def test_a_run_that_leads_back_says_how_it_left_the_names(state: StepState, attempt: int, sentence: str) -> None:
    record = StepRecord(run="r1", id="act", position=1, state=state, attempt=attempt)
    left = safe_state(LEADING, {"act": record})

    assert left.sentence.startswith(sentence)
    assert left.is_known == (state is not StepState.UNSURE)
    assert not left.offers


@pytest.mark.parametrize(
    ("state", "attempt", "sentence"),
    [
        (StepState.PENDING, 0, "The machine is still there and still costs money."),
        (StepState.SUCCEEDED, 1, "The machine was given back."),
        (StepState.UNSURE, 1, "It is not known whether the machine is still there"),
    ],
)
def test_a_run_that_gives_back_says_whether_the_machine_is_there(state: StepState, attempt: int, sentence: str) -> None:
    record = StepRecord(run="r1", id="act", position=1, state=state, attempt=attempt)

    assert safe_state(GIVING, {"act": record}).sentence.startswith(sentence)


def test_a_no_to_one_address_is_none_to_another() -> None:
    elsewhere = plan(Act.LEAD_BACK, "dns.lead_back", moves=(move(to=OTHER),))

    assert question_of(LEADING) != question_of(elsewhere)


def undoing(aside: StepState | None, back: StepState) -> tuple[Plan, dict[str, StepRecord]]:
    """A host that comes back; `aside`: of the step that puts away what is there, None = the host is empty."""
    states = {"set-aside": aside, "put-back": back}
    does = {"set-aside": ("host.set_aside", "destroy"), "put-back": ("host.put_back", "change")}
    steps = tuple(
        Step(id=name, title={"en": name}, do=does[name][0], effect=does[name][1])
        for name, state in states.items()
        if state is not None
    )
    records = {
        name: StepRecord(run="r1", id=name, position=1, state=state, attempt=int(state is not StepState.PENDING))
        for name, state in states.items()
        if state is not None
    }
    return plan(Act.UNDO, "host.put_back").model_copy(update={"steps": steps}), records


@pytest.mark.parametrize(
    ("aside", "back", "sentence"),
    [
        (None, StepState.PENDING, "Nothing on this host was changed."),
        (None, StepState.FAILED, "It is not known how far put-back got; look before starting anything."),
        (None, StepState.UNSURE, "It is not known how far put-back got; look before starting anything."),
        (None, StepState.SUCCEEDED, "What was put aside is back on this host, and what ran then was started."),
        (StepState.SUCCEEDED, StepState.PENDING, "What was on this host is put aside, and nothing of before is back"),
        (StepState.FAILED, StepState.PENDING, "It is not known how far set-aside got; look before starting anything."),
        (StepState.SUCCEEDED, StepState.FAILED, "It is not known how far put-back got; look before starting anything."),
        (StepState.SUCCEEDED, StepState.SUCCEEDED, "What was put aside is back on this host, and what ran then was"),
    ],
)
def test_a_run_that_brings_a_host_back_says_how_far_it_is(
    aside: StepState | None, back: StepState, sentence: str
) -> None:
    left = safe_state(*undoing(aside, back))

    assert left.sentence.startswith(sentence)
    assert left.is_known == ("not known" not in sentence)
    assert left.is_untouched == sentence.startswith("Nothing")
    assert not left.offers
