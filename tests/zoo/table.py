"""`python -m tests.zoo.table [--all | --drills | --incidents | --write] [ANIMAL …]`: what drbot does with each animal
today, as a table.

Without one of these only commands that take seconds. `--incidents`: levels 1 to 3 for real, onto a second engine.
Results are added up below .drbot/zoo; `--write` tries nothing, and writes docs/systems.md from them.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from drbot.lab.engine import exclusive
from drbot.lab.second_engine import SecondEngine
from drbot.lab.setup import lab_home, prepare
from tests.zoo.animals import ANIMALS, Animal
from tests.zoo.levels import QUICK, TRIED, Outcome, attempt, write_configuration
from tests.zoo.recovering import INCIDENTS, incidents, scene
from tests.zoo.zoo import Zoo, open_zoo

COLUMNS = (*TRIED, *INCIDENTS)
DOCUMENT = Path(__file__).parents[2] / "docs" / "systems.md"
OF_INCIDENTS = "<!-- incidents: python -m tests.zoo.table --write -->", "<!-- /incidents -->"


def table(outcomes: Iterable[Outcome], wanted: Sequence[str] = COLUMNS) -> str:
    """Markdown: a row for each animal, and below it each sentence that a mark stands for."""
    by_cell = {(one.animal, one.tried): one for one in outcomes}
    columns = [tried for tried in wanted if any(known == tried for _, known in by_cell)]
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
    for animal in chosen(names):
        with zoo.keeping(animal) as kept:
            write_configuration(kept)
            for one in tried:
                keep(attempt(kept, one), results)
    return known(results)


def play_animals(zoo: Zoo, names: Sequence[str], results: Path) -> list[Outcome]:
    """The same with incidents. Tests empty the second engine, so they wait."""
    for animal in chosen(names):
        with exclusive(lab_home() / "second-test.lock"), scene(zoo, animal, SecondEngine(home=lab_home())) as of:
            for outcome in incidents(of):
                keep(outcome, results)
    return known(results)


def chosen(names: Sequence[str]) -> list[Animal]:
    return [animal for animal in ANIMALS if not names or animal.name in names]


def keep(outcome: Outcome, results: Path) -> None:
    mark = "✓" if outcome.passed else "✗"
    print(f"{outcome.animal} {outcome.tried}: {mark} {outcome.seconds} s {outcome.said}", flush=True)
    with exclusive(results.with_suffix(".lock")):
        others = [one for one in known(results) if (one.animal, one.tried) != (outcome.animal, outcome.tried)]
        results.write_text(json.dumps([asdict(one) for one in (*others, outcome)], indent=1, ensure_ascii=False))


def known(results: Path) -> list[Outcome]:
    return [Outcome(**one) for one in json.loads(results.read_text())] if results.exists() else []


def write_document(outcomes: Iterable[Outcome]) -> None:
    """Between its two marks."""
    begin, end = OF_INCIDENTS
    before, _, rest = DOCUMENT.read_text().partition(begin)
    DOCUMENT.write_text(f"{before}{begin}\n{table(outcomes, INCIDENTS)}{end}{rest.partition(end)[2]}")


def main(words: Sequence[str]) -> None:
    results = lab_home() / "zoo" / "results.json"
    if "--write" in words:
        write_document(known(results))
        return
    zoo = open_zoo(prepare(lab_home(), print))
    zoo.home.mkdir(parents=True, exist_ok=True)
    names = [word for word in words if not word.startswith("-")]
    drills = ("backup postgres", "backup full", *(one for one in TRIED if one.startswith("drill")))
    tried = tuple(TRIED) if "--all" in words else drills if "--drills" in words else QUICK
    outcomes = play_animals(zoo, names, results) if "--incidents" in words else try_animals(zoo, names, tried, results)
    print(table(outcomes))


if __name__ == "__main__":
    main(sys.argv[1:])
