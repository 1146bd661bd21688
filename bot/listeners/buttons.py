"""Buttons: `do:<n>` says what a person could have typed, `vote:…` opens the vote dialog, `open:declare` the other one.

A value is a token of drbot's own (bot/stamps.py); a forged one is refused and recorded. And even then the command in it
is read as if somebody had typed it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from slack_bolt import Ack

from drbot.bot.blocks.dialogs import LOADING, message_dialog
from drbot.bot.blocks.vote_dialog import TITLES, vote_dialog
from drbot.bot.listeners.answering import answer
from drbot.bot.listeners.visits import text_of, value_of, visit_of_interaction
from drbot.bot.office import Office, Visit
from drbot.commands.approve import dialog_of, vote
from drbot.commands.refusal import Refusal, reply_of
from drbot.core.approval import Door
from drbot.core.errors import UserError
from drbot.core.words import say


def pressed(office: Office, ack: Ack, body: Mapping[str, Any]) -> None:
    """A button that stands for a command."""
    ack()

    def work(office: Office, visit: Visit) -> None:
        answer(office, visit, text_of(value_of(office, visit, body), "command"))

    office.later(visit_of_interaction(body), work)


def declare(office: Office, ack: Ack, body: Mapping[str, Any]) -> None:
    """Home's button and the shortcut: the declare dialog."""
    ack()
    office.later(visit_of_interaction(body), lambda office, visit: answer(office, visit, "declare"))


def approve(office: Office, ack: Ack, body: Mapping[str, Any]) -> None:
    """The Approve button only opens the dialog."""
    ack()
    office.later(visit_of_interaction(body), lambda office, visit: _open(office, visit, body, "approve"))


def deny(office: Office, ack: Ack, body: Mapping[str, Any]) -> None:
    """The Deny button only opens the dialog."""
    ack()
    office.later(visit_of_interaction(body), lambda office, visit: _open(office, visit, body, "deny"))


def _open(office: Office, visit: Visit, body: Mapping[str, Any], decision: Literal["approve", "deny"]) -> None:
    """First an empty dialog, because the trigger lives three seconds; then the current plan in it."""
    value = value_of(office, visit, body)
    request_id = text_of(value, "request")
    language = office.language(visit)
    title = say(TITLES[decision], language)
    view = office.show(visit, message_dialog(title, say(LOADING, language), language))
    try:
        account = office.accounts.now(visit.user)
        at = datetime.now(UTC)
        facts = dialog_of(office.context, request_id, office.person(visit), account=account, decision=decision, at=at)
    except UserError as error:
        _refused(office, visit, request_id, decision, error)
        office.show(visit, message_dialog(title, _words(error, language), language), in_place_of=view)
        return
    is_old = value.get("seal") != facts.seal
    office.show(visit, vote_dialog(facts, decision, language, at, is_new_plan=is_old), in_place_of=view)


def _refused(
    office: Office, visit: Visit, request_id: str, decision: Literal["approve", "deny"], error: UserError
) -> None:
    """A refusal at the door is recorded like one at the vote, and stays readable after the dialog is closed."""
    if isinstance(error, Refusal) and error.code:
        person = office.person(visit)
        vote(
            office.context,
            request_id=request_id,
            person=person.id if person else None,
            account=office.accounts.now(visit.user),
            decision=decision,
            reason="",
            seal="",  # a ballot without a plan can never be counted
            target="",
            door=Door.DIALOG,
            at=datetime.now(UTC),
        )
    office.tell(visit, reply_of(error))


def _words(error: UserError, language: str) -> str:
    return say(reply_of(error).text, language)
