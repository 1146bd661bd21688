"""The page in a real browser, before a real simulator with a small Bolt app: what is sent is what a person sees."""

import pytest
from playwright.sync_api import Page, expect
from slack_sdk import WebClient

from drbot.slack_simulator.client import People
from drbot.slack_simulator.server import SlackSimulator
from tests.browser import Visit
from tests.integration.slack_simulator.conftest import CHANGE, Bot
from tests.integration.slack_simulator.page_messages import HOSTILE, REPORT, board, button, mrkdwn, plain, task
from tests.waiting import wait_for

pytestmark = pytest.mark.more
expect.set_options(timeout=60_000)


@pytest.fixture
def page(visit: Visit, simulator: SlackSimulator) -> Page:
    return visit(simulator.url)


def last(page: Page) -> str:
    return page.locator("#messages .message").last.inner_text()


def post(slack: WebClient, channel: str = "dr-ops", text: str = "DR-7", **more: object) -> str:
    ts: str = slack.chat_postMessage(channel=channel, text=text, **more)["ts"]  # type: ignore[arg-type]
    return ts


def test_a_board_shows_its_header_text_plan_and_buttons(page: Page, slack: WebClient) -> None:
    post(slack, blocks=board("in_progress"))

    message = page.locator("#messages .message").last
    expect(message.get_by_role("heading")).to_have_text("🚨 DR-7 · Level 2")
    expect(message.locator(".text")).to_have_text(
        "Waiting for approval. Nothing was touched.\nRTO 4 h, 1 h 12 min used"
    )
    expect(message.locator(".task .mark")).to_have_count(5)
    marks = [mark.get_attribute("aria-label") for mark in message.locator(".task .mark").all()]
    assert marks == ["Done", "Done", "In progress", "Waiting", "Failed"]
    expect(message.locator(".checklist .count")).to_have_text("2 of 5")
    expect(message.get_by_text("pg_isready: no answer")).to_be_visible()
    expect(message.get_by_text("52.4 MB, checksum equal")).to_be_hidden()
    expect(message.locator(".block.actions button")).to_have_text(["Approve", "Stop"])
    expect(message.locator(".block.context")).to_have_text("Next update at 10:15")


def test_rich_text_and_markdown_are_shown(page: Page, slack: WebClient) -> None:
    post(slack, blocks=REPORT)

    message = page.locator("#messages .message").last
    expect(message.locator(".rich_text")).to_have_text("restored <@U00BEN>")
    expect(message.locator("td")).to_have_text(["swap", "4 s"])
    expect(message.locator("li code")).to_have_text("old_volume")


def test_mrkdwn_is_read_as_slack_reads_it(page: Page, slack: WebClient, people: People) -> None:
    general = people.channel("general")["id"]
    post(slack, text=f"*bold* _slanted_ `a*b*c` 2*3*4 :tada: <@U00AIKO> <https://x.test|docs> &lt;b&gt; <#{general}>")

    text = page.locator("#messages .text").last
    expect(text).to_have_text("bold slanted a*b*c 2*3*4 🎉 @Aiko docs <b> #general")
    expect(text.locator("strong")).to_have_text("bold")
    expect(text.locator("em")).to_have_text("slanted")
    expect(text.get_by_role("link")).to_have_attribute("href", "https://x.test")
    text.get_by_role("button", name="#general").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("general")


def test_nothing_that_is_written_becomes_markup(page: Page, slack: WebClient, people: People) -> None:
    blocks = [
        {"type": "header", "text": plain(HOSTILE)},
        {"type": "section", "text": mrkdwn(f"{HOSTILE} <javascript:hacked=3|press>")},
        {"type": "context", "elements": [mrkdwn(HOSTILE)]},
        {"type": "plan", "title": HOSTILE, "tasks": [task(HOSTILE, "error", HOSTILE)]},
        {"type": "markdown", "text": f"{HOSTILE} [press](javascript:hacked=4)"},
        {"type": "actions", "elements": [button("x", "<b>press</b>")]},
    ]
    post(slack, blocks=blocks)
    people.say("U00BEN", "dr-ops", HOSTILE)

    expect(page.locator("#messages .text").last).to_have_text(HOSTILE)
    expect(page.locator("#messages").get_by_text("window.hacked = 1")).to_have_count(8)
    assert page.evaluate("window.hacked") is None
    assert page.locator("#messages").locator("script, img, b, a").count() == 0


def test_a_click_opens_a_modal_whose_errors_stand_at_the_field(
    page: Page, bot: Bot, slack: WebClient, people: People
) -> None:
    post(slack, blocks=board("complete"))

    page.locator("#messages").get_by_role("button", name="Approve").click()
    modal = page.get_by_role("dialog", name="Approve")
    modal.get_by_label("Why").press_sequentially("no")
    modal.get_by_label("Why").press("Enter")
    expect(modal.get_by_role("alert")).to_have_text("Please say more.")
    expect(modal.get_by_label("Why")).to_have_value("no")
    modal.get_by_label("Why").fill("the proof is there")
    modal.get_by_role("button", name="Vote").click()

    expect(modal).to_be_hidden()
    assert bot.seen == ["no", "the proof is there"]
    assert people.views("U00AIKO") == []


def test_escape_closes_a_modal_for_the_workspace_too(page: Page, bot: Bot, slack: WebClient, people: People) -> None:
    post(slack, blocks=board("complete"))

    page.locator("#messages").get_by_role("button", name="Approve").click()
    expect(page.get_by_label("Why")).to_be_focused()
    page.keyboard.press("Escape")

    expect(page.locator("#modal")).to_be_hidden()
    assert people.views("U00AIKO") == []


def test_a_choice_in_a_menu_reaches_the_app(page: Page, bot: Bot, slack: WebClient, simulator: SlackSimulator) -> None:
    slack.views_open(trigger_id=simulator.context.tickets.new_trigger("U00AIKO"), view=CHANGE)

    modal = page.get_by_role("dialog", name="Change level")
    modal.get_by_label("Level", exact=True).select_option(label="Level 2")
    modal.get_by_role("button", name="Change").click()

    wait_for(lambda: bot.seen == ["level2"], 15, "the choice")


def test_a_command_is_completed_by_keyboard_and_its_answer_is_private(page: Page, bot: Bot) -> None:
    box = page.get_by_role("combobox", name="Message #dr-ops")
    box.press_sequentially("/dr dec")
    expect(page.get_by_role("option")).to_have_count(1)
    box.press("Tab")
    expect(page.get_by_role("option")).to_have_count(4)
    box.press_sequentially("level2")
    box.press("Enter")

    expect(page.get_by_text("You said declare level2")).to_be_visible()
    expect(page.get_by_text("Only visible to you")).to_be_visible()
    assert bot.seen == ["declare level2"]
    page.get_by_role("radio", name="Ben").check(force=True)
    expect(page.get_by_text("You said declare level2")).to_have_count(0)


def test_a_command_nobody_answers_says_so(page: Page) -> None:
    page.locator("#message").fill("/dr status")
    page.locator("#message").press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("failed")
    expect(page.get_by_text("The bot is not connected")).to_be_visible()


def test_what_was_not_read_is_marked_until_it_is(page: Page, slack: WebClient) -> None:
    post(slack, channel="general", text="Hello <@U00AIKO>")

    row = page.get_by_role("button", name="general")
    expect(row.locator(".count")).to_have_text("1")
    row.click()
    expect(page.get_by_text("Hello @Aiko")).to_be_visible()
    page.get_by_role("button", name="dr-ops").click()
    expect(row.locator(".count")).to_have_count(0)


def test_a_thread_opens_beside_and_takes_a_reply(page: Page, slack: WebClient, people: People) -> None:
    parent = post(slack, text="The board")
    post(slack, text="A step was done", thread_ts=parent)

    page.get_by_role("button", name="1 reply").click()
    panel = page.get_by_label("Thread or pinned messages")
    expect(panel.get_by_text("A step was done")).to_be_visible()
    panel.get_by_role("combobox", name="Reply").fill("thank you")
    panel.get_by_role("combobox", name="Reply").press("Enter")

    expect(panel.get_by_text("thank you")).to_be_visible()
    expect(page.locator("#messages").get_by_text("thank you")).to_have_count(0)
    assert [each["text"] for each in people.thread("dr-ops", parent)][-1] == "thank you"


def test_a_live_edit_leaves_focus_and_opened_details_alone(page: Page, slack: WebClient) -> None:
    ts = post(slack, blocks=board("in_progress"))
    channel = slack.conversations_list()["channels"]
    ops = next(each["id"] for each in channel if each["name"] == "dr-ops")
    message = page.locator("#messages .message").last
    message.get_by_text("Choose the backup").click()
    expect(message.get_by_text("52.4 MB, checksum equal")).to_be_visible()
    message.get_by_role("button", name="Stop").focus()

    slack.chat_update(channel=ops, ts=ts, text="DR-7", blocks=board("complete", "Recovered"))

    expect(message.locator(".checklist .count")).to_have_text("3 of 5")
    expect(message.get_by_text("52.4 MB, checksum equal")).to_be_visible()
    expect(message.get_by_role("button", name="Stop")).to_be_focused()


def test_a_plan_with_another_block_id_is_closed_as_slack_does(page: Page, slack: WebClient, people: People) -> None:
    ts = post(slack, blocks=board("in_progress"))
    message = page.locator("#messages .message").last
    message.get_by_text("Choose the backup").click()
    expect(message.get_by_text("52.4 MB, checksum equal")).to_be_visible()

    ops = people.channel("dr-ops")["id"]
    slack.chat_update(channel=ops, ts=ts, text="DR-7", blocks=board("complete", plan="plan-2"))

    expect(message.locator(".checklist .count")).to_have_text("3 of 5")
    expect(message.get_by_text("52.4 MB, checksum equal")).to_be_hidden()


def test_pinned_messages_stay_in_view_beside_the_channel(page: Page, slack: WebClient, people: People) -> None:
    ts = post(slack, blocks=board("in_progress"))
    slack.pins_add(channel=people.channel("dr-ops")["id"], timestamp=ts)

    page.get_by_role("button", name="1 pinned").click()

    expect(page.locator("#panel-messages .checklist")).to_be_visible()


def test_home_is_asked_for_and_shown(page: Page, bot: Bot) -> None:
    page.get_by_role("button", name="drbot").click()

    expect(page.locator("#home .block.header")).to_have_text("Nothing is open")


def test_a_file_is_read_here_or_downloaded(page: Page, slack: WebClient, people: People) -> None:
    channel = people.channel("dr-ops")["id"]
    slack.files_upload_v2(
        channel=channel, filename="dr-7.md", title="Report of DR-7", content="# Report\n\nAll **well**"
    )

    page.get_by_role("button", name="Report of DR-7").click()
    expect(page.get_by_role("dialog").locator("strong")).to_have_text("well")
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download dr-7.md").click()

    assert download.value.path().read_text() == "# Report\n\nAll **well**"


def test_a_narrow_window_shows_everything_without_scrolling_sideways(
    visit: Visit, simulator: SlackSimulator, slack: WebClient
) -> None:
    page = visit(simulator.url, width=390, height=760, dark=True)
    post(slack, blocks=board("in_progress"))

    expect(page.locator("#messages .checklist")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate("document.getElementById('scroller').scrollWidth") <= 390
    page.get_by_role("button", name="Channels").first.click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="general")).to_be_hidden()
    page.get_by_role("button", name="Channels").first.click()
    page.get_by_role("button", name="general").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("general")
