"""Text objects and interactive elements as Slack checks them (docs.slack.dev/reference/block-kit)."""

from dataclasses import dataclass, field
from typing import Any

from drbot.slack_simulator.records import Json

PLAIN = "plain_text"
MARKDOWN = "mrkdwn"
MOST_OPTIONS = 100


@dataclass(kw_only=True, slots=True)
class Complaints:
    """Collects what is wrong, in Slack's words, with the place as a JSON pointer."""

    messages: list[str] = field(default_factory=list)

    def add(self, why: str, place: str) -> None:
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


def check_button(button: Any, place: str, complaints: Complaints) -> None:
    if not _is_element(button, ("button",), place, complaints):
        return
    complaints.fields(button, "type text", "action_id value style", place)
    complaints.text(button.get("text"), 75, f"{place}/text", plain=True)
    if "value" in button:
        complaints.length(button["value"], 2000, f"{place}/value")
    if button.get("style", "primary") not in ("primary", "danger"):
        complaints.add("must be a valid enum value: primary, danger", f"{place}/style")


def check_field(element: Any, place: str, complaints: Complaints) -> None:
    if not _is_element(element, ("plain_text_input", "static_select"), place, complaints):
        return
    if element["type"] == "static_select":
        complaints.fields(element, "type options", "action_id initial_option", place)
        _check_options(element, place, complaints)
        return
    complaints.fields(element, "type", "action_id initial_value multiline max_length", place)
    if element.get("max_length", 1) not in range(1, 3001):
        complaints.add("must be between 1 and 3000", f"{place}/max_length")


def _is_element(element: Any, kinds: tuple[str, ...], place: str, complaints: Complaints) -> bool:
    kind = element.get("type") if isinstance(element, dict) else element
    if kind not in kinds:
        complaints.add(f"unsupported type: {kind}", f"{place}/type")
        return False
    if "action_id" in element:
        complaints.length(element["action_id"], 255, f"{place}/action_id")
    return True


def _check_options(element: Json, place: str, complaints: Complaints) -> None:
    options = element.get("options")
    if not complaints.count(options, MOST_OPTIONS, f"{place}/options"):
        return
    for number, option in enumerate(options or []):
        here = f"{place}/options/{number}"
        complaints.fields(option, "text value", "", here)
        complaints.text(option.get("text"), 75, f"{here}/text", plain=True)
        complaints.length(option.get("value"), 150, f"{here}/value")
    if "initial_option" in element and element["initial_option"] not in (options or []):
        complaints.add("initial option must be one of the options", place)
