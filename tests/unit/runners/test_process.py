"""Local programs: streamed, ended on STOP with their children, gone when their worker is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from drbot.core.base.errors import CancelledError, TemporaryError
from drbot.runners.clients.process import Bounds, read_process, run_process
from tests.waiting import wait_for

QUIET = Bounds(cancelled=lambda: False)


def is_gone(number: int) -> bool:
    """Whether the process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_lines_arrive_in_order_and_the_exit_code_is_the_programs_own() -> None:
    lines: list[str] = []

    ended = run_process(["sh", "-c", "echo one; echo two >&2; exit 3"], QUIET, lines.append)

    assert (ended.code, lines, ended.lines) == (3, ["one", "two"], ("one", "two"))


@pytest.mark.parametrize("name", ["HOME", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "BUILDX_CONFIG", "XDG_CONFIG_HOME"])
def test_a_place_is_the_one_that_the_worker_was_started_with_also_in_another_folder(name: str, tmp_path: Path) -> None:
    lines: list[str] = []

    run_process(["sh", "-c", f"echo ${name}"], QUIET, lines.append, environment={name: ".mine"}, folder=tmp_path)

    assert lines == [str(Path(".mine").absolute())]


def test_a_place_with_a_colon_stays_one(tmp_path: Path) -> None:
    lines: list[str] = []

    run_process(["sh", "-c", "echo $HOME"], QUIET, lines.append, environment={"HOME": "/a:b"}, folder=tmp_path)

    assert lines == ["/a:b"]


@pytest.mark.parametrize("path", [".:{path}", "bin:{path}", ":{path}", "."])
def test_no_program_of_a_projects_folder_is_started(path: str, tmp_path: Path) -> None:
    for program in (tmp_path / "sh", tmp_path / "env", tmp_path / "bin" / "env"):
        program.parent.mkdir(exist_ok=True)
        program.write_text("#!/bin/sh\necho not mine\n")
        program.chmod(0o755)
    lines: list[str] = []
    environment = {"PATH": path.format(path=os.environ["PATH"]), "MINE": "yes"}

    run_process(["env"], QUIET, lines.append, environment=environment, folder=tmp_path)

    assert "MINE=yes" in lines


def test_stop_ends_the_program_and_its_children() -> None:
    lines: list[str] = []
    bounds = Bounds(cancelled=lambda: bool(lines))

    with pytest.raises(CancelledError):
        run_process(["sh", "-c", "trap '' TERM; sleep 300 & echo $!; wait; wait"], bounds, lines.append)

    wait_for(lambda: is_gone(int(lines[0])), 10, "the child to be gone")


LEAVES = ["sh", "-c", "sleep 300 & echo $!; exit 4"]
SILENT = ["sh", "-c", "echo one; exec >&- 2>&-; sleep 300"]


@pytest.mark.timeout(60)
def test_what_a_program_leaves_behind_holds_nobody_up() -> None:
    """It has what the program wrote to open, so that nothing would ever end there."""
    lines: list[str] = []

    assert run_process(LEAVES, QUIET, lines.append).code == 4

    wait_for(lambda: is_gone(int(lines[0])), 10, "what was left behind to end")
    errors: list[str] = []
    assert b"".join(read_process(LEAVES, QUIET, errors)).strip().isdigit()


@pytest.mark.timeout(60)
def test_a_program_that_has_closed_what_it_says_and_goes_on_is_stopped_too() -> None:
    seen: list[str] = []
    with pytest.raises(CancelledError):
        run_process(SILENT, Bounds(cancelled=lambda: bool(seen)), seen.append)
    with pytest.raises(CancelledError, match="was not done after 1 s"):
        run_process(SILENT, Bounds(cancelled=lambda: False, seconds=1), lambda _: None)
    with pytest.raises(CancelledError, match="was not done after 1 s"):
        list(read_process(SILENT, Bounds(cancelled=lambda: False, seconds=1), []))


def test_a_program_that_says_nothing_for_too_long_is_ended() -> None:
    with pytest.raises(TemporaryError, match="said nothing"):
        run_process(["sleep", "300"], Bounds(cancelled=lambda: False, quiet_seconds=0.05), lambda line: None)


def test_nothing_outlives_a_worker_that_is_killed() -> None:
    code = (
        "from drbot.runners.clients.process import *;"
        "never = Bounds(cancelled=lambda: False);"
        "run_process(['sh', '-c', 'sleep 300 & echo $!; wait'], never, lambda line: print(line, flush=True))"
    )
    worker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    child = int(worker.stdout.readline())

    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    worker.stdout.close()

    wait_for(lambda: is_gone(child), 10, "the child to be gone")
