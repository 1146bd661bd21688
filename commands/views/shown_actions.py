"""Where actions are shown, and what each place leaves out. None of them adds any."""

from collections.abc import Mapping
from enum import StrEnum

from drbot.commands.views.available_actions import AvailableAction, available_actions
from drbot.commands.views.incident_view import IncidentView


class Place(StrEnum):
    BOARD = "board"
    REPLY = "reply"  # `status` and the menu, in Slack and in a terminal
    QUESTION = "question"  # the channel's message that asks for a decision
    CARD = "card"  # of an approval
    HOME = "home"
    KEPT = "kept"  # `kept`, and the question whether old data is still needed


VERBS = frozenset(
    {
        "approve", "deny", "answer", "settle", "recover", "discard", "restart", "undo", "level", "resolve", "stop",
        "update", "report", "lead-back", "give-back", "give-up", "ask-again",
    }
)  # fmt: skip
_FOR_GOOD = {"give-up": "deleting for good is no step of a recovery: `kept` offers it, and a question after three days"}
_POSTED = {"report": "it is posted in the same channel"}


def _all_but(verbs: str, why: str) -> Mapping[str, str]:
    return dict.fromkeys(sorted(VERBS - set(verbs.split())), why)


LEFT_OUT: Mapping[Place, Mapping[str, str]] = {
    Place.BOARD: _FOR_GOOD | _POSTED,
    Place.REPLY: _FOR_GOOD,
    Place.QUESTION: _FOR_GOOD | _POSTED | dict.fromkeys(("approve", "deny"), "the card beside it has them"),
    Place.CARD: _all_but("approve deny ask-again", "the card is about one request; the board above it has the rest"),
    Place.HOME: _all_but("approve", "Home says what waits for a person; all else is done where everybody reads it"),
    Place.KEPT: _all_but("undo give-up give-back", "the list is about what is kept and rented"),
}
"""Which verbs a place leaves out, and why."""


def actions_at(view: IncidentView, place: Place) -> tuple[AvailableAction, ...]:
    """What this place shows, each command once."""
    found: dict[str, AvailableAction] = {}
    for action in available_actions(view):
        if action.verb not in LEFT_OUT[place]:
            found.setdefault(action.command, action)
    return tuple(found.values())
