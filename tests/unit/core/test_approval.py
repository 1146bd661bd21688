"""Each row of the table of bad ballots, against the one `decide()`."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from drbot.core.approvals import approval
from drbot.core.approvals.approval import (
    ApprovalRequest,
    Ballot,
    EntryPoint,
    RequestState,
    Vote,
    may_start,
    standing,
)
from drbot.core.base.signing import PREFIX, KeyPair
from drbot.core.site.people import Account, Roster, roster_of
from drbot.core.site.site import Approvals, PersonEntry

decide = partial(approval.decide, as_sealed=True)

NOW = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
SEAL, OTHER_SEAL = "a" * 64, "b" * 64

PEOPLE = {
    "aiko": PersonEntry(name="Aiko", slack=("U00AIKO",), roles=("commander", "approver")),
    "ben": PersonEntry(name="Ben", slack=("U00BEN", "U00BEN2"), roles=("approver",)),
    "chika": PersonEntry(name="Chika", slack=("U00CHIKA",), roles=("approver",)),
    "dan": PersonEntry(name="Dan", slack=("U00DAN",), roles=("observer",)),
}
DEMOTED = PersonEntry(name="Chika", slack=("U00CHIKA",), roles=("observer",))
ROSTER = roster_of(PEOPLE, Approvals())

REQUEST = ApprovalRequest(
    id="r1-q1",
    incident=1,
    run="r1",
    gate="approval",
    guards=("swap",),
    seal=SEAL,
    question="q",
    target="production",
    people=2,
    requesters=("aiko",),
    requester_counts=False,
    state=RequestState.OPEN,
    opened_at=NOW,
    expires_at=NOW + timedelta(minutes=30),
    start_seconds=900,
)


def ballot(person: str = "ben", **changes: object) -> Ballot:
    slack = PEOPLE[person].slack[0] if person in PEOPLE else "U00NOBODY"
    whole = Ballot(
        person=person if person in PEOPLE else None,
        account=Account(id=slack),
        decision="approve",
        reason="seen",
        seal=SEAL,
        target="production",
        entry_point=EntryPoint.DIALOG,
        at=NOW,
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def vote(person: str, decision: str = "approve", seal: str = SEAL) -> Vote:
    return Vote(person=person, decision=decision, reason="seen", seal=seal, at=NOW, entry_point=EntryPoint.DIALOG)


def test_two_different_approvers_grant_the_request() -> None:
    first = decide(REQUEST, [], ballot("ben"), ROSTER)
    second = decide(REQUEST, [vote("ben")], ballot("chika"), ROSTER)

    assert (first.counted, first.state) == (True, None)
    assert (second.counted, second.state) == (True, RequestState.GRANTED)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"account": Account(id="U00BEN", is_guest=True)}, "account"),
        ({"account": Account(id="U00BEN", is_bot=True)}, "account"),
        ({"account": Account(id="U00BEN", is_deleted=True)}, "account"),
        ({"account": Account(id="U00BEN", is_foreign=True)}, "account"),
        ({"account": Account(id="U00CHIKA")}, "unknown_person"),
        ({"seal": OTHER_SEAL}, "old_plan"),
        ({"target": "staging"}, "wrong_target"),
        ({"target": "prоduction"}, "wrong_target"),  # a Cyrillic о looks alike
        ({"reason": "  "}, "no_reason"),
        ({"at": NOW + timedelta(minutes=30)}, "expired"),
    ],
)
def test_a_ballot_that_is_not_right_does_not_count(change: dict[str, object], code: str) -> None:
    decision = decide(REQUEST, [], ballot("ben", **change), ROSTER)

    assert (decision.counted, decision.code, decision.state) == (False, code, None)


@pytest.mark.parametrize(
    ("person", "code"), [("aiko", "requester"), ("dan", "not_approver"), ("eve", "unknown_person")]
)
def test_only_other_approvers_count(person: str, code: str) -> None:
    assert decide(REQUEST, [], ballot(person), ROSTER).code == code


def test_a_second_account_of_the_same_person_is_not_a_second_vote() -> None:
    again = decide(REQUEST, [vote("ben")], ballot("ben", account=Account(id="U00BEN2")), ROSTER)

    assert (again.counted, again.code) == (False, "twice")
    assert "03:00:00" in again.message


def test_one_no_is_enough_even_after_the_same_persons_yes_and_after_the_grant() -> None:
    granted = replace(REQUEST, state=RequestState.GRANTED, granted_at=NOW)

    decision = decide(granted, [vote("ben"), vote("chika")], ballot("ben", decision="deny"), ROSTER)

    assert (decision.counted, decision.state) == (True, RequestState.DENIED)


def test_who_asked_may_still_say_no() -> None:
    assert decide(REQUEST, [], ballot("aiko", decision="deny"), ROSTER).state is RequestState.DENIED


@pytest.mark.parametrize("state", [s for s in RequestState if s not in {RequestState.OPEN, RequestState.GRANTED}])
def test_a_final_request_takes_no_vote(state: RequestState) -> None:
    decision = decide(replace(REQUEST, state=state), [], ballot(), ROSTER)

    assert (decision.counted, decision.code) == (False, "not_live")


def test_a_roster_below_the_quorum_closes_the_gate_and_says_why() -> None:
    lonely = roster_of({"ben": PEOPLE["ben"]}, Approvals())

    decision = decide(REQUEST, [], ballot(), lonely)

    assert decision.code == "roster_fault"
    assert "1 approvers" in decision.message


def test_one_slack_id_of_two_people_closes_the_gate() -> None:
    shared = roster_of({**PEOPLE, "eve": PersonEntry(name="Eve", slack=("U00BEN",), roles=("approver",))}, Approvals())

    assert shared.fault is not None
    assert "U00BEN" in shared.fault


def granted(**changes: object) -> ApprovalRequest:
    whole = replace(REQUEST, state=RequestState.GRANTED, granted_at=NOW, proven_at=NOW)
    return replace(whole, **changes)  # type: ignore[arg-type]


BOTH = (vote("ben"), vote("chika"))


def start(
    request: ApprovalRequest, votes: tuple[Vote, ...] = BOTH, roster: Roster = ROSTER, **changes: object
) -> str | None:
    asked: dict[str, object] = {"run": "r1", "step": "swap", "seal": SEAL, "now": NOW + timedelta(minutes=1)}
    return may_start(request, votes, roster, **{**asked, **changes})  # type: ignore[arg-type]


def test_a_proven_grant_may_start() -> None:
    assert start(granted()) is None


@pytest.mark.parametrize(
    ("refused", "word"),
    [
        (start(REQUEST), "not granted"),
        (start(granted(state=RequestState.USED)), "begun"),
        (start(granted(), run="r2"), "another run"),
        (start(granted(), step="stop-apps"), "does not cover"),
        (start(granted(), seal=OTHER_SEAL), "not the one"),
        (start(granted(proven_at=None)), "proof"),
        (start(granted(), now=NOW + timedelta(minutes=16)), "time to start"),
        (start(granted(), now=NOW - timedelta(minutes=1)), "backwards"),
        (start(granted(), votes=(vote("ben"),)), "Fewer than 2"),
        (start(granted(), votes=(vote("ben"), vote("chika", seal=OTHER_SEAL))), "Fewer than 2"),
        (start(granted(), votes=(*BOTH, vote("aiko", "deny"))), "denied"),
        (start(granted(), roster=roster_of({**PEOPLE, "chika": DEMOTED}, Approvals())), "Fewer than 2"),
    ],
)
def test_a_permit_that_is_not_right_starts_nothing(refused: str | None, word: str) -> None:
    assert refused is not None
    assert word in refused


def test_the_start_clock_begins_with_the_proof_when_that_is_later() -> None:
    late = granted(proven_at=NOW + timedelta(hours=1))

    assert start(late, now=NOW + timedelta(minutes=70)) is None


def test_the_requester_counts_only_where_the_runbook_says_so() -> None:
    votes = (vote("aiko"), vote("ben"))

    assert standing(REQUEST, votes, ROSTER) == {"ben"}
    assert standing(replace(REQUEST, requester_counts=True), votes, ROSTER) == {"aiko", "ben"}


def test_two_people_with_one_key_are_a_fault() -> None:
    """Whoever has it could sign both votes; the halves of a key can be put together with others."""
    ben, other = KeyPair(b"b" * 32).public, KeyPair(b"o" * 32).public
    raw = [base64.urlsafe_b64decode(one.removeprefix(PREFIX) + "==") for one in (ben, other)]
    same_signature = PREFIX + base64.urlsafe_b64encode(raw[0][:32] + raw[1][32:]).decode().rstrip("=")
    same_exchange = PREFIX + base64.urlsafe_b64encode(raw[1][:32] + raw[0][32:]).decode().rstrip("=")

    def fault(key: str) -> str | None:
        people = {
            "ben": PersonEntry(name="Ben", slack=("U2",), roles=("approver",), key=ben),
            "eve": PersonEntry(name="Eve", slack=("U7",), roles=("approver",), key=key),
        }
        return roster_of(people, Approvals()).fault

    assert fault(other) is None
    for key in (ben, same_signature, same_exchange):
        assert "ben and eve have the same key" in (fault(key) or "")
