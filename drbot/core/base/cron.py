"""When something is due by the calendar: a cron expression in a time zone, as Debian's cron reads it. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator

from drbot.core.text.messages import duration, phrase

SHORTEST = timedelta(minutes=10)
A_LEAP_YEAR = datetime(2024, 1, 1, tzinfo=UTC)
LOOKED_AT = 400  # due times in four years: the shortest gap between two of an expression is among them
BACK = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Calendar:
    expression: str
    time_zone: str = "UTC"

    def after(self, moment: datetime) -> datetime:
        """The first due time after this moment, UTC. An hour that clocks show twice holds a time of day once."""
        due = CronSim(self.expression, (moment - BACK).astimezone(ZoneInfo(self.time_zone)))
        return next(utc for one in due if (utc := one.astimezone(UTC)) > moment)


def _expression(given: str) -> str:
    if not _is_cron(given):
        if _is_cron(_in_any_month(given)):
            raise ValueError(phrase('"{expression}" is never due: there is no such day', expression=given))
        raise ValueError(
            phrase(
                '"{expression}" is no cron expression: write minute, hour, day of the month, month and day of the '
                'week, such as "30 */3 * * *"',
                expression=given,
            )
        )
    if next(CronSim(given, A_LEAP_YEAR), None) is None:
        raise ValueError(phrase('"{expression}" is never due: there is no such day', expression=given))
    due = takewhile(lambda one: one.year < A_LEAP_YEAR.year + 4, CronSim(given, A_LEAP_YEAR))
    gap = min((later - sooner for sooner, later in pairwise(islice(due, LOOKED_AT))), default=SHORTEST)
    if gap < SHORTEST:
        raise ValueError(
            phrase(
                '"{expression}" is due again after {gap}; the shortest is {shortest}',
                expression=given,
                gap=duration(gap.total_seconds()),
                shortest=duration(SHORTEST.total_seconds()),
            )
        )
    return given


def _is_cron(given: str) -> bool:
    try:
        CronSim(given, A_LEAP_YEAR)
    except CronSimError:
        return False
    return len(given.split()) == 5  # a sixth would be seconds


def _in_any_month(given: str) -> str:
    return " ".join("*" if place == 3 else word for place, word in enumerate(given.split()))


def _time_zone(given: str) -> str:
    try:
        ZoneInfo(given)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            phrase('there is no time zone "{name}": write one such as Europe/Berlin, Asia/Tokyo or UTC', name=given)
        ) from error
    return given


Cron = Annotated[str, AfterValidator(_expression)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
