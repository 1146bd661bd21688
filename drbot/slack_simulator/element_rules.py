"""Text objects and interactive elements as Slack checks them (docs.slack.dev/reference/block-kit)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drbot.slack_simulator.records import Json

PLAIN = "plain_text"
MARKDOWN = "mrkdwn"


@dataclass(kw_only=True, slots=True)
class Complaints:
    """Collects what is wrong, in Slack's words, with the place as a JSON pointer."""

    messages: list[str] = field(default_factory=list)

    def add(self, why: str, place: str) -> None:
        """One more complaint."""
        self.messages.append(f"[ERROR] {why} [json-pointer:{place}]")

    def length(self, value: Any, longest: int, place: str, *, shortest: int = 1) -> None:
        """`value` is a string of a length within the limits."""
        if not isinstance(value, str):
            self.add("must be a string", place)
        elif len(value) > longest:
            self.add(f"must be less than {longest + 1} characters", place)
        elif len(value) < shortest:
            self.add(f"must be more than {shortest - 1} characters", place)

    def count(self, value: Any, most: int, place: str, *, least: int = 1) -> bool:
        """`value` is a list with a number of items within the limits."""
        if not isinstance(value, list):
            self.add("must be a list", place)
            return False
        if len(value) > most:
            self.add(f"no more than {most} items allowed", place)
        if len(value) < least:
            self.add(f"must provide at least {least} items", place)
        return True

    def fields(self, thing: Json, required: str, optional: str, place: str) -> None:
        """All required fields are there, and no unknown one."""
        for name in required.split():
            if name not in thing:
                self.add(f"missing required field: {name}", place)
        for name in sorted(set(thing) - set(required.split()) - set(optional.split())):
            self.add(f"invalid additional property: {name}", place)

    def text(self, value: Any, longest: int, place: str, *, plain: bool = False) -> None:
        """`value` is a text object; `plain` = only plain_text will do."""
        if not isinstance(value, dict):
            self.add("must be an object with type and text", place)
            return
        if value.get("type") not in ((PLAIN,) if plain else (PLAIN, MARKDOWN)):
            self.add(f"unsupported type of text: {value.get('type')}", f"{place}/type")
            return
        self.fields(value, "type text", "emoji" if value["type"] == PLAIN else "verbatim", place)
        self.length(value.get("text"), longest, f"{place}/text")


@dataclass(frozen=True, kw_only=True, slots=True)
class Element:
    """An interactive element. `places`: which blocks take it (a section's accessory, actions, input)."""

    required: str
    optional: str
    places: str = "section actions input"
    most_options: int = 0


_SELECT = "placeholder action_id confirm focus_on_load"
_INPUT = "action_id placeholder initial_value dispatch_action_config focus_on_load"
_OPTIONS = "options option_groups"

ELEMENTS: Mapping[str, Element] = {
    "button": Element(
        required="text",
        optional="action_id value url style confirm accessibility_label",
        places="section actions",
    ),
    "overflow": Element(required="options", optional="action_id confirm", places="section actions", most_options=5),
    "static_select": Element(required="", optional=f"{_SELECT} {_OPTIONS} initial_option", most_options=100),
    "multi_static_select": Element(
        required="",
        optional=f"{_SELECT} {_OPTIONS} initial_options max_selected_items",
        places="section input",
        most_options=100,
    ),
    "users_select": Element(required="", optional=f"{_SELECT} initial_user"),
    "multi_users_select": Element(
        required="", optional=f"{_SELECT} initial_users max_selected_items", places="section input"
    ),
    "channels_select": Element(required="", optional=f"{_SELECT} initial_channel response_url_enabled"),
    "conversations_select": Element(
        required="",
        optional=f"{_SELECT} initial_conversation default_to_current_conversation filter response_url_enabled",
    ),
    "radio_buttons": Element(
        required="options", optional="action_id initial_option confirm focus_on_load", most_options=10
    ),
    "checkboxes": Element(
        required="options", optional="action_id initial_options confirm focus_on_load", most_options=10
    ),
    "datepicker": Element(required="", optional=f"{_SELECT} initial_date"),
    "timepicker": Element(required="", optional=f"{_SELECT} initial_time timezone"),
    "datetimepicker": Element(
        required="", optional="action_id initial_date_time confirm focus_on_load", places="actions input"
    ),
    "plain_text_input": Element(required="", optional=f"{_INPUT} multiline min_length max_length", places="input"),
    "email_text_input": Element(required="", optional=_INPUT, places="input"),
    "url_text_input": Element(required="", optional=_INPUT, places="input"),
    "number_input": Element(required="is_decimal_allowed", optional=f"{_INPUT} min_value max_value", places="input"),
}


def check_element(element: Any, where: str, place: str, complaints: Complaints) -> None:
    """An interactive element in a block of kind `where`: section, actions or input."""
    kind = ELEMENTS.get(element.get("type", "")) if isinstance(element, dict) else None
    if kind is None or where not in kind.places.split():
        found = element.get("type") if isinstance(element, dict) else element
        complaints.add(f"unsupported type: {found}", f"{place}/type")
        return
    complaints.fields(element, f"type {kind.required}", f"{kind.optional} action_id", place)
    if "action_id" in element:
        complaints.length(element["action_id"], 255, f"{place}/action_id")
    if "placeholder" in element:
        complaints.text(element["placeholder"], 150, f"{place}/placeholder", plain=True)
    if "confirm" in element:
        _check_confirm(element["confirm"], f"{place}/confirm", complaints)
    if element["type"] == "button":
        _check_button(element, place, complaints)
    if element["type"] == "plain_text_input" and element.get("max_length", 1) not in range(1, 3001):
        complaints.add("must be between 1 and 3000", f"{place}/max_length")
    if kind.most_options:
        _check_options(element, kind.most_options, place, complaints)


def _check_button(button: Json, place: str, complaints: Complaints) -> None:
    complaints.text(button.get("text"), 75, f"{place}/text", plain=True)
    for name, longest in (("value", 2000), ("url", 3000), ("accessibility_label", 75)):
        if name in button:
            complaints.length(button[name], longest, f"{place}/{name}")
    if button.get("style", "primary") not in ("primary", "danger"):
        complaints.add("must be a valid enum value: primary, danger", f"{place}/style")


def _check_confirm(confirm: Any, place: str, complaints: Complaints) -> None:
    if not isinstance(confirm, dict):
        complaints.add("must be an object", place)
        return
    complaints.fields(confirm, "title text confirm deny", "style", place)
    complaints.text(confirm.get("title"), 100, f"{place}/title", plain=True)
    complaints.text(confirm.get("text"), 300, f"{place}/text")
    complaints.text(confirm.get("confirm"), 30, f"{place}/confirm", plain=True)
    complaints.text(confirm.get("deny"), 30, f"{place}/deny", plain=True)


def _check_options(element: Json, most: int, place: str, complaints: Complaints) -> None:
    if "option_groups" in element:
        groups = element["option_groups"]
        if complaints.count(groups, 100, f"{place}/option_groups"):
            for number, group in enumerate(groups):
                complaints.text(group.get("label"), 75, f"{place}/option_groups/{number}/label", plain=True)
                _check_options({"options": group.get("options")}, most, f"{place}/option_groups/{number}", complaints)
        return
    options = element.get("options")
    if not complaints.count(options, most, f"{place}/options"):
        return
    plain = element.get("type") not in ("radio_buttons", "checkboxes")
    for number, option in enumerate(options or []):
        here = f"{place}/options/{number}"
        complaints.fields(option, "text value", "description url", here)
        complaints.text(option.get("text"), 75, f"{here}/text", plain=plain)
        complaints.length(option.get("value"), 150, f"{here}/value")
        if "description" in option:
            complaints.text(option["description"], 75, f"{here}/description", plain=plain)
    _check_initial(element, options or [], place, complaints)


def _check_initial(element: Json, options: list[Json], place: str, complaints: Complaints) -> None:
    chosen = element.get("initial_options", [])
    if "initial_option" in element:
        chosen = [element["initial_option"]]
    for option in chosen:
        if option not in options:
            complaints.add("initial option must be one of the options", place)
