"""Readiness is told without anybody asking: every Monday to all, and to its owner what stays red."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from drbot.bot.outbound.messenger import Messenger
from drbot.bot.outbound.readiness_posts import ReadinessPosts, monday
from drbot.bot.slack_api.rate_limiter import RateLimiter
from drbot.bot.slack_api.slack import Slack, client_of
from drbot.commands.facts.context import context_of
from drbot.core.site.configuration import Loaded
from drbot.core.site.readiness import Line, bad, good, soon
from drbot.store.base.schema import readiness as rows
from drbot.store.records import readiness
from tests.integration.bot.conftest import Scene
from tests.integration.bot.test_calls import EVERYBODY, directly

SATURDAY = datetime(2026, 1, 3, 12, tzinfo=UTC)
MONDAY = datetime(2026, 1, 5, 8, tzinfo=UTC)
GONE = bad("production: volumes", "volume x is gone", "Make it.")
OLD = soon("certificate", "it ends soon", "Renew it.")


def saw(scene: Scene, *lines: Line, since: datetime = SATURDAY) -> None:
    with scene.database.write() as tx:
        readiness.saw(tx, "production", lines)
        tx.connection.execute(update(rows).values(since=since))


def posts(scene: Scene, **site: str) -> ReadinessPosts:
    known = scene.process.loaded.configuration
    sites = {"production": known.site().model_copy(update=site)}
    loaded = Loaded(configuration=known.model_copy(update={"sites": sites}))
    messenger = Messenger(Slack(client_of(scene.settings), RateLimiter()), scene.database)
    return ReadinessPosts(context_of(scene.database, scene.process.doorbell, loaded), messenger, "a bot")


def told(scene: Scene) -> dict[str, list[str]]:
    """Person → direct messages, of whoever has any."""
    return {user: found for user in EVERYBODY if (found := directly(scene, user))}


def at_home(scene: Scene) -> list[str]:
    return [str(one) for one in scene.messages("dr-ops")]


@pytest.mark.parametrize(
    ("now", "due"),
    [(SATURDAY, MONDAY), (MONDAY - timedelta(seconds=1), MONDAY), (MONDAY, MONDAY + timedelta(days=7))],
)
def test_it_is_due_on_mondays(now: datetime, due: datetime) -> None:
    assert monday(now) == due


def test_every_week_everybody_reads_what_is_in_the_way_once(scene: Scene) -> None:
    saw(scene, GONE, OLD, good("production: services", "all work"))
    posts(scene).look(SATURDAY)
    assert at_home(scene) == []

    for now in (MONDAY, MONDAY + timedelta(hours=1)):
        posts(scene).look(now)

    (message,) = at_home(scene)
    assert "Not ready" in message
    assert "volume x is gone" in message and "it ends soon" in message
    assert "all work" not in message


@pytest.mark.parametrize(("owner", "who"), [("", "U00AIKO"), ("ben", "U00BEN")])
def test_what_is_red_for_a_day_is_told_to_its_owner_once(scene: Scene, owner: str, who: str) -> None:
    saw(scene, GONE, OLD)
    mine = posts(scene, **({"owner": owner} if owner else {}))
    mine.look(SATURDAY + timedelta(hours=23))
    assert told(scene) == {}

    for hours in (24, 25):
        mine.look(SATURDAY + timedelta(hours=hours))

    ((user, (only,)),) = told(scene).items()
    assert user == who
    assert "production: volumes has been red for 1 d" in only

    saw(scene, GONE, since=SATURDAY + timedelta(days=3))  # it was well in between
    mine.look(SATURDAY + timedelta(days=4, hours=1))
    assert len(told(scene)[who]) == 2
