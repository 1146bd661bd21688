"""The life of a group of alerts: what joins it, what an answer covers, when it is over and when it rings again. Pure.

One rule stands above the others: what fires and nobody has answered is shown by a new message. So an answer covers what
was read when it was given and its like, never what came later; and each ring of a group is a message of its own.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from drbot.core.site.alerts import Alert
from drbot.core.text.messages import listed

JOINS = timedelta(minutes=5)
"""So long a group takes what comes next under its key: its message is still new enough to be read again."""

LATE = timedelta(minutes=1)
"""What is said to fire within this time after it was resolved was sent before; afterwards it fires again."""

STILL_FIRES = timedelta(minutes=10)
"""So long after the incident is resolved monitoring may take to see it."""


class Answer(StrEnum):
    NONE = "none"
    SEEN = "seen"  # not now
    SILENCED = "silenced"  # neither this nor its like under the same key, until `silent_until`
    DECLARED = "declared"  # it has an incident
    CLOSED = "closed"  # somebody says that it is over, where monitoring did not


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertGroup:
    """Alerts that came together under one key, from the first that fired until all are resolved."""

    id: int  # 0: it is new
    key: str  # the sender's
    opened_at: datetime
    resolved_at: datetime | None = None
    answer: Answer = Answer.NONE
    answered_by: str | None = None
    silent_until: datetime | None = None
    incident: int | None = None
    incident_over: datetime | None = None  # when the incident was resolved
    version: int = 0  # counts what people would see differently
    rings: int = 1  # messages that announce it; 0: it began in a silence
    beyond: int = 0  # alerts of the last message that were too many to be kept
    alerts: tuple[Alert, ...] = ()

    @property
    def began(self) -> datetime:
        """The first of what fires, or did."""
        return min(one.starts_at for one in self.firing or self.alerts)

    @property
    def firing(self) -> tuple[Alert, ...]:
        return tuple(one for one in self.alerts if one.fires)

    @property
    def names(self) -> str:
        return listed(sorted({one.name for one in self.alerts}))

    @property
    def is_looked_after(self) -> bool:
        """Whether its incident is open."""
        return self.incident is not None and self.incident_over is None

    def is_silent(self, now: datetime) -> bool:
        return self.silent_until is not None and now < self.silent_until


def rung(group: AlertGroup) -> AlertGroup:
    """Nobody answers for it any more: it is announced by a new message."""
    return replace(
        group, resolved_at=None, answer=Answer.NONE, answered_by=None, silent_until=None, incident=None,
        incident_over=None, rings=group.rings + 1, version=group.version + 1,
    )  # fmt: skip


def must_ring(group: AlertGroup, now: datetime) -> bool:
    """Whether its answer no longer holds: the silence has ended, or the incident is over and it still fires."""
    if not group.firing or group.resolved_at is not None:
        return False
    if group.answer is Answer.SILENCED:
        return not group.is_silent(now)
    return group.incident_over is not None and now >= group.incident_over + STILL_FIRES


def answered(group: AlertGroup, said: Answer, person: str, silent_until: datetime | None = None) -> AlertGroup:
    return replace(group, answer=said, answered_by=person, silent_until=silent_until, version=group.version + 1)


def closed(group: AlertGroup, person: str, now: datetime) -> AlertGroup:
    """A person says that it is over; what monitoring says later is heard."""
    ended = tuple(replace(one, ends_at=now, heard_at=now) if one.fires else one for one in group.alerts)
    return replace(answered(group, Answer.CLOSED, person), resolved_at=now, alerts=ended)
