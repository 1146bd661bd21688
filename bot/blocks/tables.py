"""Rows of a `Table` as Block Kit: labels and values as lines, so that they read well on a phone too."""

from collections.abc import Mapping, Sequence

from bot.blocks.elements import SECTION, Block, escape, section
from commands.messages import Cell, Table
from core.words import say


def cell(value: Cell, language: str) -> str:
    """One cell in one language, escaped."""
    words = value if isinstance(value, str) else say(value, language) if isinstance(value, Mapping) else str(value)
    return escape(words)


def table_block(table: Table, language: str, limit: int = SECTION) -> list[Block]:
    """The table as sections; what does not fit is counted, never silently dropped."""
    lines = [_line(row, language, labelled=not table.header) for row in table.rows]
    if table.header:
        lines.insert(0, " · ".join(f"*{cell(one, language)}*" for one in table.header))
    if table.title:
        lines.insert(0, f"*{cell(table.title, language)}*")
    kept: list[str] = []
    for line in lines:
        if sum(map(len, kept)) + len(kept) + len(line) > limit - 40:
            break
        kept.append(line)
    if len(kept) < len(lines):
        kept.append(f"… +{len(lines) - len(kept)}")
    return [section("\n".join(kept))] if kept else []


def _line(row: Sequence[Cell], language: str, *, labelled: bool) -> str:
    cells = [cell(one, language).replace("\n", ", " if labelled else " ") for one in row]
    if labelled and len(cells) > 1:
        return f"*{cells[0]}:* {' · '.join(cells[1:])}"[:900]
    return " · ".join(cells)[:900]
