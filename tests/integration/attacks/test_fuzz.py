"""Deliveries doubled, reordered, altered, late: no double effect, no vote that should not count, none is lost."""

import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from slack_sdk import WebClient

from drbot.bot.settings import BotSettings
from drbot.bot.slack_api.slack import client_of
from drbot.commands.facts.context import context_of
from drbot.core.approvals.approval import RequestState
from drbot.core.ledger.events import EventKind
from drbot.core.site.configuration import Loaded
from drbot.slack_simulator.faults import Faults
from drbot.slack_simulator.http_delivery import Signed
from drbot.slack_simulator.people import BOT_TOKEN, PEOPLE
from drbot.slack_simulator.server import SlackSimulator
from drbot.slack_simulator.state import State
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.records import requests
from tests.integration.attacks.fuzz import Bell, FuzzedBot, Meant, Oracle
from tests.integration.attacks.incident_app import MORE, configuration_of
from tests.integration.bot.conftest import ROOT

DELIVERIES_EACH = 250
"""Deliveries to one ledger: it is read whole at every vote."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrated once."""
    path = tmp_path_factory.mktemp("fuzz") / "state.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture(scope="module")
def client() -> Iterator[WebClient]:
    """Of a local Slack that knows everybody's account."""
    # Hundreds of short-lived bots ask who everybody is, more often than Slack would answer one.
    simulator = SlackSimulator(ROOT / "manifest.yml", State(people=(*PEOPLE, *MORE)), Faults(rate_limits=False))
    simulator.start()
    yield client_of(BotSettings(bot_token=BOT_TOKEN, api_url=simulator.api_url))
    simulator.stop()


def batch(fuzzed: FuzzedBot, size: int) -> list[tuple[Signed, Meant]]:
    """Submissions, a fifth of them twice or more, in any order."""
    made = [fuzzed.submission() for _ in range(size)]
    doubled = [one for one in made if fuzzed.chance.random() < 0.2 for _ in range(fuzzed.chance.choice([1, 1, 3]))]
    everything = [*made, *doubled]
    fuzzed.chance.shuffle(everything)
    return everything


def play(fuzzed: FuzzedBot, deliveries: int) -> None:
    """Deliver; compare with the oracle after each batch."""
    done = 0
    while done < deliveries:
        for request, meant in batch(fuzzed, fuzzed.chance.randrange(1, 12)):
            fuzzed.oracle.hear(meant)
            fuzzed.deliver(request)
            done += 1
        agree(fuzzed)
        what = fuzzed.chance.random()
        if what < 0.2:
            fuzzed.end(fuzzed.chance.choice([RequestState.EXPIRED, RequestState.VOID, RequestState.STOPPED]))
        if what < 0.45:
            fuzzed.ask()


def agree(fuzzed: FuzzedBot) -> None:
    """drbot and the oracle say the same about the newest requests."""
    with fuzzed.database.read() as connection:
        for request in fuzzed.requests[-4:]:
            found = {vote.person: vote.decision for vote in requests.votes(connection, request.id)}
            assert found == fuzzed.oracle.said[request.id]
            assert requests.get(connection, request.id).state.value == fuzzed.oracle.states[request.id]


def fuzz(folder: Path, template: Path, client: WebClient, seed: int, deliveries: int) -> dict[int, int]:
    """One bot; the statuses of its answers."""
    path = folder / f"{seed}.db"
    shutil.copy(template, path)
    database = Database(f"sqlite:///{path}")
    context = context_of(database, Bell(), Loaded(configuration=configuration_of(folder)))
    fuzzed = FuzzedBot(context, client, random.Random(seed))  # noqa: S311 - the same deliveries every time
    try:
        play(fuzzed, deliveries)
    except AssertionError:
        print(f"The seed {seed} disagrees.")
        raise
    with database.read() as connection:
        events = ledger.after(connection, 0, limit=100_000)
        counted = [event for event in events if event.kind is EventKind.VOTE_COUNTED]
        cast = [vote for request in fuzzed.requests for vote in requests.votes(connection, request.id)]
        assert ledger.verify(connection) == []
    assert len(counted) == len(cast)
    assert len({(vote.person, vote.decision, vote.at) for vote in cast}) == len(cast)
    database.close()
    path.unlink()
    return fuzzed.statuses


def many(folder: Path, template: Path, client: WebClient, deliveries: int, first_seed: int) -> None:
    total: dict[int, int] = {}
    for seed in range(first_seed, first_seed + deliveries // DELIVERIES_EACH):
        for status, count in fuzz(folder, template, client, seed, DELIVERIES_EACH).items():
            total[status] = total.get(status, 0) + count
    print(f"{sum(total.values()):,} deliveries, answered {total}")

    assert sum(total.values()) >= deliveries
    assert set(total) == {200, 401}


@pytest.mark.more
def test_hundreds_of_deliveries_and_the_oracle_agree(tmp_path: Path, template: Path, client: WebClient) -> None:
    many(tmp_path, template, client, DELIVERIES_EACH, 1)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("first_seed", [1_000_000, 2_000_000])  # two halves, so that two cores can share them
def test_a_hundred_thousand_deliveries_and_the_oracle_agree(
    tmp_path: Path, template: Path, client: WebClient, first_seed: int
) -> None:
    many(tmp_path, template, client, 50_000, first_seed)


class Lenient(Oracle):
    """An oracle without the rule that who asked does not count."""

    def hear(self, meant: Meant) -> None:
        """Aiko is taken for somebody else."""
        super().hear(replace(meant, person="chika") if meant.person == "aiko" else meant)


def test_an_oracle_without_a_rule_soon_disagrees(tmp_path: Path, template: Path, client: WebClient) -> None:
    path = tmp_path / "hole.db"
    shutil.copy(template, path)
    database = Database(f"sqlite:///{path}")
    context = context_of(database, Bell(), Loaded(configuration=configuration_of(tmp_path)))
    fuzzed = FuzzedBot(context, client, random.Random(7))  # noqa: S311 - the same deliveries every time
    fuzzed.oracle = Lenient(states=fuzzed.oracle.states, said=fuzzed.oracle.said)

    with pytest.raises(AssertionError):
        play(fuzzed, 2_000)
    database.close()
