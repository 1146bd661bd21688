"""Messages as JSON, for rows, the ledger and sealed plans: each is kept as it was made, and read in any language.

A phrase is `{"say": template, "with": {…}}`, a series `{"joint": …, "parts": […]}`, somebody's own words
`{"own_words": {…}}`. Plain text is a plain string. What has exactly one of these shapes is a message again; anything
else stays as it is, so that reading and writing give the same bytes.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, PlainSerializer, PlainValidator

from drbot.core.text.messages import Message, OwnWords, Phrase, Series, Text

DEEPEST = 40
"""Messages within messages, and lists; nothing of drbot comes near it."""


def stored(value: object, depth: int = 0) -> Any:
    if depth > DEEPEST:
        return value
    written: Any = value
    if isinstance(value, Phrase):
        written = {"say": value.template, "with": stored(value.values, depth + 1)}
    elif isinstance(value, Series):
        written = {"joint": value.joint, "parts": stored(value.parts, depth + 1)}
    elif isinstance(value, OwnWords):
        written = {"own_words": dict(value.languages)}
    elif isinstance(value, Mapping):
        written = {key: stored(one, depth + 1) for key, one in value.items()}
    elif isinstance(value, list | tuple):
        written = [stored(one, depth + 1) for one in value]
    return written


def restored(value: object, depth: int = 0) -> Any:
    if depth > DEEPEST:
        return value
    if isinstance(value, list):
        return [restored(one, depth + 1) for one in value]
    if not isinstance(value, dict):
        return value
    inner = {key: restored(one, depth + 1) for key, one in value.items()}
    message = _message(inner)
    return inner if message is None else message


def _message(inner: Mapping[str, Any]) -> Message | None:
    """A message of the first two shapes holds others; words of one's own hold plain text only."""
    match inner:
        case {"say": str(template), "with": dict(values)} if _only(inner, 2) and all(map(_is_value, values.values())):
            return Phrase(template, values)
        case {"joint": str(joint), "parts": list(parts)} if _only(inner, 2) and all(map(_is_part, parts)):
            return Series(joint, parts)
        case {"own_words": dict(words)} if (
            _only(inner, 1) and words and all(type(one) is str for one in words.values())
        ):
            return OwnWords(words)
    return None


def _only(inner: Mapping[str, Any], count: int) -> bool:
    return len(inner) == count


def _is_value(one: object) -> bool:
    return isinstance(one, str) or (isinstance(one, int | float) and not isinstance(one, bool))


def _is_part(one: object) -> bool:
    return isinstance(one, str) and one != ""


def text_of_row(message: str) -> str:
    """For a column of text: JSON of a message, else the text itself; a text that looks like JSON is wrapped."""
    if not isinstance(message, Message):
        return message if not message.startswith("{") else text_of_row(OwnWords({"en": message}))
    return json.dumps(stored(message), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def message_of_row(text: str) -> str:
    """What a column of text holds. What cannot be read as a message is shown as it is."""
    if not text.startswith("{"):
        return text
    try:
        found = restored(json.loads(text))
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, str) else text


def _read(value: object) -> str:
    found = restored(value)
    if isinstance(found, Mapping):
        return OwnWords(_of_languages(found))
    if not isinstance(found, str):
        raise ValueError("a sentence is text, or a message as `stored` writes it")  # noqa: TRY004 - for pydantic
    return found


def _of_languages(words: Mapping[Any, Any]) -> Text:
    if not isinstance(words.get("en"), str) or not all(isinstance(one, str) for one in words.values()):
        raise ValueError("a sentence has a text for each language, and at least `en`")
    return words


Sentence = Annotated[str, PlainValidator(_read), PlainSerializer(stored)]
"""A field of a model that is a message."""


def _of_the_catalogue(text: str) -> str:
    return text if isinstance(text, Message) else Phrase(text, {})


Heading = Annotated[Sentence, AfterValidator(_of_the_catalogue)]
"""The same where text alone is a sentence of the catalogue, if it is there: titles in drbot's own runbooks."""
