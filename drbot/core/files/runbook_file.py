"""Finds and reads runbooks: the file, its digest for the seal, and what the linter says about it."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from drbot.core.base.errors import UserError
from drbot.core.base.yaml_file import did_you_mean, parse_yaml, read_model, read_text, wrong_lines
from drbot.core.files.runbook_lint import lint
from drbot.core.runbooks.runbook import Runbook
from drbot.core.text.messages import listed, phrase, sentences

PACKAGED = Path(__file__).resolve().parents[2] / "runbooks"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunbookFile:
    """A runbook that passed the linter."""

    path: Path
    runbook: Runbook
    sha256: str

    @property
    def is_shipped(self) -> bool:
        """Whether it comes with drbot; any other may have any words in it."""
        return is_shipped(self.path)


class Runbooks(Mapping[str, Runbook]):
    """Runbooks by their id, each read when it is asked for: all that are shipped take a quarter of a second, and most
    verbs need none. Raises UserError for one that was broken since it was looked at.
    """

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = paths

    def __getitem__(self, name: str) -> Runbook:
        return load_runbook(self._paths[name]).runbook

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def is_shipped(path: Path) -> bool:
    """Whether it comes with drbot; its tests have shown that the linter lets it through."""
    return path.parent == PACKAGED


def load_runbook(path: Path) -> RunbookFile:
    """Reads and lints one file. Raises UserError with one "file:line: sentence" per mistake."""
    return _checked(path, read_text(path))


@lru_cache(maxsize=128)
def _checked(path: Path, text: str) -> RunbookFile:
    """Every plan asks for its runbook, and reading YAML with the line of each value takes a tenth of a second."""
    file = parse_yaml(path, text)
    runbook = read_model(file, Runbook)
    problems = lint(runbook)
    if problems:
        raise wrong_lines(phrase("Checking the runbook {path}.", path=path), file, problems)
    return RunbookFile(path=path, runbook=runbook, sha256=hashlib.sha256(file.text.encode()).hexdigest())


def runbook_folders(own: Path | None) -> tuple[Path, ...]:
    """The packaged runbooks first, then the operator's: a runbook of the same name there wins."""
    return (PACKAGED, own) if own is not None else (PACKAGED,)


def find_runbooks(folders: Iterable[Path]) -> dict[str, Path]:
    """Name → file of everything in the folders; a later folder wins. Nothing is read but the names of the files,
    so one broken runbook does not hide the others: a runbook is named like its file (the linter sees to that).
    """
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.yml")):
            found[path.stem] = path
    return found


def runbook_named(name: str, folders: Iterable[Path]) -> RunbookFile:
    """The runbook of this name. Raises UserError with the nearest name, or what is wrong with its file."""
    found = find_runbooks(folders)
    if name not in found:
        raise UserError(
            phrase('Looking for the runbook "{name}".', name=name),
            sentences(phrase("There is none of that name."), did_you_mean(name, sorted(found))),
            phrase("There are: {names}.", names=listed(sorted(found))),
        )
    file = load_runbook(found[name])
    if file.runbook.runbook != name:
        raise UserError(
            phrase("Checking the runbook {path}.", path=file.path),
            phrase('It calls itself "{own}", its file "{name}".', own=file.runbook.runbook, name=name),
            phrase("Give both the same name."),
        )
    return file
