"""Which package brings compose version 2 differs; engines that are named but silent are told, not replaced."""

import os
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError, UserError
from drbot.lab import packages
from drbot.lab.engine import ensure_engine
from drbot.runners.clients import host_packages
from drbot.runners.clients.compose import Watch
from drbot.runners.clients.process import Bounds


@pytest.mark.parametrize(
    ("archive", "wanted"),
    [
        ({"docker-compose-v2": "2.24.6", "docker-compose": "1.29.2"}, ["docker-compose-v2"]),  # Ubuntu
        ({"docker-compose": "2.26.1-4"}, ["docker-compose"]),  # Debian 13
        ({"docker-compose": "1.29.2-3"}, []),  # Debian 12
        ({}, []),
    ],
)
def test_compose_comes_from_the_package_that_has_version_2(
    archive: dict[str, str], wanted: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = "".join(f"{name}) echo '  Candidate: {version}';;\n" for name, version in archive.items())
    program = tmp_path / "apt-cache"
    program.write_text(f'#!/bin/sh\ncase "$2" in\n{cases}*) echo "  Candidate: (none)";;\nesac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert packages.compose_names() == wanted


def debian_12(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its archive, as apt tells it; in the file is what apt-get was asked for."""
    asked = folder / "asked"
    programs = {
        "apt-cache": """case "$*" in
policy*docker-compose-v2|policy*docker-cli) echo '  Candidate: (none)';;
policy*docker-compose) echo '  Candidate: 1.29.2-3';;
show*docker-compose-v2|show*docker-compose-plugin) exit 100;;
show*) echo 'Package: docker-compose'; echo 'Version: 1.29.2-3';;
esac""",
        "apt-get": f'echo "$*" >> {asked}',
    }
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return asked


def test_where_there_is_no_compose_2_nothing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = debian_12(tmp_path, monkeypatch)

    with pytest.raises(UserError, match=r"no Docker Compose 2 .*Debian 13 or Ubuntu 22\.04"):
        packages.install_engine(print)

    assert asked.read_text().splitlines() == ["update -q"]


@pytest.mark.skipif(os.geteuid() != 0, reason="installs as root alone")
def test_nor_on_a_new_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = debian_12(tmp_path, monkeypatch)

    with pytest.raises(PermanentError, match="nothing was installed"):
        host_packages.install(None, Watch(bounds=Bounds(cancelled=lambda: False), on_line=print))

    assert asked.read_text().splitlines() == ["update"]


def test_a_named_engine_that_does_not_answer_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")

    with pytest.raises(UserError, match=r"nobody\.sock, but nothing answers"):
        ensure_engine(tmp_path, print)
