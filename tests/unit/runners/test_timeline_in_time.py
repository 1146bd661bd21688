"""What could not be looked at is said: where there is too much, where WAL is broken, and where no server answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from drbot.core.base.errors import TemporaryError
from drbot.core.site.wal import Archive, Base, Series
from drbot.core.site.wal_timeline import Timeline
from drbot.runners.backups.wal_timeline import timeline_of

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAMES = [f"0000000100000000000000{number:02X}" for number in range(1, 21)]
DELETE = "commit 2026-03-02T09:10:07.5 - 0 delete=5/16385:500"


class Down:
    """A server that does not answer."""

    def answer(self, statement: str, database: str = "postgres") -> str:
        raise TemporaryError("starting", kind="starting")


@dataclass
class Received:
    """Twenty segments, and what the helper says of them, one answer after the other."""

    answers: list[str]
    read: list[tuple[str, str]] = field(default_factory=list)
    postgres: Down = field(default_factory=Down)

    def archive(self) -> Archive:
        written = {name: NINE + timedelta(minutes=number) for number, name in enumerate(NAMES)}
        base = Base(series="s", name="base", ended_at=NINE, first_segment=NAMES[0], segment_bytes=16 << 20)
        series = Series(begun=(NINE,), segments=frozenset(NAMES), written_at=max(written.values()), written=written)
        return Archive(bases=(base,), series={"s": series})

    def read_wal(self, words: Sequence[str]) -> str:
        self.read.append((words[6], words[7]))
        return self.answers.pop(0)


def told(received: Received, hours: float = 0.9) -> Timeline:
    now = NINE + timedelta(hours=1)
    return timeline_of(cast("Any", received), now - timedelta(hours=hours), now, now)


def test_of_more_than_can_be_read_the_newest_is_read_and_since_when_is_said() -> None:
    late = "code 124\nuntil 0/B000000\nfirst 2026-03-02T09:00:00\nlast 2026-03-02T09:10:00"
    done = f"{DELETE}\ncode 1\nuntil 0/14000100\nfirst 2026-03-02T09:14:00\nlast 2026-03-02T09:19:00"
    received = Received([late, done])

    timeline = told(received)

    # The first that was written since then is the seventh; it came as far as the eleventh, so two of five are safe.
    assert received.read == [(NAMES[6], NAMES[-1]), (NAMES[-2], NAMES[-1])]
    assert "what is older than 2026-03-02 09:14:00 UTC was not looked at" in str(timeline.doubts)
    assert [(one.names, one.rows, one.reachable) for one in timeline.events] == [(("5/16385",), 500, True)]


def test_what_is_newer_than_a_piece_that_is_broken_is_not_promised() -> None:
    broken = "code 1\nuntil 0/9000100\nlast 2026-03-02T09:10:00\nerror error: incorrect checksum at 0/9000188"

    (doubt,) = told(Received([broken])).doubts

    assert "What is newer than 2026-03-02 09:10:00 UTC could not be read: error: incorrect checksum" in str(doubt)


def test_what_is_older_than_every_base_backup_is_not_shown() -> None:
    received = Received(["code 1\nuntil 0/14000100\nerror "])

    timeline = told(received, hours=9)

    assert (timeline.since, received.read) == (NINE, [(NAMES[0], NAMES[-1])])
    assert "There is no way back to what is older." in str(timeline.doubts)


def test_where_nothing_was_written_nothing_is_read() -> None:
    received = Received([])

    assert (told(received, hours=0.1).events, received.read) == ((), [])
