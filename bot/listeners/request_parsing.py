"""What Slack delivers, as a `SlackRequest`. Everything in it was written by somebody else and is never trusted."""

from collections.abc import Mapping
from typing import Any

from drbot.bot.listeners.responder import Responder, SlackRequest
from drbot.bot.slack_api.signed_values import FORGED, purpose_of
from drbot.commands.speech.refusal import Refusal
from drbot.core.approvals.approval import EntryPoint
from drbot.core.base.errors import UserError
from drbot.core.ledger.events import EventKind
from drbot.core.text.messages import phrase
from drbot.core.text.visible import storable
from drbot.store.records import incidents


def request_of_command(body: Mapping[str, Any]) -> SlackRequest:
    return SlackRequest(
        user=str(body["user_id"]),
        key=str(body.get("trigger_id", "")),
        channel=str(body.get("channel_id", "")),
        trigger=str(body.get("trigger_id", "")),
        answer_url=str(body.get("response_url", "")),
    )


def request_of_interaction(body: Mapping[str, Any]) -> SlackRequest:
    """A button or a shortcut. Buttons of a dialog answer in the dialog."""
    actions = body.get("actions") or [{}]
    view = body.get("view") or {}
    return SlackRequest(
        user=str(body["user"]["id"]),
        key=f"{body.get('trigger_id', '')}/{actions[0].get('action_id', '')}/{actions[0].get('action_ts', '')}",
        channel=str((body.get("channel") or {}).get("id", "")),
        trigger=str(body.get("trigger_id", "")),
        answer_url=str(body.get("response_url", "")),
        view=str(view.get("id", "")) if view.get("type") == "modal" else "",
    )


def request_of_submission(body: Mapping[str, Any]) -> SlackRequest:
    view = body["view"]
    return SlackRequest(
        user=str(body["user"]["id"]),
        key=f"{body.get('trigger_id', '')}/{view['id']}/{view.get('hash', '')}",
        view=str(view["id"]),
    )


def request_of_event(body: Mapping[str, Any], channel: str) -> SlackRequest:
    """An event; it has no trigger and no answer URL."""
    event = body["event"]
    return SlackRequest(user=str(event.get("user", "")), key=str(body.get("event_id", "")), channel=channel)


def value_of(responder: Responder, slack_request: SlackRequest, body: Mapping[str, Any]) -> dict[str, Any]:
    """What drbot put behind the button. Raises Refusal when it did not; the attempt is recorded."""
    action = (body.get("actions") or [{}])[0]
    return _read(responder, slack_request, str(action.get("value", "")), purpose_of(str(action.get("action_id", ""))))


def kept_of(responder: Responder, slack_request: SlackRequest, view: Mapping[str, Any]) -> dict[str, Any]:
    """What drbot kept with the dialog. Raises Refusal when it did not; the attempt is recorded."""
    return _read(responder, slack_request, str(view.get("private_metadata", "")), "view")


def _read(responder: Responder, slack_request: SlackRequest, token: str, purpose: str) -> dict[str, Any]:
    try:
        return responder.signed_values.read(token, purpose, slack_request.user)
    except Refusal as forged:
        _record(responder, slack_request, purpose, forged)
        raise


def _record(responder: Responder, slack_request: SlackRequest, purpose: str, forged: Refusal) -> None:
    person = responder.person(slack_request)
    with responder.context.database.write() as tx:
        here = incidents.of_channel(tx.connection, slack_request.channel) if slack_request.channel else None
        tx.record(
            EventKind.COMMAND_REFUSED,
            incident=here.id if here else None,
            person=person.id if person else None,
            verb=purpose,
            why=forged.why,
            code=FORGED,
            account=slack_request.user,
            entry_point=EntryPoint.DIALOG.value,
        )


def text_of(value: Mapping[str, Any], name: str) -> str:
    """A text in a button's value. Raises UserError when it is missing or no text."""
    found = value.get(name)
    if not isinstance(found, str) or not found:
        raise UserError(
            phrase("You pressed a button."),
            phrase("It is not one of drbot's."),
            phrase("Type /dr to see what can be done."),
        )
    return found


def fields_of(view: Mapping[str, Any]) -> dict[str, str]:
    """What was typed or chosen in a dialog: block id → text."""
    fields: dict[str, str] = {}
    for block, actions in (view.get("state", {}).get("values") or {}).items():
        element = actions.get("value") or {}
        chosen = element.get("selected_option") or {}
        fields[block] = storable(str(element.get("value") or chosen.get("value") or ""))
    return fields
