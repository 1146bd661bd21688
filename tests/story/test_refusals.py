"""Votes that must not count are refused with a private note, and nothing moves."""

import pytest

from cli.player import USERS
from core.approval import RequestState
from store import requests
from tests.story.conftest import Story
from tests.story.recovering import broken, latest_request

pytestmark = pytest.mark.docker


def private_words(story: Story, person: str, channel: str) -> str:
    """What only this person sees in the channel, and in dialogs."""
    user = USERS[person]
    notes = [m["text"] for m in story.house.people.messages(channel, user) if m["ephemeral"]]
    views = [str(view["blocks"]) + str(view.get("errors", "")) for view in story.house.people.views(user)]
    return "\n".join(notes + views)


def wait_for_note(story: Story, person: str, channel: str, word: str) -> None:
    story.player.wait(lambda: word in private_words(story, person, channel), f"a note for {person}: {word}")


def public_words(story: Story, channel: str) -> str:
    return "\n".join(m["text"] for m in story.house.people.messages(channel) if not m["ephemeral"])


def test_own_approval_second_vote_and_a_non_approver_are_refused_privately(story: Story) -> None:
    incident = broken(story)
    player, channel = story.player, incident.channel or ""
    player.wait(lambda: player.run(incident).plan, "the plan")
    message, button = player.button(incident, lambda one: one.get("action_id") == "vote:approve", "approve")

    for person, word in (("aiko", "依頼者本人"), ("dan", "not an approver")):
        story.house.people.click(USERS[person], message, button["action_id"])
        wait_for_note(story, person, channel, word)
        assert word not in public_words(story, channel)

    player.vote("ben", incident)
    player.wait(lambda: latest_votes(story, latest_request(player, incident).id) == ["ben"], "the vote of Ben")
    story.house.people.click(USERS["ben"], message, button["action_id"])
    wait_for_note(story, "ben", channel, "already counted")

    request = latest_request(player, incident)
    assert request.state is RequestState.OPEN
    assert latest_votes(story, request.id) == ["ben"]


def test_a_wrong_target_is_refused_in_the_dialog(story: Story) -> None:
    incident = broken(story)
    player = story.player

    answer = player.vote("ben", incident, target="staging")

    if "staging" not in str(answer.errors):
        wait_for_note(story, "ben", incident.channel or "", "staging")
    assert latest_votes(story, latest_request(player, incident).id) == []


def latest_votes(story: Story, request: str) -> list[str]:
    with story.player.database.read() as connection:
        return [vote.person for vote in requests.votes(connection, request)]
