"""One row of `drbot check`: what was looked at, whether it would do that night, and what to do where it would not."""

from collections.abc import Callable
from dataclasses import dataclass

from drbot.core.base.errors import DrbotError
from drbot.core.site.people import Roster
from drbot.core.site.site import Approvals
from drbot.core.text.messages import closed, listed, phrase, sentences


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """`sentence`: what was found, and after a fault what to do."""

    what: str
    well: bool
    sentence: str


def good(what: str, sentence: str) -> Line:
    """It would do."""
    return Line(what=what, well=True, sentence=sentence)


def bad(what: str, fault: str, todo: str) -> Line:
    """It would fail that night."""
    return Line(what=what, well=False, sentence=sentences(closed(fault), todo))


def tried(what: str, look: Callable[[], str], todo: str) -> Line:
    """The sentence of `look`, or why it could not be found out."""
    try:
        return good(what, look())
    except DrbotError as error:
        return bad(what, str(error), todo)


def approvers_line(roster: Roster, approvals: Approvals, away: frozenset[str] = frozenset()) -> Line:
    """Enough approvers also when one of them declares; `away`: people whose votes Slack would not bring."""
    what = phrase("approvers")
    able = [person.name for person in roster.approvers(without=away)]
    needed = approvals.people + (0 if approvals.requester_counts else 1)
    if len(able) >= needed:
        return good(what, phrase("{count}: {names}", count=len(able), names=listed(able)))
    names = listed(able) or phrase("nobody")
    who = phrase("only {count} can vote: {names}.", count=len(able), names=names)
    why = phrase("{count} are needed.", count=needed)
    if not approvals.requester_counts:
        why = phrase("{count} are needed, and whoever declares does not count.", count=needed)
    return bad(what, who, sentences(why, phrase("Give more people of dr.yml the role approver.")))
