"""When the data of a backup is from. Neither a name nor a manifest is believed beyond the present."""

from datetime import UTC, datetime, timedelta, timezone

from drbot.core.text.messages import phrase

AHEAD = timedelta(minutes=5)
"""The clocks of two hosts may differ by so much; beyond that one of them is wrong, and no loss can be told."""

EASTERNMOST = timezone(timedelta(hours=14))
UNKNOWN = datetime.fromtimestamp(0, UTC)
"""Of a backup whose time nobody can tell: it is never the newest."""


def moment_of_stamp(stamp: str, now: datetime) -> datetime | None:
    """The moment of "20261126_030000" in a name, UTC; None when there is no such day or hour. Scripts write the local
    time of their host. Where that is still to come here, the host lies further east: then the earliest moment it can
    mean, so that the loss is never told too small.
    """
    try:
        local = datetime.strptime(stamp, "%Y%m%d_%H%M%S").astimezone()
        here = local.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return here if here <= now + AHEAD else local.replace(tzinfo=EASTERNMOST).astimezone(UTC)


def future_fault(moment: datetime, now: datetime) -> str | None:
    """Why a backup that says it is of this moment cannot be used; None when it can be."""
    if moment <= now + AHEAD:
        return None
    return phrase(
        "it dates its data {moment}, which is in the future: a clock was wrong",
        moment=f"{moment:%Y-%m-%d %H:%M} UTC",
    )
