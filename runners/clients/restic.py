"""restic: snapshots of files in repositories, deduplicated, compressed, each byte under a digest.

Called as a program; with --json it says a message a line. Its exit codes decide what happens. A snapshot's `tree` is
the digest of everything in it: the same in every repository that the snapshot is copied to.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from pydantic import AwareDatetime, BaseModel, Field

from drbot.core.base.errors import CancelledError, PermanentError, TemporaryError
from drbot.core.text.messages import filled, phrase
from drbot.runners.clients.process import Bounds, read_process, run_process, values_of
from drbot.runners.clients.restic_words import Differences, Files, Said
from drbot.runners.clients.snapshot_shape import Shape
from drbot.runners.foundation.causes import cause_in
from drbot.runners.foundation.watching import Cancelled, Progress, never, unheard

PROGRAM = "restic"
OLDEST = (0, 17)  # the first that compares before it writes, and works without a password
INCOMPLETE, NO_REPOSITORY, LOCKED, WRONG_PASSWORD = 3, 10, 11, 12  # its exit codes
VERSION = re.compile(r"restic (\d+\.\d+(?:\.\d+)*)")
UNREAD = phrase("{place} could not be read: {why}")
UNLISTED = phrase("{place} could not be listed: {why}")
IGNORED = "Ignoring "  # what it says before the id of a snapshot that it cannot read
GONE = "no such file or directory"
ENVIRONMENT: Mapping[str, str] = {"RESTIC_PROGRESS_FPS": "2", "TZ": "UTC"}
ANSWERS_WITHIN_SECONDS = 90.0
NAMES_AT_ONCE = 200  # in one command
NO_PROGRAM = 127  # a shell's
PASSING = ("connection", "timeout", "timed out", "EOF", "no such host", "SlowDown", "network", "reset by peer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    url: str  # as restic takes it: a folder, or s3:…
    place: str  # for people and plans
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)  # environment: what it takes to get in
    cache: Path | None = None  # for one that lies far away

    @property
    def is_encrypted(self) -> bool:
        return "RESTIC_PASSWORD" in self.keys


class Summary(BaseModel):
    total_files_processed: int = 0
    total_bytes_processed: int = 0


class Snapshot(BaseModel):
    """One snapshot, as `restic snapshots` lists it."""

    id: str
    tree: str
    time: AwareDatetime
    hostname: str = ""
    tags: tuple[str, ...] = ()
    summary: Summary = Field(default_factory=Summary)

    @property
    def size(self) -> int:
        """Bytes of the files in it."""
        return self.summary.total_bytes_processed

    @property
    def files(self) -> int:
        return self.summary.total_files_processed


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """A folder beside a snapshot, byte by byte."""

    same: int  # files
    other: tuple[str, ...]  # paths that are missing, different or too many


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What of a snapshot is meant: a folder, of it all or one part, without some."""

    folder: str
    only: str = ""  # a path below the folder; its own mode and owner count too
    without: tuple[str, ...] = ()

    @property
    def options(self) -> list[str]:
        """As restic takes them, which does not know both at once."""
        return [f"--include=/{plain(self.only)}"] if self.only else [f"--exclude=/{plain(one)}" for one in self.without]


def plain(path: str) -> str:
    """As a pattern of restic's that means itself."""
    return re.sub(r"([*?\[\\])", r"\\\1", path)


class Execute(Protocol):
    def __call__(
        self, arguments: Sequence[str], on_line: Callable[[str], None], *, values: Sequence[str] = ()
    ) -> int: ...


class Restic:
    """What can be done with one repository. Raises PermanentError, TemporaryError, CancelledError."""

    def __init__(
        self,
        repository: Repository,
        *,
        cancelled: Cancelled = never,
        progress: Progress = unheard,
        execute: Execute | None = None,
        answers_within: float = ANSWERS_WITHIN_SECONDS,
    ) -> None:
        """`execute`: where it runs; None = here. `answers_within`: seconds for a question that a person waits for."""
        self._answers_within = answers_within
        self.repository = repository
        self._cancelled = cancelled
        self._bounds = Bounds(cancelled=cancelled)
        self._progress = progress
        self._execute = execute

    def exists(self) -> bool:
        with self._answering() as quick:
            code, said = quick._run(["cat", "config", "--no-lock"])
        if code == NO_REPOSITORY:
            return False
        self._require_done(code, said, phrase("{place} could not be looked at: {why}"))
        return True

    def make(self, like: Repository | None = None) -> None:
        """A new one; cut into pieces as another one is, so that what is copied takes no second room."""
        same = ["--copy-chunker-params", *self._other(like)] if like else []
        self._done(phrase("{place} could not be made: {why}"), ["init", *same], self._environment_of(like))

    def snapshots(self, unread: list[str] | None = None) -> tuple[Snapshot, ...]:
        """All of them, oldest first; which ones nobody can read is put into `unread`."""
        complaints: list[str] = []
        with self._answering() as quick:
            found = b"".join(quick._read(["snapshots", "--no-lock"], complaints=complaints))
        if unread is not None:
            unread += [line.removeprefix(IGNORED) for line in complaints if line.startswith(IGNORED)]
        return tuple(sorted((Snapshot.model_validate(one) for one in json.loads(found)), key=lambda one: one.time))

    def backup(
        self,
        paths: Sequence[str],
        *,
        host: str,
        tags: Sequence[str],
        moment: datetime,
        excluded: Sequence[str] = (),
        folder: Path | None = None,
    ) -> str:
        """The id of a new snapshot of these paths, absolute or below `folder`; one that cannot be read whole is no
        backup, but a file that went meanwhile was none of it.
        """
        options = [*(f"--tag={tag}" for tag in tags), *(f"--exclude={path}" for path in excluded)]
        options += [f"--host={host}", f"--time={moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"]
        code, said = self._run(["backup", *options], values=paths, folder=folder)
        if code != INCOMPLETE or not all(GONE in error for error in said.errors):
            self._require_done(code, said, phrase("{place} could not be written: {why}"))
        return str(said.summary["snapshot_id"])

    def listed(self, snapshot: str, folders: Sequence[str]) -> tuple[str, frozenset[str]]:
        """The snapshot's tree, and the paths of what lies in these folders; one that is not there holds nothing."""
        trees: list[str] = []
        paths: set[str] = set()

        def take(said: Mapping[str, Any]) -> None:
            trees.extend([str(said["tree"])] if "tree" in said else [])
            paths.update({str(said["path"])} if "path" in said else set())

        self._done(UNLISTED, ["ls", "--no-lock"], values=[snapshot, *folders], on_message=take)
        return trees[0], frozenset(path for path in paths if path not in folders)

    def count_files(self, snapshot: str, folder: str) -> int:
        """How many lie below this folder."""
        count = 0

        def take(said: Mapping[str, Any]) -> None:
            nonlocal count
            count += said.get("type") == "file"

        with self._answering() as quick:
            quick._done(UNLISTED, ["ls", "--no-lock"], values=[f"{snapshot}:{folder}"], on_message=take)
        return count

    def shape(self, snapshot: str) -> Shape:
        """What it is made of; every folder of it is read for that."""
        shape = Shape()
        self._done(UNREAD, ["ls", "--no-lock"], values=[snapshot], on_message=shape.take)
        return shape

    def restore(self, snapshot: str, wanted: Wanted, target: str) -> int:
        """Put it into `target` and read it again: content, kinds, owners, modes, times, links. Returns how many files.
        Files of other names stay.
        """
        options = [f"--target={target}", "--overwrite=always", "--sparse", "--verify", "--no-lock", *wanted.options]
        failed = phrase("{place} could not be restored from: {why}")
        said = self._done(failed, ["restore", *options], values=[f"{snapshot}:{wanted.folder}"])
        return int(said.summary.get("files_restored", 0))

    def compare(self, snapshot: str, wanted: Wanted, target: str, *, alone: bool) -> Compared:
        """The files in `target` byte by byte; `alone`: nothing else may be there. Writes nothing."""
        command = ["restore", f"--target={target}", "--dry-run", "-vv", "--overwrite=always", "--no-lock"]
        failed, values = phrase("{place} could not be compared with: {why}"), [f"{snapshot}:{wanted.folder}"]
        files, listed = Files(), Restic(self.repository, cancelled=self._cancelled)  # here, wherever it is executed
        listed._done(UNLISTED, ["ls", "--no-lock"], values=values, on_message=files.take)
        found, options = Differences(files.empty, files.further), ["--delete"] if alone else []
        self._done(failed, [*command, *options, *wanted.options], values=values, on_message=found.take)
        # a name counts as a link only beside an earlier one: each is looked at without those
        for nth in sorted({files.further[name] for name in found.open}):
            names = [f"--include={plain(name)}" for name in found.open if files.further[name] == nth]
            for start in range(0, len(names), NAMES_AT_ONCE):
                alike, some = Differences(files.empty), names[start : start + NAMES_AT_ONCE]
                self._done(failed, [*command, *some], values=values, on_message=alike.take)
                found.same, found.other = found.same + alike.same, found.other + alike.other
        return Compared(same=found.same, other=tuple(found.other))

    def copy_from(self, other: Repository, snapshot: str) -> None:
        """Bring a snapshot here; what is here already is not sent again. The other one is read without a lock: whoever
        recovers may have no right to write there, and does not wait for a program that died while it tidied up.
        """
        words = ["copy", "--no-lock", *self._other(other)]
        failed = phrase("{place} could not be filled from {other}: {why}", other=other.place)
        self._done(failed, words, self._environment_of(other), values=[snapshot])

    def document(self, snapshot: str, path: str) -> bytes:
        with self._answering() as quick:
            return b"".join(quick.stream(snapshot, path))

    def stream(self, snapshot: str, path: str, *options: str) -> Iterator[bytes]:
        """A file of it, as it is read; a folder with the option --archive=tar."""
        yield from self._read(["dump", "--no-lock", *options], [snapshot, path])

    def know_again(self) -> None:
        """What a copy that was interrupted has brought, so that it is not sent once more; where this fails it is. For
        whoever is alone here: locks of programs that were killed go too, as long as nobody has buried them.
        """
        self._run(["unlock", "--remove-all"])
        self._run(["repair", "index"])

    def check(self, *, reads_data: bool = True) -> None:
        """Read everything in it, else look whether all that its snapshots need is there. Raises PermanentError when
        something is missing or has changed.
        """
        options = ["--read-data"] if reads_data else []
        self._done(phrase("{place} could not be read whole: {why}"), ["check", "--no-lock", *options])

    def forget(self, snapshots: Sequence[str]) -> bool:
        """Remove these, and what only they used. False: somebody is at work there, so it is left for next time."""
        if not snapshots:
            return True
        self._run(["unlock"])  # of programs that have ended
        code, said = self._run(["forget", "--prune"], values=snapshots)
        if code == LOCKED:
            return False
        self._require_done(code, said, phrase("{place} could not be tidied: {why}"))
        return True

    @contextmanager
    def _answering(self) -> Iterator["Restic"]:
        """For a question that a person waits for: restic tries for a quarter of an hour when a bucket is away. Raises
        TemporaryError (network) when there is no answer in time.
        """
        deadline = time.monotonic() + self._answers_within
        overdue = Restic(
            self.repository,
            cancelled=lambda: self._cancelled() or time.monotonic() > deadline,
            progress=self._progress,
            execute=self._execute,
        )
        try:
            yield overdue
        except CancelledError as error:
            if self._cancelled():
                raise
            said = phrase(
                "{place} did not answer within {seconds} s",
                place=self.repository.place,
                seconds=round(self._answers_within),
            )
            raise TemporaryError(said, kind="network") from error

    def _done(
        self,
        failed: str,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        values: Sequence[str] = (),
        on_message: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> Said:
        code, said = self._run(arguments, environment, values=values, on_message=on_message)
        self._require_done(code, said, failed)
        return said

    def _run(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        values: Sequence[str] = (),
        on_message: Callable[[Mapping[str, Any]], None] | None = None,
        folder: Path | None = None,
    ) -> tuple[int, Said]:
        words, said = [*arguments, *self._options()], Said(self._progress, on_message)
        if self._execute is not None:
            return self._execute(words, said.take, values=values), said
        known = {**self._environment(), **(environment or {})}
        ended = run_process([PROGRAM, *words], self._bounds, said.take, values=values, environment=known, folder=folder)
        return ended.code, said

    def _read(
        self, arguments: Sequence[str], values: Sequence[str] = (), *, complaints: list[str] | None = None
    ) -> Iterator[bytes]:
        command = [PROGRAM, *arguments, *self._options(), *values_of(PROGRAM, values)]
        errors: list[str] = [] if complaints is None else complaints
        said = Said(self._progress, None)
        code = yield from read_process(command, self._bounds, errors, environment=self._environment())
        for line in errors:
            said.take(line)
        self._require_done(code, said, UNREAD)

    def _environment(self) -> Mapping[str, str]:
        return {**ENVIRONMENT, "RESTIC_REPOSITORY": self.repository.url, **self.repository.keys}

    def _environment_of(self, other: Repository | None) -> Mapping[str, str]:
        """One set of keys for both: drbot has one."""
        return {"RESTIC_FROM_REPOSITORY": other.url, **other.keys} if other else {}

    def _options(self, other: Repository | None = None) -> list[str]:
        cache = self.repository.cache or (other.cache if other else None)
        open_ = [] if self.repository.is_encrypted else ["--insecure-no-password"]
        return ["--json", *open_, f"--cache-dir={cache}" if cache else "--no-cache"]

    def _other(self, other: Repository) -> list[str]:
        return [] if other.is_encrypted else ["--from-insecure-no-password"]

    def _require_done(self, code: int, heard: Said, failed: str) -> None:
        """`failed`: what is said then, of `{place}` and `{why}`."""
        if code == 0:
            return
        place, said = self.repository.place, heard.reason
        if code == NO_PROGRAM:
            raise PermanentError(version_fault() or phrase("{program} could not be started", program=PROGRAM))
        if code == LOCKED:
            raise TemporaryError(
                phrase("{place} is in use by another program: {said}", place=place, said=said), kind="busy"
            )
        if code == WRONG_PASSWORD:
            other = (
                phrase("another RESTIC_PASSWORD than this process has, or with none"),
                phrase("a RESTIC_PASSWORD, and this process has none"),
            )
            raise PermanentError(
                phrase("{place}: it was made with {other}", place=place, other=other[not self.repository.is_encrypted])
            )
        if code == NO_REPOSITORY:
            raise PermanentError(phrase("{place}: there is no repository of backups", place=place))
        if any(word in said for word in PASSING) and self.repository.url.startswith("s3:"):
            raise TemporaryError(filled(failed, place=place, why=said))
        raise PermanentError(filled(failed, place=place, why=said), cause=cause_in(said))


def installed_version() -> str:
    """Of the program on this host; "" = it is not there."""
    ended = run_process([PROGRAM, "version"], Bounds(cancelled=never, seconds=20), lambda _: None)
    found = VERSION.search(" ".join(ended.lines))
    return found[1] if found and ended.code == 0 else ""


def version_fault() -> str | None:
    """Why the one on this host cannot do what is needed, and what to do; None when it can."""
    found, needed = installed_version(), ".".join(map(str, OLDEST))
    if not found:
        return phrase("{program} is not on this host: install it, {needed} or newer", program=PROGRAM, needed=needed)
    if tuple(int(part) for part in found.split(".")[:2]) < OLDEST:
        return phrase(
            "{program} {found} is on this host: install {needed} or newer", program=PROGRAM, found=found, needed=needed
        )
    return None
