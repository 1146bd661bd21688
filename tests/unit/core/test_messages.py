"""A message is English to whoever does not ask, and every language to whoever does."""

import copy
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError, UserError
from drbot.core.text import catalogue
from drbot.core.text.messages import (
    Message,
    OwnWords,
    Phrase,
    all_of,
    and_more,
    clauses,
    closed,
    duration,
    either,
    filled,
    listed,
    phrase,
    say,
    sentences,
)
from tests.pseudo_language import forget_languages

NAMES = ("api", "cache", "db")


@pytest.fixture(autouse=True)
def strange_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A language of one's own, in a folder of one's own."""
    said = {"{one} {other}": "{one}|{other}", "{one}, {other}": "{one}+{other}", "{name} is gone.": "GONE: {name}"}
    entries = "\n".join(f'msgid "{english}"\nmsgstr "{strange}"\n' for english, strange in said.items())
    (tmp_path / "xx.po").write_text(f'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n{entries}')
    monkeypatch.setenv(catalogue.OWN, str(tmp_path))
    forget_languages()
    yield
    forget_languages()


def test_a_message_is_its_english() -> None:
    message = phrase("{name} is gone.", name="db")

    assert message == "db is gone."
    assert f"{message}!" == "db is gone.!"


def test_it_is_said_in_the_language_of_whoever_reads_it() -> None:
    assert say(phrase("{name} is gone.", name="db"), "xx") == "GONE: db"


def test_what_a_language_has_no_words_for_is_english() -> None:
    assert say(phrase("{count} are kept.", count=3), "xx") == "3 are kept."
    assert say(phrase("{name} is gone.", name="db"), "never heard of") == "db is gone."


def test_values_are_said_in_the_same_language() -> None:
    message = sentences(phrase("{name} is gone.", name=listed(NAMES)), "", "As typed.")

    assert message == "api, cache, db is gone. As typed."
    assert say(message, "xx") == "GONE: api+cache+db|As typed."


def test_what_is_counted_is_written_in_one_way_and_what_is_numbered_stays() -> None:
    said = phrase("{rows} rows in {tables} tables, as in record {record}", rows=13_000, tables=2, record=13_000)

    assert said == "13,000 rows in 2 tables, as in record 13000"


def test_an_error_carries_it() -> None:
    gone = phrase("{name} is gone.", name="db")

    assert say(str(PermanentError(gone)), "xx") == "GONE: db"
    assert say(str(UserError(gone, gone)), "xx") == "GONE: db|GONE: db"


def test_a_phrase_of_a_table_is_filled_later() -> None:
    table = {"gone": phrase("{name} is gone.")}

    assert table["gone"] == "{name} is gone."
    assert say(filled(table["gone"], name="db"), "xx") == "GONE: db"


def test_somebody_s_own_words_know_their_languages() -> None:
    title = OwnWords({"en": "Put the data in place", "xx": "PUT"})

    assert title == "Put the data in place"
    assert say(phrase("{name} is gone.", name=title), "xx") == "GONE: PUT"


def test_a_copy_is_still_a_message() -> None:
    @dataclasses.dataclass(frozen=True)
    class Row:
        said: str

    message = sentences(phrase("{name} is gone.", name="db"), OwnWords({"en": "a"}))
    again = dataclasses.asdict(Row(said=message))["said"]

    assert isinstance(copy.deepcopy(message), Message)
    assert say(again, "xx") == "GONE: db|a"


@pytest.mark.parametrize("template", ["{name.__class__}", "{name[0]}", "{name!r}", "{name:>999999999}", "{}", "{0}"])
def test_a_template_that_somebody_wrote_into_the_database_names_values_only(template: str) -> None:
    assert Phrase(template, {"name": "db"}) == template


def test_a_value_that_looks_like_a_template_is_left_alone() -> None:
    assert phrase("{name} is gone.", name="{name}") == "{name} is gone."


@pytest.mark.parametrize(
    ("message", "english"),
    [
        (either(NAMES), "api, cache or db"),
        (either(NAMES[:1]), "api"),
        (all_of(NAMES), "api, cache and db"),
        (all_of(NAMES[:2]), "api and cache"),
        (and_more(NAMES, 3), "api, cache, db"),
        (and_more(NAMES, 1), "api and 2 more"),
        (clauses(["one is gone", "", "the other is full"]), "one is gone; the other is full"),
        (closed(phrase("db is gone")), "db is gone."),
        (closed("Is it?"), "Is it?"),
        (listed([]), ""),
        (duration(43), "43 s"),
        (duration(725), "12 min"),
        (duration(65), "1 min 05 s"),
        (duration(3900), "1 h 05 min"),
        (duration(273_600), "3 d 4 h"),
        (duration(-5), "0 s"),
    ],
)
def test_names_and_times_are_put_together(message: str, english: str) -> None:
    assert message == english
