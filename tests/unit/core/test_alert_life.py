"""Whatever comes in whatever order: what fires and nobody has answered is on the screen within a minute."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from drbot.core.site.alert_groups import AlertGroup, Answer, answered, closed, must_ring, rung
from drbot.core.site.alert_message import heard
from drbot.core.site.alerts import Alert
from tests.alert_life import play

QUICK, ALL, ACTS = 2_000, 24_000, 18


@dataclass(kw_only=True)
class Memory:
    """The store, without a database."""

    kept: dict[int, AlertGroup] = field(default_factory=dict)
    shown: dict[int, int] = field(default_factory=dict)
    incidents: int = 0

    def groups(self) -> list[AlertGroup]:
        return list(self.kept.values())

    def take(self, key: str, came: Sequence[Alert], now: datetime) -> None:
        for group in heard(self.groups(), key, came, now):
            number = group.id or len(self.kept) + 1
            self.kept[number] = replace(group, id=number)

    def answer(self, group: int, said: Answer, now: datetime, until: datetime | None = None) -> None:
        known = self.kept[group]
        self.kept[group] = closed(known, "ben", now) if said is Answer.CLOSED else answered(known, said, "ben", until)

    def declare(self, group: int, now: datetime) -> int:
        self.incidents += 1
        known = answered(self.kept[group], Answer.DECLARED, "ben")
        self.kept[group] = replace(known, incident=self.incidents)
        return self.incidents

    def resolve(self, incident: int, now: datetime) -> None:
        for number, group in self.kept.items():
            if group.incident == incident:
                self.kept[number] = replace(group, incident_over=now)

    def look(self, now: datetime, show: Callable[[AlertGroup], bool]) -> None:
        for number, group in self.kept.items():
            if must_ring(group, now):
                self.kept[number] = rung(group)
        for number, group in self.kept.items():
            if group.version > self.shown.get(number, 0) and show(group):
                self.shown[number] = group.version


@pytest.mark.parametrize("part", range(4))
def test_what_fires_and_nobody_has_answered_is_on_the_screen(part: int) -> None:
    for seed in range(part, QUICK, 4):
        play(Memory(), seed, ACTS)


@pytest.mark.more
@pytest.mark.parametrize("part", range(8))
def test_so_it_is_after_many_more_sequences(part: int) -> None:
    for seed in range(QUICK + part, ALL, 8):
        play(Memory(), seed, ACTS)


T0 = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)


def said(fingerprint: str, starts_at: datetime) -> Alert:
    return Alert(fingerprint=fingerprint, name="PostgresDown", labels={}, summary="", starts_at=starts_at)


def test_what_is_said_to_begin_in_the_future_keeps_no_later_one_from_the_screen() -> None:
    memory = Memory()
    memory.take("k", [said("f", T0 + timedelta(days=3650))], T0)
    memory.take("k", [said("f", T0 + timedelta(days=3650))], T0 + timedelta(minutes=1))
    (first,) = memory.groups()
    assert (first.began, first.version) == (T0, 1)
    memory.answer(first.id, Answer.SEEN, T0 + timedelta(minutes=2))

    memory.take("k", [said("f", T0 + timedelta(hours=1))], T0 + timedelta(hours=1))

    assert [(group.began, group.answer) for group in memory.groups() if group.firing] == [
        (T0 + timedelta(hours=1), Answer.NONE)
    ]


def test_a_clock_that_is_a_little_fast_changes_nothing() -> None:
    memory = Memory()
    memory.take("k", [said("f", T0 + timedelta(seconds=50))], T0)
    memory.take("k", [said("f", T0 + timedelta(seconds=50))], T0 + timedelta(minutes=5))

    assert [group.began for group in memory.groups()] == [T0 + timedelta(seconds=50)]
