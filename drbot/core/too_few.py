"""What is said when a request can never be granted, because too few people are left who may approve it.

Said at once, on the card and to whoever votes: a request that nobody can grant looks like one that waits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from drbot.core.approval import FLOOR, ApprovalRequest, RequestState, Vote, standing
from drbot.core.people import ACCESS, Person, Roster
from drbot.core.words import Text

COUNTS: Text = {
    "en": "Too few people can approve this: {need} must, {have} did, {left} may still answer{who}.",
    "ja": "承認できる人が足りません: 必要 {need} 人、承認済み {have} 人、これから投票できる人 {left} 人{who}。",
}
ASKED: Text = {
    "en": " Whoever declared or asked does not count: {names}.",
    "ja": "宣言者と依頼者の承認は数えません: {names}。",
}
LET_ONE_ASK: Text = {
    "en": " Stop it (/dr stop), then let {first}, who declared, ask for it: nobody else is left out then.",
    "ja": "いったん停止し (/dr stop)、宣言した {first} さんが依頼し直すと、ほかの承認者は全員投票できます。",
}
NAME_MORE: Text = {
    "en": " Name more approvers in dr.yml; they count 24 hours after two people have accepted them: /dr roster",
    "ja": "dr.yml に承認者を追加してください。二人の同意から 24 時間後に投票できます: /dr roster",
}


def too_few(request: ApprovalRequest, votes: Iterable[Vote], roster: Roster) -> Text | None:
    """None while it can be granted in time, is over, or may be granted by break-glass."""
    votes = tuple(votes)
    have = standing(request, votes, roster)
    voted = have | {vote.person for vote in votes}
    left = [person for person in _in_time(request, roster) if person.id not in voted]
    need = max(FLOOR, request.people)
    if request.state is not RequestState.OPEN or request.hold_until is not None or len(have) + len(left) >= need:
        return None
    asked = [person for one in _barred(request) if (person := roster.person(one)) and "approver" in person.roles]
    better = _who_should_ask(request, roster, need)
    return {language: _said(language, (need, len(have)), left, asked, better) for language in COUNTS}


def eligible(request: ApprovalRequest, roster: Roster) -> tuple[Person, ...]:
    """Everybody who is asked: a new approver, too, may say no at once."""
    return roster.approvers(without=frozenset(_barred(request)))


def _in_time(request: ApprovalRequest, roster: Roster) -> tuple[Person, ...]:
    """Those whose approval counts before the request's time is over."""
    asked = eligible(request, roster)
    return tuple(one for one in asked if one.counts_from is None or one.counts_from < request.expires_at)


def _barred(request: ApprovalRequest) -> tuple[str, ...]:
    return () if request.requester_counts else request.requesters


def _who_should_ask(request: ApprovalRequest, roster: Roster, need: int) -> Person | None:
    """Who declared, if another one asked and enough could vote had they asked themselves."""
    barred = _barred(request)
    first = roster.person(barred[0]) if len(barred) > 1 else None
    if first is None or not first.roles & ACCESS["undo"]:  # of what is asked for, nothing needs more
        return None
    return first if len(_in_time(replace(request, requesters=barred[:1]), roster)) >= need else None


def _said(
    language: str, counts: tuple[int, int], left: Sequence[Person], asked: Sequence[Person], better: Person | None
) -> str:
    who = f" ({_names(left)})" if left else ""
    said = COUNTS[language].format(need=counts[0], have=counts[1], left=len(left), who=who)
    if asked:
        said += ASKED[language].format(names=_names(asked))
    return said + (LET_ONE_ASK[language].format(first=better.name) if better else NAME_MORE[language])


def _names(people: Sequence[Person]) -> str:
    return ", ".join(person.name for person in people)
