"""When the data of a backup is from. Neither a name nor a manifest is believed beyond the present."""

import re
from datetime import UTC, datetime, timedelta, timezone

from drbot.core.text.messages import phrase

AHEAD = timedelta(minutes=5)
"""The clocks of two hosts may differ by so much; beyond that one of them is wrong, and no loss can be told."""

EASTERNMOST = timezone(timedelta(hours=14))
UNKNOWN = datetime.fromtimestamp(0, UTC)
"""Of a backup whose time nobody can tell: it is never the newest."""


_STAMP = re.compile(
    r"(?<!\d)(?P<day>20\d\d(?P<between>[-_.]?)\d\d(?P=between)\d\d)"
    r"(?:[-_.T ]?(?P<minute>\d\d[-_.:h]?\d\d)(?:[-_.:m]?(?P<second>\d\d))?)?(?!\d)(?P<utc>Z?)"
)
_FURTHEST = timedelta(hours=26)  # between two time zones


def moment_in(name: str, now: datetime) -> datetime | None:
    """The moment of "20261126_030000" in a name, UTC, however its parts are set off; of a day alone its first second.
    None without one, or when there is no such day or hour. Scripts write the local time of their host. Where that is
    still to come here, the host lies further east: then the earliest moment it can mean, so that the loss is never told
    too small.
    """
    found = _STAMP.search(name)
    if found is None:
        return None
    day, minute = (re.sub(r"\D", "", found[part] or "") for part in ("day", "minute"))
    stamp = f"{day}{minute or '0000'}{found['second'] or '00'}"
    try:
        local = datetime.strptime(stamp, "%Y%m%d%H%M%S").astimezone()
        local = local.replace(tzinfo=UTC) if found["utc"] else local
        here = local.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return here if here <= now + AHEAD else local.replace(tzinfo=EASTERNMOST).astimezone(UTC)


def not_after(moment: datetime, written: float) -> datetime:
    """Data is no newer than its file (`written`, in seconds of Unix time). One that was written some hours before its
    name says was named in another time zone; one by days lost its time when it was copied.
    """
    is_zone = 0 < moment.timestamp() - written < _FURTHEST.total_seconds()
    return datetime.fromtimestamp(written, UTC) if is_zone else moment


def future_fault(moment: datetime, now: datetime) -> str | None:
    """Why a backup that says it is of this moment cannot be used; None when it can be."""
    if moment <= now + AHEAD:
        return None
    return phrase(
        "it dates its data {moment}, which is in the future: a clock was wrong",
        moment=f"{moment:%Y-%m-%d %H:%M} UTC",
    )
