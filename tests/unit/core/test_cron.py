"""When something is due: each due time once, whatever clocks show, and nonsense is refused in dr.yml."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drbot.core.base.cron import Calendar
from drbot.core.base.errors import UserError
from drbot.core.site.configuration import load_configuration
from drbot.core.site.site import Configuration

NIGHTLY, EVERY_THREE_HOURS, EVERY_HOUR = "30 2 * * *", "30 */3 * * *", "15 * * * *"
DOCUMENT = """system: shop
time_zone: {zone}
sites:
  production:
    services: {{postgres: {{project: shop, service: postgres, role: database}}}}
    postgres: {{volume: postgres_data, databases: [shop]}}
backups: {{directory: backups, schedule: {{postgres: "{expression}"}}}}
"""


def due(expression: str, first: datetime, days: int = 1, zone: str = "Europe/Berlin") -> list[str]:
    """Day and hour, UTC, of everything due from then on."""
    calendar, moment, found = Calendar(expression=expression, time_zone=zone), first, []
    while (moment := calendar.after(moment)) < first + timedelta(days=days):
        found.append(f"{moment:%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("expression", "first", "expected"),
    [
        (NIGHTLY, datetime(2026, 3, 28, 12, tzinfo=UTC), ["29 01:00"]),  # there is no half past two: at three
        (NIGHTLY, datetime(2026, 3, 29, 12, tzinfo=UTC), ["30 00:30"]),
        (NIGHTLY, datetime(2026, 10, 24, 12, tzinfo=UTC), ["25 00:30"]),  # half past two comes twice
        (NIGHTLY, datetime(2026, 10, 25, 0, 45, tzinfo=UTC), []),  # before the second one
        (
            EVERY_THREE_HOURS,
            datetime(2026, 3, 28, 23, tzinfo=UTC),
            ["28 23:30", *(f"29 {hour:02d}:30" for hour in range(1, 24, 3))],
        ),
        (
            EVERY_THREE_HOURS,
            datetime(2026, 10, 24, 22, tzinfo=UTC),
            ["24 22:30", "25 02:30", "25 05:30", "25 08:30", "25 11:30", "25 14:30", "25 17:30", "25 20:30"],
        ),
        (EVERY_HOUR, datetime(2026, 10, 24, 23, 30, tzinfo=UTC), [f"25 {hour:02d}:15" for hour in range(24)]),
    ],
    ids=["no such hour", "the day after", "twice that hour", "inside it", "23 hours", "25 hours", "each hour"],
)  # fmt: skip
def test_what_is_due_on_the_days_on_which_clocks_are_changed(
    expression: str, first: datetime, expected: list[str]
) -> None:
    assert due(expression, first) == expected


@settings(max_examples=60, deadline=None)
@given(
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 - UTC is put on below
    expression=st.sampled_from([NIGHTLY, EVERY_THREE_HOURS, "*/20 1-3 * * *", "0 3 29 2 *", "5 2 * * SUN#1"]),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
def test_the_next_one_is_always_later_and_nothing_is_passed_over(moment: datetime, expression: str, zone: str) -> None:
    calendar, now = Calendar(expression=expression, time_zone=zone), moment.replace(tzinfo=UTC)
    following = calendar.after(now)

    assert following > now
    assert calendar.after(following - timedelta(microseconds=1)) == following


def load(folder: Path, expression: str = EVERY_THREE_HOURS, zone: str = "UTC") -> Configuration:
    path = folder / "dr.yml"
    path.write_text(DOCUMENT.format(expression=expression, zone=zone))
    return load_configuration(path).configuration


@pytest.mark.parametrize("expression", [NIGHTLY, "*/10 * * * *", "0 0 29 2 *", "30 1 L * *", "0 4 * 1,7 mon-fri"])
def test_what_can_be_due_is_taken(tmp_path: Path, expression: str) -> None:
    configuration = load(tmp_path, expression, "Asia/Tokyo")

    calendar = configuration.calendar(configuration.backups.schedule.postgres)

    assert calendar == Calendar(expression=expression, time_zone="Asia/Tokyo")
    assert configuration.calendar(configuration.backups.schedule.full) is None


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("0 0 31 2 *", "is never due: there is no such day"),
        ("0 0 31 4,6 *", "is never due"),
        ("* * * * *", "is due again after 1 min; the shortest is 10 min"),
        ("*/9 * * * *", "is due again after 6 min"),
        ("0,55 0,23 1,31 * *", "is due again after 5 min"),
        ("0 0 32 * *", "is no cron expression"),
        ("every night", "is no cron expression"),
        ("", "is no cron expression"),
        ("0 */5 * * * *", "is no cron expression"),
        ("@daily", "is no cron expression"),
    ],
)
def test_what_is_never_due_too_often_due_or_nonsense_is_refused_with_its_line(
    tmp_path: Path, expression: str, said: str
) -> None:
    with pytest.raises(UserError) as refused:
        load(tmp_path, expression)

    assert said in str(refused.value)
    assert "dr.yml:7" in str(refused.value)


@pytest.mark.parametrize("zone", ["Europe/Berln", "../../etc/passwd", "CEST/2", "''"])
def test_a_time_zone_that_nobody_knows_is_refused(tmp_path: Path, zone: str) -> None:
    with pytest.raises(UserError, match=r"dr.yml:2: .*there is no time zone"):
        load(tmp_path, zone=zone)


def test_a_schedule_for_a_database_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dr.yml"
    path.write_text("system: shop\nsites: {production: {}}\nbackups: {directory: x, schedule: {postgres: '0 2 * * *'}}")

    with pytest.raises(UserError, match='"production" has no PostgreSQL'):
        load_configuration(path)


def test_a_schedule_for_a_site_that_is_not_there_is_refused_with_the_nearest_that_is(tmp_path: Path) -> None:
    path = tmp_path / "dr.yml"
    path.write_text(
        "system: shop\nsites: {production: {}, tokyo: {}}\nbackups: {directory: x, schedule: {sites: [tokio]}}"
    )

    with pytest.raises(UserError, match=r'"tokio" is not one of the sites .*tokyo'):
        load_configuration(path)
