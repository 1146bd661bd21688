"""From `/dr declare` to a channel, a board and a stakeholder post."""

from tests.integration.bot.conftest import Message, Scene


def has(message: Message, words: str) -> bool:
    return words in f"{message['text']}{message['blocks']}"


def test_declaring_opens_a_channel_with_a_pinned_board_and_tells_the_stakeholders(served: Scene) -> None:
    incident = served.declare()

    post = served.message("dr-status", lambda one: has(one, "next update") or has(one, "Next update"), "the post")
    assert has(post, "ai-micro-service")
    channel = served.people.channel(incident.channel or "")
    assert channel["name"].endswith("-l2-postgresql-does-not-start-1")
    board = served.message(
        incident.channel, lambda one: one["ts"] in served.people.channel(channel["id"])["pins"], "the pinned board"
    )
    assert has(board, "DR-1 · Level 2")
    members = served.people.channel(channel["id"])["members"]
    assert {"U00AIKO", "U00BEN", "U00CHIKA", "U00DAN"} <= set(members)
    assert "RTO" in served.people.channel(channel["id"])["topic"]


def test_what_a_person_typed_wakes_nobody(served: Scene) -> None:
    incident = served.declare("level2 <!channel> is down & out")

    served.message("dr-status", lambda one: "DR-1" in one["text"], "the post")
    everything = [*served.messages(incident.channel), *served.messages("dr-status"), *served.messages("dr-ops")]
    assert not [one for one in everything if "<!channel>" in f"{one['text']}{one['blocks']}"]
