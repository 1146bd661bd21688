"""What was received of a PostgreSQL server: base backups, and the write-ahead log by its segments' names. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import phrase

PARTIAL = ".partial"
_SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(\.partial)?")
LATEST = "moment_latest"
"""As a backup's name: everything that was received."""
_MOMENT = re.compile(r"moment_([0-9]{8}_[0-9]{6})(?:_([0-9]{6}))?")
_STAMP = "%Y%m%d_%H%M%S"
NOT_RECEIVED: str = phrase("Nothing is received of this site's PostgreSQL.")
ANOTHER_MOMENT: str = phrase("Another moment is another question: /dr recover to 02:13:07 (/dr moments shows them).")
RECEIVE: str = phrase(
    "Write `continuous: {}` under its `postgres` in dr.yml, and restart its worker: drbot docs moments"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """A base backup: a recovery goes on from it with the WAL from `first_segment` on, to moments from `ended_at` on.
    `digest`: SHA-256 of its manifest, which has one of every file.
    """

    series: str  # the folder of the WAL that was received without an interruption
    name: str  # base_<YYYYmmdd_HHMMSS>, UTC
    ended_at: datetime
    first_segment: str
    segment_bytes: int
    digest: str = ""
    size: int = 0  # bytes
    version: str = ""  # major, of PostgreSQL


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """WAL without an interruption, received while one slot lived. `begun`: from when on, once more for each time that
    its data came back. `segments`: their names. `written_at`: when something was received last; None: nothing was.
    """

    begun: tuple[datetime, ...] = ()
    segments: frozenset[str] = frozenset()
    written_at: datetime | None = None
    written: Mapping[str, datetime] = field(default_factory=dict)  # each segment, last


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """All of it. `bases`: the newest first."""

    bases: tuple[Base, ...] = ()
    series: Mapping[str, Series] = field(default_factory=dict)

    def gap_since(self, base: Base) -> str | None:
        """The first segment that is missing of what a recovery from this base needs; None: all is there."""
        names = self.series[base.series].segments if base.series in self.series else ()
        return gap_in(names, base.first_segment, segments_a_log(base.segment_bytes))

    def series_at(self, moment: datetime | None) -> str | None:
        """Which was received then; for None: last."""
        begun = [(since, name) for name, one in self.series.items() for since in one.begun]
        return max((one for one in begun if moment is None or one[0] <= moment), default=(None, None))[1]

    def base_for(self, moment: datetime | None, now: datetime) -> Base:
        """What a recovery to this moment begins with, to the newest one for None. Raises PermanentError with what is
        possible instead.
        """
        if moment is not None and moment > now:
            raise PermanentError(phrase("{moment} UTC is in the future", moment=exactly(moment)))
        if not self.bases:
            raise PermanentError(phrase("There is no base backup yet"))
        series = self.series_at(moment)
        ours = [one for one in self.bases if one.series == series]
        if found := next((one for one in ours if moment is None or one.ended_at <= moment), None):
            return found
        later = min((one.ended_at for one in ours or self.bases if moment and one.ended_at > moment), default=None)
        if moment is None or later is None:
            raise PermanentError(phrase("There is no base backup yet of what is received now"))
        raise PermanentError(
            phrase(
                "There is no base backup for {moment} UTC; the next moment to go back to is {later} UTC",
                moment=exactly(moment),
                later=to_the_second(later),
            )
        )


def segments_a_log(segment_bytes: int) -> int:
    """How many segments share the middle eight digits of a name."""
    return (1 << 32) // segment_bytes


def gap_in(names: Iterable[str], first: str, a_log: int) -> str | None:
    """The name of the first segment that is missing from `first` on; None: all up to the newest are there. Where the
    server has switched its timeline, one segment lies there under both.
    """
    there = {_place(name, a_log): name for name in sorted(names) if _SEGMENT.fullmatch(name)}
    begin = _place(first, a_log)
    newest = max(there, default=-1)
    for place in range(begin, max(newest, begin) + 1):
        if place not in there:
            timeline = there[place - 1][:8] if place - 1 in there else first[:8]
            return _name(timeline, place, a_log)
    return None


def newest_run(series: Series, since: datetime, a_log: int) -> tuple[tuple[str, ...], str | None]:
    """The newest segments that follow each other, back to what was written at `since`, all under the newest's timeline;
    and which is missing before them, where older ones of that time are there.
    """
    written = {_place(name, a_log): at for name, at in series.written.items() if _SEGMENT.fullmatch(name)}
    if not written:
        return (), None
    timeline = max(name[:8] for name in series.written if _SEGMENT.fullmatch(name))
    place, run, begin = max(written), [], since - timedelta(seconds=1)  # of a file the second alone is known
    while place in written and written[place] >= begin:
        run.append(_name(timeline, place, a_log))
        place -= 1
    is_missing = place not in written and any(one < place and at >= begin for one, at in written.items())
    return tuple(reversed(run)), _name(timeline, place, a_log) if is_missing else None


def place_of(name: str, segment_bytes: int) -> int:
    """Of a segment, counted from the first."""
    return _place(name, segments_a_log(segment_bytes))


def _name(timeline: str, place: int, a_log: int) -> str:
    return f"{timeline}{place // a_log:08X}{place % a_log:08X}"


def _place(name: str, a_log: int) -> int:
    found = _SEGMENT.fullmatch(name)
    if found is None:
        raise ValueError(f"{name} is no segment")
    return int(found[2], 16) * a_log + int(found[3], 16)


def to_the_second(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def exactly(moment: datetime) -> str:
    """With the part of a second that it names."""
    return to_the_second(moment) + (f".{moment.microsecond:06}" if moment.microsecond else "")


def moment_name(moment: datetime | None) -> str:
    """What a backup is called that is the data as it was then."""
    if moment is None:
        return LATEST
    part = f"_{moment.microsecond:06}" if moment.microsecond else ""
    return f"moment_{moment.astimezone(UTC):{_STAMP}}{part}"


def is_moment_name(name: str) -> bool:
    return name == LATEST or moment_in(name) is not None


def moment_in(name: str) -> datetime | None:
    """The moment in such a name; None: there is none."""
    if not (found := _MOMENT.fullmatch(name)):
        return None
    try:
        return datetime.strptime(f"{found[1]}_{found[2] or 0}", f"{_STAMP}_%f").replace(tzinfo=UTC)
    except ValueError:
        return None
