"""A piece of WAL that is missing is named, whatever else lies beside it."""

import pytest

from drbot.core.site.wal import gap_in, segments_a_log

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
