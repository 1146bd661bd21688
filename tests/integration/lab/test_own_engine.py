"""An engine of our own takes away all it put on the machine: processes, mounts, bridges, rules, files."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.lab import daemon, footprint
from drbot.lab.engine import answers, connect
from drbot.lab.images import SERVICE_IMAGE
from drbot.lab.second_engine import copy
from tests.waiting import PATIENCE, wait_for

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(os.geteuid() != 0 or not daemon.installed(), reason="starts a dockerd, so needs root"),
    pytest.mark.more,
]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A short path, because sockets lie below it. Its images stay from one test to the next."""
    folder = Path(tempfile.mkdtemp(prefix="drbot-own-", dir="/tmp"))
    yield folder
    daemon.stop(folder)
    shutil.rmtree(folder)  # what `make clean` does next: nothing of it is busy


def links() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


def traces(home: Path, networks: set[str]) -> dict[str, list[str]]:
    """What of this engine is on the machine, each asked of the kernel itself."""
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(home) in line]
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True).stdout.splitlines()
    names = {footprint.bridge_of(home), *networks}
    return {
        "processes": [str(process) for process in footprint.processes(daemon.folders(home))],
        "mounts": mounts,
        "links": sorted(links() & names),
        "rules": [line for line in rules if any(name in line for name in names)],
        "files": [str(path) for path in home.rglob("*.sock")],
    }


def work(home: Path, engine: str) -> set[str]:
    """The engine runs a container on a network of its own and one on the host's; the interface it made."""
    url = daemon.start(home, answers)
    client = connect(url)
    if not client.images.list(SERVICE_IMAGE):
        copy(engine, url, (SERVICE_IMAGE,))
    network = client.networks.create("drlab-own-net")
    for place in (str(network.name), "host", "bridge"):
        client.containers.run(SERVICE_IMAGE, ["3600"], entrypoint="sleep", network=place, detach=True)
    client.close()
    return {f"br-{str(network.id)[:12]}"}


NOTHING: dict[str, list[str]] = {"processes": [], "mounts": [], "links": [], "rules": [], "files": []}


@pytest.mark.long
@pytest.mark.parametrize("killed", [False, True], ids=["running", "killed"])
def test_reset_with_its_engine_leaves_nothing_on_the_machine(home: Path, engine: str, killed: bool) -> None:
    made = work(home, engine)
    before = traces(home, made)
    assert all(before[kind] for kind in ("processes", "mounts", "links", "rules"))
    if killed:
        process = daemon.our_process(daemon.runtime_folder(home))
        assert process is not None
        os.kill(process, signal.SIGKILL)
        wait_for(lambda: not answers(daemon.socket_url(home)), PATIENCE, "the engine to be gone")

    done = subprocess.run(
        [sys.executable, "-P", "-m", "drbot.cli.main", "lab", "reset", "--all", "--engine"],
        env={**os.environ, "DRBOT_HOME": str(home)}, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert traces(home, made) == NOTHING


def test_an_engine_of_ours_leaves_the_machines_own_bridge_and_rules_alone(home: Path, engine: str) -> None:
    def others() -> list[str]:
        rules = subprocess.run(["iptables-save", "-t", "nat"], capture_output=True, text=True).stdout.splitlines()
        return [line for line in rules if str(home) in line or footprint.bridge_of(home) in line]

    had = Path("/sys/class/net/docker0").exists()
    daemon.start(home, answers)

    assert others() == []
    assert footprint.bridge_of(home) in links()
    daemon.stop(home)
    assert footprint.bridge_of(home) not in links()
    assert Path("/sys/class/net/docker0").exists() == had
    assert connect(engine).ping()


def test_a_strangers_process_that_sees_the_engines_mounts_is_left_alone(home: Path) -> None:
    """As a service of the machine does that has a view of the mounts of its own."""
    daemon.start(home, answers)
    with subprocess.Popen(["unshare", "--mount", "sleep", "600"]) as stranger:
        view = Path(f"/proc/{stranger.pid}/mountinfo")
        wait_for(lambda: b"sleep" in Path(f"/proc/{stranger.pid}/cmdline").read_bytes(), PATIENCE, "the stranger")
        assert f"{home}/engine" in view.read_text()

        daemon.stop(home)

        assert stranger.poll() is None
        stranger.kill()
