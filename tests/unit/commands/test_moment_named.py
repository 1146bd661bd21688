"""`to 02:13` is a moment where it stands alone, and words of a sentence where it does not."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from drbot.commands.facts.data_named import Data
from drbot.commands.facts.moment_named import backup_at, data_at, settled, to_option, understood
from drbot.commands.facts.moment_read import WallClock
from drbot.commands.speech.parser import parse
from drbot.commands.speech.refusal import Refusal
from drbot.core.site.data_kinds import DataKind
from drbot.core.site.site import Continuous, Postgres, Redis, Service, Site

NOW = WallClock(datetime(2026, 3, 2, 4, 0, tzinfo=UTC), ZoneInfo("UTC"))
TOKYO = WallClock(NOW.now, ZoneInfo("Asia/Tokyo"))


def site(*, receives: bool = True) -> Site:
    return Site(
        projects=Path("/srv"),
        services={
            "postgres": Service(project="db", service="postgres", role="database"),
            "redis": Service(project="db", service="redis", role="cache"),
        },
        postgres=Postgres(
            service="postgres", volume="data", databases=("shop",), continuous=Continuous() if receives else None
        ),
        redis=Redis(service="redis", volume="cache"),
    )


@pytest.mark.parametrize(
    ("words", "name", "left"),
    [
        ("to 02:13 rows are gone", "moment_20260302_021300", "rows are gone"),
        ("to 02:13:07", "moment_20260302_021307", ""),
        ("to 02:13:07.25", "moment_20260302_021307_250000", ""),
        ("to 2026-03-02T02:13:07.000001Z", "moment_20260302_021307_000001", ""),
        ("to 05:00", "moment_20260301_050000", ""),  # of the day before
        ("to=2026-03-02T02:13:07Z", "moment_20260302_021307", ""),
        ("to 2026-03-02T02:13:07+09:00", "moment_20260301_171307", ""),
        ("to 2026-03-02 02:13:07 UTC rows", "moment_20260302_021307", "rows"),  # as it is shown everywhere
        ("to=02:13 UTC rows", "moment_20260302_021300", "rows"),
        ("to 20m", "moment_20260302_034000", ""),
        ("to latest", "moment_latest", ""),
        ("to the customers nothing is shown", "", "to the customers nothing is shown"),
        ("to", "", "to"),
        ("", "", ""),
    ],
)
def test_a_moment_is_read_and_a_sentence_is_left(words: str, name: str, left: str) -> None:
    assert backup_at(site(), words.split(), NOW) == (name, left.split())


@pytest.mark.parametrize("words", ["postgres to 02:13 gone", "to 02:13 postgres gone", "to 02:13 gone"])
def test_a_moment_stands_before_or_behind_what_is_lost(words: str) -> None:
    found = data_at(site(), words.split(), str, NOW)

    assert found == (Data(kind=DataKind.POSTGRES), "moment_20260302_021300", ["gone"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("to=99:99", "is not a time"),
        ("to 02:13pm", "is not a time"),
        ("to 2026-03-02T04:00:01Z", "is in the future"),
        ("to=tomorrow", "is not a time"),
        ("redis to 02:13", "PostgreSQL alone goes back to a moment"),
    ],
)
def test_what_is_no_moment_is_refused(words: str, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        data_at(site(), words.split(), str, NOW)


def test_where_nothing_is_received_it_is_said_how_to_begin() -> None:
    with pytest.raises(Refusal, match=r"Nothing is received.*continuous"):
        backup_at(site(receives=False), ["to", "02:13"], NOW)


@pytest.mark.parametrize("name", ["moment_20260302_021307", "moment_20260302_021307_000250", "moment_latest"])
def test_a_button_says_the_same_moment_later(name: str) -> None:
    assert backup_at(site(), [f"to={to_option(name)}"], NOW) == (name, [])


@pytest.mark.parametrize(
    ("typed", "carried"),
    [
        ("plan level2 postgres to 12:13", "level2 postgres to=2026-03-02T03:13:00Z"),
        ("recover to 2026-03-02 12:13 JST", "to=2026-03-02T03:13:00Z"),
        ("recover to=20m", "to=2026-03-02T03:40:00Z"),
        ("recover to latest", "to latest"),
        ("recover files uploads", "files uploads"),
    ],
)
def test_a_button_that_says_it_again_carries_the_whole_moment(typed: str, carried: str) -> None:
    assert settled(parse(typed), TOKYO).text == carried


def test_the_answer_repeats_the_moment_by_both_clocks() -> None:
    backup, _ = backup_at(site(), ["to", "12:13"], TOKYO)

    assert backup == "moment_20260302_031300"
    assert understood(backup, TOKYO) == "PostgreSQL goes back to 2026-03-02 12:13:00 JST (2026-03-02 03:13:00 UTC)."
    assert understood("all_databases_20261126_020000.sql.gz", TOKYO) == understood("moment_latest", TOKYO) == ""
