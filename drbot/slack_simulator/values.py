"""What people put into inputs and choose in menus, in the shapes Slack's payloads have."""

from collections.abc import Mapping
from typing import Any

from drbot.slack_simulator.records import Json

PLAIN_FIELDS: Mapping[str, str] = {
    "plain_text_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "number_input": "value",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "multi_users_select": "selected_users",
}
ONE_OPTION = ("static_select", "radio_buttons", "overflow")
MANY_OPTIONS = ("multi_static_select", "checkboxes")


class InvalidValueError(Exception):
    """A person cannot choose this; the message says why."""


def chosen(element: Json, value: Any) -> Json:
    """The part of a payload that holds this value. Raises InvalidValueError."""
    kind = element["type"]
    if kind in ONE_OPTION:
        return {"type": kind, "selected_option": _option(element, value) if value is not None else None}
    if kind in MANY_OPTIONS:
        return {"type": kind, "selected_options": [_option(element, each) for each in value or []]}
    if kind in PLAIN_FIELDS:
        return {"type": kind, PLAIN_FIELDS[kind]: value}
    return {"type": kind}


def initial(element: Json) -> Any:
    """What the element holds before anybody touched it."""
    kind = element["type"]
    if kind in ONE_OPTION:
        return element.get("initial_option", {}).get("value")
    if kind in MANY_OPTIONS:
        return [option["value"] for option in element.get("initial_options", [])]
    field = PLAIN_FIELDS.get(kind, "value")
    return element.get(field.replace("selected_", "initial_") if field != "value" else "initial_value")


def _option(element: Json, value: Any) -> Json:
    groups = [{"options": element.get("options", [])}, *element.get("option_groups", [])]
    options: list[Json] = [option for group in groups for option in group["options"]]
    for option in options:
        if option["value"] == value:
            return option
    raise InvalidValueError(f"there is no option {value}; there are: {', '.join(each['value'] for each in options)}")


def elements_of(blocks: list[Json]) -> list[tuple[Json, Json]]:
    """All interactive elements, each with its block."""
    found = []
    for block in blocks:
        inside = block.get("elements", []) if block["type"] == "actions" else []
        for element in [*inside, block.get("accessory"), block.get("element")]:
            if isinstance(element, dict) and element.get("type") != "image":
                found.append((block, element))
    return found


def state_of(blocks: list[Json], values: Mapping[str, Mapping[str, Any]]) -> Json:
    """`state.values` of a payload: what was given, else what the elements began with. Raises InvalidValueError."""
    state: Json = {}
    known = {(block["block_id"], element["action_id"]) for block, element in elements_of(blocks)}
    for block_id, actions in values.items():
        for action_id in actions:
            if (block_id, action_id) not in known:
                raise InvalidValueError(f"there is no input {block_id}/{action_id}; there are: {sorted(known)}")
    for block, element in elements_of(blocks):
        if element["type"] in ("button", "overflow"):
            continue
        given = values.get(block["block_id"], {}).get(element["action_id"], initial(element))
        state.setdefault(block["block_id"], {})[element["action_id"]] = chosen(element, given)
    return state


def problems_of(blocks: list[Json], state: Json) -> dict[str, str]:
    """What Slack's own client refuses before the app sees it: empty required inputs, too short, too long."""
    problems = {}
    for block, element in elements_of(blocks):
        if block["type"] != "input":
            continue
        held = state[block["block_id"]][element["action_id"]]
        value = next((each for name, each in held.items() if name != "type"), None)
        if value in (None, "", []):
            if not block.get("optional"):
                problems[block["block_id"]] = "Please complete this required field."
        elif isinstance(value, str) and len(value) > element.get("max_length", 3000):
            problems[block["block_id"]] = f"Please use at most {element.get('max_length', 3000)} characters."
        elif isinstance(value, str) and len(value) < element.get("min_length", 0):
            problems[block["block_id"]] = f"Please use at least {element['min_length']} characters."
    return problems
