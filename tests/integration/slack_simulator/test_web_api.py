"""The Web API refuses what Slack refuses, in Slack's words."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler, ServerErrorRetryHandler

from drbot.slack_simulator.client import People
from drbot.slack_simulator.people import BOT_TOKEN
from drbot.slack_simulator.server import SlackSimulator
from drbot.slack_simulator.tickets import TRIGGER_SECONDS, Tickets
from tests.integration.slack_simulator.conftest import BUTTONS, MANIFEST, VOTE

Call = Callable[[WebClient], object]


def error_of(call: Callable[[], object]) -> str:
    """The code of the refusal."""
    with pytest.raises(SlackApiError) as refusal:
        call()
    return str(refusal.value.response["error"])


@pytest.fixture(scope="module")
def unchanged() -> Iterator[WebClient]:
    """One workspace for all calls that are refused: they change nothing."""
    simulator = SlackSimulator(MANIFEST)
    simulator.start()
    yield WebClient(token=BOT_TOKEN, base_url=simulator.api_url)
    simulator.stop()


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda slack: slack.api_call("chat.shout"), "unknown_method"),
        (lambda slack: slack.api_call("chat.postMessage", json={"chanel": "dr-ops"}), "invalid_arguments"),
        (lambda slack: slack.chat_postMessage(channel="nowhere", text="Hello"), "channel_not_found"),
        (lambda slack: slack.api_call("chat.postMessage", json={"channel": "dr-ops"}), "no_text"),
        (lambda slack: slack.chat_postMessage(channel="dr-ops", text="x" * 40_001), "msg_too_long"),
        (lambda slack: slack.chat_postMessage(channel="U00GONE", text="Hello"), "user_is_deactivated"),
        (lambda slack: slack.chat_postMessage(channel="dr-ops", text="x", thread_ts="1.0"), "thread_not_found"),
        (lambda slack: slack.conversations_create(name="Dr Ops"), "invalid_name_specials"),
        (lambda slack: slack.conversations_create(name="x" * 81), "invalid_name_maxlength"),
        (lambda slack: slack.conversations_create(name="dr-ops"), "name_taken"),
        (lambda slack: slack.conversations_list(types="im"), "missing_scope"),
        (lambda slack: slack.conversations_setTopic(channel="C0000001", topic="x"), "not_in_channel"),
        (lambda slack: slack.conversations_setTopic(channel="C0000002", topic="x" * 251), "too_long"),
        (lambda slack: slack.conversations_invite(channel="C0000002", users="U00BEN"), "already_in_channel"),
        (lambda slack: slack.conversations_invite(channel="C0000002", users="U00GONE"), "cant_invite"),
        (lambda slack: slack.pins_add(channel="C0000002", timestamp="1.0"), "message_not_found"),
        (lambda slack: slack.users_info(user="U00NOBODY"), "user_not_found"),
        (lambda slack: slack.views_open(trigger_id="1.2.3", view=VOTE), "invalid_trigger_id"),
        (lambda slack: slack.chat_postEphemeral(channel="C0000002", user="U00BOTX", text="x"), "user_not_in_channel"),
    ],
)
def test_a_call_slack_would_refuse_is_refused(call: Call, code: str, unchanged: WebClient) -> None:
    assert error_of(lambda: call(unchanged)) == code


def test_a_wrong_token_is_refused(simulator: SlackSimulator) -> None:
    stranger = WebClient(token="xoxb-stranger", base_url=simulator.api_url)

    assert error_of(stranger.auth_test) == "invalid_auth"
    assert error_of(lambda: stranger.apps_connections_open(app_token=BOT_TOKEN)) == "not_allowed_token_type"


@contextmanager
def simulator_with(folder: Path, line: str, instead: str) -> Iterator[SlackSimulator]:
    """A workspace whose manifest has one line replaced."""
    text = MANIFEST.read_text(encoding="utf-8")
    assert re.search(line, text)
    manifest = folder / "manifest.yml"
    manifest.write_text(re.sub(line, instead, text), encoding="utf-8")
    simulator = SlackSimulator(manifest)
    simulator.start()
    try:
        yield simulator
    finally:
        simulator.stop()


def test_a_scope_that_is_not_in_the_manifest_is_missing(tmp_path: Path) -> None:
    with simulator_with(tmp_path, " +- pins:write.*\n", "") as simulator:
        slack = WebClient(token=BOT_TOKEN, base_url=simulator.api_url)
        posted = slack.chat_postMessage(channel="dr-ops", text="The board")

        assert error_of(lambda: slack.pins_add(channel=posted["channel"], timestamp=posted["ts"])) == "missing_scope"


def test_an_incident_channel_lives_from_creation_to_archive(slack: WebClient, people: People) -> None:
    channel = slack.conversations_create(name="dr-20261126-l2-postgres")["channel"]["id"]
    slack.conversations_invite(channel=channel, users=["U00AIKO", "U00BEN"])
    slack.conversations_setTopic(channel=channel, topic="Level 2 · RTO 4 h")
    board = slack.chat_postMessage(
        channel=channel, text="Board", blocks=BUTTONS, metadata={"event_type": "board", "event_payload": {"id": "DR-7"}}
    )
    slack.pins_add(channel=channel, timestamp=board["ts"])
    slack.bookmarks_add(channel_id=channel, title="Report", type="link", link="https://example.test/report")
    slack.chat_postMessage(channel=channel, text="Step 1 is done", thread_ts=board["ts"])
    slack.chat_update(channel=channel, ts=board["ts"], text="Board, redrawn")
    found = slack.conversations_history(channel=channel, include_all_metadata=True)["messages"]
    people.archive("U00AIKO", channel)

    seen = people.channel(channel, "U00AIKO")
    assert seen["topic"] == "Level 2 · RTO 4 h"
    assert seen["pins"] == [board["ts"]]
    assert [bookmark["title"] for bookmark in seen["bookmarks"]] == ["Report"]
    assert {"U00AIKO", "U00BEN", "U00DRBOT"} == set(seen["members"])
    assert [each["metadata"]["event_payload"] for each in found if "metadata" in each] == [{"id": "DR-7"}]
    assert [each["text"] for each in people.thread(channel, board["ts"])] == ["Board, redrawn", "Step 1 is done"]
    assert error_of(lambda: slack.chat_postMessage(channel=channel, text="Too late")) == "is_archived"
    assert error_of(lambda: slack.conversations_create(name="dr-20261126-l2-postgres")) == "name_taken"


def test_a_private_channel_does_not_exist_for_who_is_not_in_it(simulator: SlackSimulator, people: People) -> None:
    simulator.state.create_channel("dr-secret", "U00BEN", is_private=True)

    assert [each["name"] for each in people.channels("U00BEN") if each["is_private"]] == ["dr-secret"]
    assert not [each for each in people.channels("U00AIKO") if each["is_private"]]


def test_posts_reach_a_public_channel_nobody_invited_the_bot_to(slack: WebClient, people: People) -> None:
    slack.chat_postMessage(channel="#dr-status", text="The login is slow; we are on it.")

    assert people.messages("dr-status", "U00DAN")[-1]["text"] == "The login is slow; we are on it."


def test_a_file_arrives_whole_in_the_thread(slack: WebClient, people: People) -> None:
    board = slack.chat_postMessage(channel="dr-ops", text="Board")

    slack.files_upload_v2(
        filename="dr-7.log", content="line\n" * 1000, channel=board["channel"], thread_ts=board["ts"], title="Log"
    )

    reply = people.thread("dr-ops", board["ts"])[-1]
    assert reply["files"][0]["title"] == "Log"
    assert people.file(reply["files"][0]) == b"line\n" * 1000


def test_the_rate_limit_names_the_seconds_to_wait_and_the_sdk_honours_it(
    simulator: SlackSimulator, people: People
) -> None:
    plain = WebClient(token=BOT_TOKEN, base_url=simulator.api_url)
    patient = WebClient(
        token=BOT_TOKEN, base_url=simulator.api_url, retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=5)]
    )

    codes = []
    for number in range(60):
        try:
            plain.chat_postMessage(channel="dr-ops", text=f"{number}")
        except SlackApiError as error:
            codes.append((error.response.status_code, error.response.headers["Retry-After"]))
    plain.chat_postMessage(channel="general", text="Another channel has a budget of its own")
    patient.chat_postMessage(channel="dr-ops", text="After the wait")

    assert codes
    assert set(codes) == {(429, "1")}
    assert people.messages("dr-ops")[-1]["text"] == "After the wait"


def test_a_server_error_comes_on_demand_and_is_used_up(simulator: SlackSimulator, people: People) -> None:
    slack = WebClient(
        token=BOT_TOKEN, base_url=simulator.api_url, retry_handlers=[ServerErrorRetryHandler(max_retry_count=1)]
    )
    people.set_faults(errors=[{"method": "chat.postMessage", "status": 503, "times": 1}])

    slack.chat_postMessage(channel="dr-ops", text="Second try")

    assert [(call["ok"], call["error"]) for call in people.calls("chat.postMessage")] == [
        (False, "http_503"),
        (True, ""),
    ]


def test_a_lost_answer_leaves_the_deed_done(simulator: SlackSimulator, people: People) -> None:
    slack = WebClient(token=BOT_TOKEN, base_url=simulator.api_url, retry_handlers=[])
    people.set_faults(lost_answers={"chat.postMessage": 1})

    with pytest.raises(OSError, match=r"closed connection|reset|aborted"):
        slack.chat_postMessage(channel="dr-ops", text="Did it arrive?")

    assert [message["text"] for message in people.messages("dr-ops")] == ["Did it arrive?"]


def test_down_means_no_answer_from_the_api_while_people_still_see(simulator: SlackSimulator, people: People) -> None:
    slack = WebClient(token=BOT_TOKEN, base_url=simulator.api_url, retry_handlers=[])
    people.set_faults(down=True)

    with pytest.raises(SlackApiError) as refusal:
        slack.chat_postMessage(channel="dr-ops", text="Anybody?")

    assert refusal.value.response.status_code == 503
    assert people.messages("dr-ops") == []


def test_a_trigger_works_once_and_for_three_seconds() -> None:
    now = [100.0]
    simulator = SlackSimulator(MANIFEST, tickets=Tickets(clock=lambda: now[0]))
    simulator.start()

    try:
        slack = WebClient(token=BOT_TOKEN, base_url=simulator.api_url)
        once, late = (simulator.context.tickets.new_trigger("U00AIKO") for _ in range(2))
        slack.views_open(trigger_id=once, view=VOTE)
        now[0] += TRIGGER_SECONDS + 0.1

        assert error_of(lambda: slack.views_open(trigger_id=once, view=VOTE)) == "exchanged_trigger_id"
        assert error_of(lambda: slack.views_open(trigger_id=late, view=VOTE)) == "expired_trigger_id"
    finally:
        simulator.stop()


def test_a_view_that_is_not_open_is_not_updated(slack: WebClient) -> None:
    assert error_of(lambda: slack.views_update(view_id="V9", view=VOTE)) == "not_found"
