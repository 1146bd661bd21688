"""What a message of monitoring does to the groups of alerts: ends, joins, new groups, rings. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from drbot.core.site.alert_groups import JOINS, LATE, AlertGroup, Answer, rung
from drbot.core.site.alerts import Alert

Id = tuple[str, datetime]
SAME_SECONDS = 30
"""What is only said again is noted this often."""


def heard(
    known: Iterable[AlertGroup], key: str, came: Iterable[Alert], now: datetime, beyond: int = 0
) -> tuple[AlertGroup, ...]:
    """The groups that change, new ones with the number 0. `known`: the groups of this key that fire, are silent or have
    an open incident, and those that hold an alert of the same fingerprint.
    """
    hearing = _Hearing(tuple(known), key, now)
    news = hearing.ends(sorted(came, key=lambda one: (one.starts_at, one.fires)))
    hearing.resolve()
    for alert in news:
        hearing.place(alert, beyond)
    return hearing.changed()


class _Hearing:
    """One message, alert by alert."""

    def __init__(self, known: tuple[AlertGroup, ...], key: str, now: datetime) -> None:
        self._before = known
        self._key = key
        self._now = now
        self._groups = list(known)
        self._alerts: list[dict[Id, Alert]] = [{_id(one): one for one in group.alerts} for group in known]
        self._likes: list[set[tuple[str, ...]]] = [{one.likeness for one in group.alerts} for group in known]
        self._places: dict[str, list[tuple[int, Id]]] = {}
        for place, alerts in enumerate(self._alerts):
            for one in alerts:
                self._places.setdefault(one[0], []).append((place, one))

    def ends(self, came: Iterable[Alert]) -> list[Alert]:
        """What is over ends; what fires and was not known is returned. A fingerprint fires once at a time: its end, and
        its next beginning, end every earlier one, whose own end may be lost.
        """
        news: dict[str, Alert] = {}
        for alert in map(self._of_today, came):
            before = news.get(alert.fingerprint)
            if before is not None and alert.starts_at >= before.starts_at:
                del news[alert.fingerprint]
            if not alert.fires:
                self._end(alert, alert.ends_at)
            elif self._is_news(alert):
                self._end(alert, alert.starts_at, but=_id(alert))
                news[alert.fingerprint] = alert
        return list(news.values())

    def _of_today(self, alert: Alert) -> Alert:
        """Nothing has begun that is yet to come: it would be newer than whatever fires until then."""
        if not alert.fires or alert.starts_at <= self._now + LATE:
            return alert
        known = [self._alerts[place][id_] for place, id_ in self._places.get(alert.fingerprint, ())]
        return replace(alert, starts_at=max((one.starts_at for one in known if one.fires), default=self._now))

    def _is_news(self, alert: Alert) -> bool:
        """Notes that it was heard where it is not."""
        for place, id_ in self._places.get(alert.fingerprint, ()):
            known = self._alerts[place][id_]
            is_late = known.heard_at is not None and self._now - known.heard_at <= LATE
            if known.fires and known.starts_at >= alert.starts_at:
                self._note(place, known)
                return False
            if not known.fires and known.starts_at >= alert.starts_at and is_late:
                return False
        return True

    def _note(self, place: int, known: Alert) -> None:
        if known.heard_at is None or (self._now - known.heard_at).total_seconds() >= SAME_SECONDS:
            self._alerts[place][_id(known)] = replace(known, heard_at=self._now)

    def _end(self, alert: Alert, moment: datetime | None, but: Id | None = None) -> None:
        for place, id_ in self._places.get(alert.fingerprint, ()):
            known = self._alerts[place][id_]
            if known.fires and known.starts_at <= alert.starts_at and id_ != but:
                self._alerts[place][id_] = replace(known, ends_at=moment or self._now, heard_at=self._now)

    def resolve(self) -> None:
        """Groups in which nothing fires any more."""
        for place, group in enumerate(self._groups):
            if group.resolved_at is None and not self._fires(place):
                self._groups[place] = replace(group, resolved_at=self._now)

    def _fires(self, place: int) -> bool:
        return any(one.fires for one in self._alerts[place].values())

    def place(self, alert: Alert, beyond: int) -> None:
        """Where its like is looked after or silent, else where people are being asked now, else in a new group."""
        again = next((place for place, id_ in self._places.get(alert.fingerprint, ()) if id_ == _id(alert)), None)
        if again is not None:
            self._fires_again(again)
        place = again if again is not None else self._home(alert)
        self._alerts[place][_id(alert)] = replace(alert, heard_at=self._now)
        self._likes[place].add(alert.likeness)
        self._groups[place] = replace(self._groups[place], resolved_at=None, beyond=beyond)

    def _fires_again(self, place: int) -> None:
        """What was over: it rings, unless its incident is open or it is silent."""
        group = self._groups[place]
        if group.is_looked_after or group.is_silent(self._now):
            return
        if group.answer is not Answer.NONE or group.resolved_at is not None or not self._is_asking(group):
            self._groups[place] = replace(rung(group), version=group.version)

    def _home(self, alert: Alert) -> int:
        of_key = [place for place, group in enumerate(self._groups) if group.key == self._key]
        like = [place for place in of_key if alert.likeness in self._likes[place]]
        for place in like:
            if self._groups[place].is_looked_after:
                return place
        silent = [place for place in like if self._groups[place].is_silent(self._now)]
        for place in silent:
            if self._groups[place].resolved_at is None:
                return place
        if silent:
            return self._begin(self._groups[silent[0]])
        asking = [place for place in of_key if self._is_asking(self._groups[place])]
        return asking[0] if asking else self._begin(None)

    def _is_asking(self, group: AlertGroup) -> bool:
        """Whether its message is new and nobody has answered it."""
        is_open = group.resolved_at is None and group.answer is Answer.NONE
        return is_open and group.rings == 1 and self._now - group.opened_at <= JOINS

    def _begin(self, silence: AlertGroup | None) -> int:
        new = AlertGroup(id=0, key=self._key, opened_at=self._now)
        if silence is not None:
            new = replace(
                new, rings=0, answer=Answer.SILENCED, answered_by=silence.answered_by, silent_until=silence.silent_until
            )
        self._groups.append(new)
        self._alerts.append({})
        self._likes.append(set())
        return len(self._groups) - 1

    def changed(self) -> tuple[AlertGroup, ...]:
        """A version more where people would see a difference; not where the same was only said again."""
        found = []
        for place, group in enumerate(self._groups):
            before = self._before[place] if place < len(self._before) else None
            alerts = tuple(sorted(self._alerts[place].values(), key=lambda one: (one.starts_at, one.name)))
            after = replace(group, alerts=alerts)
            if before is None or _seen(after) != _seen(before):
                found.append(replace(after, version=group.version + 1))
            elif alerts != before.alerts:
                found.append(after)
        return tuple(found)


def joined(before: AlertGroup, after: AlertGroup) -> Sequence[Alert]:
    """What fires and did not before."""
    fired = {_id(one) for one in before.firing}
    return [one for one in after.firing if _id(one) not in fired]


def _seen(group: AlertGroup) -> tuple[object, ...]:
    return (
        group.resolved_at, group.answer, group.rings, group.silent_until, group.incident, group.beyond,
        {(_id(one), one.ends_at) for one in group.alerts},
    )  # fmt: skip


def _id(alert: Alert) -> Id:
    return alert.fingerprint, alert.starts_at
