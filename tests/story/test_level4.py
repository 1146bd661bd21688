"""Level 4, whole: the data centre is really lost, a machine is rented and joins, the system is raised there, and two
people let its users be moved. And bot, workers and the new machine's engine die in it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.cli import demo_centre, demo_sites
from drbot.cli.demo_player import DemoPlayer
from drbot.cli.demo_story import records_of
from drbot.core.runs.incident import Incident, IncidentState
from drbot.core.runs.run import Run, RunKind, RunState, StepState
from drbot.core.site.configuration import load_configuration
from drbot.lab.breakage import break_it
from drbot.lab.cloud import NAME
from drbot.lab.seed import seed
from drbot.lab.sites import Sites
from drbot.runners.clients.name_service import NameService
from drbot.store.base import ledger
from drbot.store.records import machines, requests
from tests.labs import LabFactory
from tests.story.demo_stacks import playing_in, sites_of
from tests.story.dying import kill_engine, kill_joined, starts_of, survivors
from tests.story.new_host import unlike_backup
from tests.waiting import wait_for

pytest.importorskip("moto")
pytestmark = [pytest.mark.docker, pytest.mark.long, pytest.mark.timeout(1800)]

WORDS = "level4 the data centre burns"
SECONDS = 300.0


@pytest.fixture(scope="module")
def sites(lab_factory: LabFactory) -> Iterator[Sites]:
    with sites_of(lab_factory, "centre") as made:
        yield made


@pytest.fixture
def player(sites: Sites, tmp_path: Path) -> Iterator[DemoPlayer]:
    """Production works, there is no other host, bot and control worker stand outside."""
    sites.lab.up(print)
    sites.up(print, new_host=False)
    with playing_in(tmp_path / "home", sites.lab.configuration, demo_sites.keys_of(sites), patience=240) as made:
        seed(sites.lab, 60)
        demo_centre.start(made.stack)
        made.stack.people.wait_for_connection()
        demo_sites.back_up_full(sites, made.stack.configuration)
        break_it(sites.lab, "datacentre-lost")
        user_data = demo_centre.UserData(sites, made.stack)
        user_data.start()
        try:
            yield made
        finally:
            user_data.stop()


def whole(player: DemoPlayer, incident: Incident) -> Run:
    """The level-4 run, whichever part is at work now."""
    return next(run for run in player.runs(incident) if run.runbook == "level4-datacentre")


def state(player: DemoPlayer, incident: Incident, step: str) -> StepState | None:
    record = player.records(whole(player, incident).id).get(step)
    return record.state if record else None


def wait_for_step(player: DemoPlayer, incident: Incident, step: str, wanted: StepState) -> None:
    try:
        wait_for(lambda: state(player, incident, step) is wanted, SECONDS, f"{step} to be {wanted.value}")
    except AssertionError:
        print(player.describe(incident))
        raise


def leads_to(player: DemoPlayer) -> tuple[str, ...]:
    dns = load_configuration(player.stack.configuration).configuration.dns
    assert dns is not None
    return NameService(dns).ask(NAME)


def voters(player: DemoPlayer, incident: Incident) -> list[str]:
    with player.database.read() as connection:
        asked = requests.of_run(connection, whole(player, incident).id)
        return [vote.person for vote in requests.votes(connection, asked[-1].id)]


def finish(player: DemoPlayer, incident: Incident) -> Run:
    wait_for_step(player, incident, "confirm", StepState.WAITING)
    player.press("aiko", incident, f"answer {incident.name} confirm yes")
    return player.wait_for_run(incident, RunState.SUCCEEDED)


def wrong(sites: Sites, player: DemoPlayer, run: Run) -> list[str]:
    """What is not as the manifest says, or as users would see it."""
    configuration = load_configuration(player.stack.configuration).configuration
    return [*unlike_backup(sites, player, run), *demo_centre.differences(sites, configuration)]


def test_a_lost_data_centre_is_raised_elsewhere_and_users_are_moved_by_two(sites: Sites, player: DemoPlayer) -> None:
    incident = player.declare("aiko", WORDS)
    wait_for_step(player, incident, "recover", StepState.SUCCEEDED)
    assert leads_to(player) == ("127.0.0.1",)  # everything is up over there, and nobody was moved without people
    player.vote("ben", incident, target="recovery")
    wait_for(lambda: voters(player, incident) == ["ben"], SECONDS, "the vote of Ben to be counted")
    assert leads_to(player) == ("127.0.0.1",)
    player.vote("chika", incident, target="recovery")

    run = finish(player, incident)
    assert leads_to(player) != ("127.0.0.1",)
    assert run.id == whole(player, incident).id
    assert {record.state for record in records_of(player, incident, run).values()} == {StepState.SUCCEEDED}
    assert {one.site for one in player.runs(incident) if one.id != run.id} == {"recovery"}
    assert wrong(sites, player, run) == []
    recovered = player.incident(incident.id)
    assert recovered.state is IncidentState.RECOVERED
    assert recovered.rto_seconds is not None
    assert recovered.rpo_seconds is not None
    with player.database.read() as connection:
        assert ledger.verify(connection) == []
        asked = requests.of_run(connection, run.id)
    assert [str(one.state) for one in asked] == ["used"]


def test_bot_and_control_worker_die_while_the_machine_is_raised_and_others_go_on(
    sites: Sites, player: DemoPlayer
) -> None:
    """The machine is rented once and the system raised once."""
    incident = player.declare("aiko", WORDS)
    wait_for_step(player, incident, "recover", StepState.WAITING)
    for name in (demo_centre.CONTROL, "drbot"):
        player.stack.kill(name)
    demo_centre.start(player.stack)
    player.vote("ben", incident, target="recovery")
    player.vote("chika", incident, target="recovery")

    run = finish(player, incident)
    assert wrong(sites, player, run) == []
    assert len(sites.cloud.machines()) == 1
    assert [one.runbook for one in player.runs(incident)].count("level3-host") == 1


def test_the_new_machines_worker_and_engine_die_and_its_part_goes_on_at_its_step(
    sites: Sites, player: DemoPlayer
) -> None:
    """Its user data starts the worker again; nothing that was done is done twice."""
    incident = player.declare("aiko", WORDS)
    part = wait_for(lambda: raising(player, incident), SECONDS, "the new machine to restore PostgreSQL")
    assert part is not None
    kill_joined(player.stack)
    wait_for(lambda: starts_of(player, part.id).get("restore-postgres") == 2, 60, "the restore to be started again")
    kill_engine(sites)
    player.vote("ben", incident, target="recovery")
    player.vote("chika", incident, target="recovery")

    run = finish(player, incident)
    starts = starts_of(player, part.id)
    assert starts["restore-postgres"] == 2
    assert {starts[step] for step in ("clone", "fetch", "configuration", "images", "volumes", "start-stores")} == {1}
    assert set(starts_of(player, run.id).values()) == {1}
    assert wrong(sites, player, run) == []
    assert survivors(sites, part) == []


def test_afterwards_names_are_led_back_and_on_again_and_the_machine_is_listed_until_it_is_given_back(
    sites: Sites, player: DemoPlayer
) -> None:
    """The old data centre is still lost, and two people lead users there all the same: they are asked, and lead on."""
    incident = player.declare("aiko", WORDS)
    player.vote("ben", incident, target="recovery")
    player.vote("chika", incident, target="recovery")
    finish(player, incident)
    there = leads_to(player)
    wait_for(lambda: rented(player) == sites.cloud.machines(), SECONDS, "the machine to be listed")

    back = asked(player, incident, f"lead-back {incident.name}", RunKind.LEAD_BACK)
    player.vote("ben", incident, target="recovery")
    player.vote("chika", incident, target="recovery")
    wait_for(lambda: leads_to(player) == ("127.0.0.1",), SECONDS, "the names to be led back")
    player.wait_for_run(incident, RunState.NEEDS_DECISION)  # nothing answers there
    player.press("aiko", incident, f"settle {incident.name} outside undo")
    ended = player.wait_for_run(incident, RunState.FAILED)
    assert ended.id == back.id and ended.plan is not None
    assert f"Taken back: {ended.plan.step('lead-back').title}" in str(ended.outcome)
    assert leads_to(player) == there != ("127.0.0.1",)

    (machine,) = sites.cloud.machines()
    asked(player, incident, f"give-back {machine}", RunKind.GIVE_BACK)
    refused = player.wait_for_run(incident, RunState.FAILED)
    assert refused.kind is RunKind.GIVE_BACK and "DNS points to" in str(refused.outcome)
    assert rented(player) == sites.cloud.machines() == [machine]
    with player.database.read() as connection:
        assert ledger.verify(connection) == []


def asked(player: DemoPlayer, incident: Incident, words: str, kind: RunKind) -> Run:
    """Somebody types it; the run that is made of it."""
    player.say("aiko", f"/dr {words}")
    wait_for(lambda: player.run(incident).kind is kind, SECONDS, f"the run of /dr {words}")
    return player.run(incident)


def rented(player: DemoPlayer) -> list[str]:
    """What is listed as rented."""
    with player.database.read() as connection:
        return [one.machine for one in machines.list_of(connection)]


def raising(player: DemoPlayer, incident: Incident) -> Run | None:
    """The part on the new machine, once it restores."""
    part = next((run for run in player.runs(incident) if run.runbook == "level3-host"), None)
    record = player.records(part.id).get("restore-postgres") if part else None
    return part if record and record.state is StepState.RUNNING else None
