"""Each due time has one backup at most, and never none because two clocks differ a little."""

from datetime import UTC, datetime, timedelta

import pytest

from drbot.core.base.cron import Calendar
from drbot.runners.upkeep.scheduled_backups import is_of_last

DAILY, OFTEN = Calendar(expression="0 4 * * *"), Calendar(expression="*/10 * * * *")
DUE = datetime(2026, 3, 2, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("begun", "now", "is_made"),
    [
        (-86_400, 0, False),
        (-86_397, -2, False),  # the state's clock is ahead, so the row says already that it is due
        (0, 0, True),
        (0, 86_399 - 60, True),
        (0, 86_400, False),
        (-50, 0, True),  # begun by a clock that is ahead
        (-50, 3600, True),
        (3600, 3700, True),  # somebody made one by hand
        (-3600, 0, False),
    ],
)
def test_a_backup_is_that_of_the_last_due_time_until_the_next_one(begun: int, now: int, is_made: bool) -> None:
    moments = (DUE + timedelta(seconds=seconds) for seconds in (begun, now))

    assert is_of_last(DAILY, *moments) is is_made


def test_however_often_a_row_says_that_one_is_due_there_are_no_more_than_due_times() -> None:
    made = [DUE - timedelta(days=1)]
    for second in range(0, 6 * 3600, 7):
        now = DUE + timedelta(seconds=second)
        if not is_of_last(OFTEN, made[-1], now):
            made.append(now)

    assert len(made) - 1 <= 6 * 6 + 1
