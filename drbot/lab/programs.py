"""Servers of a lab that outlive the command that started them, each known by its pid file: never started twice,
never mistaken for somebody else's process."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drbot.core.base.errors import UserError
from drbot.core.text.messages import phrase
from drbot.lab.daemon import wait_until


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A command that runs in the background; `folder` gets its pid file and its log."""

    name: str
    folder: Path
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        """The number of its process and when that started: numbers are reused."""
        return self.folder / f"{self.name}.pid"

    def start(self, ready: Callable[[], bool], seconds: float = 30) -> None:
        """Run it unless it runs, and wait until it is ready. Raises UserError with the end of its log."""
        if self.process() is None:
            self.launch()
        wait_until(lambda: ready() or self.process() is None, seconds)
        if not ready():
            tail = " ".join(self.log.read_text(errors="replace").splitlines()[-3:])
            self.stop()
            todo = phrase("The whole log: {file}", file=self.log)
            raise UserError(phrase("Tried to start {name}.", name=self.name), tail, todo)

    def launch(self) -> None:
        """Start it in a session of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self.command, env={**os.environ, **self.environment}, cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        remember(self.pid_file, process.pid)

    def process(self) -> int | None:
        return running(self.pid_file)

    def stop(self) -> None:
        """End it and what it started, and wait for it."""
        stop(self.pid_file)


def remember(pid_file: Path, process: int) -> None:
    """Write down the number of a process and when it started, for its owner alone."""
    pid_file.touch(mode=0o600)
    pid_file.write_text(f"{process} {started(process)}")


def stop_all(folder: Path) -> None:
    """Stop every program whose pid file lies below this folder."""
    for pid_file in folder.rglob("*.pid"):
        stop(pid_file)


def stop(pid_file: Path) -> None:
    """End the process of a pid file; it leads a session, so its children go with it."""
    process = running(pid_file)
    if process is not None:
        os.killpg(process, signal.SIGTERM)
        if not wait_until(lambda: running(pid_file) is None, 10):
            os.killpg(process, signal.SIGKILL)
    pid_file.unlink(missing_ok=True)


def running(pid_file: Path) -> int | None:
    """The process of a pid file, if it is still the same one and alive."""
    try:
        process, start = pid_file.read_text().split()
    except (OSError, ValueError):
        return None
    return int(process) if start and started(int(process)) == start else None


def started(process: int) -> str:
    """When a process started, in ticks since boot; nothing when it is gone or only waits to be reaped."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
