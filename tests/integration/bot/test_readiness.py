"""`drbot check` asks Slack about everything that Slack would refuse that night, and posts nothing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drbot.bot.readiness import SlackReadiness
from drbot.bot.scheduled import slack_readiness
from drbot.bot.settings import BotSettings
from drbot.commands.facts.context import context_of
from drbot.core.site.people import Roster, roster_of
from drbot.core.site.readiness import Line, approvers_line
from drbot.core.site.site import Approvals, Channels, PersonEntry
from drbot.slack_simulator.app import read_manifest
from drbot.slack_simulator.people import APP_TOKEN, BOT_TOKEN
from drbot.slack_simulator.server import SlackSimulator
from drbot.store.records import readiness
from tests.integration.bot.conftest import ROOT, Scene

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SCOPES = frozenset(read_manifest(ROOT / "manifest.yml").scopes)
PEOPLE = {
    "aiko": PersonEntry(name="Aiko", slack=("U00AIKO",), roles=("commander", "approver")),
    "ben": PersonEntry(name="Ben", slack=("U00BEN",), roles=("approver",)),
    "chika": PersonEntry(name="Chika", slack=("U00CHIKA",), roles=("approver",)),
    "dan": PersonEntry(name="Dan", slack=("U00DAN",), roles=("observer",)),
}


@pytest.fixture
def simulator() -> Iterator[SlackSimulator]:
    made = SlackSimulator(ROOT / "manifest.yml")
    made.start()
    yield made
    made.stop()


def look(simulator: SlackSimulator, people: dict[str, PersonEntry] = PEOPLE, **changed: Any) -> list[Line]:
    """What is not well; `changed`: other tokens, another name for home."""
    home = changed.pop("home", "dr-ops")
    settings = BotSettings(bot_token=BOT_TOKEN, app_token=APP_TOKEN, api_url=simulator.api_url)
    slack = SlackReadiness(replace(settings, **changed), SCOPES)
    lines = [*slack.lines(roster(people), Channels(home=home))]
    lines.append(approvers_line(roster(people), Approvals(), NOW, frozenset(slack.departed)))
    assert len(lines) > 1
    assert {call["method"] for call in simulator.web_api.calls()} <= LOOKING
    return [line for line in lines if not line.well]


LOOKING = {"auth.test", "apps.connections.open", "conversations.list", "conversations.info", "users.info"}


def roster(people: dict[str, PersonEntry]) -> Roster:
    return roster_of(people, Approvals())


def test_a_workspace_where_everything_would_work_has_nothing_to_say(simulator: SlackSimulator) -> None:
    assert look(simulator) == []


def test_a_token_that_slack_does_not_know_is_all_that_is_said(simulator: SlackSimulator) -> None:
    token, *rest = look(simulator, bot_token="xoxb-revoked")

    assert (token.what, rest) == ("Slack: bot token", [])
    assert "SLACK_BOT_TOKEN" in token.sentence


def test_an_app_token_that_opens_no_socket(simulator: SlackSimulator) -> None:
    (token,) = look(simulator, app_token="xapp-revoked")

    assert token.what == "Slack: app token"
    assert "connections:write" in token.sentence


def test_in_http_mode_no_app_token_is_asked_for(simulator: SlackSimulator) -> None:
    assert look(simulator, app_token="", http="8080", signing_secret="s") == []


def test_scopes_that_the_manifest_asks_for_and_the_workspace_did_not_grant(tmp_path: Path) -> None:
    old = tmp_path / "manifest.yml"
    lines = (ROOT / "manifest.yml").read_text().splitlines(keepends=True)
    old.write_text("".join(line for line in lines if "- pins:write" not in line and "- files:write" not in line))
    simulator = SlackSimulator(old)
    simulator.start()
    (scopes,) = look(simulator)
    simulator.stop()

    assert "not granted: files:write, pins:write" in scopes.sentence
    assert "Reinstall the app from manifest.yml" in scopes.sentence


def test_channels_that_are_missing_archived_or_private_without_drbot(simulator: SlackSimulator) -> None:
    status = simulator.state.channel("dr-status")
    assert status is not None
    status.is_archived = True
    simulator.state.create_channel("dr-secret", "U00AIKO", is_private=True)

    missing, archived = look(simulator, home="dr-war-room")
    hidden, _ = look(simulator, home="dr-secret")

    named = [line.what.removeprefix("Slack: ") for line in (missing, archived, hidden)]
    assert named == ["#dr-war-room", "#dr-status", "#dr-secret"]
    assert "Create it" in missing.sentence and "is archived. Unarchive it" in archived.sentence
    assert "/invite @drbot" in hidden.sentence


def test_a_private_channel_with_drbot_in_it_is_found_and_so_are_the_last_of_many(simulator: SlackSimulator) -> None:
    for number in range(450):
        simulator.state.create_channel(f"aa-{number}", "U00AIKO", is_private=False)
    simulator.state.create_channel("dr-secret", "U00DRBOT", is_private=True)

    assert look(simulator, home="dr-secret") == []


@pytest.mark.parametrize(
    ("account", "fault"),
    [
        ("U00GONE", "has left"),
        ("U00GUEST", "is a guest"),
        ("U00BOTX", "is a bot"),
        ("U00ELSE", "belongs to another workspace"),
        ("U00NOBODY", "is not an account of this workspace"),
    ],
)
def test_who_could_not_vote_is_named_and_does_not_count(simulator: SlackSimulator, account: str, fault: str) -> None:
    gordon = PersonEntry(name="Gordon", slack=(account,), roles=("approver",))
    few = {name: entry for name, entry in PEOPLE.items() if name != "chika"}

    with_three = look(simulator, PEOPLE | {"gordon": gordon})
    person, approvers = look(simulator, few | {"gordon": gordon})

    assert [line.what for line in with_three] == ["Slack: Gordon"]
    assert f"{account} {fault}" in person.sentence and "dr.yml" in person.sentence
    assert "only 2 can vote: Aiko, Ben" in approvers.sentence


def test_an_approver_with_one_good_account_counts(simulator: SlackSimulator) -> None:
    ben = PersonEntry(name="Ben", slack=("U00BEN", "U00GONE"), roles=("approver",))

    (line,) = look(simulator, PEOPLE | {"ben": ben})

    assert line.sentence.startswith("U00GONE has left")


def test_two_approvers_are_too_few_where_whoever_declares_does_not_count() -> None:
    two = {name: PEOPLE[name] for name in ("aiko", "ben")}

    assert "3 are needed" in approvers_line(roster(two), Approvals(), NOW).sentence
    assert approvers_line(roster(two), Approvals(requester_counts=True), NOW).well


def test_whose_votes_do_not_count_yet_is_none_who_can_vote() -> None:
    given = roster(PEOPLE)
    people = {name: replace(person, counts_from=NOW + timedelta(hours=5)) for name, person in given.people.items()}
    new = replace(given, people=people | {"aiko": given.people["aiko"]})

    line = approvers_line(new, Approvals(), NOW)

    assert "only 1 can vote: Aiko" in line.sentence and "2026-12-01 05:00 UTC" in line.sentence
    assert approvers_line(new, Approvals(), NOW + timedelta(hours=5)).well


def test_slack_that_does_not_answer_is_said_once(simulator: SlackSimulator) -> None:
    simulator.faults.down = True
    slack = SlackReadiness(BotSettings(bot_token=BOT_TOKEN, api_url=simulator.api_url), SCOPES)

    (line,) = slack.lines(roster(PEOPLE), Channels())

    assert not line.well


def test_what_the_bot_saw_is_written_down(scene: Scene) -> None:
    context = context_of(scene.database, scene.process.doorbell, scene.process.loaded)

    slack_readiness.look(context, scene.settings, SCOPES)

    with scene.database.read() as connection:
        seen = readiness.list_of(connection)
    assert {one.source for one in seen} == {"Slack"}
    assert {one.line.what for one in seen} >= {"Slack: bot token", "Slack: scopes", "Slack: #dr-ops", "Slack: people"}
    assert all(one.line.well for one in seen), [one.line for one in seen]
