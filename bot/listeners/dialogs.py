"""Dialogs that were sent. What takes a moment is answered with the ack itself: an edit of the dialog that overtakes
the ack would be overwritten by it. Only when the store is slow the dialog says "one moment" first.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event
from typing import Any, Literal

from slack_bolt import Ack

from drbot.bot.blocks.dialogs import LOADING, message_dialog
from drbot.bot.listeners.visits import fields_of, kept_of, text_of, visit_of_submission
from drbot.bot.office import Office, Visit, answer_dialog
from drbot.commands.approve import vote
from drbot.commands.dispatch import dispatch
from drbot.commands.messages import Reply
from drbot.core.approval import Door
from drbot.core.words import cut, say

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


def voted(office: Office, ack: Ack, body: Mapping[str, Any]) -> None:
    """The vote dialog was sent."""
    view = body["view"]
    _answer(office, ack, body, lambda visit: _vote(office, visit, view))


def declared(office: Office, ack: Ack, body: Mapping[str, Any]) -> None:
    """The declare dialog was sent."""

    def work(visit: Visit) -> Sent:
        kept, fields = kept_of(office, visit, body["view"]), fields_of(body["view"])
        values = {
            "level": fields.get("level", ""),
            "site": fields.get("site") or str(kept.get("site", "")),
            "service": fields.get("service", ""),
            "since": fields.get("since", ""),
            "title": fields.get("text", ""),
            "anyway": str(kept.get("anyway", "")),
        }
        request = office.request(visit, "declare", door=Door.DIALOG, values=values)
        return _with_slips(office, visit, dispatch(office.context, request))

    _answer(office, ack, body, work)


def updated(office: Office, ack: Ack, body: Mapping[str, Any]) -> None:
    """The words to the stakeholders were sent."""
    _answer(office, ack, body, lambda visit: _text(office, visit, body["view"], "update", "text"))


def resolved(office: Office, ack: Ack, body: Mapping[str, Any]) -> None:
    """The summary was sent."""
    _answer(office, ack, body, lambda visit: _text(office, visit, body["view"], "resolve", "summary"))


def _vote(office: Office, visit: Visit, view: Mapping[str, Any]) -> Sent:
    kept, fields = kept_of(office, visit, view), fields_of(view)
    decision: Literal["approve", "deny"] = "deny" if kept.get("decision") == "deny" else "approve"
    person = office.person(visit)
    reply = vote(
        office.context,
        request_id=text_of(kept, "request"),
        person=person.id if person else None,
        account=office.accounts.now(visit.user),
        decision=decision,
        reason=fields.get("reason", ""),
        seal=text_of(kept, "seal"),
        target=fields.get("target", ""),
        door=Door.DIALOG,
        at=datetime.now(UTC),
        code=fields.get("code", ""),
    )
    return _with_slips(office, visit, reply)


def _with_slips(office: Office, visit: Visit, reply: Reply) -> Sent:
    block = SLIPS.get(reply.code)
    return Sent(reply=reply, errors={block: cut(say(reply.text, office.language(visit)), 300)} if block else {})


def _text(office: Office, visit: Visit, view: Mapping[str, Any], verb: str, name: str) -> Sent:
    incident = kept_of(office, visit, view).get("incident")
    values = {name: fields_of(view).get("text", "")}
    request = office.request(visit, f"{verb} DR-{incident}", door=Door.DIALOG, values=values)
    return Sent(reply=dispatch(office.context, request))


def _answer(office: Office, ack: Ack, body: Mapping[str, Any], work: Callable[[Visit], Sent]) -> None:
    """Work, and ack with what came of it."""
    visit = visit_of_submission(body)
    language = office.language(visit)
    doing, is_first = office.once(visit, lambda: _guarded(office, visit, work))
    try:
        sent = doing.result(timeout=ACK_SECONDS)
    except NotYet:
        title = str(body["view"].get("title", {}).get("text", "drbot"))
        ack(response_action="update", view=message_dialog(title, say(LOADING, language), language))
        if is_first:
            office.pool.submit(_late, office, visit, doing)
        return
    if sent.errors:
        ack(response_action="errors", errors=dict(sent.errors))
    else:
        ack(response_action="update", view=office.stamps.view(answer_dialog(sent.reply, language), visit.user))


def _guarded(office: Office, visit: Visit, work: Callable[[Visit], Sent]) -> Sent:
    replies: list[Reply] = []
    sent: list[Sent] = []
    office.guarded(visit, lambda: sent.append(work(visit)), replies.append)
    return sent[0] if sent else Sent(reply=replies[0])


def _late(office: Office, visit: Visit, doing: Future[Sent]) -> None:
    """The store was slow; the ack is given a head start."""
    sent = doing.result()
    Event().wait(OVERTAKING_SECONDS)
    office.tell(visit, sent.reply)
