"""PostgreSQL's write-ahead log by the names of its segments: which there are, and whether one is missing. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

PARTIAL = ".partial"
_SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(\.partial)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """A base backup: a recovery goes on from it with the WAL from `first_segment` on, to moments from `ended_at` on."""

    series: str  # the folder of the WAL that was received without an interruption
    name: str  # base_<YYYYmmdd_HHMMSS>, UTC
    ended_at: datetime
    first_segment: str
    segment_bytes: int


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
            return f"{timeline}{place // a_log:08X}{place % a_log:08X}"
    return None


def _place(name: str, a_log: int) -> int:
    found = _SEGMENT.fullmatch(name)
    if found is None:
        raise ValueError(f"{name} is no segment")
    return int(found[2], 16) * a_log + int(found[3], 16)
