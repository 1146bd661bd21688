"""Compose is called by itself where Docker would find the same program, else through Docker."""

import json
from pathlib import Path

import pytest

from drbot.core.files import compose_program as found
from drbot.core.files.compose_program import DOCKER, compose_program


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's own plug-in, beside a docker command."""
    docker, program = tmp_path / "bin" / "docker", tmp_path / "own" / "cli-plugins" / "docker-compose"
    for one in (docker, program):
        one.parent.mkdir(parents=True)
        one.write_text("#!/bin/sh\n")
        one.chmod(0o755)
    monkeypatch.setenv("PATH", str(docker.parent))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "own"))
    return program


def test_a_persons_own_plug_in_comes_before_that_of_the_host(own: Path) -> None:
    assert compose_program() == (str(own),)


@pytest.mark.parametrize("settings", ['{"auths": {}}', "{}"])
def test_other_settings_of_docker_change_nothing(own: Path, settings: str) -> None:
    (own.parents[1] / "config.json").write_text(settings)

    assert compose_program() == (str(own),)


@pytest.mark.parametrize("settings", [json.dumps({"cliPluginsExtraDirs": ["/opt"]}), "{", "[]"])
def test_where_docker_looks_elsewhere_or_nobody_can_tell_docker_is_called(own: Path, settings: str) -> None:
    (own.parents[1] / "config.json").write_text(settings)

    assert compose_program() == DOCKER


def test_what_cannot_be_run_is_no_plug_in(own: Path) -> None:
    own.chmod(0o644)

    assert compose_program() in {DOCKER, *((str(one / "docker-compose"),) for one in found.FOLDERS)}


def test_without_docker_there_is_none(own: Path, tmp_path: Path) -> None:
    (tmp_path / "bin" / "docker").unlink()

    assert compose_program() == ()
