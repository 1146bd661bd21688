"""Level 3, whole: the host is really lost, and an empty one becomes the system again. And a worker that dies in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.cli import demo_sites
from drbot.cli.demo_player import DemoPlayer
from drbot.cli.demo_story import count
from drbot.core.runs.incident import Incident, IncidentState
from drbot.core.runs.run import RunState, StepState
from drbot.lab.breakage import BROKEN, break_it
from drbot.lab.layout import PARTS, STORES
from drbot.lab.seed import seed
from drbot.lab.sites import Sites
from drbot.lab.system import Lab
from tests.labs import LabFactory
from tests.story.demo_stacks import sites_of
from tests.story.dying import kill_engine, starts_of, survivors
from tests.story.new_host import WORDS, playing, unlike_backup
from tests.story.recovering import finish, wait_for_step
from tests.waiting import wait_for

pytest.importorskip("moto")
pytestmark = [pytest.mark.docker, pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def sites(lab_factory: LabFactory) -> Iterator[Sites]:
    with sites_of(lab_factory, "host") as made:
        yield made


@pytest.fixture
def player(sites: Sites, tmp_path: Path) -> Iterator[DemoPlayer]:
    with playing(sites, tmp_path / "home") as made:
        yield made


def lose_the_host(sites: Sites, player: DemoPlayer) -> Incident:
    demo_sites.back_up_full(sites, player.stack.configuration)
    break_it(sites.lab, "host-lost")
    return player.declare("aiko", WORDS)


def test_a_lost_host_is_raised_again_without_anybody_approving(sites: Sites, player: DemoPlayer) -> None:
    player.stack.start("drbot", "all")
    player.stack.people.wait_for_connection()

    incident = lose_the_host(sites, player)
    run = finish(player, incident, seconds=240)

    assert run.site == "recovery"
    assert {record.state for record in player.records(run.id).values()} == {StepState.SUCCEEDED}
    assert unlike_backup(sites, player, run) == []
    recovered = player.incident(incident.id)
    assert recovered.state is IncidentState.RECOVERED
    assert recovered.outage_seconds == recovered.rto_seconds  # there was nothing at the new place before
    assert recovered.rpo_seconds is not None


def test_worker_bot_and_engine_are_killed_and_the_run_goes_on_at_its_step(sites: Sites, player: DemoPlayer) -> None:
    seed(sites.lab, 60)
    stack = player.stack
    stack.start("bot", "bot")
    stack.start("worker", "worker", "--site", "recovery")
    stack.people.wait_for_connection()
    incident = lose_the_host(sites, player)
    run = wait_for_step(player, incident, "restore-postgres", StepState.RUNNING)
    wait_for(lambda: survivors(sites, run), 60, "the restore to work in a container")

    stack.kill("worker")
    stack.kill("bot")
    stack.start("bot-2", "bot")
    stack.start("worker-2", "worker", "--site", "recovery")
    wait_for(lambda: starts_of(player, run.id).get("restore-postgres") == 2, 60, "the restore to be started again")
    kill_engine(sites)
    finished = finish(player, incident, seconds=240)

    assert finished.id == run.id
    starts = starts_of(player, run.id)
    assert starts["restore-postgres"] == 2
    assert {starts[step] for step in ("clone", "fetch", "configuration", "images", "volumes", "start-stores")} == {1}
    assert unlike_backup(sites, player, finished) == []
    assert survivors(sites, run) == []


def test_what_ran_already_is_started_again_when_the_host_is_rebooted_in_the_middle(
    sites: Sites, player: DemoPlayer
) -> None:
    """The lab's services have no restart policy: after a reboot nothing of them runs."""
    player.stack.start("drbot", "all")
    player.stack.people.wait_for_connection()
    incident = lose_the_host(sites, player)
    for step in ("start-stores", "start-apps"):
        wait_for_step(player, incident, step, StepState.SUCCEEDED)
        kill_engine(sites)
    run = finish(player, incident, seconds=240)

    assert {record.state for record in player.records(run.id).values()} == {StepState.SUCCEEDED}
    assert unlike_backup(sites, player, run) == []


def test_a_host_that_holds_data_is_only_taken_by_two_and_its_data_is_kept(sites: Sites, player: DemoPlayer) -> None:
    lab = sites.recovered
    with lab.client() as client:
        volume = client.volumes.create(f"{lab.prefix}redis_data", labels={"drbot.lab": lab.label})
        lab.on_volume(str(volume.name), BROKEN, "echo mine > /broken/data")
    player.stack.start("drbot", "all")
    player.stack.people.wait_for_connection()

    incident = lose_the_host(sites, player)
    asked = wait_for_step(player, incident, "approval", StepState.WAITING)
    assert asked.plan is not None
    assert "set-aside" in {step.id for step in asked.plan.steps}
    assert player.records(asked.id)["clone"].state is StepState.PENDING
    for person in ("ben", "chika"):
        player.vote(person, incident, target="recovery")
    run = finish(player, incident, seconds=240)

    assert unlike_backup(sites, player, run) == []
    with lab.client() as client:
        kept = [one.name for one in client.volumes.list() if str(one.name).startswith(f"{volume.name}_before_")]
        assert len(kept) == 1
        lab.on_volume(str(kept[0]), BROKEN, "grep -qx mine /broken/data")  # raises where it is not there

    player.say("aiko", f"/dr undo {incident.name}", incident.channel or "")
    undo = wait_for_step(player, incident, "approval", StepState.WAITING)
    assert undo.id != run.id and undo.site == "recovery" and undo.plan is not None
    assert f"{lab.prefix}postgres_data" in {one.name for one in undo.plan.occupants}
    for person in ("ben", "chika"):
        player.vote(person, incident, target="recovery")
    player.wait_for_run(incident, RunState.SUCCEEDED)
    with lab.client() as client:
        lab.on_volume(str(volume.name), BROKEN, "grep -qx mine /broken/data && ! ls -A /broken | grep -q whole")
        assert client.containers.list(all=True, filters={"label": f"drbot.lab={lab.label}"}) == []
        there = {str(one.name) for one in client.volumes.list()}
    assert f"{lab.prefix}postgres_data" not in there and f"{lab.prefix}postgres_data_before_{undo.id}" in there


def test_a_host_whose_containers_were_only_taken_down_is_not_empty(sites: Sites, player: DemoPlayer) -> None:
    """Level 3, `docker compose down`, level 3 again: what was written since is asked about, and nobody takes it."""
    player.stack.start("drbot", "all")
    player.stack.people.wait_for_connection()
    first = lose_the_host(sites, player)
    finish(player, first)
    player.say("aiko", f"/dr resolve {first.name} it works", first.channel or "")
    player.wait(lambda: not player.incident(first.id).is_open, "the first incident to be resolved")
    lab = sites.recovered
    lab.psql("CREATE TABLE since AS SELECT generate_series(1, 5000) AS number", "-d", "authdb")
    for part in PARTS:
        lab.compose(part, "down")
    volumes = volumes_of(lab)

    again = player.declare("aiko", f"{WORDS} again")
    asked = wait_for_step(player, again, "approval", StepState.WAITING)

    assert asked.plan is not None
    assert f"{lab.prefix}postgres_data" in str(asked.plan.stakes)
    assert {step for step, count in starts_of(player, asked.id).items() if count} <= {"prepare-host", "fetch"}
    player.vote("ben", again, "deny", target="recovery", reason="it holds what was written since")
    player.wait_for_run(again, RunState.BLOCKED)
    assert volumes_of(lab) == volumes
    lab.start([part for part in PARTS if part.name in STORES])
    lab.wait_for_stores()
    assert count(lab, "authdb", "since") == 5000


def volumes_of(lab: Lab) -> dict[str, str]:
    """Name → when it was made."""
    with lab.client() as client:
        found = client.volumes.list()
    return {one.name: str(one.attrs["CreatedAt"]) for one in found if one.name.startswith(lab.prefix)}
