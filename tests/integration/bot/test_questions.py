"""A question has buttons while it is open, and none that could only be refused."""

from typing import Any

from drbot.core.runs.incident import Incident
from drbot.store.records import steps
from tests.integration.bot.conftest import PATIENCE, Message, Scene
from tests.integration.bot.worker import planned
from tests.waiting import wait_for

QUESTION = "Can you sign in?"


def asked(scene: Scene) -> Incident:
    incident = scene.declare()
    run = planned(scene.database, incident)
    with scene.database.write() as tx:
        steps.ask(tx, run, "confirm", QUESTION, ("yes", "no"))
    return incident


def labels(message: Message) -> list[str]:
    rows: list[list[dict[str, Any]]] = [one["elements"] for one in message["blocks"] if one["type"] == "actions"]
    return [element["text"]["text"] for row in rows for element in row]


def question(scene: Scene, incident: Incident) -> Message:
    return scene.message(incident.channel, lambda one: f"*{QUESTION}*" in str(one["blocks"]), "the question")


def test_the_buttons_of_a_question_go_once_it_is_answered_wherever_that_was(served: Scene) -> None:
    incident = asked(served)
    assert labels(question(served, incident))[:2] == ["Yes", "No"]

    assert served.people.command("U00AIKO", incident.channel or "", "/dr answer yes").acknowledged

    wait_for(lambda: not labels(question(served, incident)), PATIENCE, "the question without buttons")
    assert QUESTION in question(served, incident)["text"]


def test_an_open_question_keeps_its_buttons_whatever_else_happens(served: Scene) -> None:
    incident = asked(served)
    question(served, incident)

    assert served.people.command("U00AIKO", incident.channel or "", "/dr update We are looking").acknowledged
    served.message("dr-status", lambda one: "We are looking" in str(one["blocks"]), "the stakeholders' news")

    assert labels(question(served, incident))[:2] == ["Yes", "No"]
