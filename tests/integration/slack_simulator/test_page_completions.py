"""Who types at the demo's page is offered drbot's verbs, what follows them, and what they are for."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from drbot.cli.demo_stack import local_slack
from drbot.commands.speech.verbs import VERBS
from tests.browser import Visit

expect.set_options(timeout=60_000)


@pytest.fixture
def page(visit: Visit) -> Iterator[Page]:
    """Of the demo's Slack; no bot is needed to complete."""
    simulator = local_slack()
    simulator.start()
    yield visit(simulator.url)
    simulator.stop()


def type_words(page: Page, words: str) -> Locator:
    """What is offered then."""
    page.locator("#message").press_sequentially(words)
    return page.locator("#message-completions").get_by_role("option")


def test_every_verb_is_offered_with_its_help(page: Page) -> None:
    offered = type_words(page, "/dr ")

    expect(offered.locator("strong")).to_have_text([verb for verb, words in VERBS.items() if words.usage])
    stop = offered.filter(has=page.get_by_text("stop", exact=True))
    expect(stop.locator("code")).to_have_text("[why]")
    expect(stop.locator("span")).to_have_text("Stop the recovery safely; one person is enough")


def test_a_verb_that_is_taken_leads_to_what_it_is_followed_by(page: Page) -> None:
    offered = type_words(page, "/dr dec")
    expect(offered.locator("strong")).to_have_text(["declare"])

    page.keyboard.press("Tab")
    expect(offered.locator("strong")).to_have_text(["level1", "level2", "level3", "level4"])
    expect(offered.nth(3)).to_contain_text("The data centre is lost")

    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#message")).to_have_value("/dr declare level2 ")
    expect(offered.locator("strong")).to_have_text(["postgres", "redis", "files", "settings"])

    page.keyboard.press("Tab")
    expect(offered).to_have_count(0)


@pytest.mark.parametrize("words", ["/dr settle ", "/dr settle swap "])
def test_a_decision_is_offered_with_or_without_the_step_it_is_about(page: Page, words: str) -> None:
    offered = type_words(page, words)

    expect(offered.locator("strong")).to_have_text(["retry", "done", "undo", "stop"])
