"""What only a person can say is so: that they can be reached, that the roster is right, that the key lies elsewhere."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from drbot.core.site.people import Roster
from drbot.core.site.readiness import Line, good, soon
from drbot.core.text.messages import listed, phrase

COUNTS_FOR = timedelta(days=90)
"""What was so a quarter ago may not be so tonight."""


class Subject(StrEnum):
    REACHABLE = "reachable"  # whoever says it can be called at night, and has what it takes to vote
    ROSTER = "roster"  # everybody on the roster is still who they were, with the right role
    KEY = "key"  # RESTIC_PASSWORD lies where the host's loss does not take it along


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirmation:
    subject: Subject
    person: str
    at: datetime  # UTC


def reachable_line(roster: Roster, known: Collection[Confirmation], now: datetime) -> Line:
    """Every approver by themselves."""
    what, said = phrase("people can be reached"), _by(Subject.REACHABLE, known, now)
    silent = [person.name for person in roster.approvers() if person.id not in said]
    if silent:
        why = phrase("not confirmed within 90 days: {names}", names=listed(silent))
        return soon(what, why, phrase("They type /dr confirm reachable."))
    return good(what, phrase("all {count} approvers said so within 90 days", count=len(roster.approvers())))


def roster_line(known: Collection[Confirmation], now: datetime) -> Line:
    what = phrase("roster was read")
    if _by(Subject.ROSTER, known, now):
        return good(what, phrase("somebody read it within 90 days"))
    return soon(what, phrase("nobody has within 90 days"), phrase("Read /dr roster, then type /dr confirm roster."))


def key_line(is_encrypted: bool, known: Collection[Confirmation], now: datetime) -> Line | None:
    """None: there is no key to keep."""
    if not is_encrypted:
        return None
    what = phrase("key of full backups")
    if _by(Subject.KEY, known, now):
        return good(what, phrase("somebody saw it elsewhere within 90 days"))
    why = phrase("nobody has said within 90 days that RESTIC_PASSWORD is kept outside of this host")
    return soon(what, why, phrase("Look where it is kept, then type /dr confirm key."))


def _by(subject: Subject, known: Collection[Confirmation], now: datetime) -> frozenset[str]:
    return frozenset(one.person for one in known if one.subject is subject and now - one.at <= COUNTS_FOR)
