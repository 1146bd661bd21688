"""Rows of a `Table` as Block Kit: labels and values as lines, so that they read well on a phone too."""

from collections.abc import Sequence

from drbot.bot.blocks.elements import SECTION, Block, one_line, section
from drbot.commands.speech.messages import Table
from drbot.core.text.messages import say
from drbot.core.text.words import cut

LINE = 900
"""Letters of a row."""
WHOLE = 9000
"""Letters of a table that people agree to: a message of Slack takes about 13,000, and the votes come on top."""


def cell(value: str, language: str) -> str:
    return _short(say(value, language))


def table_block(table: Table, language: str) -> list[Block]:
    """The table as sections; what does not fit is counted, never silently dropped."""
    kept = _fitting(table_lines(table, language), SECTION)
    return [section("\n".join(kept))] if kept else []


def whole_table(table: Table, language: str) -> list[Block]:
    """The table in several sections, for what people agree to: a long row must not push out those below it."""
    lines = table_lines(table, language)
    parts: list[list[str]] = [[]]
    for line in _fitting(lines, WHOLE):
        if sum(map(len, parts[-1])) + len(parts[-1]) + len(line) > SECTION:
            parts.append([])
        parts[-1].append(line)
    return [section("\n".join(part)) for part in parts if part]


def _fitting(lines: Sequence[str], limit: int) -> list[str]:
    """As many whole lines as fit, and the number of the others."""
    kept: list[str] = []
    for line in lines:
        if sum(map(len, kept)) + len(kept) + len(line) > limit - 40:
            break
        kept.append(line)
    return kept if len(kept) == len(lines) else [*kept, f"… +{len(lines) - len(kept)}"]


def line_texts(table: Table, language: str) -> list[str]:
    """The rows for a file, nothing cut."""
    rows = [*([table.header] if table.header else []), *table.rows]
    title = [say(table.title, language)] if table.title else []
    return [*title, *(" · ".join(" ".join(say(one, language).split()) for one in row) for row in rows)]


def table_lines(table: Table, language: str) -> list[str]:
    """Its rows as mrkdwn, one each."""
    lines = [_line(row, language, labelled=not table.header) for row in table.rows]
    if table.header:
        lines.insert(0, " · ".join(f"*{cell(one, language)}*" for one in table.header))
    if table.title:
        lines.insert(0, f"*{cell(table.title, language)}*")
    return lines


def _line(row: Sequence[str], language: str, *, labelled: bool) -> str:
    """A row; lines of a labelled cell are entries of a list, and what is left out of it is counted."""
    if not labelled or len(row) < 2:
        return _joined([cell(one, language) for one in row], " · ")
    label = f"*{cell(row[0], language)}:* "
    if len(row) > 2:
        return label + _joined([_listed(say(one, language)) for one in row[1:]], " · ")
    return label + _listed(say(row[1], language))


def _listed(words: str) -> str:
    return _joined([_short(entry) for entry in words.splitlines() if entry.strip()], "; ")


def _short(words: str) -> str:
    """Escaping makes it longer, so it is cut afterwards."""
    return cut(one_line(words), LINE)


def _joined(entries: Sequence[str], between: str) -> str:
    """As many whole entries as fit, at least one, and the number of the others."""
    kept = 0
    letters = 0
    for entry in entries:
        letters += len(entry) + len(between)
        if kept and letters > LINE:
            break
        kept += 1
    left = len(entries) - kept
    return between.join([*entries[:kept], *([f"… +{left}"] if left else [])])
