"""`python -m tests.zoo.table [--all | --drills] [ANIMAL …]`: what drbot does with each animal today, as a table.

Without `--all` or `--drills` the drills are left out: each takes minutes. Results are added up below .drbot/zoo.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from drbot.lab.engine import exclusive
from drbot.lab.setup import lab_home, prepare
from tests.zoo.animals import ANIMALS
from tests.zoo.levels import QUICK, TRIED, Outcome, attempt, write_configuration
from tests.zoo.zoo import Zoo, open_zoo


def table(outcomes: Iterable[Outcome]) -> str:
    """Markdown: a row for each animal, and below it each sentence that a mark stands for."""
    by_cell = {(one.animal, one.tried): one for one in outcomes}
    columns = [tried for tried in TRIED if any(known == tried for _, known in by_cell)]
    notes: list[str] = []
    lines = ["| " + " | ".join(["system", "shows", *columns]) + " |", "|---" * (len(columns) + 2) + "|"]
    for animal in ANIMALS:
        cells = [_cell(by_cell.get((animal.name, tried)), notes) for tried in columns]
        lines.append("| " + " | ".join([animal.name, animal.shows, *cells]) + " |")
    return "\n".join([*lines, "", *(f"{at}. {note}" for at, note in enumerate(notes, 1))]) + "\n"


def _cell(outcome: Outcome | None, notes: list[str]) -> str:
    if outcome is None:
        return ""
    if outcome.passed:
        return "✓"
    if outcome.said not in notes:
        notes.append(outcome.said)
    return f"✗ ({notes.index(outcome.said) + 1})"


def try_animals(zoo: Zoo, names: Sequence[str], tried: Sequence[str], results: Path) -> list[Outcome]:
    """One after another; what was found before of others, or of other commands, stays."""
    for animal in ANIMALS:
        if names and animal.name not in names:
            continue
        with zoo.keeping(animal) as kept:
            write_configuration(kept)
            for one in tried:
                outcome = attempt(kept, one)
                print(
                    f"{outcome.animal} {one}: {'✓' if outcome.passed else '✗'} {outcome.seconds} s {outcome.said}",
                    flush=True,
                )
                keep(outcome, results)
    return known(results)


def keep(outcome: Outcome, results: Path) -> None:
    with exclusive(results.with_suffix(".lock")):
        others = [one for one in known(results) if (one.animal, one.tried) != (outcome.animal, outcome.tried)]
        results.write_text(json.dumps([asdict(one) for one in (*others, outcome)], indent=1, ensure_ascii=False))


def known(results: Path) -> list[Outcome]:
    return [Outcome(**one) for one in json.loads(results.read_text())] if results.exists() else []


def main(words: Sequence[str]) -> None:
    zoo = open_zoo(prepare(lab_home(), print))
    zoo.home.mkdir(parents=True, exist_ok=True)
    names = [word for word in words if not word.startswith("-")]
    results = zoo.home / "results.json"
    drills = ("backup postgres", "backup full", *(one for one in TRIED if one.startswith("drill")))
    tried = tuple(TRIED) if "--all" in words else drills if "--drills" in words else QUICK
    outcomes = try_animals(zoo, names, tried, results)
    print(table(outcomes))


if __name__ == "__main__":
    main(sys.argv[1:])
