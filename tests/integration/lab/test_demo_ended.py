"""However a demo is ended, the drbot it has started does not stay behind; without its terminal it goes on."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from drbot.cli.demo import open_stack
from drbot.core.base.errors import UserError
from drbot.lab import programs
from drbot.lab.system import Lab
from drbot.slack_simulator.client import PATIENCE_SECONDS
from drbot.slack_simulator.people import BOT_TOKEN

DEMO = """
import sys, threading
from pathlib import Path
from drbot.cli.demo import clear, end_by_signals, open_stack

home = Path(sys.argv[1])
class Lab:
    configuration = home / "dr.yml"

clear(home)
end_by_signals()
stack = open_stack(Lab(), home / "demo", {})
try:
    stack.run("drbot", ["sleep", "600"])
    print(stack.simulator.api_url, flush=True)
    threading.Event().wait()
finally:
    stack.close()
"""


Demo = subprocess.Popen[str]
Begin = Callable[[], tuple[Demo, str]]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Starts a demo that waits for its people; with it comes where its local Slack is called."""
    started: list[Demo] = []

    def begin() -> tuple[Demo, str]:
        demo = subprocess.Popen([sys.executable, "-c", DEMO, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        started.append(demo)
        assert demo.stdout is not None
        return demo, demo.stdout.readline().strip()

    yield begin
    for demo in started:
        demo.terminate()
        demo.wait(timeout=60)


def drbot_of(home: Path) -> int:
    """The process that the demo has started."""
    process = programs.running(home / "demo" / "drbot.pid")
    assert process is not None
    return process


def is_gone(process: int) -> bool:
    return not programs.started(process)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, *(pytest.param(one, marks=pytest.mark.more) for one in (signal.SIGHUP, signal.SIGINT))]
)
def test_its_drbot_ends_with_the_demo(tmp_path: Path, begin: Begin, number: signal.Signals) -> None:
    demo, _ = begin()
    drbot = drbot_of(tmp_path)

    demo.send_signal(number)
    demo.communicate(timeout=60)

    assert is_gone(drbot)


def test_a_demo_that_was_killed_is_tidied_up_by_the_next_one(tmp_path: Path, begin: Begin) -> None:
    demo, _ = begin()
    drbot = drbot_of(tmp_path)
    demo.kill()
    demo.communicate(timeout=60)
    assert not is_gone(drbot)

    begin()

    assert is_gone(drbot) and not is_gone(drbot_of(tmp_path))


def test_the_local_slack_answers_though_nobody_reads_what_it_logs(begin: Begin) -> None:
    demo, url = begin()
    assert demo.stdout is not None
    demo.stdout.close()

    answer = httpx.post(
        f"{url}reactions.remove",
        data={"channel": "C00OPS", "timestamp": "1.0", "name": "heartbeat"},
        headers={"authorization": f"Bearer {BOT_TOKEN}"},
        trust_env=False,
    )

    assert (answer.status_code, answer.json()["ok"]) == (200, False)


def test_a_drbot_that_does_not_start_is_told_at_once_in_its_own_words(tmp_path: Path) -> None:
    lab = Lab(name="none", home=tmp_path, host="unix:///none")
    stack = open_stack(lab, tmp_path / "demo", {})
    stack.run("drbot", ["sh", "-c", "echo The port is taken.; exit 2"])
    began = time.monotonic()

    with closing(stack), pytest.raises(UserError, match=r"The port is taken\."):
        stack.wait_until_connected()

    assert time.monotonic() - began < PATIENCE_SECONDS / 2
