"""A Docker engine for the lab: the one that is there, or one of our own below the lab's home.

The command line and the tests come here first; nothing that was already on the machine is changed or stopped.
"""

import fcntl
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import docker
from docker.errors import DockerException

from drbot.core.base.errors import UserError
from drbot.core.text.messages import phrase
from drbot.lab import daemon, packages

Say = Callable[[str], None]

SYSTEM_SOCKET = "unix:///var/run/docker.sock"
TRIED: str = phrase("Looked for a Docker engine.")


def ensure_engine(home: Path, say: Say) -> str:
    """URL of a working engine; installs or starts one where that is possible. Raises UserError with what to install."""
    home = home.resolve()
    with exclusive(home / "engine.lock"):
        host = find_engine(home) or make_engine(home, say)
        ensure_compose(say)
        return host


def connect(host: str, timeout_seconds: float = 60) -> docker.DockerClient:
    """A client of this engine; the TLS settings of DOCKER_HOST apply to DOCKER_HOST only."""
    if host == os.environ.get("DOCKER_HOST"):
        return docker.from_env(timeout=int(timeout_seconds))
    return docker.DockerClient(base_url=host, timeout=int(timeout_seconds))


def stop_engine(home: Path) -> bool:
    """End the engine we started below `home`; False when there is none. No other engine is ever stopped."""
    with exclusive(home.resolve() / "engine.lock"):
        return daemon.stop(home.resolve())


def wipe_engine(home: Path) -> bool:
    """Remove all from the engine of ours below `home` but its images, end it, and leave nothing of it on the machine;
    False when there is none. Also after it was killed: only an engine knows the networks and containers it left.
    """
    home = home.resolve()
    if not (home / "engine" / "data").exists():
        return False
    with exclusive(home / "engine.lock"):
        try:
            if not answers(daemon.socket_url(home)):
                daemon.start(home, answers)
            clear(daemon.socket_url(home))
        finally:
            daemon.stop(home)
    return True


def wake_engine(home: Path) -> None:
    """Start the stopped engine below `home` again if no other is there: only it can remove what its labs have on it."""
    home = home.resolve()
    if (home / "engine" / "data").exists() and find_engine(home) is None:
        with exclusive(home / "engine.lock"):
            daemon.start(home, answers)


def clear(host: str) -> None:
    """Remove everything from an engine of ours but its images."""
    with closing(connect(host, timeout_seconds=120)) as client:
        for container in client.containers.list(all=True, ignore_removed=True):
            container.remove(force=True, v=True)
        for volume in client.volumes.list():
            volume.remove(force=True)
        client.networks.prune()


def find_engine(home: Path) -> str | None:
    """The first engine that answers: DOCKER_HOST, the Docker context, the system's socket, our own."""
    named = os.environ.get("DOCKER_HOST")
    if named:
        if answers(named):
            return named
        raise UserError(
            TRIED,
            phrase("DOCKER_HOST is {host}, but nothing answers there.", host=named),
            phrase("Start that engine or unset it."),
        )
    for host in (context_host(), SYSTEM_SOCKET, daemon.socket_url(home)):
        if host and answers(host):
            return host
    return None


def answers(host: str) -> bool:
    if host.startswith("unix://") and not Path(host.removeprefix("unix://")).exists():
        return False
    try:
        with closing(connect(host, timeout_seconds=5)) as client:
            return bool(client.ping())
    except (DockerException, OSError):
        return False


def context_host() -> str | None:
    """The endpoint of the current Docker context, which the SDK ignores (Docker Desktop, colima, rootless)."""
    command = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.strip() or None
    except (OSError, subprocess.TimeoutExpired):
        return None


def make_engine(home: Path, say: Say) -> str:
    """Install what is missing, then use the engine the system starts, else start our own."""
    if os.name != "posix" or os.uname().sysname != "Linux":
        todo = phrase("Install and start Docker Desktop or colima, then try again.")
        raise UserError(TRIED, phrase("None is running."), todo)
    if os.geteuid() != 0:
        raise UserError(
            TRIED,
            phrase("None is running, or you may not use it."),
            phrase(
                "Start Docker (sudo systemctl start docker) and join its group (sudo usermod -aG docker $USER), "
                "or install it: sudo apt-get install docker.io docker-compose"
            ),
        )
    if not daemon.installed():
        packages.install_engine(say)
    if daemon.system_starts_it() and daemon.wait_until(lambda: answers(SYSTEM_SOCKET), 20):
        return SYSTEM_SOCKET
    say(phrase("Starting a Docker engine for the lab"))
    return daemon.start(home, answers)


def ensure_compose(say: Say) -> None:
    """`docker compose` (version 2) must work; it is installed where we may."""
    if has_compose():
        return
    if os.geteuid() == 0 and packages.may_install():
        packages.install_compose(say)
    if not has_compose():
        raise UserError(
            phrase("Looked for docker compose (version 2)."),
            phrase('"docker compose version" does not work.'),
            phrase(
                "Install the package docker-compose-plugin (Docker's own), docker-compose-v2 (Ubuntu) "
                "or docker-compose (Debian 13)."
            ),
        )


def has_compose() -> bool:
    try:
        return subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """One process at a time: test workers start together and would each install or start an engine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
