"""Fixtures of every test: real servers and labs, made once a session and only when asked for."""

import importlib.util

# Each lives in its own file beside this one; named here so that every folder of tests sees them.
pytest_plugins = [
    name for name in ("tests.servers", "tests.houses", "tests.browser") if importlib.util.find_spec(name) is not None
]
