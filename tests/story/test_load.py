"""Hundreds of commands, clicks and dialogs, every delivery doubled, at 300 ms per Slack call: acks in time, one effect
per intent."""

import html
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from drbot.bot.blocks.board import sentence
from drbot.cli.demo_player import USERS, DemoPlayer
from drbot.cli.demo_stack import DemoStack, manifest_path
from drbot.commands.facts.context import CommandContext, context_of
from drbot.commands.views.incident_view import view_of
from drbot.core.approvals.approval import RequestState
from drbot.core.ledger.events import EventKind
from drbot.core.runs.incident import Incident
from drbot.core.site.configuration import load_configuration
from drbot.lab.layout import PARTS, as_yaml, describe
from drbot.slack_simulator.server import SlackSimulator
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.base.doorbell import doorbell_of
from drbot.store.base.settings import StoreSettings
from drbot.store.records import requests
from tests.integration.bot.worker import planned
from tests.integration.store.store_fixture import opened
from tests.strain import Strain
from tests.waiting import PATIENCE

pytestmark = pytest.mark.more

INTENTS = 60  # notes to the stakeholders, each typed once; the rest are questions
COMMANDS = 300
VOTERS = ("ben", "chika")
CLICKS = 8  # of each voter, on the board's button; each opens a dialog that is sent
ACK_SECONDS = 3.0
BOARD_SECONDS = 5.0
STARVED = 5  # times slower than an idle machine: no answer to a ping is in time


@pytest.fixture
def player(tmp_path: Path) -> Iterator[DemoPlayer]:
    """A bot alone, with a described system that nobody needs to start."""
    ports = {part.name: 1 for part in PARTS if part.port}
    configuration = tmp_path / "dr.yml"
    configuration.write_text(as_yaml(describe(tmp_path, "drlab-none-", "unix:///nowhere.sock", ports)))
    simulator = SlackSimulator(manifest_path())
    simulator.start()
    stack = DemoStack(simulator=simulator, home=tmp_path / "home", configuration=configuration)
    stack.home.mkdir()
    database = Database(StoreSettings.from_environment(stack.home).database_url)
    database.migrate()
    stack.start("bot", "bot")
    try:
        stack.people.wait_for_connection()
        yield DemoPlayer(stack=stack, database=database)
    finally:
        stack.kill("bot")
        stack.close()
        database.close()


class BoardWatch:
    """How long a board said another sentence than the state has by now: it may not lag behind. `with` ends the watch
    before what it reads is closed, and fails where it could not watch to the end.
    """

    def __init__(self, player: DemoPlayer, incidents: list[Incident]) -> None:
        self._player = player
        self._incidents = incidents
        loaded = load_configuration(player.stack.configuration)
        self._context = context_of(player.database, doorbell_of(None), loaded)
        self._stop = threading.Event()
        self.oldest = 0.0
        self.sentences: set[str] = set()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._keep_watching, name="boards", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the watch of the boards hangs"
        if self._error is None:
            return
        if error is None:
            raise AssertionError("The boards could not be watched to the end.") from self._error
        error.add_note(f"The boards could not be watched to the end either: {self._error!r}")

    def _keep_watching(self) -> None:
        try:
            self._watch()
        except Exception as error:  # noqa: BLE001 - told by the test's own thread
            self._error = error

    def _watch(self) -> None:
        right_at = {incident.id: time.monotonic() for incident in self._incidents}
        while not self._stop.wait(0.2):
            for incident in self._incidents:
                wanted = _sentence_of(self._player, self._context, incident)
                self.sentences.add(wanted)
                if _board_text(self._player, incident) == wanted:
                    right_at[incident.id] = time.monotonic()
                self.oldest = max(self.oldest, time.monotonic() - right_at[incident.id])


def _board_text(player: DemoPlayer, incident: Incident) -> str:
    channel = player.stack.people.channel(incident.channel or "")
    pinned = [m for m in channel["messages"] if m["ts"] in channel["pins"]]
    return html.unescape(pinned[0]["text"]) if pinned else ""


def _sentence_of(player: DemoPlayer, context: CommandContext, incident: Incident) -> str:
    with player.database.read() as connection:
        return sentence(view_of(connection, context, incident, datetime.now(UTC)))


def test_three_hundred_commands_clicks_and_votes_while_slack_is_slow(player: DemoPlayer) -> None:
    people = player.stack.people
    incidents = [player.declare("aiko", f"level{level} outage {level} anyway") for level in (2, 3, 4)]
    voted_on = player.declare("aiko", "level2 outage with an approval anyway")
    request = opened(player.database, planned(player.database, voted_on))
    people.set_faults(delays={"*": 0.3}, duplicate_envelopes=True)
    notes = [f"note {number}" for number in range(INTENTS)]
    clicked = {person: [f"clicked by {person} {number}" for number in range(CLICKS)] for person in VOTERS}

    def type_one(number: int) -> None:
        incident = incidents[number % 3]
        if number < INTENTS:
            words = f"update {incident.name} {notes[number]}"
        elif number % 20 < 3:
            words = f"{'stop' if number // 20 % 2 else 'recover'} {incident.name}"
        else:
            words = f"status {incident.name}"
        user = USERS[("aiko", "ben", "chika")[number % 3]]
        people.command(user, incident.channel or "", f"/dr {words}")

    def click_all(person: str) -> None:
        """The vote first, then the board's button and its dialog, again and again."""
        assert player.vote(person, voted_on).acknowledged
        close_all(player, person)
        for words in clicked[person]:
            tell_by_button(player, person, voted_on, words)

    wanted = sorted([*notes, *(words for of_one in clicked.values() for words in of_one)])
    with Strain() as strain, BoardWatch(player, incidents) as watch:
        with ThreadPoolExecutor(8 + len(VOTERS)) as pool:
            clicking = [pool.submit(click_all, person) for person in VOTERS]
            list(pool.map(type_one, range(COMMANDS)))
            for each in clicking:
                each.result(timeout=PATIENCE)
        player.wait(lambda: len(_notes_of(player)) >= len(wanted), "every note to be recorded")

    acks = [envelope["ack_seconds"] for envelope in people.envelopes()]
    known = sorted(ack for ack in acks if ack is not None)
    p50, p99 = statistics.median(known), known[int(len(known) * 0.99)]
    print(f"{len(acks)} deliveries, ack p50 {p50:.3f} s, p99 {p99:.3f} s, oldest board {watch.oldest:.1f} s")
    interactive = [envelope for envelope in people.envelopes() if envelope["type"] == "interactive"]
    assert len(acks) >= COMMANDS + len(interactive)  # each was delivered twice
    assert len(interactive) >= 2 * len(VOTERS) * (1 + CLICKS)  # a click and a dialog each
    allowed = strain.allows(ACK_SECONDS)
    assert [ack for ack in known if ack > allowed] == []
    assert len(known) == len(acks) or strain.factor > STARVED  # a line that is cut takes its acks with it
    assert _notes_of(player) == wanted
    with player.database.read() as connection:
        assert sorted(vote.person for vote in requests.votes(connection, request.id)) == sorted(VOTERS)
        assert requests.get(connection, request.id).state is RequestState.GRANTED
    assert len(watch.sentences) > len(incidents)  # the boards had something to follow
    assert watch.oldest < strain.allows(BOARD_SECONDS)


def tell_by_button(player: DemoPlayer, person: str, incident: Incident, words: str) -> None:
    """Presses the board's button for the stakeholders, types into the dialog, sends it and closes what is left."""
    people, user = player.stack.people, USERS[person]
    view = player.dialog(person, lambda: player.press(person, incident, f"update {incident.name}"), "update")
    assert people.submit(user, view["id"], {"text": {"value": words}}).acknowledged
    close_all(player, person)


def close_all(player: DemoPlayer, person: str) -> None:
    """The answers that are read by now."""
    for view in player.stack.people.views(USERS[person]):
        player.stack.people.close_view(USERS[person], view["id"])


def _notes_of(player: DemoPlayer) -> list[str]:
    with player.database.read() as connection:
        events = ledger.after(connection, 0, 10_000)
    return sorted(str(event.payload["text"]) for event in events if event.kind is EventKind.STATUS_UPDATE)
