"""The second factor through the local Slack: a QR code in direct messages, a field in the dialog, a lock."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest

from drbot.core.approvals.approval import RequestState
from drbot.core.ledger.events import EventKind
from drbot.core.runs.run import RunState
from drbot.store.base import ledger
from tests.integration.attacks.incident_app import IncidentApp, incident_app_in
from tests.integration.bot.conftest import PATIENCE
from tests.waiting import wait_for


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[IncidentApp]:
    """Where every approval needs a code."""
    with incident_app_in(tmp_path, second_factor="totp") as made:
        yield made


def letters(incident_app: IncidentApp, user: str) -> list[dict[str, Any]]:
    """What drbot wrote to this person alone."""
    state = incident_app.scene.simulator.state
    rooms = [room for room in state.channels.values() if room.is_im and user in room.members]
    return [message for room in rooms for message in incident_app.scene.people.messages(room.id, user)]


def enrol(incident_app: IncidentApp, user: str) -> pyotp.TOTP:
    """`/dr enrol`, the picture, and the first code."""
    people = incident_app.scene.people
    assert people.command(user, "dr-ops", "/dr enrol").acknowledged
    letter = wait_for(lambda: [one for one in letters(incident_app, user) if one["files"]], PATIENCE, "the QR code")[-1]
    assert people.file(letter["files"][0]).startswith(b"\x89PNG")
    secret = re.search(r"[A-Z2-7]{32}", letter["text"])
    assert secret is not None
    app = pyotp.TOTP(secret[0])
    assert people.command(user, "dr-ops", f"/dr enrol {app.at(datetime.now(UTC) - timedelta(seconds=30))}").acknowledged
    wait_for(lambda: user in enrolled(incident_app), PATIENCE, "the enrolment in the ledger")
    return app


def enrolled(incident_app: IncidentApp) -> list[str]:
    roster = incident_app.worker_fixture.worker_context.roster
    with incident_app.scene.database.read() as connection:
        events = ledger.of_kinds(connection, [EventKind.FACTOR_ENROLLED])
    return [account for event in events for account in roster.people[event.person or ""].slack]


def test_two_codes_and_only_then_the_swap(strict: IncidentApp) -> None:
    ben, chika = enrol(strict, "U00BEN"), enrol(strict, "U00CHIKA")
    incident, request = strict.asked()
    card = strict.card(incident)

    fields = {block["block_id"] for block in strict.open_dialog("U00BEN", card)["blocks"] if block["type"] == "input"}
    assert fields == {"target", "reason", "code"}
    assert strict.vote("U00BEN", card, code="000000x") == "wrong_code"
    assert strict.vote("U00BEN", card, code=ben.now()) == "counted"
    assert strict.vote("U00CHIKA", strict.card(incident), code=ben.now()) == "wrong_code"
    assert strict.untouched()
    assert strict.vote("U00CHIKA", strict.card(incident), code=chika.now()) == "counted"

    wait_for(lambda: strict.state(request) is RequestState.USED, PATIENCE, "the permit to be used")
    strict.wait_for_run(incident, RunState.WAITING)
    assert not strict.untouched()


def test_nobody_else_sees_the_secret(strict: IncidentApp) -> None:
    enrol(strict, "U00BEN")

    for channel in ("dr-ops", "dr-status"):
        words = [str(message) for message in strict.scene.people.messages(channel)]
        assert not [text for text in words if re.search(r"[A-Z2-7]{32}", text)]
    assert letters(strict, "U00CHIKA") == []
    with strict.scene.database.read() as connection:
        payloads = [str(event.payload) for event in ledger.after(connection, 0, limit=10_000)]
    assert not [text for text in payloads if re.search(r"[A-Z2-7]{32}", text)]


def test_a_no_needs_no_code(strict: IncidentApp) -> None:
    incident, request = strict.asked()

    assert strict.vote("U00BEN", strict.card(incident), "deny") == "counted"

    assert strict.state(request) is RequestState.DENIED
