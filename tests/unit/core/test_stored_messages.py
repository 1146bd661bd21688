"""A message is kept as it was made; anything else keeps its bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import BaseModel, ValidationError

from drbot.core.ledger.events import canonical
from drbot.core.text.messages import OwnWords, duration, listed, phrase, say, sentences
from drbot.core.text.stored_messages import Sentence, message_of_row, restored, stored, text_of_row

MESSAGES = (
    phrase("Kept as {name}.", name="db"),
    phrase("{count} of {all}", count=3, all=4.5),
    sentences(phrase("Kept as {name}.", name=listed(["a", "b"])), "As typed."),
    OwnWords({"en": "Swap", "ja": "入れ替え"}),
    phrase(""),
    listed([]),
    duration(3900),
)
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(),
    lambda inner: (
        some.lists(inner)
        | some.dictionaries(some.sampled_from(["say", "with", "joint", "parts", "own_words", "en", "x"]), inner)
    ),
)


@pytest.mark.parametrize("message", MESSAGES, ids=str)
def test_what_was_stored_is_the_same_message_again(message: str) -> None:
    again = restored(json.loads(canonical({"why": [message]})))["why"][0]

    assert again == message
    assert say(again, "ja") == say(message, "ja")


@pytest.mark.parametrize("message", MESSAGES, ids=str)
def test_a_column_of_text_keeps_it_too(message: str) -> None:
    again = message_of_row(text_of_row(message))

    assert again == message
    assert say(again, "ja") == say(message, "ja")


@given(JSON)
def test_reading_and_writing_give_the_same_bytes(value: object) -> None:
    """Or the hash of a record that was read would be another one."""
    assert canonical(restored(json.loads(canonical(value)))) == canonical(value)


@pytest.mark.parametrize("text", ["", "plain", '{"say": "x", "with": {}}', "{not json", '{"own_words": {"en": "x"}}'])
def test_what_a_person_typed_is_never_read_as_a_message(text: str) -> None:
    assert message_of_row(text_of_row(text)) == text


@pytest.mark.parametrize(
    "row",
    [
        "{", '{"say": 1, "with": {}}', '{"say": "x"}', '{"say": "x", "with": {"a": null}}', '{"own_words": {}}',
        '{"joint": "x", "parts": [1]}', "{" * 100_000, '{"a":' * 100_000, "[" * 100_000,
    ],
)  # fmt: skip
def test_a_row_that_holds_no_message_is_shown_as_it_is(row: str) -> None:
    assert message_of_row(row) == row


def test_messages_deeper_than_any_of_ours_are_left_alone() -> None:
    deep: object = "x"
    for _ in range(300):
        deep = {"say": "{a}", "with": {"a": deep}}

    assert canonical(restored(json.loads(canonical(deep)))) == canonical(deep)


class Model(BaseModel):
    """Something with a sentence in it."""

    said: Sentence


def test_a_field_takes_text_a_message_and_languages() -> None:
    kept = Model(said=phrase("Kept as {name}.", name="db")).model_dump(mode="json")

    assert Model.model_validate(kept).said == "Kept as db."
    assert stored(Model.model_validate(kept).said) == kept["said"]
    assert say(Model.model_validate({"said": {"en": "Swap", "ja": "入れ替え"}}).said, "ja") == "入れ替え"


@pytest.mark.parametrize("said", [None, 1, [], {}, {"ja": "入れ替え"}, {"en": 1}, {"en": "x", "ja": None}])
def test_a_field_refuses_what_is_no_sentence(said: object) -> None:
    with pytest.raises(ValidationError):
        Model.model_validate({"said": said})
