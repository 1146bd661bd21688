"""However a demo is ended, the drbot it has started does not stay behind; without its terminal it goes on."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from lab import programs
from tests.waiting import wait_for
from workspace.people import BOT_TOKEN

DEMO = """
import sys, threading
from pathlib import Path
from cli.demo import clear, end_by_signals, open_house

home = Path(sys.argv[1])
class Lab:
    configuration = home / "dr.yml"

clear(home)
end_by_signals()
house = open_house(Lab(), home / "demo", {})
try:
    house.run("drbot", ["sleep", "600"])
    print(house.workspace.api_url, flush=True)
    threading.Event().wait()
finally:
    house.close()
"""


def begun(home: Path) -> tuple["subprocess.Popen[str]", str]:
    """A demo that waits for its people, and where its local Slack is called."""
    demo = subprocess.Popen([sys.executable, "-c", DEMO, str(home)], stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    return demo, demo.stdout.readline().strip()


def started(home: Path) -> tuple["subprocess.Popen[str]", int]:
    """The same, and the process of its drbot."""
    demo, _ = begun(home)
    process = programs.running(home / "demo" / "drbot.pid")
    assert process is not None
    return demo, process


def is_gone(process: int) -> bool:
    return not programs.started(process)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_its_drbot_ends_with_the_demo(tmp_path: Path, number: signal.Signals) -> None:
    demo, drbot = started(tmp_path)

    demo.send_signal(number)
    demo.communicate(timeout=60)

    assert is_gone(drbot)


def test_a_demo_that_was_killed_is_tidied_up_by_the_next_one(tmp_path: Path) -> None:
    demo, drbot = started(tmp_path)
    demo.kill()
    demo.communicate(timeout=60)
    assert not is_gone(drbot)

    demo, successor = started(tmp_path)

    assert is_gone(drbot) and not is_gone(successor)
    demo.terminate()
    demo.communicate(timeout=60)
    wait_for(lambda: is_gone(successor), 10, "the second drbot to end")


def test_the_local_slack_answers_though_nobody_reads_what_it_logs(tmp_path: Path) -> None:
    demo, url = begun(tmp_path)
    assert demo.stdout is not None
    demo.stdout.close()

    answer = httpx.post(
        f"{url}reactions.remove",
        data={"channel": "C00OPS", "timestamp": "1.0", "name": "heartbeat"},
        headers={"authorization": f"Bearer {BOT_TOKEN}"},
        trust_env=False,
    )

    assert (answer.status_code, answer.json()["ok"]) == (200, False)
    demo.terminate()
    demo.wait(timeout=60)
