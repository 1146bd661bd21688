"""The payloads of Slack's envelopes: commands, clicks, submissions, shortcuts and events."""

import secrets
import time

from drbot.slack_simulator.method_context import MethodContext
from drbot.slack_simulator.people import APP, BOT_USER, TEAM, TEAM_DOMAIN, Person
from drbot.slack_simulator.records import Channel, Json, Message

VERIFICATION_TOKEN = "local"  # noqa: S105 - the field Slack calls so; nobody checks it any more


def _common(person: Person) -> Json:
    return {
        "token": VERIFICATION_TOKEN,
        "api_app_id": APP,
        "team": {"id": TEAM, "domain": TEAM_DOMAIN},
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team_id},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def response_url(context: MethodContext, person: Person, channel: Channel, ts: str = "") -> str:
    """Where the app may answer five times."""
    return f"{context.url}/response/{context.tickets.new_response_token(person.id, channel.id, ts)}"


def command(context: MethodContext, person: Person, channel: Channel, name: str, text: str) -> Json:
    """A slash command; the form's fields are all strings."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.is_im else channel.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": name,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": response_url(context, person, channel),
        "trigger_id": context.tickets.new_trigger(person.id),
    }


def action_in_message(context: MethodContext, person: Person, message: Message, action: Json) -> Json:
    """A click in a message; an ephemeral message does not come along."""
    channel = context.state.channels[message.channel]
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": bool(message.ephemeral_for),
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    payload = _common(person) | {
        "type": "block_actions",
        "container": container,
        "trigger_id": context.tickets.new_trigger(person.id),
        "channel": {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name},
        "state": {"values": {}},
        "response_url": response_url(context, person, channel, message.ts),
        "actions": [action],
    }
    return payload if message.ephemeral_for else payload | {"message": message.as_slack(with_metadata=True)}


def _sent(view: Json, state: Json) -> Json:
    kept = {name: value for name, value in view.items() if name != "errors"}
    return kept | {"state": {"values": state}}


def action_in_view(context: MethodContext, person: Person, view: Json, action: Json) -> Json:
    return _common(person) | {
        "type": "block_actions",
        "container": {"type": "view", "view_id": view["id"]},
        "trigger_id": context.tickets.new_trigger(person.id),
        "view": _sent(view, {}),
        "actions": [action],
    }


def submission(context: MethodContext, person: Person, view: Json, state: Json) -> Json:
    return _common(person) | {
        "type": "view_submission",
        "trigger_id": context.tickets.new_trigger(person.id),
        "view": _sent(view, state),
        "response_urls": [],
    }


def shortcut(context: MethodContext, person: Person, callback_id: str, message: Message | None) -> Json:
    payload = _common(person) | {
        "type": "shortcut" if message is None else "message_action",
        "callback_id": callback_id,
        "action_ts": context.state.new_ts(),
        "trigger_id": context.tickets.new_trigger(person.id),
    }
    if message is None:
        return payload
    channel = context.state.channels[message.channel]
    return payload | {
        "message_ts": message.ts,
        "message": message.as_slack(),
        "channel": {"id": channel.id, "name": channel.name},
        "response_url": response_url(context, person, channel, message.ts),
    }


def event(kind: str, fields: Json, ts: str) -> Json:
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM,
        "api_app_id": APP,
        "event": {"type": kind, "event_ts": ts} | fields,
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(6).upper()}",
        "event_time": int(time.time()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
    }
