"""Every sentence has its translation, every translation its sentence, and both name the same values."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import messages

FILES = sorted(messages.LANGUAGES.glob("*.po"))
NAMED = re.compile(r"\{(\w*)\}")
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def phrases() -> Iterator[tuple[str, ast.Call]]:
    """Every call of `phrase`, and where it stands."""
    return ((f"{file.relative_to(messages.ROOT)}:{call.lineno}", call) for file, call in messages.phrases())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_of_translations_holds_every_sentence_of_the_code_and_no_other(file: Path) -> None:
    assert file.read_bytes() == messages.renewed(file, messages.sentences()), "run: make messages"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nothing_is_untranslated(file: Path) -> None:
    assert not list(messages.untranslated(file))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_translation_names_the_same_values(file: Path) -> None:
    wrong = {
        str(one.id): str(one.string)
        for one in messages.read(file)
        if one.id and set(NAMED.findall(str(one.id))) != set(NAMED.findall(str(one.string)))
    }

    assert not wrong


def test_a_template_is_written_out_where_it_is_used() -> None:
    wrong = [where for where, call in phrases() if not (call.args and _is_text(call.args[0]))]

    assert not wrong, "a translator finds no sentence that is put together"


def test_no_value_is_given_that_the_template_does_not_name() -> None:
    wrong = [
        where
        for where, call in phrases()
        if {one.arg for one in call.keywords} - set(NAMED.findall(ast.literal_eval(call.args[0])))
    ]

    assert not wrong


def test_a_template_names_words_only() -> None:
    braces = re.compile(r"[{}]")
    wrong = [where for where, call in phrases() if braces.search(NAMED.sub("", ast.literal_eval(call.args[0])))]

    assert not wrong


def test_the_code_is_english() -> None:
    wrong = [str(file.relative_to(messages.ROOT)) for file in messages.sources() if JAPANESE.search(file.read_text())]

    assert not wrong, "Japanese stands in drbot/languages/ja.po"


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(node.value)


def test_japanese_marks_are_the_same_everywhere() -> None:
    """Half-width colons and brackets, and no space between a duration and what it is counted from."""
    odd = re.compile(r"[\uff1a\uff08\uff09]|\} (?:\u524d|\u4ee5\u5185|\u3054\u3068)")
    said = [str(one.string) for one in messages.read(messages.LANGUAGES / "ja.po") if one.string]

    assert [one for one in said if odd.search(one)] == []
