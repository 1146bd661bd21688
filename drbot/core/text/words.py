"""The small formats every surface shares: cut, sizes, times."""

import re
from datetime import datetime, timedelta

from drbot.core.text.messages import phrase

_LAST_WORD = re.compile(r"\s\S{0,40}$")
_FIRST_WORD = re.compile(r"^\S{0,40}\s+")
"""Longer words, and languages without spaces, are cut inside."""
_HALF_ENTITY = re.compile(r"&[a-z]{0,4}$")
_LOOSE_ENDS = " \t\n,:("


def cut(text: str, limit: int) -> str:
    """At most `limit` letters, ending at a word, with "…" for what was left out. Every sentence gets shorter so."""
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    if not text[limit - 1].isspace():
        kept = _LAST_WORD.sub("", kept) or kept
    return _HALF_ENTITY.sub("", kept).rstrip(_LOOSE_ENDS) + "…"


def ending(text: str, limit: int) -> str:
    """The last `limit` letters at most, beginning at a word, with "…" for what was before: the end of an output."""
    if len(text) <= limit:
        return text
    kept = text[1 - limit :]
    if not text[-limit].isspace():
        kept = _FIRST_WORD.sub("", kept) or kept
    return "…" + kept.lstrip()


def short_name(name: str, limit: int) -> str:
    """At most `limit` letters of a name that its begin and its end tell from others, with "…" for the middle."""
    end = limit * 2 // 3
    return name if len(name) <= limit else f"{name[: limit - end - 1]}…{name[-end:]}"


def size(count: float) -> str:
    """A number of bytes as people say it, in powers of ten: "13.4 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def clock(moment: datetime) -> str:
    """The time of day, UTC, to the second."""
    return moment.strftime("%H:%M:%S UTC")


def day_and_time(moment: datetime) -> str:
    """To the minute, for what is planned, with the zone of `moment`."""
    return f"{moment:%Y-%m-%d %H:%M %Z}"


LONGEST_SECONDS = 3650 * 86_400.0


def seconds_of(text: str | int | float) -> float:
    """Seconds of a duration in a file: `90`, "90s", "30m", "4h", "3d", "10ms". Raises ValueError, also for one that is
    negative, without an end, or longer than anybody means.
    """
    seconds = _seconds_of(text)
    if not 0 <= seconds <= LONGEST_SECONDS:  # nor what is no number
        raise ValueError(phrase('"{text}" is not a duration: write one from 0 to 3650d', text=text))
    return seconds


def _seconds_of(text: str | int | float) -> float:
    if isinstance(text, (int, float)):
        return float(text)
    for suffix, factor in (("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)):
        number = text.removesuffix(suffix)
        if number != text and number.replace(".", "", 1).isdigit():
            return float(number) * factor
    raise ValueError(phrase('"{text}" is not a duration: write 90s, 30m, 4h or 3d', text=text))


def ago(then: datetime, now: datetime) -> timedelta:
    """How long ago, never negative: two hosts' clocks may differ."""
    return max(timedelta(0), now - then)
