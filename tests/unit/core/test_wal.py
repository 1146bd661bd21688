"""A piece of WAL that is missing is named, whatever else lies beside it."""

from datetime import UTC, datetime, timedelta

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.site.wal import (
    LATEST,
    Archive,
    Base,
    Series,
    gap_in,
    is_moment_name,
    moment_in,
    moment_name,
    segments_a_log,
)

FIRST = "0000000100000000000000FE"


def names(*ends: str) -> list[str]:
    return [f"00000001{end}" for end in ends]


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        (names("00000000000000FE", "00000000000000FF", "0000000100000000.partial"), None),
        (names("00000000000000FD", "00000000000000FE"), None),  # older ones are of older base backups
        ([*names("00000000000000FE"), "00000002.history", "lost+found"], None),
        (names("00000000000000FE", "0000000100000000"), "0000000100000000000000FF"),
        (names("00000000000000FF"), FIRST),
        ([], FIRST),
        ([*names("00000000000000FE", "00000000000000FF.partial"), "0000000200000000000000FF"], None),
        ([*names("00000000000000FE"), "000000020000000100000000"], "0000000100000000000000FF"),
    ],
)
def test_the_first_piece_that_is_missing_is_named(there: list[str], missing: str | None) -> None:
    assert gap_in(there, FIRST, segments_a_log(16 << 20)) == missing


def test_segments_of_another_size_are_numbered_otherwise() -> None:
    there = ["000000010000000000000003", "000000010000000100000000"]

    assert gap_in(there, there[0], segments_a_log(1 << 30)) is None
    assert gap_in(there, there[0], segments_a_log(16 << 20)) == "000000010000000000000004"


MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


def at(hour: float) -> datetime:
    return MIDNIGHT + timedelta(hours=hour)


def base(series: str, hour: float) -> Base:
    return Base(series=series, name=f"base_{hour:04}", ended_at=at(hour), first_segment=FIRST, segment_bytes=16 << 20)


def archive() -> Archive:
    """The data of `a` was put aside at 10 for that of `b`, and came back at 12."""
    bases = base("a", 13), base("b", 10.5), base("a", 8), base("a", 1)
    return Archive(bases=bases, series={"a": Series(begun=(at(0), at(12))), "b": Series(begun=(at(10),))})


@pytest.mark.parametrize(
    ("hour", "series", "ended"), [(2, "a", 1), (9, "a", 8), (11, "b", 10.5), (12.5, "a", 8), (14, "a", 13)]
)
def test_a_moment_is_reached_from_the_data_that_was_in_place_then(hour: float, series: str, ended: float) -> None:
    found = archive().base_for(at(hour), at(15))

    assert (found.series, found.ended_at) == (series, at(ended))


def test_the_newest_moment_is_one_of_the_data_that_is_in_place_now() -> None:
    assert archive().base_for(None, at(15)) == base("a", 13)


@pytest.mark.parametrize(
    ("hour", "said"),
    [
        (
            0.5,
            "There is no base backup for 2026-03-02 00:30:00 UTC; the next moment to go back to is 2026-03-02 01:00:00",
        ),
        (10.2, "the next moment to go back to is 2026-03-02 10:30:00"),
        (16, "2026-03-02 16:00:00 UTC is in the future"),
    ],
)
def test_of_a_moment_that_cannot_be_reached_the_next_one_is_told(hour: float, said: str) -> None:
    with pytest.raises(PermanentError, match=said):
        archive().base_for(at(hour), at(15))


def test_without_a_base_backup_there_is_no_moment() -> None:
    with pytest.raises(PermanentError, match="There is no base backup yet"):
        Archive().base_for(None, at(15))


def test_a_moment_is_a_name_of_a_backup_and_nothing_else_is() -> None:
    assert moment_name(at(2.25)) == "moment_20260302_021500"
    assert moment_in(moment_name(at(2.25))) == at(2.25)
    part = at(2.25) + timedelta(microseconds=352_113)
    assert moment_name(part) == "moment_20260302_021500_352113" and moment_in(moment_name(part)) == part
    assert is_moment_name(moment_name(None)) and moment_in(LATEST) is None
    for other in ("moment_20260302", "moment_20261302_021500", "all_databases_20260302_021500.sql.gz", ""):
        assert not is_moment_name(other), other
