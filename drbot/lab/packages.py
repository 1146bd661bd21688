"""Debian and Ubuntu packages the lab needs, installed as root and announced; never over an existing docker-ce."""

import os
import shutil
import subprocess
from collections.abc import Callable

from drbot.core.base.errors import UserError
from drbot.core.text.messages import phrase

Say = Callable[[str], None]
LOOKED: str = phrase("Looked for a Docker engine.")

# program → its package; dnsmasq-base brings no service
RECOVERY_PROGRAMS = {
    "pebble": "pebble", "certbot": "certbot", "dnsmasq": "dnsmasq-base", "git": "git", "openssl": "openssl",
    "ip": "iproute2", "restic": "restic",
}  # fmt: skip


def may_install() -> bool:
    """Whether this is a machine where we may install: apt-get, and no Docker from Docker's own archive."""
    return shutil.which("apt-get") is not None and not is_installed("docker-ce")


def may_install_as_root() -> bool:
    """Whether apt-get would do it now."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_engine(say: Say) -> None:
    """Engine, command line and compose. Raises UserError where we must not or cannot."""
    if is_installed("docker-ce"):
        raise UserError(
            LOOKED,
            phrase("docker-ce is installed but not running."),
            phrase("Start it: systemctl start docker"),
        )
    if not may_install():
        raise UserError(
            LOOKED,
            phrase("There is none, and only Debian and Ubuntu can be set up automatically."),
            phrase("Install Docker with its compose plugin: https://docs.docker.com/engine/install/"),
        )
    update()
    if not compose_names():  # before anything is installed: an engine alone is no use
        raise UserError(
            LOOKED,
            phrase("There is none, and this distribution has no Docker Compose 2 (Debian 12 has version 1)."),
            phrase(
                "Use Debian 13 or Ubuntu 22.04 or newer, or install Docker with its compose plugin from Docker's own "
                "archive first: https://docs.docker.com/engine/install/"
            ),
        )
    names = ["docker.io", "iproute2", *compose_names()]
    if shutil.which("docker") is None and candidate("docker-cli"):
        names.append("docker-cli")
    install(names, say)


def install_compose(say: Say) -> None:
    """The compose plugin alone, for an engine that is already there."""
    update()
    names = compose_names()
    if names:
        install(names, say)


def compose_names() -> list[str]:
    """The package with compose version 2: Ubuntu and Debian differ, and Debian 12 has only version 1."""
    if candidate("docker-compose-v2"):
        return ["docker-compose-v2"]
    version = candidate("docker-compose")
    return ["docker-compose"] if version and not version.startswith("1.") else []


def install(names: list[str], say: Say) -> None:
    """Install these packages, saying so. Raises UserError with the end of apt's output."""
    say(phrase("Installing packages: {names}", names=" ".join(names)))
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *names]
    done = subprocess.run(command, capture_output=True, text=True, env=quiet_environment())
    if done.returncode != 0:
        tail = " ".join((done.stdout + done.stderr).strip().splitlines()[-3:])
        tried_it = phrase("Tried to install {names}.", names=" ".join(names))
        raise UserError(tried_it, tail, phrase("Install them yourself, then try again."))


def update() -> None:
    """Refresh the lists; a mirror that is down shows when installing."""
    subprocess.run(["apt-get", "update", "-q"], capture_output=True, env=quiet_environment())


def candidate(name: str) -> str:
    """The version apt would install, or nothing."""
    shown = subprocess.run(["apt-cache", "policy", name], capture_output=True, text=True).stdout
    for line in shown.splitlines():
        key, _, version = line.strip().partition(": ")
        if key == "Candidate" and version != "(none)":
            return version.strip()
    return ""


def is_installed(name: str) -> bool:
    if shutil.which("dpkg-query") is None:
        return False
    command = ["dpkg-query", "-W", "-f", "${db:Status-Status}", name]
    return subprocess.run(command, capture_output=True, text=True).stdout == "installed"


def quiet_environment() -> dict[str, str]:
    """No questions; and no init script may start a second engine where no init system runs."""
    return {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}


def have(program: str, say: Say, *with_it: str) -> bool:
    """Whether a program is there, after installing the package of its name (and those with it) where we may."""
    if shutil.which(program) is None and may_install_as_root():
        update()
        install([program, *with_it], say)
    return shutil.which(program) is not None


def ensure_recovery_programs(say: Say) -> None:
    """What the lab of levels 3 and 4 runs on the host itself, installed where we may. Raises UserError."""

    def missing() -> list[str]:
        return [package for program, package in RECOVERY_PROGRAMS.items() if not on_path(program)]

    if missing() and may_install_as_root():
        update()
        install(missing(), say)
    if missing():
        names = " ".join(missing())
        why = phrase("Missing: {names}.", names=names)
        raise UserError(phrase("Looked for what levels 3 and 4 need."), why, f"sudo apt-get install {names}")


def on_path(program: str) -> bool:
    """Whether a program is there; sbin is not on everybody's path."""
    return bool(shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin"))
