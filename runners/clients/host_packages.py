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
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    for command in commands(packages, watch):
        ended = run_process(command, watch.bounds, watch.on_line, environment=environment, umask=PUBLIC_UMASK)
        if ended.code != 0:
            raise PermanentError(
                phrase("{step} failed: {why}", step=" ".join(command[:2]), why=" ".join(ended.lines[-3:]))
            )
    if Path("/run/systemd/system").is_dir():
        run_process(["systemctl", "enable", "--now", "docker"], watch.bounds, watch.on_line)


def commands(packages: Path | None, watch: Watch) -> list[list[str]]:
    """What is run: the packages of the folder, or the distribution's after a look at what it has."""
    if packages is not None:
        files = sorted(str(path.absolute()) for path in packages.glob("*.deb"))
        if not files:
            raise PermanentError(phrase("There are no packages (*.deb) in {folder}", folder=packages))
        return [["apt-get", "install", "-y", "--no-install-recommends", *values_of("apt-get", files)]]
    known = [name for name in COMPOSE if offers(name, watch)]
    return [["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", ENGINE, BACKUPS, *known[:1]]]


def offers(name: str, watch: Watch) -> bool:
    return run_process(["apt-cache", "show"], watch.bounds, lambda _: None, values=[name]).code == 0
