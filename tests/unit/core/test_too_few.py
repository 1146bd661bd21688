"""A request that can never be granted says so, with who is missing and what helps."""

from dataclasses import replace
from datetime import timedelta

import pytest

from drbot.core.approvals.approval import ApprovalRequest, RequestState
from drbot.core.approvals.too_few import too_few
from drbot.core.site.people import Roster, roster_of
from drbot.core.site.site import Approvals, PersonEntry
from drbot.core.text.messages import say
from tests.unit.core.test_approval import NOW, PEOPLE, REQUEST, ROSTER, vote

BOTH_ASKED = replace(REQUEST, requesters=("aiko", "ben"))


def test_of_three_approvers_one_declares_and_one_asks_so_one_is_too_few() -> None:
    said = too_few(BOTH_ASKED, [], ROSTER)

    assert said is not None
    assert "2 needed, 0 approved, 1 can still vote (Chika)" in said
    assert "does not count: Aiko, Ben." in said
    assert "let Aiko, who declared, ask for it" in said
    assert "必要 2 人、承認済み 0 人、これから投票できる人 1 人 (Chika)" in say(said, "ja")


def test_after_the_last_possible_vote_it_is_still_too_few() -> None:
    said = too_few(BOTH_ASKED, [vote("chika")], ROSTER)

    assert said is not None
    assert "2 needed, 1 approved, 0 can still vote." in said


@pytest.mark.parametrize(
    "request_",
    [
        REQUEST,
        replace(BOTH_ASKED, requester_counts=True),
        replace(BOTH_ASKED, state=RequestState.DENIED),
        replace(BOTH_ASKED, hold_until=NOW),
    ],
    ids=["enough", "who asks counts", "over", "break-glass"],
)
def test_nothing_is_said_where_it_can_be_granted_or_nobody_waits(request_: ApprovalRequest) -> None:
    assert too_few(request_, [], ROSTER) is None


def waits(hours: int) -> Roster:
    """Chika is new."""
    chika = replace(ROSTER.people["chika"], counts_from=NOW + timedelta(hours=hours))
    return replace(ROSTER, people={**ROSTER.people, "chika": chika})


def test_a_new_approver_is_left_only_if_the_vote_counts_before_the_request_ends() -> None:
    said = too_few(REQUEST, [vote("ben")], waits(hours=5))

    assert said is not None and "1 approved, 0 can still vote" in said
    assert "Name more approvers in dr.yml" in said
    assert too_few(replace(REQUEST, expires_at=NOW + timedelta(hours=6)), [vote("ben")], waits(hours=5)) is None


def test_who_may_only_declare_is_not_told_to_ask() -> None:
    people = {**PEOPLE, "dan": PersonEntry(name="Dan", slack=("U00DAN",), roles=("observer",))}
    of_three = replace(REQUEST, people=3, requesters=("dan", "ben"))

    said = too_few(of_three, [], roster_of(people, Approvals()))

    assert said is not None and "Dan" not in said
