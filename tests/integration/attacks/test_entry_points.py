"""Every entry point leads to the same refusals: button, dialog, HTTP, command, terminal, phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.core.approvals.approval import EntryPoint, RequestState
from tests.integration.attacks.entry_points import WAYS, Attempt, a_dialog
from tests.integration.attacks.incident_app import IncidentApp, incident_app_in
from tests.integration.attacks.test_table import cut
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
"""What cannot be typed at an entry point cannot be wrong there; all else is refused alike."""


@pytest.fixture
def incident_app(tmp_path: Path, entry_point: str) -> Iterator[IncidentApp]:
    """The whole app, its bot where the entry point is."""
    with incident_app_in(tmp_path, bot=entry_point != "http") as made:
        if entry_point == "http":
            serve_by_http(made.scene)
        yield made


def test_no_entry_point_was_forgotten() -> None:
    assert {name for _, name in WAYS.values()} == set(EntryPoint)
    assert set(EXPECTED) == set(WAYS)


@pytest.mark.parametrize(
    "entry_point", [pytest.param(one, marks=() if one == "dialog" else pytest.mark.more) for one in WAYS]
)
def test_the_same_refusals_at_each_entry_point(incident_app: IncidentApp, entry_point: str) -> None:
    way, name = WAYS[entry_point]
    incident, request = incident_app.asked()
    view = a_dialog(incident_app, incident)

    def attempt(person: str, **typed: str) -> str:
        return way(
            Attempt(incident_app=incident_app, incident=incident, request=request, view=view, person=person, **typed)
        )

    found: dict[str, str] = {}
    expected = EXPECTED[entry_point]
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
    assert incident_app.vote("U00BEN", incident_app.card(incident)) == "counted"
    found["twice"] = attempt("ben")
    cut(incident_app)
    assert incident_app.vote("U00DAN", incident_app.card(incident)) == "roster_fault"
    found["a broken ledger"] = attempt("dan")
    card = incident_app.card(incident)
    assert incident_app.vote("U00DAN", card, "deny") == "counted"
    if entry_point == "button":  # the card has no button any more; an attacker's client still has it
        value = _value(card)
        found["after the end"] = incident_app.forge("U00CHIKA", card, "vote:approve", value)
    else:
        found["after the end"] = attempt("chika")

    assert found == expected
    entry_points = {event.payload["entry_point"] for event in incident_app.outcomes() if event.payload.get("code")}
    assert name.value in entry_points
    assert [vote.person for vote in incident_app.votes(request)] == ["ben", "dan"]
    assert incident_app.state(request) is RequestState.DENIED
    assert incident_app.untouched()


def _value(card: dict[str, object]) -> str:
    blocks: list[dict[str, list[dict[str, str]]]] = card["blocks"]  # type: ignore[assignment]
    elements = [one for block in blocks for one in block.get("elements", [])]
    return next(one["value"] for one in elements if one.get("action_id") == "vote:approve")
