"""How much of a backup is read before it is refused: a few bytes must not keep a survey busy for minutes."""

from dataclasses import dataclass

from drbot.core.text.messages import phrase
from drbot.core.text.words import size

LARGEST_MANIFEST = 16 << 20
"""Bytes; a line per table, so this is for more than 100,000 tables."""

UNPACKED_ANYWAY = 1 << 30
"""Bytes that a dump may always have: reading them takes seconds."""

RATIO = 300
"""Real dumps shrink to a third or a tenth, tables of equal rows to a hundredth; gzip's most is 1032, all zeros."""

SECONDS_ANYWAY = 60.0
SLOWEST = 1_000_000
"""Bytes a second of the file; a disk that is slower than this cannot be recovered from in time."""

SLOWEST_UNPACKED = 50_000_000
"""Bytes a second of the SQL, which is what a restore takes in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingLimits:
    """Beyond these a backup is refused."""

    unpacked: int  # bytes
    why: str  # what is said then
    seconds: float  # for looking only; a restore takes what it needs


def limits_of(packed: int, sql_bytes: int | None) -> ReadingLimits:
    """Of a file with so many bytes; `sql_bytes`: what its manifest says that it holds, None without one."""
    if sql_bytes is not None:
        return ReadingLimits(
            unpacked=sql_bytes,
            why=phrase("its SQL is longer than the {size} of its manifest", size=size(sql_bytes)),
            seconds=SECONDS_ANYWAY + packed / SLOWEST + sql_bytes / SLOWEST_UNPACKED,
        )
    most = max(UNPACKED_ANYWAY, RATIO * packed)
    return ReadingLimits(
        unpacked=most,
        why=phrase(
            "it unpacks to more than {size}, over {times} times its size: no dump does that, so reading was stopped",
            size=size(most),
            times=RATIO,
        ),
        seconds=SECONDS_ANYWAY + packed / SLOWEST,
    )
