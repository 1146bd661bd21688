"""Buttons below a question go once it is answered: pressed later they could only be refused, and the board has those
that work. A bot that starts anew does not know the questions of the one before; the board is right all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from drbot.bot.blocks.elements import Block
from drbot.bot.outbound.messenger import Messenger
from drbot.bot.slack_api.slack import SlackRefusedError
from drbot.commands.views.incident_view import IncidentView
from drbot.commands.views.shown_actions import Place, actions_at
from drbot.store.records.surfaces import Surface

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    surface: Surface
    text: str
    blocks: Sequence[Block]
    commands: frozenset[str]


class Questions:
    def __init__(self, messenger: Messenger) -> None:
        self._messenger = messenger
        self._open: list[Question] = []

    def add(self, surface: Surface, text: str, blocks: Sequence[Block], situation: IncidentView) -> None:
        """It was posted with the buttons of this situation."""
        question = Question(surface=surface, text=text, blocks=blocks, commands=_commands(situation))
        self._open.append(question)

    def settle(self, situation: IncidentView) -> None:
        """Take the buttons from those that are answered. Raises SlackBusyError, SlackDownError."""
        now = _commands(situation)
        for question in tuple(self._open):
            if question.commands <= now:
                continue
            left = [block for block in question.blocks if block["type"] != "actions"]
            try:
                self._messenger.edit(question.surface, question.text, left)
            except SlackRefusedError as refusal:
                log.info("The buttons of an answered question stay.", why=refusal.code)
            self._open.remove(question)


def _commands(situation: IncidentView) -> frozenset[str]:
    return frozenset(action.command for action in actions_at(situation, Place.QUESTION))
