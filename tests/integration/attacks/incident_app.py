"""The whole of drbot with a harmless target: people at the local Slack, the bot, a worker, one store. No Docker."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drbot.bot.settings import BotSettings
from drbot.commands.dispatch import dispatch
from drbot.commands.facts.context import context_of
from drbot.commands.speech.messages import Reply, Request
from drbot.core.approvals.approval import ApprovalRequest, EntryPoint, RequestState, Vote
from drbot.core.ledger.events import Event, EventKind
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Run, RunState
from drbot.core.site.configuration import Loaded
from drbot.core.site.people import roster_of
from drbot.core.site.site import Configuration
from drbot.runners.worker import Worker
from drbot.slack_simulator.client import People
from drbot.slack_simulator.faults import Faults
from drbot.slack_simulator.people import APP_TOKEN, BOT_TOKEN, MEMBERS, PEOPLE, Person, Room
from drbot.slack_simulator.records import Message as Posted
from drbot.slack_simulator.server import SlackSimulator
from drbot.slack_simulator.state import State
from drbot.store.base import ledger
from drbot.store.base.doorbell import doorbell_of
from drbot.store.records import requests
from drbot.store.runs import runs
from tests.integration.bot.conftest import PATIENCE, QUICK, ROOT, Message, Process, Scene
from tests.integration.runners.worker_fixture import WorkerFixture, configuration_in, worker_fixture_in
from tests.waiting import wait_for

OUTCOMES = frozenset({EventKind.VOTE_COUNTED, EventKind.VOTE_REFUSED, EventKind.COMMAND_REFUSED})
MORE = (
    Person(id="U00BENTWO", name="ben.at.home", real_name="Ben, second account"),
    Person(id="U00EMI", name="emi", real_name="Emi"),
    Person(id="U00NEW", name="newcomer", real_name="Nobody drbot knows"),
)
EVERYBODY = (*MEMBERS, *(person.id for person in MORE), "U00GUEST", "U00BOTX", "U00GONE", "U00ELSE", "U00DRBOT")

ROSTER: dict[str, dict[str, Any]] = {
    "aiko": {"name": "Aiko", "slack": ["U00AIKO"], "roles": ["commander", "approver"]},
    "ben": {"name": "Ben", "slack": ["U00BEN", "U00BENTWO"], "roles": ["approver", "operator"]},
    "chika": {"name": "Chika", "slack": ["U00CHIKA"], "roles": ["approver"]},
    "dan": {"name": "Dan", "slack": ["U00DAN"], "roles": ["approver"]},
    "emi": {"name": "Emi", "slack": ["U00EMI"], "roles": ["observer"]},
    "gina": {"name": "Gina", "slack": ["U00GUEST"], "roles": ["approver"]},
    "robot": {"name": "Robot", "slack": ["U00BOTX"], "roles": ["approver"]},
    "gordon": {"name": "Gordon", "slack": ["U00GONE"], "roles": ["approver"]},
    "elsa": {"name": "Elsa", "slack": ["U00ELSE"], "roles": ["approver"]},
}


@dataclass(kw_only=True)
class IncidentApp:
    """Everything an attacker and an honest person can reach."""

    scene: Scene
    worker_fixture: WorkerFixture

    # what happens

    def incident(self, words: str = "level2 PostgreSQL does not start") -> tuple[Incident, Run]:
        """Declared at Slack; its run."""
        incident = self.scene.declare(words, "U00AIKO")
        return incident, self.run_of(incident)

    def asked(self) -> tuple[Incident, ApprovalRequest]:
        """An incident whose plan waits for its two approvers, proven."""
        incident, _ = self.incident()
        request = self.request(incident)
        wait_for(lambda: self.request(incident).proven_at, PATIENCE, "the proof")
        return incident, request

    def request(self, incident: Incident) -> ApprovalRequest:
        """The newest request."""

        def newest() -> list[ApprovalRequest]:
            with self.scene.database.read() as connection:
                return [
                    request
                    for run in runs.of_incident(connection, incident.id)
                    for request in requests.of_run(connection, run.id)
                ][-1:]

        return wait_for(newest, PATIENCE, "the request")[0]

    def run_of(self, incident: Incident) -> Run:
        """The newest run."""
        with self.scene.database.read() as connection:
            return runs.of_incident(connection, incident.id)[-1]

    def votes(self, request: ApprovalRequest) -> list[Vote]:
        """What was counted."""
        with self.scene.database.read() as connection:
            return requests.votes(connection, request.id)

    def state(self, request: ApprovalRequest) -> RequestState:
        """As it is now."""
        with self.scene.database.read() as connection:
            return requests.get(connection, request.id).state

    def wait_for_run(self, incident: Incident, state: RunState) -> Run:
        """Until the newest run is in this state."""
        wait_for(lambda: self.run_of(incident).state is state, PATIENCE, f"a run that is {state.value}")
        return self.run_of(incident)

    def outcomes(self, after: int = 0) -> list[Event]:
        """Votes and refusals that the ledger has."""
        with self.scene.database.read() as connection:
            return [event for event in ledger.after(connection, after, limit=10_000) if event.kind in OUTCOMES]

    def head(self) -> int:
        """The number of the last record."""
        with self.scene.database.read() as connection:
            return ledger.head(connection)[0]

    def code_after(self, seq: int) -> str:
        """What became of the attempt that was made after record `seq`: `counted`, or the code of the refusal."""
        events = wait_for(lambda: self.outcomes(seq), PATIENCE, "what became of it, in the ledger")
        first = events[0]
        return "counted" if first.kind is EventKind.VOTE_COUNTED else str(first.payload["code"])

    def untouched(self) -> bool:
        """Production is as it was: nothing replaced, nothing stopped."""
        return (
            self.worker_fixture.target.volumes["postgres_data"] == "corrupt"
            and "swap" not in self.worker_fixture.target.calls
        )

    # what people do

    def card(self, incident: Incident, words: str = "Approval needed") -> Message:
        """The approval card; with the usual words that of the newest request, with its buttons: an older one may not be
        redrawn yet, and people are called with the same words.
        """

        def fits(one: Message) -> bool:
            if words != "Approval needed":
                return words in one["text"]
            blocks = str(one["blocks"])
            return words in one["text"] and "vote:approve" in blocks and self.request(incident).id in blocks

        return self.scene.message(incident.channel, fits, f"the card: {words}")

    def open_dialog(self, user: str, message: Message, decision: str = "approve") -> dict[str, Any]:
        """The vote dialog behind the card's button."""
        known = {view["id"] for view in self.scene.people.views(user)}
        assert self.scene.people.click(user, message, f"vote:{decision}").acknowledged
        return self.scene.people.wait_for_view(
            user, lambda view: view["id"] not in known and view["callback_id"] == "vote", PATIENCE
        )

    def vote(self, user: str, message: Message, decision: str = "approve", **fields: str) -> str:
        """Through the dialog; what became of it."""
        return self.submit(user, self.open_dialog(user, message, decision), decision, **fields)

    def submit(self, user: str, view: dict[str, Any], decision: str = "approve", **fields: str) -> str:
        """The same of a dialog that is open."""
        seq = self.head()
        given = {"reason": "I read it"} | ({"target": "production"} if decision == "approve" else {}) | fields
        self.scene.people.submit(user, view["id"], {name: {"value": text} for name, text in given.items()})
        return self.code_after(seq)

    def both_vote(self, incident: Incident) -> None:
        """Ben and Chika, one after the other."""
        for user in ("U00BEN", "U00CHIKA"):
            self.vote(user, self.card(incident))

    def forge(self, user: str, message: Message, action: str, value: str) -> str:
        """An attacker's client presses a button that is not there, with a value of its own: what became of it."""
        state = self.scene.simulator.state
        label = {"type": "plain_text", "text": "forged"}
        button = {"type": "button", "action_id": action, "text": label, "value": value}
        blocks = [{"type": "actions", "block_id": "forged", "elements": [button]}]
        # A message of its own: the real one may be drawn anew just now, and then its real button would be pressed.
        forged = Posted(
            channel=message["channel"], ts=state.new_ts(), user=message["user"], text="forged", blocks=blocks
        )
        return self.press(user, {"channel": forged.channel, "ts": state.post(forged).ts}, action)

    def press(self, user: str, message: Message, action: str) -> str:
        """A button that is to be refused: what became of it."""
        seq = self.head()
        assert self.scene.people.click(user, message, action).acknowledged
        return self.code_after(seq)

    def at_terminal(self, person: str | None, words: str, **values: str) -> Reply:
        """`drbot dr …`"""
        process = self.scene.process
        context = context_of(process.database, process.doorbell, process.loaded)
        return dispatch(
            context,
            Request(
                verb_text=words,
                person=context.roster.person(person) if person else None,
                account=None,
                channel=None,
                entry_point=EntryPoint.TERMINAL,
                at=datetime.now(UTC),
                values=values,
            ),
        )


def value_behind(message: Message, action: str) -> str:
    """The token of a button, as anybody in the channel can read it."""
    found = [one for block in message["blocks"] for one in block.get("elements", []) if one.get("action_id") == action]
    return str(found[0]["value"])


def configuration_of(folder: Path, **approvals: Any) -> Configuration:
    """The worker fixture's system with the people of the simulator."""
    return Configuration.model_validate(
        configuration_in(folder, **approvals).model_dump(mode="json", by_alias=True) | {"people": ROSTER}
    )


@contextmanager
def incident_app_in(folder: Path, *, bot: bool = True, **approvals: Any) -> Iterator[IncidentApp]:
    """Opened, with bot and worker running."""
    worker_fixture = worker_fixture_in(folder)
    configuration = configuration_of(folder, **approvals)
    worker_fixture.worker_context = replace(
        worker_fixture.worker_context,
        configuration=configuration,
        roster=roster_of(configuration.people, configuration.approvals),
    )
    rooms = (Room(name="dr-ops", members=EVERYBODY), Room(name="dr-status", members=(*MEMBERS, "U00DRBOT")))
    simulator = SlackSimulator(
        ROOT / "manifest.yml", State(people=(*PEOPLE, *MORE), rooms=rooms), Faults(rate_limits=False)
    )
    simulator.start()
    loaded = Loaded(configuration=configuration)
    doorbell, stop = doorbell_of(None), threading.Event()
    process = Process(loaded=loaded, home=folder, database=worker_fixture.database, doorbell=doorbell)
    settings = BotSettings(bot_token=BOT_TOKEN, app_token=APP_TOKEN, api_url=simulator.api_url, pace=QUICK)
    worker_fixture.worker_context = replace(
        worker_fixture.worker_context, ring=lambda run_id: doorbell.ring("production", run_id)
    )
    worker = threading.Thread(
        target=Worker(worker_fixture.worker_context, doorbell, stop).serve, args=(process.heart,), daemon=True
    )
    with People(simulator.url) as people:
        scene = Scene(simulator=simulator, people=people, process=process, settings=settings)
        worker.start()
        if bot:
            scene.start_bot()
            people.wait_for_connection()
        yield IncidentApp(scene=scene, worker_fixture=worker_fixture)
        for hold in worker_fixture.target.holds.values():
            hold.go_on.set()
        stop.set()
        worker.join(PATIENCE)
        doorbell.stop()
        scene.stop_bot()
    worker_fixture.database.close()
    simulator.stop()
