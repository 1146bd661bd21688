"""Plays people at their keyboards through the local Slack: the demo that runs by itself, and the story tests.

Everything goes through what a person sees: commands, cards, dialogs, buttons. State is read back from the store.
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from drbot.bot.slack_api.signed_values import SignedValues, signed_values_of
from drbot.cli.demo_stack import DemoStack
from drbot.core.approvals.approval import LIVE
from drbot.core.base.errors import DrbotError
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Run, RunState, StepRecord
from drbot.core.text.messages import either, lines, phrase, sentences
from drbot.slack_simulator.client import GONE, PeopleError
from drbot.slack_simulator.client import Answer as Acted
from drbot.store.base.database import Database
from drbot.store.records import incidents, requests, steps
from drbot.store.runs import runs

USERS: Mapping[str, str] = {"aiko": "U00AIKO", "ben": "U00BEN", "chika": "U00CHIKA", "dan": "U00DAN"}
HOME_CHANNEL = "dr-ops"
PRESS_AGAIN_SECONDS = 10.0
PRESSES = 5

Answer = TypeVar("Answer")
Message = dict[str, Any]
Pressable = tuple[Message, Message]  # a message, and a button that was seen in it


class StoryError(DrbotError):
    """Something the story waits for did not happen."""


@dataclass(frozen=True, kw_only=True)
class DemoPlayer:
    """Acts as Aiko, Ben, Chika and Dan in one stack."""

    stack: DemoStack
    database: Database
    patience: float = 180.0  # seconds; CI's machine is slow

    def wait(self, condition: Callable[[], Answer | None], what: str, seconds: float | None = None) -> Answer:
        """The first true answer; StoryError after the player's patience, or `seconds` where they are more."""
        seconds = max(seconds or 0.0, self.patience)
        deadline = time.monotonic() + seconds
        pause = threading.Event()
        while True:
            answer = condition()
            if answer:
                return answer
            if time.monotonic() > deadline:
                raise StoryError(phrase("Waited {seconds} s in vain for {what}.", seconds=f"{seconds:.0f}", what=what))
            pause.wait(0.1)

    def say(self, person: str, text: str, channel: str = HOME_CHANNEL) -> Any:
        """Types into a channel, e.g. "/dr status"."""
        return self.stack.people.command(USERS[person], channel, text)

    def declare(self, person: str, words: str) -> Incident:
        """`/dr declare <words>`; the incident once it has its channel."""
        known = {incident.id for incident in self.incidents()}
        self.say(person, f"/dr declare {words}")

        def fresh() -> Incident | None:
            return next((one for one in self.incidents() if one.id not in known and one.channel), None)

        return self.wait(fresh, phrase("the channel of: {words}", words=f"/dr declare {words}"))

    def incidents(self) -> list[Incident]:
        with self.database.read() as connection:
            return incidents.recent(connection)

    def incident(self, number: int) -> Incident:
        with self.database.read() as connection:
            return incidents.get(connection, number)

    def run(self, incident: Incident) -> Run:
        with self.database.read() as connection:
            run = runs.current(connection, incident.id)
        if run is None:
            raise StoryError(phrase("{name} has no run.", name=incident.name))
        return run

    def runs(self, incident: Incident) -> list[Run]:
        """All runs of the incident, oldest first; level 4 has parts."""
        with self.database.read() as connection:
            return runs.of_incident(connection, incident.id)

    def records(self, run_id: str) -> dict[str, StepRecord]:
        with self.database.read() as connection:
            return {record.id: record for record in steps.of_run(connection, run_id)}

    def wait_for_run(self, incident: Incident, *states: RunState, seconds: float | None = None) -> Run:
        """The current run once it is in one of these states; tells what it is doing if it never is."""

        def there() -> Run | None:
            run = self.run(incident)
            return run if run.state in states else None

        try:
            wanted = phrase("a run of {name} that is {states}", name=incident.name, states=either(states))
            return self.wait(there, wanted, seconds)
        except StoryError as error:
            raise StoryError(sentences(str(error), self.describe(incident))) from None

    def describe(self, incident: Incident) -> str:
        run = self.run(incident)
        of_steps = (
            phrase("  {step} {state} {summary}", step=one.id, state=one.state.value, summary=one.result)
            for one in self.records(run.id).values()
        )
        of_run = phrase("{run} is {state}: {outcome}", run=run.id, state=run.state.value, outcome=run.outcome or "")
        return lines([of_run, *of_steps])

    def messages(self, incident: Incident) -> list[Message]:
        return list(self.stack.people.messages(self.incident(incident.id).channel or ""))

    def click(self, person: str, find: Callable[[], Pressable | None], what: str) -> Acted:
        """Presses what `find` sees, as one act: if the message is drawn anew in between, they look again.
        Raises StoryError if the button does not come.
        """

        def pressed() -> Acted | None:
            found = find()
            if found is None:
                return None
            message, element = found
            try:
                return self.stack.people.click(USERS[person], message, element["action_id"], element.get("value"))
            except PeopleError as error:
                if error.code != GONE:
                    raise
                return None

        return self.wait(pressed, phrase("a button to {what}", what=what))

    def press(self, person: str, incident: Incident, command: str) -> None:
        """Presses the button that says what could be typed: "answer DR-1 confirm yes". Where Slack says that it did not
        arrive, they press again, a few times.
        """
        signed_values = signed_values_of(self.database)

        def find() -> Pressable | None:
            for message in reversed(self.messages(incident)):
                for element in buttons_of(message):
                    if _command_behind(signed_values, element).startswith(command):
                        return message, element
            return None

        what = phrase("{command} in {name}", command=command, name=incident.name)
        pause = threading.Event()
        for _ in range(PRESSES):
            if self.click(person, find, what).acknowledged:
                return
            pause.wait(1)

    def card(self, incident: Incident, decision: str) -> Pressable | None:
        """The card of the request that can be voted on now, and its button for this decision; None: not there yet."""
        with self.database.read() as connection:
            asked = [one for one in requests.of_run(connection, self.run(incident).id) if one.state in LIVE]
        for message in self.messages(incident) if asked else []:
            if any(asked[-1].id in str(block) for block in message["blocks"][-1:]):
                return next(
                    ((message, one) for one in buttons_of(message) if one["action_id"] == f"vote:{decision}"), None
                )
        return None

    def press_card(self, person: str, incident: Incident, decision: str = "approve") -> Acted:
        """Presses the card's button; what comes of it depends on who it is."""
        return self.click(
            person,
            lambda: self.card(incident, decision),
            phrase("{decision} {name} on its card", decision=decision, name=incident.name),
        )

    def vote(
        self,
        person: str,
        incident: Incident,
        decision: str = "approve",
        *,
        target: str = "production",
        reason: str = "",
    ) -> Any:
        """Opens the dialog by the card's button, fills it in and submits it; what the app answered."""
        user = USERS[person]
        view = self.dialog(person, lambda: self.press_card(person, incident, decision), "vote")
        typed = {"target": target, "reason": reason or f"{person} has read the plan"}
        fields = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
        values = {field: {"value": text} for field, text in typed.items() if field in fields}
        return self.stack.people.submit(user, view["id"], values)

    def dialog(self, person: str, press: Callable[[], object], kind: str) -> Message:
        """The dialog behind a button. On a busy machine the three seconds in which one may be opened pass, and a person
        presses again. Raises StoryError.
        """
        user = USERS[person]
        before = {view["id"] for view in self.stack.people.views(user)}

        def opened() -> Message | None:
            press()
            with suppress(TimeoutError):
                return self.stack.people.wait_for_view(
                    user, lambda one: one["id"] not in before and one["callback_id"] == kind, PRESS_AGAIN_SECONDS
                )
            return None

        return self.wait(opened, phrase("the dialog of {person}", person=person))


def buttons_of(message: Message) -> list[Message]:
    rows = (block.get("elements", ()) for block in message.get("blocks", ()) if block.get("type") == "actions")
    return [element for row in rows for element in row if element.get("type") == "button"]


def _command_behind(signed_values: SignedValues, element: Message) -> str:
    """What pressing the button would say; people read its label, the story knows drbot's key."""
    if not str(element.get("action_id", "")).startswith("do:"):
        return ""
    return str(signed_values.read(str(element.get("value", "")), "do").get("command", ""))
