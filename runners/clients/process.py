"""Local programs: a session of their own, killed as a group on STOP, and gone when the worker dies.

A small shell watches a pipe of ours: when the worker is killed the pipe closes and the whole group goes. A word from
outside (dr.yml, a manifest, a compose file) is never an option: it is one of `values`, or stands in `--option=word`.
"""

import os
import queue
import re
import select
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from drbot.core.base.errors import CancelledError, Cause, PermanentError, TemporaryError
from drbot.core.text.messages import phrase
from drbot.runners.clients.handed_on import anchored
from drbot.store.base.file_modes import PRIVATE_UMASK

KEPT_LINES = 50_000  # a compose project in full must fit
GRACE_SECONDS = 0.4
LOOK_EVERY_SECONDS = 0.25
PIECE_BYTES = 1 << 20
# Descriptor 3 is our pipe. At its end the group is killed, with whatever the program left behind.
_WATCH = """
exec 3<&0
(cat <&3; kill -KILL 0) >/dev/null 2>&1 &
"$@" </dev/null 3<&-
"""


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a program ended and the last lines it wrote (both streams)."""

    code: int
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """When to end a program before it ends itself. Seconds."""

    cancelled: Callable[[], bool]
    seconds: float | None = None
    quiet_seconds: float | None = None


def run_process(
    command: Sequence[str],
    bounds: Bounds,
    on_line: Callable[[str], None],
    *,
    values: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    inherited: Mapping[str, str] | None = None,
    folder: Path | None = None,
    umask: int = PRIVATE_UMASK,
) -> Ended:
    """Run it to its end, line by line. `values`: words from outside, which come last and behind `--`; `inherited`: what
    it gets of our environment, none = all; `umask`: of what it writes, which others may read only where it is the
    recovered system's.

    Raises CancelledError, PermanentError (no such program, a value that could be an option), TemporaryError.
    """
    name = Path(command[0]).name
    process = start([*command, *values_of(name, values)], environment, inherited, folder=folder, umask=umask)
    try:
        started = time.monotonic()
        lines = follow(process, bounds, on_line, name)
        return Ended(code=code_of(process, bounds, started, name), lines=tuple(lines))
    finally:
        end_group(process)


def start(
    words: Sequence[str],
    environment: Mapping[str, str] | None,
    inherited: Mapping[str, str] | None = None,
    *,
    folder: Path | None = None,
    umask: int = PRIVATE_UMASK,
    errors: IO[bytes] | int = subprocess.STDOUT,
) -> "subprocess.Popen[bytes]":
    """Start it, watched. Raises PermanentError."""
    try:
        return subprocess.Popen(
            ["sh", "-c", _WATCH, "sh", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=anchored({**(os.environ if inherited is None else inherited), **(environment or {})}),
            cwd=folder,
            start_new_session=True,
            umask=umask,
        )
    except (OSError, ValueError) as error:  # ValueError: a word with a zero byte
        raise PermanentError(phrase("{words} could not be started: {why}", words=words[0], why=error)) from error


def read_process(
    command: Sequence[str], bounds: Bounds, errors: list[str], *, environment: Mapping[str, str] | None = None
) -> Generator[bytes, None, int]:
    """What it writes, as it is; its complaints go into `errors`. Returns its exit code. Raises as `run_process`."""
    with tempfile.TemporaryFile() as complaints:
        process, started = start(command, environment, errors=complaints), time.monotonic()
        assert process.stdout is not None
        try:
            with process.stdout as output:
                while True:
                    require_in_time(bounds, started, command[0])
                    if not select.select([output], [], [], LOOK_EVERY_SECONDS)[0]:
                        end_left_behind(process)
                        continue
                    if not (piece := os.read(output.fileno(), PIECE_BYTES)):
                        break
                    yield piece
            code = code_of(process, bounds, started, command[0])
        finally:
            end_group(process)
        complaints.seek(0)
        errors += complaints.read().decode(errors="replace").splitlines()
    return code


def values_of(program: str, values: Sequence[str]) -> list[str]:
    """The end of a command: `--`, then words from outside. Raises PermanentError for one that could be an option."""
    for value in values:
        if not value or value.startswith("-") or _CONTROL.search(value):
            raise PermanentError(
                phrase(
                    "{value} cannot be passed to {program}: it could be taken for an option",
                    value=f"{value!r}",
                    program=program,
                )
            )
    return ["--", *values] if values else []


def follow(process: "subprocess.Popen[bytes]", bounds: Bounds, on_line: Callable[[str], None], name: str) -> deque[str]:
    """Pass on its lines until it ends. Raises CancelledError or TemporaryError when it has to be ended."""
    arriving: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=read_lines, args=(process, arriving), daemon=True).start()
    kept: deque[str] = deque(maxlen=KEPT_LINES)
    started = spoke = time.monotonic()
    while True:
        try:
            line = arriving.get(timeout=0.1)
        except queue.Empty:
            line = ""
            end_left_behind(process)
        now = time.monotonic()
        if line is None:
            return kept
        if line:
            spoke = now
            kept.append(line)
            on_line(line)
        require_in_time(bounds, started, name)
        if bounds.quiet_seconds is not None and now - spoke > bounds.quiet_seconds:
            raise TemporaryError(
                phrase(
                    "{name} said nothing for {seconds} s and was stopped",
                    name=name,
                    seconds=round(bounds.quiet_seconds),
                ),
                kind="busy",
                cause=Cause.TIME,
            )


def require_in_time(bounds: Bounds, started: float, name: str) -> None:
    """Raises CancelledError."""
    if bounds.cancelled():
        raise CancelledError(phrase("{name} was stopped", name=name))
    if bounds.seconds is not None and time.monotonic() - started > bounds.seconds:
        raise CancelledError(
            phrase("{name} was not done after {seconds} s and was stopped", name=name, seconds=round(bounds.seconds))
        )


def code_of(process: "subprocess.Popen[bytes]", bounds: Bounds, started: float, name: str) -> int:
    """Its exit code: it may have closed what it says to, and go on. Raises CancelledError."""
    while True:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(LOOK_EVERY_SECONDS)
        require_in_time(bounds, started, name)


def end_left_behind(process: "subprocess.Popen[bytes]") -> None:
    """What a program that has ended leaves behind has our pipe open, and nothing would ever end there."""
    if process.poll() is not None:
        signal_group(process.pid, signal.SIGKILL)


def read_lines(process: "subprocess.Popen[bytes]", arriving: "queue.Queue[str | None]") -> None:
    """Put every line, then None, into the queue."""
    assert process.stdout is not None
    with process.stdout as output:
        for line in output:
            arriving.put(line.decode(errors="replace").rstrip() or " ")
    arriving.put(None)


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """Ask the program to end, then kill its group: the watching shell, children that did not listen."""
    assert process.stdin is not None
    if process.poll() is None:
        signal_group(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    signal_group(process.pid, signal.SIGKILL)
    process.wait()
    process.stdin.close()


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to a group that may be gone."""
    with suppress(ProcessLookupError):
        os.killpg(group, number)
