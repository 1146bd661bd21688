"""The whole level-2 story in a real browser, by keyboard and mouse: declared by one, approved by two, recovered.
PostgreSQL and Redis of drbot's own, two bots and a worker as separate processes.

`SCREENSHOTS=docs/images` keeps the pictures the README shows.
"""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Error, Locator, Page, expect

from drbot.store.records import incidents
from tests.browser import Visit
from tests.labs import wait_until_faultless
from tests.story.conftest import Story
from tests.story.recovering import damage, rows_of
from tests.waiting import wait_for

pytestmark = [pytest.mark.docker, pytest.mark.more]

RECOVERY_MILLISECONDS = 180_000
expect.set_options(timeout=60_000)


def picture(page: Page, name: str) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def become(page: Page, person: str) -> None:
    page.get_by_role("radio", name=person).check(force=True)
    expect(page.get_by_role("radio", name=person)).to_be_checked()


def press(button: Locator, effect: Locator) -> None:
    """Again if need be: Chromium on Linux cuts requests while Docker adds a network."""

    def took_effect() -> bool:
        try:
            if not effect.is_visible():
                button.click(timeout=5_000)
            effect.wait_for(timeout=20_000)
        except Error:
            dialog = button.page.locator("#modal")
            print("Pressed in vain; the dialog says:", dialog.inner_text())
            if dialog.is_visible():  # else Escape closes the panel in which the effect is awaited
                button.page.keyboard.press("Escape")
            return False
        return True

    wait_for(took_effect, 60, "an effect of the button")


def approve(page: Page, person: str, shot: str) -> None:
    """In whatever language the person has."""
    become(page, person)
    modal = page.locator("#modal")
    reason = modal.locator("[data-block=reason] textarea")
    press(page.locator("#messages [data-action='vote:approve']").last, reason)
    target = modal.locator("[data-block=target]")
    named = re.search('["「](.+)["」]', target.inner_text())
    assert named is not None
    target.locator("input").fill(named[1])
    reason.fill("The copy is proven, the old volume is kept.")
    picture(page, shot)
    modal.locator("[type=submit]").click()
    expect(reason).to_have_count(0)
    expect(modal).not_to_contain_text(re.compile("One moment|お待ち"))
    modal.locator("[data-keep=close]").click()
    expect(modal).to_be_hidden()


def test_postgres_is_recovered_by_people_at_the_page(scaled: Story, visit: Visit) -> None:
    story, player = scaled, scaled.player
    damage(story)
    page = visit(story.stack.simulator.url, "aiko", width=1440, height=900)

    page.locator("#message").press_sequentially('/dr declare level2 "PostgreSQL corrupted"')
    page.locator("#message").press("Enter")
    channel = page.locator("#sidebar [data-channel^='dr-2']")
    channel.click(timeout=120_000)
    card = page.locator("#messages .message", has=page.get_by_role("heading", name="Approval needed"))
    card.wait_for(timeout=RECOVERY_MILLISECONDS)
    expect(card).to_contain_text("✅ PROVEN", timeout=RECOVERY_MILLISECONDS)
    approve(page, "Ben", "dialog")
    approve(page, "Chika", "dialog.ja")

    become(page, "Aiko")
    board = page.locator("#messages .message.pinned")
    yes = board.get_by_role("button", name="Yes", exact=True)
    yes.wait_for(timeout=RECOVERY_MILLISECONDS)
    page.get_by_role("button", name="1 pinned").click()
    panel = page.locator("#panel-messages")
    expect(panel.get_by_role("heading").first).to_contain_text("recovered")
    press(yes, panel.get_by_text("The run succeeded."))
    expect(panel.locator(".task.complete").first).to_be_visible()
    expect(panel.locator(".task.pending, .task.in_progress, .task.error")).to_have_count(0)
    page.get_by_role("button", name="Do not show this again").click()
    page.locator("#scroller").evaluate("node => { node.scrollTop = node.scrollHeight; }")
    page.mouse.move(0, 0)
    picture(page, "recovered")
    wait_until_faultless(story.lab)
    with player.database.read() as connection:
        (incident,) = incidents.recent(connection)
    plan = player.run(incident).plan
    assert plan is not None and plan.backup is not None and plan.backup.rows
    assert rows_of(story.lab, plan.backup.rows) == plan.backup.rows
    boards = [m for m in player.messages(incident) if any(b["type"] == "plan" for b in m["blocks"])]
    assert len(boards) == 1  # two bots, one board
