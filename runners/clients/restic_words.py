"""What restic says with --json: a message a line, from either of its streams."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from drbot.core.text.messages import Message, clauses, phrase
from drbot.runners.foundation.watching import Progress

NAMED = 3  # of what went wrong


class Said:
    """What restic says while it works; the errors of an hour are not pushed out by how far it is."""

    def __init__(self, progress: Progress, on_message: Callable[[Mapping[str, Any]], None] | None) -> None:
        self.errors: list[str] = []
        self.summary: Mapping[str, Any] = {}
        self._fatal = ""
        self._last = ""
        self._progress = progress
        self._on_message = on_message

    def take(self, line: str) -> None:
        said = message_of(line)
        kind = said.get("message_type")
        if kind == "status":
            done = said.get("bytes_done", said.get("bytes_restored", 0))
            self._progress(float(done), float(said["total_bytes"]) if "total_bytes" in said else None, "bytes")
        elif kind == "error":
            self.errors.append(error_in(said))
        elif kind == "summary":
            self.summary = said
        elif kind == "exit_error":
            self._fatal = str(said.get("message", ""))
        elif self._on_message is not None and said:
            self._on_message(said)
        elif line.startswith("panic: "):  # over a damaged folder
            self._fatal = phrase("restic broke down ({line})", line=line)
        elif not said:
            self._last = line

    @property
    def reason(self) -> str:
        """Why it could not: what could not be read, else its last words."""
        if self.errors:
            return clauses(self.errors[:NAMED])
        if isinstance(self._fatal, Message):
            return self._fatal
        first = (self._fatal or self._last).removeprefix("Fatal: ").splitlines()
        return first[0] if first else phrase("it did not say why")


def error_in(said: Mapping[str, Any]) -> str:
    of_file = said.get("error")
    return f"{said.get('item', '')}: {of_file.get('message', '')}" if of_file else str(said.get("message", ""))


class Files:
    """Of a list of files those of which a comparison says too little: empty ones, and further names of a file."""

    def __init__(self) -> None:
        self.empty: set[str] = set()
        self.further: dict[str, int] = {}  # path → how many names of the same file come before it
        self._names: Counter[int] = Counter()

    def take(self, said: Mapping[str, Any]) -> None:
        if said.get("type") != "file":
            return
        path, inode = str(said["path"]), int(said.get("inode") or 0)
        if not said.get("size"):
            self.empty.add(path)
        if inode and self._names[inode]:
            self.further[path] = self._names[inode]
        self._names[inode] += 1


class Differences:
    """What a comparison says, line by line; there may be a hundred thousand. `empty`: files that have no content.
    `further`: names that may be links to a file before them: of these it does not say whether they are the same.
    """

    def __init__(self, empty: Collection[str] = (), further: Collection[str] = ()) -> None:
        self._empty, self._further = empty, further
        self.same = 0
        self.other: list[str] = []
        self.open: list[str] = []

    def take(self, said: Mapping[str, Any]) -> None:
        """A folder, or a link, is always said to be restored, with the size 0."""
        if said.get("message_type") != "verbose_status":
            return
        if said["action"] == "unchanged":
            self.same += 1
        elif said["action"] == "restored" and not said["size"] and said["item"] in self._further:
            self.open.append(str(said["item"]))
        elif said["action"] != "restored" or said["size"] or said["item"] in self._empty:
            self.other.append(str(said["item"]))


def message_of(line: str) -> Mapping[str, Any]:
    """One line of its output; what is no message says nothing."""
    if not line.startswith("{"):
        return {}
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
