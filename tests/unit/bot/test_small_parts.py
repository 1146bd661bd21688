"""Settings, the rate budget, values of buttons."""

import pytest

from drbot.bot.listeners.request_parsing import fields_of
from drbot.bot.outbound.live_board import interval
from drbot.bot.settings import BotSettings, Pace
from drbot.bot.slack_api.rate_limiter import RateLimiter
from drbot.core.base.errors import UserError
from tests.waiting import Clock


@pytest.mark.parametrize("missing", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
def test_a_missing_token_is_named_with_the_place_to_get_it(missing: str) -> None:
    given = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
    del given[missing]

    with pytest.raises(UserError, match=missing) as caught:
        BotSettings.from_environment(given)
    assert "api.slack.com" in str(caught.value)


def test_tokens_that_were_mixed_up_are_told_at_the_start() -> None:
    with pytest.raises(UserError, match="SLACK_BOT_TOKEN does not begin with xoxb-"):
        BotSettings.from_environment({"SLACK_BOT_TOKEN": "xapp-1", "SLACK_APP_TOKEN": "xoxb-1"})


def test_settings_never_show_the_tokens() -> None:
    settings = BotSettings.from_environment({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"})

    assert "xoxb" not in repr(settings)
    assert settings.api_url == "https://slack.com/api/"


def test_posts_are_limited_by_channel() -> None:
    clock = Clock()
    rate_limiter = RateLimiter(clock)
    waits = [rate_limiter.take("chat.postMessage", "C1") for _ in range(4)]

    assert waits[:3] == [0, 0, 0]
    assert waits[3] > 0
    assert rate_limiter.take("chat.postMessage", "C2") == 0
    clock.seconds = 1.0
    assert rate_limiter.take("chat.postMessage", "C1") == 0


def test_where_slack_limits_less_the_pace_is_another() -> None:
    rate_limiter = RateLimiter(Clock(), post_seconds=0.25)
    waits = [rate_limiter.take("chat.postMessage", "C1") for _ in range(4)]

    assert waits == [0, 0, 0, 0.25]


def test_some_edits_are_kept_for_what_is_urgent() -> None:
    rate_limiter = RateLimiter(Clock())
    while rate_limiter.take("chat.update") == 0:
        pass

    assert rate_limiter.take("chat.update", urgent=True) == 0


def test_retry_after_is_honoured_also_by_what_is_urgent() -> None:
    clock = Clock()
    rate_limiter = RateLimiter(clock)
    rate_limiter.hold("chat.update", "", 30)

    assert rate_limiter.take("chat.update", urgent=True) == 30
    clock.seconds = 31
    assert rate_limiter.take("chat.update", urgent=True) == 0


def test_three_boards_stay_below_five_seconds_and_within_slacks_limit() -> None:
    assert interval(1, Pace().board) == 3
    assert interval(3, Pace().board) < 5
    assert 60 / interval(10, Pace().board) * 10 < 50


def test_fields_of_a_dialog_are_read_by_block() -> None:
    values = {
        "text": {"value": {"type": "plain_text_input", "value": "down"}},
        "level": {"value": {"type": "static_select", "selected_option": {"value": "2"}}},
        "service": {"value": {"type": "static_select", "selected_option": None}},
    }

    assert fields_of({"state": {"values": values}}) == {"text": "down", "level": "2", "service": ""}
