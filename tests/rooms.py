"""The house, measured: `python -m tests.rooms` prints rooms, floors and arrows of each folder, and how long things are.

A room is a folder's child, file or folder; an arrow is an import of one room by another; a room stands one floor above
the highest that it imports. Rooms that import each other in a circle stand on one floor, and are named.
"""

import ast
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import grimp
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1] / "drbot"
FOLDERS = ("bot", "cli", "commands", "core", "lab", "listening", "runners", "slack_simulator", "store")
LONG_FILE = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """One folder."""

    rooms: int
    floors: int
    arrows: int
    circles: tuple[tuple[str, ...], ...]
    files: int
    lines: int
    long_files: int  # of more than 300 lines
    median: float  # lines of a function
    ninetieth: float


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph("drbot", exclude_type_checking_imports=True)


def arrows_of(folder: str) -> dict[str, set[str]]:
    """Room → the rooms of the same folder that it imports."""
    graph, package = _graph(), f"drbot.{folder}"
    rooms = sorted(graph.find_children(package))
    inside = {room: {room, *graph.find_descendants(room)} for room in rooms}
    room_of = {module: room for room, modules in inside.items() for module in modules}
    found: dict[str, set[str]] = {room.rpartition(".")[2]: set() for room in rooms}
    for module, room in room_of.items():
        for other in graph.find_modules_directly_imported_by(module):
            if room_of.get(other, room) != room:
                found[room.rpartition(".")[2]].add(room_of[other].rpartition(".")[2])
    return found


def floors_of(arrows: dict[str, set[str]]) -> dict[str, int]:
    """Room → its floor, from 1; those of a circle stand together."""
    reached = {room: _reached(room, arrows) for room in arrows}
    floors: dict[str, int] = {}

    def floor(room: str) -> int:
        if room not in floors:
            below = {other for other in reached[room] if room not in reached[other]}
            floors[room] = 1 + max((floor(other) for other in below), default=0)
        return floors[room]

    for room in arrows:
        floor(room)
    return floors


def circles_of(arrows: dict[str, set[str]]) -> tuple[tuple[str, ...], ...]:
    """Rooms that reach each other."""
    reached = {room: _reached(room, arrows) for room in arrows}
    found = {
        tuple(sorted(other for other in reached[room] if room in reached[other]))
        for room in arrows
        if room in reached[room]
    }
    return tuple(sorted(found))


def _reached(room: str, arrows: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [room]
    while waiting:
        for other in arrows[waiting.pop()] - found:
            found.add(other)
            waiting.append(other)
    return found


def functions_of(paths: list[Path]) -> Iterator[int]:
    """How many lines each has."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                yield node.end_lineno - node.lineno + 1


def house(folder: str) -> House:
    """A folder as it is now."""
    arrows = arrows_of(folder)
    paths = [path for path in (ROOT / folder).rglob("*.py") if "ai-micro-service" not in path.parts]
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in paths]
    functions = sorted(functions_of(paths))
    return House(
        rooms=len(arrows),
        floors=max(floors_of(arrows).values()),
        arrows=sum(map(len, arrows.values())),
        circles=circles_of(arrows),
        files=len(paths),
        lines=sum(lengths),
        long_files=sum(length > LONG_FILE for length in lengths),
        median=statistics.median(functions),
        ninetieth=statistics.quantiles(functions, n=10)[-1],
    )


def main() -> None:
    """A table of all folders."""
    table = Table("folder", "rooms", "floors", "arrows", "circles", "files", "lines", "> 300", "function", "90 %")
    found = {folder: house(folder) for folder in FOLDERS}
    for folder, one in found.items():
        circles = "; ".join(", ".join(circle) for circle in one.circles) or "none"
        table.add_row(folder, *map(str, (one.rooms, one.floors, one.arrows, circles, one.files, one.lines)),
                      str(one.long_files), f"{one.median:.0f}", f"{one.ninetieth:.0f}")  # fmt: skip
    Console(width=140).print(table)
    print(f"{sum(one.lines for one in found.values()):,} lines in {sum(one.files for one in found.values())} files")


if __name__ == "__main__":
    main()
