"""Six ways to try to approve the request of a town; each returns what became of it in the ledger."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drbot.bot.stamps import stamps_of
from drbot.core.approval import ApprovalRequest, Door
from drbot.core.incident import Incident
from tests.integration.attacks.town import Town
from tests.integration.bot.conftest import PATIENCE
from tests.waiting import wait_for

ACCOUNTS = {"aiko": "U00AIKO", "ben": "U00BEN", "chika": "U00CHIKA", "dan": "U00DAN", "emi": "U00EMI"} | {
    "nobody": "U00NEW",
    "gina": "U00GUEST",
}


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """Who tries, and what they type."""

    town: Town
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
    town = attempt.town
    card = town.scene.message(attempt.incident.channel, lambda one: "Approval needed" in one["text"], "the card")
    return town.press(attempt.user, card, "vote:approve")


def by_dialog(attempt: Attempt) -> str:
    """A dialog that was open already, for instance since before this person lost the right."""
    town, request = attempt.town, attempt.request
    kept = {"request": request.id, "seal": attempt.seal or request.seal, "decision": "approve"}
    token = stamps_of(town.scene.database).token(kept, "view", attempt.user)
    view = attempt.view | {"id": f"V{attempt.user}", "private_metadata": token, "errors": {}}
    town.scene.workspace.state.views[attempt.user] = [view]
    seq = town.head()
    values = {"target": {"value": attempt.target}, "reason": {"value": attempt.reason}}
    town.scene.people.submit(attempt.user, view["id"], values)
    return town.code_after(seq)


def by_command(attempt: Attempt) -> str:
    """`/dr approve` in the incident's channel."""
    town = attempt.town
    seq = town.head()
    assert town.scene.people.command(attempt.user, attempt.incident.channel or "", "/dr approve").acknowledged
    return town.code_after(seq)


def by_terminal(attempt: Attempt) -> str:
    """`drbot dr approve`."""
    town, person = attempt.town, None if attempt.person == "nobody" else attempt.person
    seq = town.head()
    values = {"target": attempt.target, "reason": attempt.reason}
    town.at_terminal(person, "approve DR-1", **values, seal=attempt.seal or attempt.request.seal)
    return town.code_after(seq)


def by_phone(attempt: Attempt) -> str:
    """Ben, an operator, types what somebody read to him."""
    town = attempt.town
    seq = town.head()
    town.at_terminal("ben", f"phone DR-1 {attempt.person} approve ABCDE-FGHIJ {attempt.reason}")
    return town.code_after(seq)


Way = Callable[[Attempt], str]
WAYS: Mapping[str, tuple[Way, Door]] = {
    "button": (by_button, Door.DIALOG),
    "dialog": (by_dialog, Door.DIALOG),
    "http": (by_dialog, Door.DIALOG),
    "command": (by_command, Door.COMMAND),
    "terminal": (by_terminal, Door.TERMINAL),
    "phone": (by_phone, Door.PHONE),
}
"""Door → how to try it, and the name it has in the ledger."""


def a_dialog(town: Town, incident: Incident) -> dict[str, Any]:
    """Chika's, as the bot drew it."""
    view = town.open_dialog("U00CHIKA", town.card(incident))
    wait_for(lambda: town.scene.people.views("U00CHIKA"), PATIENCE, "the dialog")
    return view
