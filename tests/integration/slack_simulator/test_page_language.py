"""A team that reads Japanese finds no English around the messages."""

import re

import pytest
from playwright.sync_api import expect

from drbot.cli.demo_stack import local_slack
from tests.browser import Visit

expect.set_options(timeout=60_000)
ENGLISH = re.compile(r"[A-Za-z]{3,}")
TYPED = ("declare", "level", "PostgreSQL", "does", "not", "start", "Enter")
NAMES = frozenset(("Aiko", "Ben", "Chika", "Dan", "Another", "bot", "general", "ops", "status", "drbot", *TYPED))


def test_the_page_and_slacks_own_lines_speak_the_language_of_the_terminal(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    simulator = local_slack()
    simulator.start()
    page = visit(simulator.url)
    channel = simulator.state.channel("dr-ops")
    assert channel is not None
    simulator.state.join(channel, "U00BOTX")

    expect(page.get_by_text("が参加しました")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page.get_by_role("navigation", name="ワークスペース")).to_be_visible()
    left = set(ENGLISH.findall(page.locator("body").inner_text())) - NAMES
    assert left == set()
    simulator.stop()
