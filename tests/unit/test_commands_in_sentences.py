"""Whoever is told what to type can type it: every command inside a sentence exists, in each language, with the options
and the document that it names.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
from babel.messages.catalog import Catalog

from drbot.cli.docs import folder
from drbot.cli.main import COMMANDS, imported
from drbot.commands.speech.parser import parse
from drbot.commands.speech.verbs import VERBS
from drbot.core.base.errors import UserError
from tests.messages import LANGUAGES, read, sentences, sources

SAMPLES = {"level": "2", "kind": "postgres", "verb": "status", "usage": "status", "example": "status", "name": "DR-7",
           "version": "1.0"}  # fmt: skip
"""What stands in a sentence for a word; all others are names."""

PROSE_WORDS = """
    again and another answers as back can cannot changes command could did does ended ends failed had has hears holds is
    keeps knows leaves looks made may moved must needs never notices on only opens planned polls posted proposes puts
    reads recovers removes runs says sees serves shows signed speaks stops takes tells that there to uses waits was
    whose will works write writes wrote
"""
PROSE = frozenset(PROSE_WORDS.split())
"""Words behind the name drbot that call nothing."""

CALLED = re.compile(r"(?<![\w/`.@~-])drbot((?: +[^\s.,;:()\[\]`'\"、。「」（）：]+)+)")
TOLD = re.compile(r"(?<![\w/])/dr((?: +[^\s.,;:()\[\]`'\"、。「」（）：]+)*)")


def filled(sentence: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: SAMPLES.get(found[1], "x"), sentence)


def texts() -> Iterator[tuple[str, str]]:
    """Each sentence with its language."""
    catalogues: dict[str, Catalog] = {"en": sentences()} | {path.stem: read(path) for path in LANGUAGES.glob("*.po")}
    for language, catalogue in catalogues.items():
        for one in catalogue:
            said = str(one.id if language == "en" else one.string)
            if one.id and said:
                yield language, said
    for file in sources():  # what is put into sentences
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and str(node.value).startswith(("drbot ", "/dr ")):
                yield "code", str(node.value)


def fault_of(sentence: str) -> str | None:
    """The first command of a sentence that cannot be typed, with why; None when all can."""
    said = filled(sentence)
    faults = [*map(_fault_of_verb, TOLD.findall(said)), *map(_fault_of_command, CALLED.findall(said))]
    return next((fault for fault in faults if fault), None)


def _fault_of_verb(words: str) -> str | None:
    """Behind /dr: prose, or a verb."""
    word = next(iter(words.split()), "")
    if not word.isascii() or word in PROSE or word.startswith("<"):
        return None
    try:
        return None if parse(word).verb in VERBS else word
    except UserError as error:
        return str(error)


def _fault_of_command(words: str) -> str | None:
    """Behind drbot: prose, or a command with its own commands, options and documents."""
    first, *rest = words.split()
    if not first.isascii() or first in PROSE or first[0].isdecimal():
        return None
    if first not in COMMANDS:
        return f"drbot {first}: no such command"
    command: Any = imported(first)
    while rest and hasattr(command, "commands") and rest[0].isascii():
        name = rest.pop(0)
        if name not in command.commands:
            return f"drbot {first} {name}: no such command"
        command = command.commands[name]
    if first == "docs" and rest and rest[0].isascii() and rest[0] not in PROSE:
        return None if (folder() / f"{rest[0]}.md").is_file() else f"drbot docs {rest[0]}: no such document"
    options = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    wrong = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in options]
    return f"drbot{words}: no such option" if wrong else None


def test_every_command_inside_a_sentence_can_be_typed() -> None:
    wrong = [(language, fault, said) for language, said in texts() if (fault := fault_of(said))]

    assert wrong == []


def test_there_are_such_sentences_in_every_language() -> None:
    found = {language: 0 for language, _ in texts()}
    for language, said in texts():
        found[language] += bool(TOLD.search(said) or CALLED.search(said))

    assert {"en", "ja", "code"} <= found.keys() and min(found["en"], found["ja"]) > 150, found


@pytest.mark.parametrize(
    "sentence",
    [
        "Put one there (drbot backup list --full shows what is there).",
        "drbot backups list shows it.",
        "使えるものを置いてください (一覧: drbot backup list --full)。",
        "Type /dr undoo.",
        "drbot backup lost shows it.",
        "drbot docs backups says so.",
    ],
)
def test_a_command_that_is_none_is_found(sentence: str) -> None:
    assert fault_of(sentence) is not None


def test_prose_behind_the_name_is_no_command() -> None:
    assert not PROSE & COMMANDS.keys()
    assert not PROSE & VERBS.keys()
