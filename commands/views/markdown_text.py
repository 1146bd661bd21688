"""Pieces of Markdown that the report is made of. What people wrote is harmless in them."""

import re
from collections.abc import Sequence
from datetime import datetime
from html import unescape

from drbot.core.text.messages import say


def escape(value: str) -> str:
    """What people wrote, harmless in Markdown and in Slack: on one line, no pipes, no <!channel>."""
    plain = " ".join(value.split())
    for letter in "\\`*_|[]":
        plain = plain.replace(letter, "\\" + letter)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescaped(markdown: str) -> str:
    """As people read it where nothing renders Markdown, such as a terminal."""
    return unescape(re.sub(r"\\([\\`*_|\[\]])", r"\1", markdown))


def moment(value: datetime | None) -> str:
    """To the second; "" = it was not."""
    return value.strftime("%Y-%m-%d %H:%M:%S UTC") if value is not None else ""


def row(*cells: str) -> str:
    """Of a table; the first cell is drbot's own words."""
    return (
        "| " + " | ".join(cell if index == 0 else escape(cell) for index, cell in enumerate(map(_flat, cells))) + " |"
    )


def _flat(cell: str) -> str:
    return " ".join(cell.split()).replace("|", "/")


def header(language: str, *cells: str) -> list[str]:
    return [row(*(say(cell, language) for cell in cells)), "|" + "---|" * len(cells)]


def section(title: str, language: str, lines: Sequence[str]) -> str:
    """With its title; "" = there is nothing to say."""
    return f"## {say(title, language)}\n\n" + "\n".join(lines) if lines else ""
