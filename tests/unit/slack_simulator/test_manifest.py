"""The manifest asks for what the app's methods need: each method of the tables has its rule and its handler."""

import re
from pathlib import Path

from drbot.slack_simulator.app import read_manifest
from drbot.slack_simulator.rules import METHODS
from drbot.slack_simulator.web_api import HANDLERS

MANIFEST = Path(__file__).parents[3] / "manifest.yml"


def test_every_method_has_a_rule_and_a_handler() -> None:
    assert set(METHODS) == set(HANDLERS)


def test_the_manifest_grants_every_method_that_drbot_may_call() -> None:
    scopes = read_manifest(MANIFEST).scopes

    refused = {name for name, method in METHODS.items() if method.scopes and not scopes.intersection(method.scopes)}

    assert refused == set()


def test_the_bot_calls_only_methods_that_the_workspace_knows_and_the_manifest_grants() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (MANIFEST.parent / "bot").rglob("*.py"))
    by_name = set(re.findall(r"\"((?:chat|conversations|views|pins|bookmarks|files|users|reactions)\.\w+)\"", code))
    by_function = {name for name in METHODS if f".{name.replace('.', '_')}(" in code}

    called = by_name | by_function

    assert {"chat.postMessage", "views.open"} <= called
    assert called - set(METHODS) == set()


def test_every_scope_tells_why_it_is_there() -> None:
    lines = MANIFEST.read_text(encoding="utf-8").splitlines()
    scopes = read_manifest(MANIFEST).scopes

    unexplained = [line for line in lines if line.strip().removeprefix("- ") in scopes]

    assert unexplained == []
