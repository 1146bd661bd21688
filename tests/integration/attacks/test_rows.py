"""A random search over row edits: nothing is destroyed without two genuine votes on exactly that."""

import os
import random
from pathlib import Path

import pytest

from tests.integration.attacks.rows import SITUATIONS, Situation, Taken, attack, make

SHORT = 40
LONG = int(os.environ.get("DRBOT_ROW_ATTACKS", "20000"))
"""Sequences of edits, over all situations together."""
PARTS = 4  # which may run side by side


@pytest.fixture(scope="module")
def situations(tmp_path_factory: pytest.TempPathFactory) -> tuple[Situation, ...]:
    folder = tmp_path_factory.mktemp("situations")
    return tuple(make(folder / name.replace(" ", "-"), name) for name in SITUATIONS)


def wrong(situation: Situation, taken: list[Taken]) -> list[str]:
    """What nobody had agreed to."""
    swaps = [given for name, given in taken if name == "volume.swap"]
    backs = [given for name, given in taken if name == "volume.swap_back"]
    removed = [given["volume"] for name, given in taken if name == "volume.remove"]
    stopped = any(name == "compose.stop" for name, _ in taken)
    faults = []
    if len(swaps) > situation.swaps:
        faults.append(f"{len(swaps)} swaps, {situation.swaps} approved")
    if len(backs) > len(swaps):
        faults.append("data was brought back that nobody asked for")
    if any(given["volume"] != "postgres_data" for given in (*swaps, *backs)):
        faults.append("another volume than the approved one was touched")
    if any(name != f"postgres_data_{situation.run}" for name in removed):
        faults.append(f"removed: {removed}")
    if stopped and not situation.swaps:
        faults.append("services were stopped")
    return faults


def search(situations: tuple[Situation, ...], folder: Path, count: int, seed: int) -> list[str]:
    """What was found, with its seed; the search is repeatable."""
    found = []
    for number in range(count):
        situation = situations[number % len(situations)]
        edits, taken = attack(situation, folder / f"{number}", random.Random(f"{seed}-{number}"))  # noqa: S311
        faults = wrong(situation, taken)
        if faults:
            found.append(f"{situation.name}, sequence {seed}-{number}: {faults} after {edits}")
    return found


@pytest.mark.more
def test_random_row_edits_destroy_nothing(situations: tuple[Situation, ...], tmp_path: Path) -> None:
    assert search(situations, tmp_path, SHORT, seed=1) == []


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_twenty_thousand_sequences_of_row_edits_destroy_nothing(
    situations: tuple[Situation, ...], tmp_path: Path, part: int
) -> None:
    assert search(situations, tmp_path, LONG // PARTS, seed=2 + part) == []


@pytest.mark.more
def test_without_an_edit_what_two_people_approved_is_done(situations: tuple[Situation, ...], tmp_path: Path) -> None:
    """The search can find something: the worker does act in these copies."""
    (granted,) = (one for one in situations if one.name == "granted")

    class NoEdits(random.Random):
        def randint(self, a: int, b: int) -> int:
            return 0

        def random(self) -> float:
            return 0.0

    _, taken = attack(granted, tmp_path / "copy", NoEdits())

    assert [name for name, _ in taken if name.startswith("volume.")] == ["volume.swap"]
