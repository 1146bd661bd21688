"""Which package brings compose version 2 differs; engines that are named but silent are told, not replaced."""

from pathlib import Path

import pytest

from drbot.core.base.errors import UserError
from drbot.lab import packages
from drbot.lab.engine import ensure_engine


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


def test_a_named_engine_that_does_not_answer_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")

    with pytest.raises(UserError, match=r"nobody\.sock, but nothing answers"):
        ensure_engine(tmp_path, print)
