"""Six ways to try to approve the request of an incident; each returns what became of it in the ledger."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drbot.bot.slack_api.signed_values import signed_values_of
from drbot.core.approvals.approval import ApprovalRequest, EntryPoint
from drbot.core.runs.incident import Incident
from tests.integration.attacks.incident_app import IncidentApp
from tests.integration.bot.conftest import PATIENCE
from tests.waiting import wait_for

ACCOUNTS = {"aiko": "U00AIKO", "ben": "U00BEN", "chika": "U00CHIKA", "dan": "U00DAN", "emi": "U00EMI"} | {
    "nobody": "U00NEW",
    "gina": "U00GUEST",
}


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """Who tries, and what they type."""

    incident_app: IncidentApp
    incident: Incident
    request: ApprovalRequest
    view: dict[str, Any]  # a vote dialog as the bot drew it
    person: str
    target: str = "production"
    reason: str = "I read it"
    seal: str = ""

    @property
    def user(self) -> str:
        """Their account at Slack."""
        return ACCOUNTS[self.person]


def by_button(attempt: Attempt) -> str:
    """The card's button."""
    incident_app = attempt.incident_app
    card = incident_app.scene.message(
        attempt.incident.channel, lambda one: "Approval needed" in one["text"], "the card"
    )
    return incident_app.press(attempt.user, card, "vote:approve")


def by_dialog(attempt: Attempt) -> str:
    """A dialog that was open already, for instance since before this person lost the right."""
    incident_app, request = attempt.incident_app, attempt.request
    kept = {"request": request.id, "seal": attempt.seal or request.seal, "decision": "approve"}
    token = signed_values_of(incident_app.scene.database).token(kept, "view", attempt.user)
    view = attempt.view | {"id": f"V{attempt.user}", "private_metadata": token, "errors": {}}
    incident_app.scene.simulator.state.views[attempt.user] = [view]
    seq = incident_app.head()
    values = {"target": {"value": attempt.target}, "reason": {"value": attempt.reason}}
    incident_app.scene.people.submit(attempt.user, view["id"], values)
    return incident_app.code_after(seq)


def by_command(attempt: Attempt) -> str:
    """`/dr approve` in the incident's channel."""
    incident_app = attempt.incident_app
    seq = incident_app.head()
    assert incident_app.scene.people.command(attempt.user, attempt.incident.channel or "", "/dr approve").acknowledged
    return incident_app.code_after(seq)


def by_terminal(attempt: Attempt) -> str:
    """`drbot dr approve`."""
    incident_app, person = attempt.incident_app, None if attempt.person == "nobody" else attempt.person
    seq = incident_app.head()
    values = {"target": attempt.target, "reason": attempt.reason}
    incident_app.at_terminal(person, "approve DR-1", **values, seal=attempt.seal or attempt.request.seal)
    return incident_app.code_after(seq)


def by_phone(attempt: Attempt) -> str:
    """Ben, an operator, types what somebody read to him."""
    incident_app = attempt.incident_app
    seq = incident_app.head()
    incident_app.at_terminal("ben", f"phone DR-1 {attempt.person} approve ABCDE-FGHIJ {attempt.reason}")
    return incident_app.code_after(seq)


Way = Callable[[Attempt], str]
WAYS: Mapping[str, tuple[Way, EntryPoint]] = {
    "button": (by_button, EntryPoint.DIALOG),
    "dialog": (by_dialog, EntryPoint.DIALOG),
    "http": (by_dialog, EntryPoint.DIALOG),
    "command": (by_command, EntryPoint.COMMAND),
    "terminal": (by_terminal, EntryPoint.TERMINAL),
    "phone": (by_phone, EntryPoint.PHONE),
}
"""Entry point → how to try it, and the name it has in the ledger."""


def a_dialog(incident_app: IncidentApp, incident: Incident) -> dict[str, Any]:
    """Chika's, as the bot drew it."""
    view = incident_app.open_dialog("U00CHIKA", incident_app.card(incident))
    wait_for(lambda: incident_app.scene.people.views("U00CHIKA"), PATIENCE, "the dialog")
    return view
