"""The one reader of moments that people type: `02:13`, `02:13:07 JST`, `2026-03-02 02:13+09:00`, `20m`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from drbot.commands.speech.parser import plain, printable
from drbot.commands.speech.refusal import Refusal
from drbot.core.site.site import Configuration
from drbot.core.site.wal import exactly
from drbot.core.text.messages import filled, phrase
from drbot.core.text.words import seconds_of

TWICE = phrase("On {day} clocks showed {time} twice: at {first} and at {second}.")
NEVER = phrase("On {day} clocks went past {time}: it can mean {first} or {second}.")
_WRITTEN = re.compile(
    r"(?:(?P<day>\d{4}-\d{2}-\d{2})(?:[t ](?=\d)|$))?"
    r"(?:(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<part>\d{1,9}))?)? ?(?P<zone>[a-z+-]\S*)?)?",
    re.ASCII,
)
_CLOCK = re.compile(r"\d{1,2}:\d{2}\S*", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d{2})(?::?(\d{2}))?", re.ASCII)
_OF_OTHERS = frozenset({
    "ACDT", "ACST", "AEDT", "AEST", "AKDT", "AKST", "AST", "AWST", "BRT", "BST", "CDT", "CEST", "CET", "CST", "EDT",
    "EEST", "EET", "EST", "GST", "HKT", "HST", "ICT", "IST", "JST", "KST", "MDT", "MSK", "MST", "MYT", "NDT", "NST",
    "NZDT", "NZST", "PDT", "PHT", "PKT", "PST", "SAST", "SGT", "WAT", "WIB",
})  # fmt: skip
"""Zones by names that only some people know: none of them becomes part of a title, and the time is refused."""
_OTHER_DAYS = frozenset({"am", "pm", "today", "tomorrow", "yesterday"})
"""The same of what would make it another time."""
_OF_UTC = frozenset({"z", "utc", "gmt"})


@dataclass(frozen=True, slots=True)
class WallClock:
    """What the clock shows that people look at: now, UTC, and the zone that posts and cards are written in."""

    now: datetime
    zone: ZoneInfo

    def told(self, moment: datetime) -> str:
        """A moment as it was understood: by the clock of these people, and UTC."""
        local, universal = moment.astimezone(self.zone), f"{exactly(moment)} UTC"
        if not local.utcoffset():
            return universal
        name = local.tzname() or ""
        name = name if name.isalpha() else self.zone.key  # "-03" is no name
        return f"{local.replace(tzinfo=None).isoformat(' ')} {name} ({universal})"


def wall_clock(configuration: Configuration, now: datetime) -> WallClock:
    return WallClock(now, ZoneInfo(configuration.time_zone))


def whole(moment: datetime) -> str:
    """The same moment whenever and wherever it is read: what buttons and commands carry."""
    return f"{exactly(moment).replace(' ', 'T')}Z"


def moment_of(word: str, clock: WallClock, todo: str) -> datetime | None:
    """A moment, UTC: "20m" ago, or a time, with a day or the newest that was, by this clock unless it names its zone.
    Raises Refusal with how to write it (`todo`), also where a clock was put back or forward and nobody can tell.
    """
    said = " ".join(plain(word).split())
    if not said:
        return None
    try:
        found = _WRITTEN.fullmatch(said)
        if found is None:
            return (clock.now - timedelta(seconds=seconds_of(said))).replace(microsecond=0)
        zone = _zone(found["zone"], clock)
        hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
        at = time(hour, minute, second, int(f"{found['part'] or 0:0<6}"[:6]))
        return _moment(date.fromisoformat(found["day"]) if found["day"] else None, at, zone, clock)
    except (ValueError, OverflowError) as error:
        raise Refusal(phrase('"{word}" is not a time.', word=printable(word)), todo, code="no_time") from error


def spoken(words: Sequence[str], clock: WallClock) -> tuple[str, list[str]]:
    """The first word with those behind it that belong to the same time, a time of day and a zone; and what is left."""
    said, left = words[0], list(words[1:])
    found = _WRITTEN.fullmatch(plain(said))
    if left and found and found["day"] and not found["hour"] and _CLOCK.fullmatch(plain(left[0])):
        said = f"{said} {left.pop(0)}"
        found = _WRITTEN.fullmatch(plain(said))
    if left and found and found["hour"] and not found["zone"] and _is_zone(left[0], clock):
        said = f"{said} {left.pop(0)}"
    return said, left


def _moment(day: date | None, at: time, zone: tzinfo, clock: WallClock) -> datetime:
    """Without a day: of today, or of yesterday while it is still to come."""
    if day is None:
        today = clock.now.astimezone(zone).date()
        has_been = min(_readings(today, at, zone)) <= clock.now
        day = today if has_been else today - timedelta(days=1)
    readings = _readings(day, at, zone)
    is_shown = readings[0].astimezone(zone).replace(tzinfo=None) == datetime.combine(day, at)
    meant = [one for one in readings if one <= clock.now] or readings  # what is still to come is not meant
    if is_shown and len(meant) == 1:
        return meant[0]
    first, second = (f"{whole(one)} ({one.astimezone(zone):%H:%M %Z})" for one in readings)
    said = TWICE if is_shown else NEVER
    why = filled(said, time=f"{at:%H:%M}", day=f"{day}", first=first, second=second)
    raise Refusal(why, phrase("Write the one that you mean."), code="no_time")


def _readings(day: date, at: time, zone: tzinfo) -> list[datetime]:
    """Both where clocks were put back, and where they were put forward past it; else the only one."""
    local = datetime.combine(day, at, zone)
    return sorted({local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)})


def _zone(said: str | None, clock: WallClock) -> tzinfo:
    """UTC, an offset, a name of the world's zones, or what the own zone is called in winter and summer. Raises
    ValueError for any other: what CST means depends on who says it.
    """
    if not said:
        return clock.zone
    if said in _OF_UTC:
        return UTC
    if found := _OFFSET.fullmatch(said):
        east = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        return timezone(-east if found[1] == "-" else east)
    year = (clock.now.replace(month=month, day=1).astimezone(clock.zone) for month in (1, 7))
    own = next((one for one in year if (one.tzname() or "").lower() == said), None)
    if own is not None:
        return timezone(own.utcoffset() or timedelta(), own.tzname() or "")
    if "/" in said and (named := next((one for one in available_timezones() if one.lower() == said), None)):
        return ZoneInfo(named)
    raise ValueError(said)


def _is_zone(word: str, clock: WallClock) -> bool:
    """Also one that is known to others alone, in capitals: "ist" is German."""
    try:
        return bool(plain(word)) and bool(_zone(plain(word), clock))
    except ValueError:
        return word in _OF_OTHERS or plain(word) in _OTHER_DAYS
