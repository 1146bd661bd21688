"""Fixtures of every test: real servers and labs, made once a session and only when asked for."""

import gc
import importlib.util

import pytest

from cli.logs import configure_logs

# Each lives in its own file beside this one; named here so that every folder of tests sees them.
pytest_plugins = [
    name for name in ("tests.servers", "tests.houses", "tests.browser") if importlib.util.find_spec(name) is not None
]

UNMEASURED = ("tests/story/", "tests/integration/attacks/")
"""Searches and attacks on what other tests have measured, and stories whose drbot is another process: measuring their
lines would double their time.
"""


def pytest_configure() -> None:
    """Logs as in production: tracebacks with the values of all variables are slow, and nobody reads them."""
    configure_logs()


LONGEST_FIRST = (
    "tests/story/",
    *(f"tests/integration/{name}/" for name in ("attacks", "lab", "centre", "actions", "dumps", "bot")),
    "tests/integration/",
    "tests/unit/",
)
"""So that no process works alone at the end on a file that takes minutes."""


def pytest_collection_finish() -> None:
    """Thousands of tests and their modules stay until the end: nobody has to look through them for garbage again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)  # after the order was shuffled, which stays within each of these
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Which tests come first, and which of them coverage looks away from."""
    items.sort(key=lambda item: next(at for at, folder in enumerate(LONGEST_FIRST) if item.nodeid.startswith(folder)))
    for item in items:
        if item.nodeid.startswith(UNMEASURED):
            item.add_marker(pytest.mark.no_cover)
