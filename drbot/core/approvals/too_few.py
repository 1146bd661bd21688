"""What is said when a request can never be granted, because too few people are left who may approve it.

Said at once, on the card and to whoever votes: a request that nobody can grant looks like one that waits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from drbot.core.approvals.approval import FLOOR, ApprovalRequest, RequestState, Vote, standing
from drbot.core.site.people import ACCESS, Person, Roster
from drbot.core.text.messages import listed, phrase, sentences

NAME_MORE = phrase("Name more approvers in dr.yml; they count 24 hours after two people have accepted them: /dr roster")


def too_few(request: ApprovalRequest, votes: Iterable[Vote], roster: Roster) -> str | None:
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
    return sentences(_counts(need, len(have), left), _asked(asked), _advice(better))


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


def _counts(need: int, have: int, left: Sequence[Person]) -> str:
    if not left:
        return phrase(
            "Too few people can approve this: {need} needed, {have} approved, 0 can still vote.", need=need, have=have
        )
    return phrase(
        "Too few people can approve this: {need} needed, {have} approved, {left} can still vote ({names}).",
        need=need,
        have=have,
        left=len(left),
        names=_names(left),
    )


def _asked(asked: Sequence[Person]) -> str:
    return phrase("Whoever declared or asked does not count: {names}.", names=_names(asked)) if asked else ""


def _advice(better: Person | None) -> str:
    if better is None:
        return NAME_MORE
    return phrase(
        "Stop it (/dr stop), then let {first}, who declared, ask for it: nobody else is left out then.",
        first=better.name,
    )


def _names(people: Sequence[Person]) -> str:
    return listed(person.name for person in people)
