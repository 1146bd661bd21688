"""What people put into inputs and choose in menus, in the shapes Slack's payloads have."""

from collections.abc import Mapping
from typing import Any

from drbot.slack_simulator.looking import RefusedError
from drbot.slack_simulator.records import Json


def chosen(element: Json, value: Any) -> Json:
    """The part of a payload that holds this value. Raises RefusedError."""
    if element["type"] == "static_select":
        return {"type": element["type"], "selected_option": _option(element, value) if value is not None else None}
    return {"type": element["type"], "value": value}


def initial(element: Json) -> Any:
    """What the element holds before anybody touched it."""
    if element["type"] == "static_select":
        return element.get("initial_option", {}).get("value")
    return element.get("initial_value")


def _option(element: Json, value: Any) -> Json:
    options: list[Json] = element["options"]
    for option in options:
        if option["value"] == value:
            return option
    raise RefusedError(
        "invalid_value", f"there is no option {value}; there are: {', '.join(each['value'] for each in options)}"
    )


def inputs_of(blocks: list[Json]) -> list[Json]:
    return [block for block in blocks if block["type"] == "input"]


def state_of(blocks: list[Json], values: Mapping[str, Mapping[str, Any]]) -> Json:
    """`state.values` of a payload: what was given, else what the elements began with. Raises RefusedError."""
    state: Json = {}
    known = {(block["block_id"], block["element"]["action_id"]) for block in inputs_of(blocks)}
    for block_id, actions in values.items():
        for action_id in actions:
            if (block_id, action_id) not in known:
                raise RefusedError(
                    "invalid_value", f"there is no input {block_id}/{action_id}; there are: {sorted(known)}"
                )
    for block in inputs_of(blocks):
        element = block["element"]
        given = values.get(block["block_id"], {}).get(element["action_id"], initial(element))
        state[block["block_id"]] = {element["action_id"]: chosen(element, given)}
    return state


def problems_of(blocks: list[Json], state: Json) -> dict[str, str]:
    """What Slack's own client refuses before the app sees it: empty required inputs, and too long ones."""
    problems = {}
    for block in inputs_of(blocks):
        element = block["element"]
        held = state[block["block_id"]][element["action_id"]]
        value = held.get("value") or held.get("selected_option")
        longest = element.get("max_length", 3000)
        if not value:
            if not block.get("optional"):
                problems[block["block_id"]] = "Please complete this required field."
        elif isinstance(value, str) and len(value) > longest:
            problems[block["block_id"]] = f"Please use at most {longest} characters."
    return problems
