"""The list of weakenings is about the code as it is: one whose place has moved would be noticed by nothing."""

from tests.mutations import ROOT, WEAKENINGS


def test_every_place_that_is_weakened_is_there_once() -> None:
    found = {one.name: (ROOT / "drbot" / one.file).read_text().count(one.old) for one in WEAKENINGS}

    assert {name: count for name, count in found.items() if count != 1} == {}


def test_every_test_that_is_to_notice_it_is_there() -> None:
    named = {path for one in WEAKENINGS for path in one.tests.split()}

    assert sorted(path for path in named if not _is_there(*path.partition("::")[::2])) == []


def _is_there(file: str, test: str) -> bool:
    """`test`: "" means all of them; of one with cases, all of these."""
    path = ROOT / file
    return path.exists() and (not test or f"def {test.partition('[')[0]}(" in path.read_text())
