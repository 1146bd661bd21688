"""Buttons: `do:<n>` says what a person could have typed, `vote:…` opens the vote dialog, `open:declare` the other one.

A value is a token of drbot's own (signed_values.py); a forged one is refused and recorded. And even then the command in
it is read as if somebody had typed it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from slack_bolt import Ack

from drbot.bot.blocks.dialogs import LOADING, message_dialog
from drbot.bot.blocks.vote_dialog import TITLES, vote_dialog
from drbot.bot.listeners.answering import answer
from drbot.bot.listeners.request_parsing import request_of_interaction, text_of, value_of
from drbot.bot.listeners.responder import Responder, SlackRequest
from drbot.commands.speech.refusal import Refusal, reply_of
from drbot.commands.verb.approve import dialog_of
from drbot.core.base.errors import UserError
from drbot.core.text.messages import say


def pressed(responder: Responder, ack: Ack, body: Mapping[str, Any]) -> None:
    ack()

    def work(responder: Responder, slack_request: SlackRequest) -> None:
        answer(responder, slack_request, text_of(value_of(responder, slack_request, body), "command"))

    responder.later(request_of_interaction(body), work)


def declare(responder: Responder, ack: Ack, body: Mapping[str, Any]) -> None:
    """Home's button and the shortcut: the declare dialog."""
    ack()
    responder.later(
        request_of_interaction(body), lambda responder, slack_request: answer(responder, slack_request, "declare")
    )


def decide(decision: Literal["approve", "deny"], responder: Responder, ack: Ack, body: Mapping[str, Any]) -> None:
    """The Approve and the Deny button only open the dialog."""
    ack()
    responder.later(
        request_of_interaction(body), lambda responder, slack_request: _open(responder, slack_request, body, decision)
    )


def _open(
    responder: Responder, slack_request: SlackRequest, body: Mapping[str, Any], decision: Literal["approve", "deny"]
) -> None:
    """First an empty dialog, because the trigger lives three seconds; then the current plan in it."""
    value = value_of(responder, slack_request, body)
    request_id = text_of(value, "request")
    language = responder.language(slack_request)
    title = say(TITLES[decision], language)
    view = responder.show(slack_request, message_dialog(title, say(LOADING, language), language))
    try:
        account = responder.accounts.now(slack_request.user)
        at = datetime.now(UTC)
        facts = dialog_of(
            responder.context, request_id, responder.person(slack_request), account=account, decision=decision, at=at
        )
    except UserError as error:
        _refused(responder, slack_request, request_id, decision, error)
        responder.show(slack_request, message_dialog(title, _words(error, language), language), in_place_of=view)
        return
    is_old = value.get("seal") != facts.seal
    responder.show(slack_request, vote_dialog(facts, decision, language, at, is_new_plan=is_old), in_place_of=view)


def _refused(
    responder: Responder,
    slack_request: SlackRequest,
    request_id: str,
    decision: Literal["approve", "deny"],
    error: UserError,
) -> None:
    """A refusal before the vote is recorded like one at the vote, and stays readable after the dialog is closed."""
    if isinstance(error, Refusal) and error.code:
        responder.vote(slack_request, decision, {"request": request_id})  # without a plan it can never be counted
    responder.tell(slack_request, reply_of(error))


def _words(error: UserError, language: str) -> str:
    return say(reply_of(error).text, language)
