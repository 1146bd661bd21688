"""Whether a recovery would work tonight, line by line: what was looked at, what was found, what to do about it. What
`drbot check` prints, what workers and bots keep looking at, and what `/dr readiness` shows is made of the same lines.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from drbot.core.base.errors import DrbotError
from drbot.core.site.people import Person, Roster
from drbot.core.site.site import Approvals
from drbot.core.text.messages import clauses, closed, listed, phrase, sentences

EVERY_SECONDS = 5 * 60.0
"""How often workers and bots look."""


class Colour(StrEnum):
    """How it stands; the worst first."""

    RED = "red"  # it would fail tonight
    AMBER = "amber"  # it would do tonight, and not for long, or not as well as it could
    GREEN = "green"  # it would do


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """`reason`: what was found. `remedy`: what to do about it; "" = nothing."""

    what: str
    colour: Colour
    reason: str
    remedy: str = ""

    @property
    def well(self) -> bool:
        """It would do tonight."""
        return self.colour is not Colour.RED

    @property
    def sentence(self) -> str:
        return sentences(closed(self.reason), self.remedy) if self.remedy else self.reason


def of_site(site: str, thing: str) -> str:
    return phrase("{site}: {thing}", site=site, thing=thing)


def services_of(site: str) -> str:
    """The line that says whether the services of a site work, as its worker saw them last."""
    return of_site(site, phrase("services"))


def good(what: str, reason: str) -> Line:
    """It would do."""
    return Line(what=what, colour=Colour.GREEN, reason=reason)


def soon(what: str, reason: str, remedy: str) -> Line:
    """It should be seen to before it is needed."""
    return Line(what=what, colour=Colour.AMBER, reason=reason, remedy=remedy)


def bad(what: str, reason: str, remedy: str) -> Line:
    """It would fail tonight."""
    return Line(what=what, colour=Colour.RED, reason=reason, remedy=remedy)


def tried(what: str, look: Callable[[], str], todo: str) -> Line:
    """The sentence of `look`, or why it could not be found out."""
    try:
        return good(what, look())
    except DrbotError as error:
        return bad(what, str(error), todo)


def one_each(lines: Iterable[Line]) -> list[Line]:
    """One line for each thing: all that several lines have to say of it, in the worst colour."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.what, []).append(line)
    return [same[0] if len(same) == 1 else _all_of(same) for same in found.values()]


def _all_of(same: Sequence[Line]) -> Line:
    worst = min((line.colour for line in same), key=list(Colour).index)
    told = [line for line in same if line.colour is not Colour.GREEN] or same
    remedies = dict.fromkeys(line.remedy for line in told)
    reason = clauses(dict.fromkeys(line.reason for line in told))
    return Line(what=same[0].what, colour=worst, reason=reason, remedy=sentences(*remedies))


def approvers_line(roster: Roster, approvals: Approvals, now: datetime, away: frozenset[str] = frozenset()) -> Line:
    """Enough approvers also when one of them declares; `away`: people whose votes Slack would not bring."""
    what = phrase("approvers")
    approvers = roster.approvers(without=away)
    able = [person.name for person in approvers if person.counts_from is None or person.counts_from <= now]
    needed = approvals.people + (0 if approvals.requester_counts else 1)
    if len(able) >= needed:
        return good(what, phrase("{count}: {names}", count=len(able), names=listed(able)))
    names = listed(able) or phrase("nobody")
    who = phrase("only {count} can vote: {names}.", count=len(able), names=names)
    why = phrase("{count} are needed.", count=needed)
    if not approvals.requester_counts:
        why = phrase("{count} are needed, and whoever declares does not count.", count=needed)
    return bad(what, who, sentences(why, _how_more_can_vote(approvers, now)))


def _how_more_can_vote(approvers: Sequence[Person], now: datetime) -> str:
    new = [person for person in approvers if person.counts_from is not None and person.counts_from > now]
    if not new:
        return phrase("Give more people of dr.yml the role approver.")
    return phrase(
        "Votes of {names}, who are new on the roster or have a new account or key, count from {moment} UTC.",
        names=listed(person.name for person in new),
        moment=f"{max(person.counts_from for person in new if person.counts_from):%Y-%m-%d %H:%M}",
    )
