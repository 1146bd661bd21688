"""Reads a YAML file into a frozen model; a mistake names file, line and what was probably meant.

Used for dr.yml and for runbooks: both are written by people in a hurry.
"""

import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from drbot.core.base.errors import UserError
from drbot.core.text.messages import closed, lines, phrase, sentences

Where = tuple[str | int, ...]
"""The way to a value: ("steps", 3, "limits", "time")."""

GONE: Mapping[str, str] = {"queries": phrase("Write it as `checks` of `proof`.")}
"""Keys of older files, and what became of them."""

ModelType = TypeVar("ModelType", bound=BaseModel)


KEY = "[key]"
"""What pydantic puts at the end of the way to a key that is wrong itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    where: Where
    sentence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class YamlFile:
    """A file as it was read; knows the line of every value."""

    path: Path
    text: str
    tree: Any

    def line(self, where: Where) -> int:
        """The line of the value, or of the nearest thing around it that exists. Starts at 1."""
        node, line = self.tree, 1
        for key in where:
            marks = getattr(getattr(node, "lc", None), "data", None) or {}
            if key not in marks:
                break
            line = marks[key][0] + 1
            node = node[key]
        return line

    def complain(self, problems: Sequence[Problem]) -> str:
        """One "file:line: sentence" per problem, in the order of the file."""
        return lines(self.complaints(problems))

    def complaints(self, problems: Sequence[Problem]) -> tuple[str, ...]:
        found = sorted((self.line(problem.where), problem.sentence) for problem in problems)
        return tuple(_at_line(self.path, line, sentence) for line, sentence in found)


def read_yaml(path: Path) -> YamlFile:
    """The file's tree. Raises UserError with the line when it cannot be read or is no YAML."""
    return parse_yaml(path, read_text(path))


def read_text(path: Path) -> str:
    """The file as text. Raises UserError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        why = phrase("It cannot be read: {why}.", why=error.strerror)
        raise UserError(reading(path), why, phrase("Check the path.")) from error
    except UnicodeDecodeError as error:
        raise UserError(reading(path), phrase("It is not UTF-8 text."), phrase("Save it as UTF-8.")) from error


def parse_yaml(path: Path, text: str) -> YamlFile:
    """The tree in this text of this file. Raises UserError with the line when it is no YAML."""
    try:
        tree = YAML(typ="rt").load(text)
    except YAMLError as error:
        raise UserError(
            reading(path), _no_yaml(path, error), phrase("Correct this line, or the one before.")
        ) from error
    if not isinstance(tree, dict):
        why = _at_line(path, 1, phrase("the file must hold keys and values."))
        raise UserError(reading(path), why, phrase("drbot docs has examples."))
    return YamlFile(path=path, text=text, tree=tree)


def _no_yaml(path: Path, error: YAMLError) -> str:
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    why = (error.problem if isinstance(error, MarkedYAMLError) else None) or str(error).splitlines()[0]
    return _at_line(path, mark.line + 1, closed(why)) if mark else closed(why)


def reading(path: Path) -> str:
    return phrase("Reading {path}.", path=path)


def _at_line(path: Path, line: int, sentence: str) -> str:
    return phrase("{file}:{line}: {sentence}", file=path.name, line=line, sentence=sentence)


def wrong_lines(tried: str, file: YamlFile, problems: Sequence[Problem]) -> UserError:
    return UserError(tried, file.complain(problems), phrase("Correct the lines named."))


def read_model(file: YamlFile, model: type[ModelType]) -> ModelType:
    """The file as a model. Raises UserError that lists every mistake."""
    try:
        return model.model_validate(file.tree)
    except ValidationError as error:
        raise wrong_lines(reading(file.path), file, problems_of(model, error)) from error


def problems_of(model: type[BaseModel], error: ValidationError) -> list[Problem]:
    """What pydantic found, in words for people."""
    return [_problem(model, detail["loc"], detail["type"], _said(detail)) for detail in error.errors()]


def _said(detail: ErrorDetails) -> str:
    """What our own check raised is a message; pydantic's is its own English."""
    raised = detail.get("ctx", {}).get("error")
    return str(raised) if isinstance(raised, ValueError) else detail["msg"]


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """`Did you mean "x"?`, or nothing when no known word is near."""
    near = difflib.get_close_matches(word, known, 1, 0.6)
    return phrase('Did you mean "{word}"?', word=near[0]) if near else ""


def _problem(model: type[BaseModel], where: Where, kind: str, message: str) -> Problem:
    name = str(where[-1]) if where else ""
    if kind == "extra_forbidden":
        known = _keys_at(model, where[:-1])
        unknown = phrase('unknown key "{name}".', name=name)
        return Problem(where=where, sentence=sentences(unknown, GONE.get(name) or did_you_mean(name, known)))
    if kind == "missing":
        return Problem(where=where, sentence=phrase('the key "{name}" is missing.', name=name))
    path = ".".join(str(part) for part in where if part != KEY)
    return Problem(where=where, sentence=phrase("{path}: {message}", path=path, message=closed(message)))


def _keys_at(model: type[BaseModel], where: Where) -> list[str]:
    kind: Any = model
    for part in where:
        kind = _inside(kind, part)
    kind = _model_in(kind)
    return [field.alias or name for name, field in kind.model_fields.items()] if kind else []


def _inside(kind: Any, part: str | int) -> Any:
    model = _model_in(kind)
    if model is None:
        return None
    if isinstance(part, str):
        for name, field in model.model_fields.items():
            if part in (name, field.alias):
                return field.annotation
    return kind  # an index of a tuple or a key of a mapping: its model was found already


def _model_in(kind: Any) -> type[BaseModel] | None:
    """The model in `X`, `X | None`, `tuple[X, ...]` or `dict[str, X]`."""
    if isinstance(kind, type) and not isinstance(kind, types.GenericAlias) and issubclass(kind, BaseModel):
        return kind
    return next((found for part in typing.get_args(kind) if (found := _model_in(part)) is not None), None)
