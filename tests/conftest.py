"""Fixtures of every test: real servers and labs, made once a session and only when asked for."""

import gc
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.cli.logs import configure_logs

# Each lives in its own file beside this one; named here so that every folder of tests sees them.
pytest_plugins = [
    name for name in ("tests.servers", "tests.labs", "tests.browser") if importlib.util.find_spec(name) is not None
]

UNMEASURED = ("tests/story/", "tests/integration/attacks/")
"""Searches and attacks on what other tests have measured, and stories whose drbot is another process: measuring their
lines would double their time.
"""


FAILURES = Path(__file__).parents[1] / ".pytest_cache" / "failures.txt"
IN_MEMORY, ROOM_BYTES = Path("/dev/shm"), 4 << 30


def pytest_configure() -> None:
    """Logs as in production: tracebacks with the values of all variables are slow, and nobody reads them. Files of the
    tests lie in memory where there is room: thousands of small ones are written, flushed and removed again.
    """
    configure_logs()
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):  # a terminal speaks its user's language
        os.environ.pop(name, None)
    if "TMPDIR" not in os.environ and IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > ROOM_BYTES:
        os.environ["TMPDIR"] = tempfile.tempdir = str(IN_MEMORY)
    gc.disable()  # while thousands of tests and their modules are collected, which all stay


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Whatever failed is noted at once, for `.ci/run`: a run that is ended shows nothing of it."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        _note(f"{report.nodeid} ({report.when})", report.longreprtext)


def pytest_internalerror(excrepr: object) -> None:
    _note("pytest itself", str(excrepr))


def _note(what: str, why: str) -> None:
    FAILURES.parent.mkdir(exist_ok=True)
    with FAILURES.open("a") as output:
        print(what, *why.splitlines()[-4:], sep="\n    ", file=output)


def pytest_collection_finish() -> None:
    """Nobody has to look through what was collected for garbage, ever."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """A command that is called in a test's own process makes its files private: those of later tests stay shared."""
    before = os.umask(0o022)
    yield
    os.umask(before)


LONGEST_FIRST = (
    "tests/story/",
    "tests/zoo/",
    *(f"tests/integration/{name}/" for name in ("attacks", "lab", "centre", "actions", "dumps", "redis", "backups")),
    "tests/integration/archives/",
    "tests/integration/runners/test_ways_out_of_level4.py",
    "tests/integration/",
)
"""So that no process works alone at the end on a file that takes minutes."""

MOSTLY_WAITING = ("tests/integration/bot/", "tests/integration/slack_simulator/")
"""For Slack, or for a line that was cut: spread among those that keep the machine busy."""

QUICK = "tests/unit/"


@pytest.hookimpl(trylast=True)  # after the order was shuffled, which stays within each of these
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Which tests come first, and which of them coverage looks away from."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
        if item.nodeid.startswith(UNMEASURED):
            item.add_marker(pytest.mark.no_cover)
    if "PYTEST_XDIST_WORKER" not in os.environ:  # one process takes them as they were asked for
        return
    quick = [name for name in files if name.startswith(QUICK)]
    waiting = [name for name in files if name.startswith(MOSTLY_WAITING)]
    busy = sorted((name for name in files if name not in {*quick, *waiting}), key=_place)
    places = sorted((at / len(names), name) for names in (busy, waiting) for at, name in enumerate(names))
    items[:] = [item for name in (*(name for _, name in places), *quick) for item in files[name]]


def _place(file: str) -> int:
    return next(at for at, folder in enumerate(LONGEST_FIRST) if file.startswith(folder))
