"""The life of alerts, played: monitoring, people, time, lost and late messages in any order, and what must be so.

It remembers apart from the product what drbot was told and what people answered, and looks at the screen alone.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from drbot.core.site.alert_groups import JOINS, LATE, STILL_FIRES, AlertGroup, Answer
from drbot.core.site.alerts import Alert

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """What monitoring watches: its key, fingerprint and the labels by which it is like others."""

    fingerprint: str
    key: str
    name: str
    labels: tuple[tuple[str, str], ...] = ()
    by_itself: bool = False  # dr.yml names it: it declares

    def alert(self, began: datetime, ended: datetime | None = None) -> Alert:
        return Alert(
            fingerprint=self.fingerprint, name=self.name, labels=dict(self.labels), summary="", starts_at=began,
            ends_at=ended,
        )  # fmt: skip

    @property
    def like(self) -> tuple[str, ...]:
        return (self.key, *self.alert(NOON).likeness)


THINGS = (
    Thing(fingerprint="a1", key="one", name="PodDown", labels=(("service", "auth"),)),
    Thing(fingerprint="a2", key="one", name="PodDown", labels=(("service", "auth"),)),
    Thing(fingerprint="a3", key="one", name="PodDown", labels=(("service", "user"),)),
    Thing(fingerprint="b", key="two", name="RedisDown"),
    Thing(fingerprint="c", key="two", name="AuthDown", by_itself=True),
    Thing(fingerprint="d", key="three", name="UserDown", by_itself=True),
)
OF = {one.fingerprint: one for one in THINGS}


class Desk(Protocol):
    """The product: its store of groups, and the loop that shows them."""

    def take(self, key: str, came: Sequence[Alert], now: datetime) -> None: ...
    def answer(self, group: int, said: Answer, now: datetime, until: datetime | None = None) -> None: ...
    def declare(self, group: int, now: datetime) -> int: ...
    def resolve(self, incident: int, now: datetime) -> None: ...
    def groups(self) -> list[AlertGroup]: ...
    def look(self, now: datetime, show: Callable[[AlertGroup], bool]) -> None:
        """Groups whose answer no longer holds ring; `show` is asked for each that is to be shown."""
        ...


@dataclass(kw_only=True)
class Told:
    """What drbot was told of one thing."""

    began: datetime
    fires: bool
    heard: datetime
    since: datetime  # it was told that this firing began


@dataclass(kw_only=True)
class Message:
    posted: datetime
    shows: AlertGroup


@dataclass(kw_only=True)
class Life:
    """One sequence."""

    desk: Desk
    random: random.Random
    now: datetime = NOON
    is_away: bool = False  # Slack
    firing: dict[str, datetime] = field(default_factory=dict)  # what is so
    told: dict[str, Told] = field(default_factory=dict)
    late: list[tuple[str, list[Alert]]] = field(default_factory=list)  # messages on their way
    screen: dict[tuple[int, int], Message] = field(default_factory=dict)
    seen: set[tuple[str, datetime]] = field(default_factory=set)
    silences: dict[int, tuple[set[tuple[str, ...]], datetime]] = field(default_factory=dict)  # by group
    incidents: dict[int, datetime | None] = field(default_factory=dict)  # and when each was resolved
    declared: dict[int, tuple[set[tuple[str, datetime]], set[tuple[str, ...]]]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def play(self, acts: int) -> None:
        choices = (
            self.fire, self.fire, self.end, self.repeat, self.arrive, self.seen_by, self.silence, self.declare,
            self.resolve, self.close, self.pass_time, self.pass_time, self.away, self.flap,
        )  # fmt: skip
        for _ in range(acts):
            act = self.random.choice(choices)
            self.done.append(f"{self.now:%H:%M:%S} {act.__name__}")
            act()
            self.look()
        self.is_away = False
        self.now += MINUTE
        self.look()
        self.check()

    # Monitoring

    def fire(self) -> None:
        thing = self.random.choice(THINGS)
        self.firing.setdefault(thing.fingerprint, self.now)
        self.send(thing.key, [])

    def end(self) -> None:
        if self.firing:
            name = self.random.choice(sorted(self.firing))
            self.send(OF[name].key, [OF[name].alert(self.firing.pop(name), self.now)])

    def flap(self) -> None:
        """Prometheus does not reach Alertmanager for a while: what was resolved fires again since the same time."""
        if not self.firing:
            return
        name = self.random.choice(sorted(self.firing))
        began = self.firing.pop(name)
        self.send(OF[name].key, [OF[name].alert(began, self.now)])
        self.now += LATE + timedelta(seconds=5)
        self.firing[name] = began
        self.send(OF[name].key, [])

    def repeat(self) -> None:
        self.send(self.random.choice(THINGS).key, [])

    def send(self, key: str, ended: list[Alert]) -> None:
        """As Alertmanager does: all of the group; lost, doubled or late now and then."""
        fires = [OF[name].alert(began) for name, began in self.firing.items() if OF[name].key == key]
        if not (message := [*ended, *fires]):
            return
        fate = self.random.random()
        if fate < 0.15:
            self.done.append("  lost")
        elif fate < 0.3:
            self.late.append((key, message))
            self.done.append("  late")
        else:
            for _ in range(2 if fate < 0.4 else 1):
                self.take(key, message)

    def arrive(self) -> None:
        if self.late:
            self.take(*self.late.pop(self.random.randrange(len(self.late))))

    def take(self, key: str, message: list[Alert]) -> None:
        said = [(one.fingerprint, f"{one.starts_at:%H:%M:%S}", one.fires) for one in message]
        self.done.append(f"  {key}: {said}")
        self.desk.take(key, message, self.now)
        for one in sorted(message, key=lambda one: (one.starts_at, one.fires)):
            before = self.told.get(one.fingerprint)
            if one.fires:
                self._fires(one, before)
            elif before is not None and before.fires and before.began <= one.starts_at:
                before.fires, before.heard = False, self.now

    def _fires(self, one: Alert, before: Told | None) -> None:
        is_new = before is None or one.starts_at > before.began
        is_again = before is not None and not before.fires and self.now - before.heard > LATE
        if is_new or is_again:
            self.told[one.fingerprint] = Told(began=one.starts_at, fires=True, heard=self.now, since=self.now)
        elif before is not None and before.fires:
            before.heard = self.now

    # People

    def open_groups(self) -> list[AlertGroup]:
        return [one for one in self.desk.groups() if one.resolved_at is None and one.incident is None]

    def _some(self) -> tuple[AlertGroup, set[tuple[str, datetime]]] | None:
        if not (found := self.open_groups()):
            return None
        group = self.random.choice(found)
        firing = {one.fingerprint for one in group.firing}
        self.done.append(f"  alert {group.id}")
        return group, {(name, self.told[name].since) for name in firing}

    def seen_by(self) -> None:
        if (some := self._some()) is not None:
            self.desk.answer(some[0].id, Answer.SEEN, self.now)
            self.seen |= some[1]
            self.silences.pop(some[0].id, None)

    def silence(self) -> None:
        if (some := self._some()) is not None:
            until = self.now + timedelta(minutes=self.random.choice((1, 30, 120)))
            self.desk.answer(some[0].id, Answer.SILENCED, self.now, until)
            self.silences[some[0].id] = {(some[0].key, *one.likeness) for one in some[0].alerts}, until
            self.seen -= some[1]

    def close(self) -> None:
        if (some := self._some()) is not None:
            self.desk.answer(some[0].id, Answer.CLOSED, self.now)
            self.silences.pop(some[0].id, None)
            for name, _ in some[1]:
                self.told[name].fires, self.told[name].heard = False, self.now

    def declare(self) -> None:
        if (some := self._some()) is not None:
            self._declare(*some)

    def _declare(self, group: AlertGroup, firing: set[tuple[str, datetime]]) -> None:
        incident = self.desk.declare(group.id, self.now)
        self.incidents[incident] = None
        likes = {(group.key, *one.likeness) for one in group.alerts}
        self.declared[incident] = (firing, likes)
        self.silences.pop(group.id, None)

    def resolve(self) -> None:
        if found := [number for number, over in self.incidents.items() if over is None]:
            number = self.random.choice(found)
            self._follow()
            self.desk.resolve(number, self.now)
            self.incidents[number] = self.now

    def _follow(self) -> None:
        """What fired while its like had an open incident belongs to it."""
        for number, (episodes, likes) in self.declared.items():
            if self.incidents[number] is not None:
                continue
            for name, told in self.told.items():
                if told.fires and OF[name].like in likes:
                    episodes.add((name, told.since))

    # Time and Slack

    def pass_time(self) -> None:
        self.now += timedelta(seconds=self.random.choice((1, 20, 61, 299, 301, 1800, 7300)))

    def away(self) -> None:
        self.is_away = not self.is_away

    def look(self) -> None:
        self._follow()
        self.desk.look(self.now, self._show)
        for group in [one for one in self.open_groups() if one.answer is Answer.NONE]:
            if any(OF[one.fingerprint].by_itself for one in group.firing):
                self._declare(group, {(one.fingerprint, self.told[one.fingerprint].since) for one in group.firing})
        self.desk.look(self.now, self._show)

    def _show(self, group: AlertGroup) -> bool:
        if self.is_away:
            return False
        if group.rings:
            place = (group.id, group.rings)
            known = self.screen.get(place)
            self.screen[place] = Message(posted=known.posted if known else self.now, shows=group)
        return True

    # What must be so

    def check(self) -> None:
        """What fires and nobody has answered is on the screen, by a message as new as it is; no answer is pretended."""
        for name, told in self.told.items():
            if not told.fires:
                continue
            needed = self._needed_since(name, told)
            shown = [one for one in self._newest() if self._shows(one.shows, name)]
            if needed is not None:
                asks = [one for one in shown if one.shows.answer is Answer.NONE and self._is_new(one, needed)]
                assert asks, f"{name} fires since {told.since:%H:%M:%S} and nobody is asked.\n" + "\n".join(self.done)

        for message in self._newest():
            self._is_true(message.shows)

    def _is_true(self, group: AlertGroup) -> None:
        """What a message says fires does, and whoever is said to have seen it has."""
        said = "\n".join(self.done)
        for one in group.firing:
            told = self.told[one.fingerprint]
            assert told.fires and told.began == one.starts_at, f"{one.fingerprint} is said to fire.\n{said}"
            if group.answer is Answer.SEEN:
                assert (one.fingerprint, told.since) in self.seen, f"{one.fingerprint} is said to be seen.\n{said}"

    def _is_new(self, message: Message, needed: datetime) -> bool:
        """Posted since somebody has to be asked, also where its own group was silent until then."""
        _, until = self.silences.get(message.shows.id, (set(), NEVER))
        return message.posted >= max(needed, until) - JOINS

    def _newest(self) -> list[Message]:
        """Of each group its last message; earlier ones say that it goes on below."""
        last = {group: max(ring for other, ring in self.screen if other == group) for group, _ in self.screen}
        return [self.screen[(group, ring)] for group, ring in last.items()]

    @staticmethod
    def _shows(group: AlertGroup, name: str) -> bool:
        return any(one.fingerprint == name for one in group.firing)

    def _needed_since(self, name: str, told: Told) -> datetime | None:
        """Since when somebody has to be asked; None: it is answered."""
        needed = told.since
        if (name, told.since) in self.seen:
            return None
        until = max((end for likes, end in self.silences.values() if OF[name].like in likes), default=NEVER)
        if until > self.now:
            return None
        for number, (episodes, likes) in self.declared.items():
            over = self.incidents[number]
            if over is None and ((name, told.since) in episodes or OF[name].like in likes):
                return None
            if over is not None and (name, told.since) in episodes:
                needed = max(needed, over)
                if over + STILL_FIRES > self.now - MINUTE:
                    return None
        return needed


def play(desk: Desk, seed: int, acts: int) -> Life:
    life = Life(desk=desk, random=random.Random(seed))  # noqa: S311 - the same sequence again
    life.play(acts)
    return life
