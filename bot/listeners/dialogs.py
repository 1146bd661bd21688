"""Dialogs that were sent. What takes a moment is answered with the ack itself: an edit of the dialog that overtakes
the ack would be overwritten by it. Only when the store is slow the dialog says "one moment" first.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from slack_bolt import Ack

from drbot.bot.blocks.dialogs import LOADING, message_dialog
from drbot.bot.listeners.request_parsing import fields_of, kept_of, request_of_submission, text_of
from drbot.bot.listeners.responder import Responder, SlackRequest, answer_dialog
from drbot.commands.dispatch import dispatch
from drbot.commands.speech.messages import Reply
from drbot.core.approvals.approval import EntryPoint
from drbot.core.text.messages import say
from drbot.core.text.words import cut

ACK_SECONDS = 1.5  # of Slack's three
OVERTAKING_SECONDS = 1.0

SLIPS: Mapping[str, str] = {
    "wrong_target": "target",
    "no_reason": "reason",
    "needs_code": "code",
    "wrong_code": "code",
    "unchecked": "code",
    "no_service": "service",
    "no_time": "since",
}
"""Slips of the pen stay in the dialog, at the field, with everything that was typed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What becomes of a dialog: a sentence instead of it, or errors at its fields."""

    reply: Reply
    errors: Mapping[str, str] = field(default_factory=dict)


def voted(responder: Responder, ack: Ack, body: Mapping[str, Any]) -> None:
    view = body["view"]
    _answer(responder, ack, body, lambda slack_request: _vote(responder, slack_request, view))


def declared(responder: Responder, ack: Ack, body: Mapping[str, Any]) -> None:
    def work(slack_request: SlackRequest) -> Sent:
        kept, fields = kept_of(responder, slack_request, body["view"]), fields_of(body["view"])
        values = {
            "level": fields.get("level", ""),
            "site": fields.get("site") or str(kept.get("site", "")),
            "service": fields.get("service", ""),
            "since": fields.get("since", ""),
            "title": fields.get("text", ""),
            "anyway": str(kept.get("anyway", "")),
        }
        request = responder.request(slack_request, "declare", entry_point=EntryPoint.DIALOG, values=values)
        return _with_slips(responder, slack_request, dispatch(responder.context, request))

    _answer(responder, ack, body, work)


def updated(responder: Responder, ack: Ack, body: Mapping[str, Any]) -> None:
    _answer(responder, ack, body, lambda slack_request: _text(responder, slack_request, body["view"], "update", "text"))


def resolved(responder: Responder, ack: Ack, body: Mapping[str, Any]) -> None:
    _answer(
        responder, ack, body, lambda slack_request: _text(responder, slack_request, body["view"], "resolve", "summary")
    )


def _vote(responder: Responder, slack_request: SlackRequest, view: Mapping[str, Any]) -> Sent:
    kept, fields = kept_of(responder, slack_request, view), fields_of(view)
    values = {name: fields.get(name, "") for name in ("reason", "target", "code")}
    values |= {name: text_of(kept, name) for name in ("request", "seal")}
    decision = "deny" if kept.get("decision") == "deny" else "approve"
    return _with_slips(responder, slack_request, responder.vote(slack_request, decision, values))


def _with_slips(responder: Responder, slack_request: SlackRequest, reply: Reply) -> Sent:
    block = SLIPS.get(reply.code)
    return Sent(
        reply=reply, errors={block: cut(say(reply.text, responder.language(slack_request)), 300)} if block else {}
    )


def _text(responder: Responder, slack_request: SlackRequest, view: Mapping[str, Any], verb: str, name: str) -> Sent:
    incident = kept_of(responder, slack_request, view).get("incident")
    fields = fields_of(view)
    values = {name: fields.get("text", ""), "users": fields.get("users", "")}
    request = responder.request(slack_request, f"{verb} DR-{incident}", entry_point=EntryPoint.DIALOG, values=values)
    return Sent(reply=dispatch(responder.context, request))


def _answer(responder: Responder, ack: Ack, body: Mapping[str, Any], work: Callable[[SlackRequest], Sent]) -> None:
    slack_request = request_of_submission(body)
    language = responder.language(slack_request)
    doing, is_first = responder.once(slack_request, lambda: _guarded(responder, slack_request, work))
    try:
        sent = doing.result(timeout=ACK_SECONDS)
    except NotYet:
        title = str(body["view"].get("title", {}).get("text", "drbot"))
        ack(response_action="update", view=message_dialog(title, say(LOADING, language), language))
        if is_first:
            responder.pool.submit(_late, responder, slack_request, doing)
        return
    if sent.errors:
        ack(response_action="errors", errors=dict(sent.errors))
    else:
        ack(
            response_action="update",
            view=responder.signed_values.view(answer_dialog(sent.reply, language), slack_request.user),
        )


def _guarded(responder: Responder, slack_request: SlackRequest, work: Callable[[SlackRequest], Sent]) -> Sent:
    replies: list[Reply] = []
    sent: list[Sent] = []
    responder.guarded(slack_request, lambda: sent.append(work(slack_request)), replies.append)
    return sent[0] if sent else Sent(reply=replies[0])


def _late(responder: Responder, slack_request: SlackRequest, doing: Future[Sent]) -> None:
    """The store was slow; the ack is given a head start."""
    sent = doing.result()
    Event().wait(OVERTAKING_SECONDS)
    responder.tell(slack_request, sent.reply)
