"""Our own engine is told apart from everybody else's processes, and what a killed one left is swept."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.lab import daemon

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux")


@pytest.fixture
def process(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator["subprocess.Popen[str]"]:
    """A process with these arguments whose number stands in the pid file."""
    arguments = [argument.format(home=tmp_path) for argument in request.param]
    program = "print('ready', flush=True); input()"
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        running.stdout.readline()
        (tmp_path / "engine").mkdir()
        (tmp_path / "engine" / "docker.pid").write_text(str(running.pid))
        (tmp_path / "engine" / "docker.sock").touch()
        yield running
        running.kill()


OURS = pytest.mark.parametrize("process", [["--pidfile={home}/engine/docker.pid"]], indirect=True)
SOMEBODY_ELSES = pytest.mark.parametrize("process", [["--pidfile=/var/run/docker.pid"]], indirect=True)


@OURS
def test_our_engine_is_known_by_its_pid_file(process: "subprocess.Popen[str]", tmp_path: Path) -> None:
    assert daemon.our_process(tmp_path / "engine") == process.pid


@SOMEBODY_ELSES
def test_a_number_that_was_reused_is_not_our_engine(process: "subprocess.Popen[str]", tmp_path: Path) -> None:
    assert daemon.our_process(tmp_path / "engine") is None
    assert process.poll() is None


@SOMEBODY_ELSES
def test_the_files_of_a_killed_engine_are_swept(process: "subprocess.Popen[str]", tmp_path: Path) -> None:
    daemon.sweep(tmp_path / "engine", everything=False)

    assert list((tmp_path / "engine").iterdir()) == []
    assert process.poll() is None


@OURS
def test_the_files_of_a_running_engine_stay(process: "subprocess.Popen[str]", tmp_path: Path) -> None:
    daemon.sweep(tmp_path / "engine", everything=True)

    assert len(list((tmp_path / "engine").iterdir())) == 2


def test_a_deep_folder_still_gets_a_socket_path_the_system_accepts() -> None:
    deep = Path("/" + "deep/" * 40)

    assert len(daemon.socket_url(deep).removeprefix("unix://")) < 60
    assert daemon.socket_url(deep) != daemon.socket_url(deep / "other")
