"""kill -9 of bot, control worker, the rented machine's worker or engine, at any moment of level 4: the machine is
rented once and listed, users are led where drbot says, and what succeeded is what users had.

Each round is a whole incident. People then choose anything they are offered.
"""

import os
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drbot.cli import demo_centre
from drbot.core.runs.run import Run, RunState
from drbot.core.site.configuration import load_configuration
from drbot.lab.cloud import NAME
from drbot.lab.extras import Extras
from drbot.runners.clients.name_service import NameService
from drbot.store.records import machines
from tests.labs import LabFactory
from tests.story import new_host
from tests.story.demo_stacks import sites_of
from tests.story.dying import kill_engine, kill_joined
from tests.story.new_host import Scene
from tests.story.people import settled, wait_for_the_moment
from tests.waiting import wait_for

pytest.importorskip("moto")
pytestmark = [pytest.mark.docker, pytest.mark.long, pytest.mark.timeout(1800)]

WORDS = "level4 the data centre burns"
ROUNDS = int(os.environ.get("DRBOT_KILLS", "20"))
OF_THE_WHOLE = ("provision", "join", "recover", "approval", "dns", "certificate", "outside", "confirm")
OF_THE_PART = ("fetch", "volumes", "restore-postgres", "verify", "start-apps", "check-monitoring")
TROUBLES = ("bot", "control", "control", "joined", "engine", "reboot", "all")
ENGINES = frozenset({"engine", "reboot", "all"})
LATEST_SECONDS = 3.0  # after the beginning of a step
OLD = "127.0.0.1"
LED = "Users were moved to the new site"
NOT_LED = ("users have not been moved there", "No DNS name was changed", "Nothing that was there before was touched")


@pytest.fixture(scope="module")
def loss(lab_factory: LabFactory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with (
        sites_of(lab_factory, "centrekills") as sites,
        new_host.scene(sites, tmp_path_factory.mktemp("stack") / "home", lost="datacentre-lost") as made,
    ):
        yield made


@pytest.fixture
def scene(loss: Scene, tmp_path: Path) -> Iterator[Scene]:
    """One round: whatever became of it, its incident and its workers end with it."""
    with new_host.anew(loss, tmp_path / "home") as made:
        yield made


@dataclass(frozen=True, kw_only=True, slots=True)
class Outside:
    """What the test sees for itself."""

    leads_to: tuple[str, ...]
    machines: tuple[str, ...]
    listed: tuple[str, ...]


def look(scene: Scene) -> Outside:
    dns = load_configuration(scene.player.stack.configuration).configuration.dns
    assert dns is not None
    with scene.player.database.read() as connection:
        listed = tuple(one.machine for one in machines.list_of(connection))
    return Outside(
        leads_to=NameService(dns).ask(NAME), machines=tuple(sorted(scene.sites.cloud.machines())),
        listed=tuple(sorted(listed)),
    )  # fmt: skip


def reboot(scene: Scene) -> None:
    """Of the new machine's engine. Nothing of drbot looks after its services once they are raised, so what ran is
    started again as by a restart policy, and what Prometheus scraped is scraped again before anybody judges.
    """
    extras = Extras(lab=scene.sites.recovered)
    scraped = extras.jobs_up()
    with scene.sites.recovered.client() as client:
        ran = [one.id for one in client.containers.list(filters={"label": "com.docker.compose.project"})]
    kill_engine(scene.sites)
    with scene.sites.recovered.client() as client:
        for container in client.containers.list(all=True, filters={"status": "exited"}):
            if container.id in ran:
                container.start()
    wait_for(lambda: extras.jobs_up() >= scraped, 120, f"Prometheus to scrape {scraped} again")


def trouble(scene: Scene, how: str) -> None:
    """What dies is started again by whoever looks after it."""
    stack = scene.player.stack
    if how in ("joined", "reboot", "all") and demo_centre.JOINED in stack.processes:
        kill_joined(stack)
    if how in ENGINES and scene.sites.second.is_up():
        reboot(scene)
    for name, words in (("drbot", ("bot",)), (demo_centre.CONTROL, ("worker", "--site", "control"))):
        if how in {"drbot": ("bot", "all"), demo_centre.CONTROL: ("control", "all")}[name]:
            stack.kill(name)
            stack.start(name, *words)
    stack.people.wait_for_connection()  # Slack tells who types meanwhile that nothing answered


def untrue(scene: Scene, run: Run, words: str, *, alert: bool) -> list[str]:
    """Which sentences do not hold, and which machine nobody is told of."""
    wait_for(
        lambda: look(scene).machines == look(scene).listed, 120, "every machine to be listed, and none that is gone"
    )
    seen, faults = look(scene), []
    if LED in words and seen.leads_to == (OLD,):
        faults.append(f"it says that users were moved: {seen}")
    if any(sentence in words for sentence in NOT_LED) and seen.leads_to != (OLD,):
        faults.append(f"it says that users were not moved: {seen}")
    if run.state is RunState.SUCCEEDED:
        faults += [
            *scene.wrong(alert=alert),
            *([f"users are at the old site: {seen}"] if seen.leads_to == (OLD,) else []),
        ]
    if len(seen.machines) > 1:
        faults.append(f"rented twice: {seen}")
    return faults


@pytest.mark.parametrize("number", range(ROUNDS))
def test_whatever_dies_one_machine_is_rented_and_every_word_is_true(scene: Scene, number: int) -> None:
    chance, player, sites = random.Random(f"centre {number}"), scene.player, scene.sites  # noqa: S311 - repeatable
    sites.cloud.give_back()
    sites.cloud.point(NAME, OLD)
    sites.empty_new_host()
    sites.machine_room.start()
    demo_centre.start(player.stack)
    player.stack.people.wait_for_connection()
    user_data = demo_centre.UserData(sites, player.stack)
    user_data.start()
    try:
        incident = player.declare("aiko", f"{WORDS} {uuid.uuid4().hex[:6]}")
        how = chance.choice(TROUBLES)
        step, later = chance.choice(chance.choice([OF_THE_WHOLE, OF_THE_PART])), chance.uniform(0.0, LATEST_SECONDS)
        where = f"{how} {wait_for_the_moment(player, incident, step, later, 400)}"
        trouble(scene, how)
        alert = how not in ENGINES  # they lie in the memory of a container
        settled(player, incident, chance, where, lambda run, words: untrue(scene, run, words, alert=alert))
        player.say("aiko", f"/dr resolve {incident.name} not-repaired the round is over", incident.channel or "")
        player.wait(lambda: not player.incident(incident.id).is_open, f"{incident.name} to be resolved")
    finally:
        user_data.stop()
