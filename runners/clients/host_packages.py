"""Docker, Compose and restic on a bare Debian or Ubuntu: from pre-staged packages, else from the distribution."""

import os
import shutil
from pathlib import Path

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import phrase
from drbot.runners.clients.compose import Watch
from drbot.runners.clients.process import run_process, values_of
from drbot.store.base.file_modes import PUBLIC_UMASK

ENGINE, BACKUPS = "docker.io", "restic"
SBIN = "/usr/sbin:/usr/local/sbin"  # not on everybody's path
COMPOSE = ("docker-compose-plugin", "docker-compose-v2", "docker-compose")  # Docker's own, Ubuntu's, Debian 13's


def engine_is_missing(host: str | None, elsewhere: str = SBIN) -> bool:
    """Whether the engine meant is this host's own and was never installed; one that is only down is not missing."""
    local = host is None or host.startswith("unix://")
    return local and shutil.which("dockerd") is None and shutil.which("dockerd", path=elsewhere) is None


def install(packages: Path | None, watch: Watch) -> None:
    """Install all three and start the engine. Raises PermanentError with what a person has to do."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise PermanentError(
            phrase(
                "Docker or restic is missing, and drbot can install them only as root on Debian or Ubuntu. "
                "Install restic and Docker with Compose by hand, and start Docker"
            )
        )
    if packages is None:
        _run(["apt-get", "update"], watch)
    _run(command(packages, watch), watch)
    if Path("/run/systemd/system").is_dir():
        run_process(["systemctl", "enable", "--now", "docker"], watch.bounds, watch.on_line)


def _run(words: list[str], watch: Watch) -> None:
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    ended = run_process(words, watch.bounds, watch.on_line, environment=environment, umask=PUBLIC_UMASK)
    if ended.code != 0:
        raise PermanentError(phrase("{step} failed: {why}", step=" ".join(words[:2]), why=" ".join(ended.lines[-3:])))


def command(packages: Path | None, watch: Watch) -> list[str]:
    """What installs the packages of the folder, or the distribution's. Raises PermanentError where these lack one, with
    nothing installed.
    """
    if packages is not None:
        files = sorted(str(path.absolute()) for path in packages.glob("*.deb"))
        if not files:
            raise PermanentError(phrase("There are no packages (*.deb) in {folder}", folder=packages))
        return ["apt-get", "install", "-y", "--no-install-recommends", *values_of("apt-get", files)]
    known = [name for name in COMPOSE if offers(name, watch)]
    if not known:
        raise PermanentError(
            phrase(
                "This distribution has no Docker Compose 2 (Debian 12 has version 1); nothing was installed. Install "
                "Docker with its compose plugin from Docker's own archive by hand, or name a folder with such "
                "packages: `packages` in dr.yml"
            )
        )
    return ["apt-get", "install", "-y", "--no-install-recommends", ENGINE, BACKUPS, known[0]]


def offers(name: str, watch: Watch) -> bool:
    """Whether the distribution has it, and no Compose 1."""
    words = ["apt-cache", "show", "--no-all-versions"]
    ended = run_process(words, watch.bounds, lambda _: None, values=[name])
    return ended.code == 0 and not any(line.startswith("Version: 1.") for line in ended.lines)
