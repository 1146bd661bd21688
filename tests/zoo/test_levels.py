"""What drbot does with each animal today: it succeeds or says why not, and what people have stays as it is.

`python -m tests.zoo.table` shows what came of each.
"""

from collections.abc import Iterator

import pytest

from tests.zoo.animals import ALWAYS, ANIMALS
from tests.zoo.checksums import checksums
from tests.zoo.keeper import Kept
from tests.zoo.levels import QUICK, TRIED, Outcome, attempt, write_configuration
from tests.zoo.table import table
from tests.zoo.zoo import Zoo

pytestmark = [pytest.mark.docker]
CASES = [pytest.param(one, id=one.name, marks=() if one.name == ALWAYS[0] else pytest.mark.long) for one in ANIMALS]


@pytest.fixture(params=CASES)
def kept(zoo: Zoo, request: pytest.FixtureRequest) -> Iterator[Kept]:
    with zoo.keeping(request.param) as living:
        write_configuration(living)
        yield living


def test_a_command_succeeds_or_says_why_not_and_changes_nothing(kept: Kept) -> None:
    with kept.quiet():
        before = checksums(kept)
        outcomes = [attempt(kept, tried) for tried in QUICK if tried != "check"]
        after = checksums(kept)
    kept.wait_until_well()  # what stands still is red
    outcomes.append(attempt(kept, "check"))

    assert {one.tried for one in outcomes if not one.passed} == set(kept.animal.refused) & set(QUICK)
    assert [one for one in outcomes if not one.passed and not one.said] == []
    assert [one for one in outcomes if "Traceback" in one.said] == []
    assert before.lost(after) == []


def test_the_table_has_a_mark_for_each_outcome_and_a_sentence_for_each_refusal() -> None:
    found = [
        Outcome(animal="tidewater", tried="check", passed=True, said="", seconds=1),
        Outcome(animal="granary", tried="check", passed=False, said="its database is on a bind mount", seconds=1),
    ]

    text = table(found)

    rows = {row.split(" | ")[0].strip("| "): row for row in text.splitlines() if row.startswith("|")}
    assert rows["tidewater"].endswith("| ✓ |")
    assert rows["granary"].endswith("| ✗ (1) |")
    assert rows["rookery"].endswith("|  |")
    assert "1. its database is on a bind mount" in text
    assert set(QUICK) <= set(TRIED)
