"""The language of strange letters shows what was not translated, and nothing else."""

import pytest

from tests.pseudo_language import untranslated, wide

NAMES = ("production", "Aiko", "/dr deny <why>", "plan [level]")
VALUES = ("plan", "stop")


@pytest.mark.parametrize(
    ("sentence", "strange"),
    [
        ("The run {run} ended.", "Ｔｈｅ ｒｕｎ {run} ｅｎｄｅｄ."),
        ("Ask once more: /dr recover backup", "Ａｓｋ ｏｎｃｅ ｍｏｒｅ: /dr recover ｂａｃｋｕｐ"),
        ("drbot reads dr.yml: `drbot check`", "drbot ｒｅａｄｓ dr.yml: `drbot check`"),
        (":x: a &amp; b", ":x: ａ &amp; ｂ"),
    ],
)
def test_a_sentence_becomes_strange_but_for_what_is_typed(sentence: str, strange: str) -> None:
    assert wide(sentence) == strange


@pytest.mark.parametrize(
    "text",
    [
        "Ｔｈｅ ｒｕｎ r7-20261126-031200 ｏｎ production ｅｎｄｅｄ, ｓａｙｓ Aiko.",
        ":x: <@U00AIKO> ｔｙｐｅｄ `docker rm`, 13.4 MB ａｔ 03:12:00 UTC: K7QZ-M4XP",
        "Ｙｏｕ ａｓｋｅｄ ｆｏｒ plan. /dr status ｓｈｏｗｓ ｉｔ.",
        "/dr deny <why>: Ｒｅｆｕｓｅ",
        "│ plan [level] │ Ｓｕｒｖｅｙ │",
        "```\npsql: error: the server said so\n```",
        "  drbot dr answer DR-1 confirm yes",
        "postgres_data_before_r7 (all_databases_20261126.sql.gz, file:/srv/backups)",
    ],
)
def test_names_commands_and_quoted_words_need_no_translation(text: str) -> None:
    assert untranslated(text, NAMES, VALUES) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The ｒｕｎ ｅｎｄｅｄ", ["The"]),
        ("Ｔｈｅ ｒｕｎ: not running", ["not", "running"]),
        ("Ｔｈｅ ｒｕｎ: stop asked", ["stop", "asked"]),
        ("<@U00AIKO> is asked", ["asked"]),
    ],
)
def test_what_was_forgotten_is_named(text: str, words: list[str]) -> None:
    assert untranslated(text, NAMES, VALUES) == words
