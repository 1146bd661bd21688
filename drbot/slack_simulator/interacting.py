"""Clicks, modals, Home and shortcuts: what is sent to the app, and what its ack does to the modal."""

from collections.abc import Mapping
from typing import Any

import structlog

from drbot.slack_simulator import payloads
from drbot.slack_simulator.looking import Looking, RefusedError, result_of
from drbot.slack_simulator.method_context import MethodContext
from drbot.slack_simulator.methods import views
from drbot.slack_simulator.records import Json
from drbot.slack_simulator.rules import SlackError
from drbot.slack_simulator.socket_mode import Connections, Delivery
from drbot.slack_simulator.values import inputs_of, problems_of, state_of

TROUBLE = "We had some trouble connecting. Try again?"

log = structlog.get_logger("slack_simulator")


class Interacting:
    """One method per thing a person can do with what the app shows; runs on the server's event loop."""

    def __init__(self, context: MethodContext, connections: Connections) -> None:
        self._context = context
        self._state = context.state
        self._connections = connections
        self._looking = Looking(context=context)

    async def click(self, asked: Json) -> Json:
        person = self._looking.person(asked["user"])
        if "view_id" in asked:
            view = self._looking.view(asked["view_id"], person.id)
            payload = payloads.action_in_view(self._context, person, view, self._action(view["blocks"], asked))
        else:
            message = self._looking.message(self._looking.channel(asked["channel"], person.id), asked["ts"], person.id)
            payload = payloads.action_in_message(self._context, person, message, self._action(message.blocks, asked))
        return result_of(await self._connections.deliver("interactive", payload), TROUBLE)

    def _action(self, blocks: list[Json], asked: Json) -> Json:
        block, button = _find(blocks, asked)
        kept = {name: button[name] for name in ("text", "value", "style") if name in button}
        ids = {"action_id": button["action_id"], "block_id": block["block_id"], "type": "button"}
        return ids | {"action_ts": self._state.new_ts()} | kept

    async def submit(self, user: str, view_id: str, values: Mapping[str, Mapping[str, Any]]) -> Json:
        person = self._looking.person(user)
        view = self._looking.view(view_id, user)
        state = state_of(view["blocks"], values)
        problems = problems_of(view["blocks"], state)
        if problems:
            self._state.mark_errors(view, problems)
            invalid = Delivery(outcome="invalid")
            return self._submitted(user, invalid, "errors", problems)
        delivery = await self._connections.deliver(
            "interactive", payloads.submission(self._context, person, view, state)
        )
        if delivery.outcome != "acknowledged":
            return self._submitted(user, delivery, "", {})
        return self._follow(user, view, delivery)

    def _follow(self, user: str, view: Json, delivery: Delivery) -> Json:
        """Do what the app's ack asks for: errors, update, or close the modal."""
        answer = delivery.payload or {}
        action = str(answer.get("response_action") or "")
        errors: dict[str, str] = {}
        try:
            if action == "errors":
                errors = dict(answer["errors"])
                _check_errors(view, errors)
                self._state.mark_errors(view, errors)
            elif action == "update":
                self._state.replace_view(user, views.checked_view(answer["view"], "modal") | {"id": view["id"]})
            else:
                self._state.close_view(user, view["id"])
        except SlackError as refusal:
            log.warning("Slack would not take this answer.", error=refusal.code, **refusal.details)
            return self._submitted(user, delivery, action, errors) | {"error": TROUBLE}
        return self._submitted(user, delivery, action, errors)

    def _submitted(self, user: str, delivery: Delivery, action: str, errors: dict[str, str]) -> Json:
        stack = [dict(view) for view in self._state.views.get(user, [])]
        error = "" if delivery.outcome == "invalid" else TROUBLE
        return result_of(delivery, error) | {"response_action": action, "errors": errors, "views": stack}

    def close_view(self, user: str, view_id: str) -> None:
        """Dismiss a modal; the app does not hear of it."""
        self._looking.view(view_id, user)
        self._state.close_view(user, view_id)

    async def shortcut(self, user: str, callback_id: str, channel_name: str = "", ts: str = "") -> Json:
        person = self._looking.person(user)
        if self._context.app.shortcut(callback_id) is None:
            raise RefusedError("shortcut_not_found", f"The app has no shortcut {callback_id}.")
        message = self._looking.message(self._looking.channel(channel_name, user), ts, user) if ts else None
        payload = payloads.shortcut(self._context, person, callback_id, message)
        return result_of(await self._connections.deliver("interactive", payload), TROUBLE)

    async def open_home(self, user: str) -> Json:
        person = self._looking.person(user)
        home = self._state.homes.get(user)
        direct = self._state.direct(person.id)
        fields = {"user": user, "channel": direct.id, "tab": "home"} | ({"view": home} if home else {})
        payload = payloads.event("app_home_opened", fields, self._state.new_ts())
        return result_of(await self._connections.deliver("events_api", payload), TROUBLE) | {"home": home}


def _find(blocks: list[Json], asked: Json) -> tuple[Json, Json]:
    """What was pressed. A button that was drawn anew, and now does something else, is not the one that was seen."""
    action_id, block_id, value = asked["action_id"], asked.get("block_id"), asked.get("value")
    rows = [block for block in blocks if block["type"] == "actions"]
    for block in rows:
        for button in block["elements"]:
            if button["action_id"] == action_id and block_id in (None, "", block["block_id"]):
                if value not in (None, button.get("value")):
                    raise RefusedError("action_not_found", f"{action_id} was drawn anew here; look at it again.")
                return block, button
    there = [button["action_id"] for block in rows for button in block["elements"]]
    raise RefusedError("action_not_found", f"There is no {action_id} here; there are: {', '.join(there) or 'none'}.")


def _check_errors(view: Json, errors: dict[str, str]) -> None:
    inputs = {block["block_id"] for block in inputs_of(view["blocks"])}
    wrong = sorted(set(errors) - inputs)
    if wrong or not errors:
        raise SlackError("invalid_errors", unknown_blocks=wrong)
