"""A dockerd of our own, for machines where no init system starts one.

It may have been killed together with its machine: a stale pid file, a stale socket and containers it believes to be
running must not keep the next one from starting.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from drbot.core.base.errors import UserError
from drbot.core.text.messages import phrase
from drbot.lab import footprint

LONGEST_FOLDER = 60  # a Unix socket's path must stay below 108 bytes, and the engine nests its own sockets
STOP_SECONDS = 60


def installed() -> bool:
    return dockerd() is not None


def dockerd() -> str | None:
    """Path of dockerd; sbin is not on everybody's path."""
    return shutil.which("dockerd") or shutil.which("dockerd", path="/usr/sbin:/usr/local/sbin:/sbin")


def system_starts_it() -> bool:
    """Whether systemd runs here, so that the package has started the engine itself."""
    return Path("/run/systemd/system").is_dir()


def socket_url(home: Path) -> str:
    return f"unix://{runtime_folder(home) / 'docker.sock'}"


def runtime_folder(home: Path) -> Path:
    """The folder of sockets and pid files: below `home` unless its path is too long for a socket."""
    folder = home / "engine"
    if len(str(folder)) <= LONGEST_FOLDER:
        return folder
    return Path(f"/run/drbot-{hashlib.sha256(str(home).encode()).hexdigest()[:8]}")


def folders(home: Path) -> footprint.Folders:
    return (home / "engine", runtime_folder(home))


def start(home: Path, answers: Callable[[str], bool]) -> str:
    """Start it and wait until it answers. Raises UserError with the end of its log."""
    runtime = runtime_folder(home)
    footprint.open_network(home)
    for attempt in (1, 2):
        sweep(runtime, everything=attempt == 2)
        process = launch(home, runtime)

        def ready_or_gone(process: subprocess.Popen[bytes] = process) -> bool:
            return answers(socket_url(home)) or process.poll() is not None

        wait_until(ready_or_gone, 60)
        if process.poll() is None and answers(socket_url(home)):
            return socket_url(home)
        process.kill()
        process.wait()
    log = home / "engine" / "dockerd.log"
    tail = " ".join(log.read_text(errors="replace").splitlines()[-3:])
    raise UserError(phrase("Tried to start a Docker engine."), tail, phrase("The whole log: {file}", file=log))


def launch(home: Path, runtime: Path) -> "subprocess.Popen[bytes]":
    """Run dockerd in a session of its own, so that it outlives us."""
    (home / "engine").mkdir(parents=True, exist_ok=True)
    runtime.mkdir(parents=True, exist_ok=True)
    command = [
        dockerd() or "dockerd",
        f"--data-root={home / 'engine' / 'data'}",
        f"--exec-root={runtime / 'run'}",
        f"--pidfile={runtime / 'docker.pid'}",
        f"--host={socket_url(home)}",
        *footprint.options(home),
    ]
    with (home / "engine" / "dockerd.log").open("ab") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
        )


def sweep(runtime: Path, *, everything: bool) -> None:
    """Remove what a killed engine left. `everything` also forgets the containers it believes to be running."""
    if our_process(runtime) is not None:
        return
    for name in ("docker.pid", "docker.sock", "run/containerd/containerd.pid"):
        (runtime / name).unlink(missing_ok=True)
    if everything:
        shutil.rmtree(runtime / "run", ignore_errors=True)


def stop(home: Path) -> bool:
    """End our engine, also a killed one, and clear the machine of it, but not of its data. False: there was none."""
    runtime = runtime_folder(home)
    process = our_process(runtime)
    if process is not None:
        os.kill(process, signal.SIGTERM)
        wait_until(lambda: our_process(runtime) is None, STOP_SECONDS)
    everything = folders(home)
    there = process is not None or any(folder.exists() for folder in everything)
    footprint.kill_processes(everything)
    wait_until(lambda: not footprint.processes(everything), STOP_SECONDS)
    footprint.unmount(everything)
    if there:
        sweep(runtime, everything=True)
    if runtime.parent == Path("/run"):
        shutil.rmtree(runtime, ignore_errors=True)
    footprint.close_network(home)
    return process is not None


def our_process(runtime: Path) -> int | None:
    """The process of our pid file, if it really is our dockerd: numbers are reused after a reboot."""
    try:
        process = int((runtime / "docker.pid").read_text())
        command = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return process if f"--pidfile={runtime / 'docker.pid'}".encode() in command else None


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
