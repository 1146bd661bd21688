"""Every door leads to the same refusals: button, dialog, HTTP, command, terminal, phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.core.approval import Door, RequestState
from tests.integration.attacks.doors import WAYS, Attempt, a_dialog
from tests.integration.attacks.test_table import cut
from tests.integration.attacks.town import Town, town_in
from tests.integration.bot.http_scene import serve_by_http

EVERYWHERE = {
    "the requester": "requester",
    "no approver": "not_approver",
    "twice": "twice",
    "a broken ledger": "roster_fault",
    "after the end": "not_live",
}
WITH_AN_ACCOUNT = {"a guest": "account"}
WHOEVER_COMES = {"a stranger": "unknown_person"}
TYPED = {"another target": "wrong_target", "no reason": "no_reason", "an old seal": "old_plan"}

EXPECTED = {
    "button": EVERYWHERE | WITH_AN_ACCOUNT | WHOEVER_COMES,
    "dialog": EVERYWHERE | WITH_AN_ACCOUNT | WHOEVER_COMES | TYPED,
    "http": EVERYWHERE | WITH_AN_ACCOUNT | WHOEVER_COMES | TYPED,
    "command": EVERYWHERE | WITH_AN_ACCOUNT | WHOEVER_COMES,
    "terminal": EVERYWHERE | WHOEVER_COMES | TYPED,
    "phone": EVERYWHERE | {"no reason": "no_reason"},
}
"""What cannot be typed at a door cannot be wrong there; all else is refused alike."""


@pytest.fixture
def street(tmp_path: Path, door: str) -> Iterator[Town]:
    """A town whose bot listens where the door is."""
    with town_in(tmp_path, bot=door != "http") as made:
        if door == "http":
            serve_by_http(made.scene)
        yield made


def test_no_door_was_forgotten() -> None:
    assert {name for _, name in WAYS.values()} == set(Door)
    assert set(EXPECTED) == set(WAYS)


@pytest.mark.parametrize("door", WAYS)
def test_the_same_refusals_at_each_door(street: Town, door: str) -> None:
    way, name = WAYS[door]
    incident, request = street.asked()
    view = a_dialog(street, incident)

    def attempt(person: str, **typed: str) -> str:
        return way(Attempt(town=street, incident=incident, request=request, view=view, person=person, **typed))

    found: dict[str, str] = {}
    expected = EXPECTED[door]
    people = {"the requester": "aiko", "no approver": "emi", "a guest": "gina", "a stranger": "nobody"}
    for case, person in people.items():
        if case in expected:
            found[case] = attempt(person)
    typed = {
        "another target": {"target": "staging"},
        "no reason": {"reason": " "},
        "an old seal": {"seal": "a" * 64},
    }
    for case, fields in typed.items():
        if case in expected:
            found[case] = attempt("chika", **fields)
    assert street.vote("U00BEN", street.card(incident)) == "counted"
    found["twice"] = attempt("ben")
    cut(street)
    assert street.vote("U00DAN", street.card(incident)) == "roster_fault"
    found["a broken ledger"] = attempt("dan")
    card = street.card(incident)
    assert street.vote("U00DAN", card, "deny") == "counted"
    if door == "button":  # the card has no button any more; an attacker's client still has it
        value = _value(card)
        found["after the end"] = street.forge("U00CHIKA", card, "vote:approve", value)
    else:
        found["after the end"] = attempt("chika")

    assert found == expected
    doors = {event.payload["door"] for event in street.outcomes() if event.payload.get("code")}
    assert name.value in doors
    assert [vote.person for vote in street.votes(request)] == ["ben", "dan"]
    assert street.state(request) is RequestState.DENIED
    assert street.untouched()


def _value(card: dict[str, object]) -> str:
    blocks: list[dict[str, list[dict[str, str]]]] = card["blocks"]  # type: ignore[assignment]
    elements = [one for block in blocks for one in block.get("elements", [])]
    return next(one["value"] for one in elements if one.get("action_id") == "vote:approve")
