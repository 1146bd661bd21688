"""Clicks, modals, Home and shortcuts: what is sent to the app, and what its ack does to the modal."""

from collections.abc import Callable, Mapping
from typing import Any

import structlog

from drbot.slack_simulator import payloads
from drbot.slack_simulator.looking import Looking, RefusedError, result_of
from drbot.slack_simulator.method_context import MethodContext
from drbot.slack_simulator.methods import views
from drbot.slack_simulator.people import Person
from drbot.slack_simulator.records import Json, Message
from drbot.slack_simulator.rules import SlackError
from drbot.slack_simulator.socket_mode import Connections, Delivery
from drbot.slack_simulator.values import InvalidValueError, chosen, elements_of, problems_of, state_of

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
        """Press a button or choose in a menu, in a message or in a view."""
        person = self._looking.person(asked["user"])
        if "view_id" in asked:
            view = self._looking.view(asked["view_id"], person.id)
            blocks, build = view["blocks"], _in_view(self._context, person, view)
        else:
            message = self._looking.message(self._looking.channel(asked["channel"], person.id), asked["ts"], person.id)
            blocks, build = message.blocks, _in_message(self._context, person, message)
        block, element = _find(blocks, asked)
        action = self._action(block, element, asked.get("value"))
        given: dict[str, dict[str, Any]] = dict(asked.get("values") or {})
        if element["type"] not in ("button", "overflow"):
            given.setdefault(block["block_id"], {})[element["action_id"]] = asked.get("value")
        payload = build(action, _checked(lambda: state_of(blocks, given)))
        delivery = await self._connections.deliver("interactive", payload)
        return result_of(delivery, TROUBLE)

    def _action(self, block: Json, element: Json, value: Any) -> Json:
        action = {
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "type": element["type"],
            "action_ts": self._state.new_ts(),
        }
        if element["type"] == "button":
            kept = ("text", "value", "style", "url", "confirm")
            return action | {name: element[name] for name in kept if name in element}
        return action | _checked(lambda: chosen(element, value))

    async def submit(self, user: str, view_id: str, values: Mapping[str, Mapping[str, Any]]) -> Json:
        """Press the submit button of a modal."""
        person = self._looking.person(user)
        view = self._looking.view(view_id, user)
        state = _checked(lambda: state_of(view["blocks"], values))
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
        """Use a shortcut, on a message if one is named."""
        person = self._looking.person(user)
        if self._context.app.shortcut(callback_id) is None:
            raise RefusedError("shortcut_not_found", f"The app has no shortcut {callback_id}.")
        message = self._looking.message(self._looking.channel(channel_name, user), ts, user) if ts else None
        payload = payloads.shortcut(self._context, person, callback_id, message)
        return result_of(await self._connections.deliver("interactive", payload), TROUBLE)

    async def open_home(self, user: str) -> Json:
        """Open the app's Home."""
        person = self._looking.person(user)
        home = self._state.homes.get(user)
        direct = self._state.direct(person.id)
        fields = {"user": user, "channel": direct.id, "tab": "home"} | ({"view": home} if home else {})
        payload = payloads.event("app_home_opened", fields, self._state.new_ts())
        return result_of(await self._connections.deliver("events_api", payload), TROUBLE) | {"home": home}


Build = Callable[[Json, Json], Json]


def _in_view(context: MethodContext, person: Person, view: Json) -> Build:
    return lambda action, state: payloads.action_in_view(context, person, view, action, state)


def _in_message(context: MethodContext, person: Person, message: Message) -> Build:
    return lambda action, state: payloads.action_in_message(context, person, message, action, state)


def _checked(work: Callable[[], Json]) -> Json:
    try:
        return work()
    except InvalidValueError as error:
        raise RefusedError("invalid_value", f"{error}") from error


def _find(blocks: list[Json], asked: Json) -> tuple[Json, Json]:
    """What was pressed. A button that was drawn anew, and now does something else, is not the one that was seen."""
    action_id, block_id, value = asked["action_id"], asked.get("block_id"), asked.get("value")
    there = [element["action_id"] for _, element in elements_of(blocks)]
    for block, element in elements_of(blocks):
        if element["action_id"] == action_id and block_id in (None, "", block["block_id"]):
            if element["type"] == "button" and value not in (None, element.get("value")):
                raise RefusedError("action_not_found", f"{action_id} was drawn anew here; look at it again.")
            return block, element
    raise RefusedError("action_not_found", f"There is no {action_id} here; there are: {', '.join(there) or 'none'}.")


def _check_errors(view: Json, errors: dict[str, str]) -> None:
    inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
    wrong = sorted(set(errors) - inputs)
    if wrong or not errors:
        raise SlackError("invalid_errors", unknown_blocks=wrong)
