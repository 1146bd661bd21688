"""What a process was not given, or cannot have, is one sentence before anything of it runs."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from drbot.cli.terminal import WRONG
from drbot.slack_simulator.people import APP_TOKEN, BOT_TOKEN
from tests.integration.listening.test_watching import DR_YML

SLACK = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": "http://127.0.0.1:9/api/"}
ALERTS = {"DRBOT_ALERTS_TOKEN": "t" * 32}


@pytest.fixture
def taken() -> Iterator[str]:
    """A port at which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield str(other.getsockname()[1])


def started(folder: Path, words: Sequence[str], given: Mapping[str, str]) -> tuple[int, list[str]]:
    """How `drbot …` ended, and every line of it."""
    (folder / "dr.yml").write_text(DR_YML)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "DRBOT_"))}
    done = subprocess.run(
        [sys.executable, "-m", "drbot.cli.main", *words, "--config", "dr.yml", "--home", "home"],
        cwd=folder, env={**plain, **given}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize(
    ("command", "option", "given"),
    [
        ("worker", "--watch", {}),
        ("all", "--watch", SLACK),
        ("all", "--alerts", SLACK | ALERTS),
        ("bot", "--http", SLACK | {"SLACK_SIGNING_SECRET": "s"}),
    ],
)
def test_a_port_that_another_program_has(
    tmp_path: Path, taken: str, command: str, option: str, given: Mapping[str, str]
) -> None:
    code, lines = started(tmp_path, [command, option, taken], given)

    assert (code, len(lines)) == (WRONG, 1), lines
    assert f"127.0.0.1:{taken}" in lines[0] and f"Choose another port with {option}." in lines[0]


@pytest.mark.parametrize(
    ("words", "given", "missing"),
    [
        (["all"], {}, "SLACK_BOT_TOKEN is missing"),
        (["all", "--http", "0"], SLACK, "SLACK_SIGNING_SECRET is missing"),
        (["all", "--alerts", "0"], SLACK, "DRBOT_ALERTS_TOKEN is missing"),
        (["worker", "--watch", "²"], {}, "is not a port"),
        (["worker", "--watch", f"{'a' * 70}:80"], {}, "Choose another port with --watch"),
    ],
)
def test_a_token_that_is_missing_and_a_port_that_is_none(
    tmp_path: Path, words: Sequence[str], given: Mapping[str, str], missing: str
) -> None:
    code, lines = started(tmp_path, words, given)

    assert (code, len(lines)) == (WRONG, 1), lines
    assert missing in lines[0]
