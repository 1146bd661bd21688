"""A time that people type is one of the clock that they look at, unless it names another zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from drbot.commands.facts.moment_read import WallClock, moment_of, spoken, whole
from drbot.commands.speech.refusal import Refusal

HOW = "Write it so."


def clock(zone: str, now: str) -> WallClock:
    return WallClock(datetime.fromisoformat(now).astimezone(UTC), ZoneInfo(zone))


TOKYO = clock("Asia/Tokyo", "2026-03-02T04:00+09:00")
BERLIN = clock("Europe/Berlin", "2026-07-02T12:00+02:00")
AFTER_SUMMER = clock("Europe/Berlin", "2026-10-25T12:00+01:00")
IN_SUMMER_STILL = clock("Europe/Berlin", "2026-10-25T02:45+02:00")
AFTER_WINTER = clock("Europe/Berlin", "2026-03-29T12:00+02:00")


@pytest.mark.parametrize(
    ("said", "here", "meant"),
    [
        ("02:13", TOKYO, "2026-03-01T17:13:00Z"),
        ("02:13:07", TOKYO, "2026-03-01T17:13:07Z"),
        ("2:13:07.25", TOKYO, "2026-03-01T17:13:07.250000Z"),
        ("02:13:07,25", TOKYO, "2026-03-01T17:13:07.250000Z"),
        ("０２：１３", TOKYO, "2026-03-01T17:13:00Z"),
        ("05:00", TOKYO, "2026-02-28T20:00:00Z"),  # of yesterday: it is still to come
        ("02:13Z", TOKYO, "2026-03-01T02:13:00Z"),  # there it is not two yet
        ("02:13 UTC", TOKYO, "2026-03-01T02:13:00Z"),
        ("02:13jst", TOKYO, "2026-03-01T17:13:00Z"),
        ("02:13+09:00", TOKYO, "2026-03-01T17:13:00Z"),
        ("11:13-0330", TOKYO, "2026-03-01T14:43:00Z"),
        ("18:13 Europe/Berlin", TOKYO, "2026-03-01T17:13:00Z"),
        ("2026-03-02T02:13", TOKYO, "2026-03-01T17:13:00Z"),
        ("2026-03-02 02:13:07", TOKYO, "2026-03-01T17:13:07Z"),
        ("2026-03-01 17:13:07 UTC", TOKYO, "2026-03-01T17:13:07Z"),
        ("2026-03-01T17:13:07.000001Z", TOKYO, "2026-03-01T17:13:07.000001Z"),
        ("2026-03-02", TOKYO, "2026-03-01T15:00:00Z"),
        ("20m", TOKYO, "2026-03-01T18:40:00Z"),
        ("2026-07-01T02:13", BERLIN, "2026-07-01T00:13:00Z"),
        ("2026-01-01T02:13", BERLIN, "2026-01-01T01:13:00Z"),
        ("2026-01-01 02:13 CET", BERLIN, "2026-01-01T01:13:00Z"),
        ("2026-10-25 02:30 CEST", AFTER_SUMMER, "2026-10-25T00:30:00Z"),
        ("02:30 CET", AFTER_SUMMER, "2026-10-25T01:30:00Z"),
        ("02:30", IN_SUMMER_STILL, "2026-10-25T00:30:00Z"),  # the second time is still to come
        ("01:59:59", AFTER_WINTER, "2026-03-29T00:59:59Z"),
        ("03:00", AFTER_WINTER, "2026-03-29T01:00:00Z"),
    ],
)
def test_a_time_is_read_by_the_clock_of_people_or_in_the_zone_that_it_names(
    said: str, here: WallClock, meant: str
) -> None:
    moment = moment_of(said, here, HOW)

    assert moment is not None and whole(moment) == meant
    assert moment_of(whole(moment), here, HOW) == moment, "what a button carries is the same moment"


@pytest.mark.parametrize(
    ("said", "here", "why"),
    [
        (
            "02:30",
            AFTER_SUMMER,
            "On 2026-10-25 clocks showed 02:30 twice: at 2026-10-25T00:30:00Z (02:30 CEST) and at "
            "2026-10-25T01:30:00Z (02:30 CET). Write the one that you mean.",
        ),
        (
            "2026-03-29 02:30",
            AFTER_WINTER,
            "On 2026-03-29 clocks went past 02:30: it can mean 2026-03-29T00:30:00Z (01:30 CET) or "
            "2026-03-29T01:30:00Z (03:30 CEST). Write the one that you mean.",
        ),
        ("02:30", AFTER_WINTER, "On 2026-03-29 clocks went past 02:30"),
        ("02:13 XYZ", TOKYO, '"02:13 XYZ" is not a time. Write it so.'),
        ("02:13PST", TOKYO, "is not a time"),
        ("02:13pm", TOKYO, "is not a time"),
        ("25:00", TOKYO, "is not a time"),
        ("02:13+99:00", TOKYO, "is not a time"),
        ("0001-01-01 00:00", TOKYO, "is not a time"),
        ("2026-02-30", TOKYO, "is not a time"),
        ("yesterday", TOKYO, "is not a time"),
        ("99999999d", TOKYO, "is not a time"),
    ],
)
def test_what_is_no_time_or_two_is_refused_with_what_can_be_written(said: str, here: WallClock, why: str) -> None:
    with pytest.raises(Refusal) as refused:
        moment_of(said, here, HOW)

    assert why in str(refused.value)


def test_no_word_is_no_moment() -> None:
    assert moment_of(" ", TOKYO, HOW) is None


@pytest.mark.parametrize(
    ("words", "said", "left"),
    [
        ("02:13 rows are gone", "02:13", "rows are gone"),
        ("02:13 JST rows are gone", "02:13 JST", "rows are gone"),
        ("2026-03-02 02:13:07 UTC rows", "2026-03-02 02:13:07 UTC", "rows"),
        ("2026-03-02 rows", "2026-03-02", "rows"),
        ("2026-03-02T02:13Z UTC", "2026-03-02T02:13Z", "UTC"),
        ("20m UTC", "20m", "UTC"),
        ("02:13 PST rows are gone", "02:13 PST", "rows are gone"),  # and is refused
        ("23:59 tomorrow", "23:59 tomorrow", ""),  # the same
        ("02:13 ist alles weg", "02:13", "ist alles weg"),
    ],
)
def test_a_day_a_time_and_its_zone_are_one_moment_of_several_words(words: str, said: str, left: str) -> None:
    assert spoken(words.split(), TOKYO) == (said, left.split())


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Asia/Tokyo", "2026-03-02 02:13:07 JST (2026-03-01 17:13:07 UTC)"),
        ("America/Sao_Paulo", "2026-03-01 14:13:07 America/Sao_Paulo (2026-03-01 17:13:07 UTC)"),
        ("UTC", "2026-03-01 17:13:07 UTC"),
    ],
)
def test_a_moment_is_told_by_both_clocks(zone: str, told: str) -> None:
    assert clock(zone, "2026-03-02T04:00Z").told(datetime(2026, 3, 1, 17, 13, 7, tzinfo=UTC)) == told
