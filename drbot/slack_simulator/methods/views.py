"""views.*: modals and App Home, with triggers that live three seconds; drbot opens one modal at a time."""

import json
from typing import Any

from drbot.slack_simulator.block_rules import Surface, complain_about_blocks, with_ids
from drbot.slack_simulator.element_rules import Complaints
from drbot.slack_simulator.method_context import MethodContext
from drbot.slack_simulator.people import APP, BOT, TEAM
from drbot.slack_simulator.records import Json
from drbot.slack_simulator.rules import SlackError

LARGEST_VIEW = 250_000
_FIELDS = {
    "modal": "submit close private_metadata callback_id",
    "home": "private_metadata callback_id",
}


def open_view(context: MethodContext, arguments: Json) -> Json:
    """Uses the trigger up; nobody can act outside a modal without having left it."""
    view = checked_view(arguments["view"], "modal") | {"id": context.state.identifier("V")}
    context.state.show_view(context.tickets.use_trigger(str(arguments["trigger_id"])), view)
    return {"view": view}


def update_view(context: MethodContext, arguments: Json) -> Json:
    found = context.state.view(str(arguments["view_id"]))
    if found is None:
        raise SlackError("not_found")
    user, old = found
    view = checked_view(arguments["view"], "modal") | {"id": old["id"]}
    context.state.replace_view(user, view)
    return {"view": view}


def publish(context: MethodContext, arguments: Json) -> Json:
    person = context.person(str(arguments["user_id"]))
    old = context.state.homes.get(person.id)
    view = checked_view(arguments["view"], "home") | {"id": old["id"] if old else context.state.identifier("V")}
    context.state.publish_home(person.id, view)
    return {"view": view}


def checked_view(view: Any, surface: Surface) -> Json:
    """Slack's view object, filled in. Raises SlackError `invalid_arguments`, `view_too_large`."""
    complaints = Complaints()
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", response_metadata={"messages": ["[ERROR] view must be an object"]})
    if view.get("type") != surface:
        complaints.add(f"must be {surface}", "/view/type")
    required = "type blocks" if surface == "home" else "type blocks title"
    complaints.fields(view, required, _FIELDS[surface], "/view")
    if surface == "modal":
        _check_modal(view, complaints)
    for name, longest in (("private_metadata", 3000), ("callback_id", 255)):
        if name in view:
            complaints.length(view[name], longest, f"/view/{name}", shortest=0)
    complain_about_blocks(view.get("blocks"), surface, "/view/blocks", complaints)
    if complaints.messages:
        raise SlackError("invalid_arguments", response_metadata={"messages": complaints.messages})
    if len(json.dumps(view)) > LARGEST_VIEW:
        raise SlackError("view_too_large")
    return _filled(view)


def _check_modal(view: Json, complaints: Complaints) -> None:
    complaints.text(view.get("title"), 24, "/view/title", plain=True)
    for name in ("submit", "close"):
        if view.get(name) is not None:
            complaints.text(view[name], 24, f"/view/{name}", plain=True)
    blocks = view.get("blocks")
    types = [block.get("type") for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    if "input" in types and not view.get("submit"):
        complaints.add("missing required field: submit (there are input blocks)", "/view")


def _filled(view: Json) -> Json:
    return {
        "team_id": TEAM,
        "app_id": APP,
        "bot_id": BOT,
        "callback_id": "",
        "title": None,
        "submit": None,
        "close": None,
        "private_metadata": "",
        **view,
        "blocks": with_ids(view["blocks"]),
        "state": {"values": {}},
        "errors": {},
    }
