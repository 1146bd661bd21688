"""A bot on a thread, the local Slack and an SQLite store. No Docker: tests play the worker through the store."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from drbot.bot.main import bot_of
from drbot.bot.settings import BotSettings, Pace
from drbot.core.base.heart import Heart
from drbot.core.ledger.events import Event
from drbot.core.runs.incident import Incident
from drbot.core.site.configuration import Loaded
from drbot.core.site.site import Configuration
from drbot.slack_simulator.client import People
from drbot.slack_simulator.faults import Faults
from drbot.slack_simulator.people import APP_TOKEN, BOT_TOKEN
from drbot.slack_simulator.server import SlackSimulator
from drbot.store.base import ledger
from drbot.store.base.database import BUSY_SECONDS, Database
from drbot.store.base.doorbell import Doorbell, doorbell_of
from drbot.store.records import incidents
from tests.waiting import PATIENCE as PATIENCE
from tests.waiting import wait_for

ROOT = Path(__file__).parents[3]

Message = dict[str, Any]

QUICK = Pace(post=0.05, board=0.3, board_again=1.0)
"""For a Slack that limits nothing: its limits have tests of their own (tests/unit/bot/test_small_parts.py)."""


def person(name: str, *roles: str, language: str = "en") -> dict[str, Any]:
    return {"name": name, "slack": [f"U00{name.upper()}"], "roles": roles, "language": language}


def configuration(folder: Path) -> Configuration:
    """One site; Aiko commands, Ben and Chika approve, Dan looks on."""
    service = {"project": "auth", "service": "api", "role": "app", "title": "Sign-in"}
    return Configuration.model_validate(
        {
            "system": "ai-micro-service",
            "sites": {"production": {"projects": str(folder), "services": {"auth": service}}},
            "backups": {"directory": str(folder)},
            "people": {
                "aiko": person("Aiko", "commander", "approver"),
                "ben": person("Ben", "approver"),
                "chika": person("Chika", "approver", language="ja"),
                "dan": person("Dan", "observer"),
            },
        }
    )


@dataclass(kw_only=True)
class Process:
    """What the bot is built from."""

    loaded: Loaded
    home: Path
    database: Database
    doorbell: Doorbell
    stop: threading.Event = field(default_factory=threading.Event)
    heart: Heart = field(default_factory=Heart)


@dataclass(kw_only=True)
class Scene:
    """Everything a test looks at."""

    simulator: SlackSimulator
    people: People
    process: Process
    settings: BotSettings
    thread: threading.Thread | None = None
    failure: Exception | None = None

    @property
    def database(self) -> Database:
        return self.process.database

    def start_bot(self) -> None:
        self.process.stop.clear()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            bot_of(self.process, self.settings)()
        except Exception as error:
            self.failure = error
            raise

    def raise_failure(self) -> None:
        """What ended the bot, so that nobody waits for it in vain."""
        if self.failure is not None:
            raise self.failure

    def stop_bot(self) -> None:
        self.process.stop.set()
        if self.thread is not None:
            with suppress(ValueError):  # the bot may be quicker; the SDK waits for its socket to fall silent
                self.people.drop_sockets()
            self.thread.join(timeout=20)
            assert not self.thread.is_alive()
            self.thread = None

    def declare(self, words: str = "level2 PostgreSQL does not start", user: str = "U00AIKO") -> Incident:
        """`/dr declare …`; the incident once it has its channel."""
        assert self.people.command(user, "dr-ops", f"/dr declare {words}").acknowledged
        return self.opened()

    def opened(self) -> Incident:
        """The newest incident, with its channel."""

        def newest() -> Incident | None:
            with self.database.read() as connection:
                found = incidents.recent(connection)
            return found[0] if found and found[0].channel else None

        incident = wait_for(newest, PATIENCE, "the incident's channel")
        assert incident is not None
        here = incident.channel or ""
        wait_for(lambda: "U00DAN" in self.people.channel(here)["members"], PATIENCE, "the roster in the channel")
        return incident

    def messages(self, channel: str | None) -> list[Message]:
        """What everybody sees there."""
        return [message for message in self.people.messages(channel or "") if not message["ephemeral"]]

    def message(self, channel: str | None, fits: Callable[[Message], object], what: str) -> Message:
        """The newest message that fits."""

        def newest() -> Message | None:
            return next((one for one in reversed(self.messages(channel)) if fits(one)), None)

        found = wait_for(newest, PATIENCE, what)
        assert found is not None
        return found

    def keys(self, channel: str | None) -> list[str]:
        """The ids of drbot's messages, which must be unique."""
        found = [(message.get("metadata") or {}).get("event_payload", {}) for message in self.messages(channel)]
        return [payload["key"] for payload in found if "key" in payload]

    def events(self) -> list[Event]:
        with self.database.read() as connection:
            return ledger.after(connection, 0, limit=10_000)


@pytest.fixture
def manifest() -> Path:
    """The app as it is installed; a test may bring another one."""
    return ROOT / "manifest.yml"


@pytest.fixture
def busy_seconds() -> float:
    """How long a write waits for another one; a test may have less patience."""
    return BUSY_SECONDS


@pytest.fixture
def scene(tmp_path: Path, manifest: Path, busy_seconds: float) -> Iterator[Scene]:
    """A simulator and a store; the test starts the bot."""
    simulator = SlackSimulator(manifest, faults=Faults(rate_limits=False))
    simulator.start()
    database = Database(f"sqlite:///{tmp_path / 'state.db'}", busy_seconds=busy_seconds)
    database.migrate()
    process = Process(
        loaded=Loaded(configuration=configuration(tmp_path)),
        home=tmp_path,
        database=database,
        doorbell=doorbell_of(None),
    )
    settings = BotSettings(bot_token=BOT_TOKEN, app_token=APP_TOKEN, api_url=simulator.api_url, pace=QUICK)
    with People(simulator.url) as people:
        scene = Scene(simulator=simulator, people=people, process=process, settings=settings)
        yield scene
        scene.stop_bot()
    database.close()
    simulator.stop()


@pytest.fixture
def served(scene: Scene) -> Scene:
    """With the bot running and connected."""
    scene.start_bot()
    scene.people.wait_for_connection()
    return scene
