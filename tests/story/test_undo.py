"""The way back: services that a STOP left stopped are started again, and an undo brings the old data back."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
from ruamel.yaml import YAML

from drbot.core.runs.incident import IncidentState
from drbot.core.runs.run import RunKind, RunState, StepState
from drbot.lab.breakage import BROKEN
from drbot.lab.images import SERVICE_IMAGE
from drbot.lab.layout import part
from drbot.lab.ownership import LABEL
from tests.labs import wait_until_faultless
from tests.story.conftest import Story, begin
from tests.story.recovering import WORDS, approve_by_two, broken, finish, kept_volumes, production, wait_for_step
from tests.web_servers import serving

pytestmark = [pytest.mark.docker, pytest.mark.long]

MARK = "/old/drbot-was-here"
# It starts and takes connections, and every query fails: the catalogue of each database is damaged, nothing else is.
SPOIL_CATALOGUES = """
cd /broken && test -s PG_VERSION || exit 3
rm -f global/pg_internal.init base/*/pg_internal.init
for file in base/*/1259 base/*/1249; do dd if=/dev/urandom of="$file" bs=8192 count=1 conv=notrunc status=none; done
sync
"""


def answers_no_query(story: Story) -> None:
    """PostgreSQL runs, Docker calls it healthy, and no database answers."""
    with story.lab.client() as client:
        container = story.lab.container(client, part("postgres"))
        assert container is not None
        container.stop()
        story.lab.on_volume(production(story), BROKEN, SPOIL_CATALOGUES)
        container.start()


def stopped_services(story: Story) -> list[str]:
    return [one.name for one in story.lab.status() if one.state == "exited" and one.name not in ("postgres", "redis")]


def on_volume(story: Story, volume: str, *command: str) -> str:
    """What a command says that sees this volume as /old."""
    with story.lab.client() as client:
        said = client.containers.run(
            SERVICE_IMAGE, list(command), entrypoint="sh", volumes={volume: {"bind": "/old", "mode": "rw"}},
            network_mode="none", remove=True, labels={LABEL: story.lab.label},
        )  # fmt: skip
    return str(said.decode().strip())


@contextmanager
def slow_to_stop(story: Story) -> Iterator[None]:
    """One service hangs, so that stopping the services takes Docker's ten seconds of grace."""
    with story.lab.client() as client:
        container = story.lab.container(client, part("user"))
        assert container is not None
        container.pause()
        yield
        container.reload()
        if container.status == "paused":
            container.unpause()


def test_stop_after_the_services_were_stopped_offers_to_start_them_again(story: Story) -> None:
    incident = broken(story)
    player = story.player
    with slow_to_stop(story):
        approve_by_two(player, incident)
        wait_for_step(player, incident, "stop-apps", StepState.RUNNING)
        player.say("aiko", f"/dr stop {incident.name} wait", incident.channel or "")
        run = player.wait_for_run(incident, RunState.STOPPED)

    assert kept_volumes(story) == []
    assert player.records(run.id)["swap"].state is StepState.PENDING
    assert set(stopped_services(story)) >= {"auth", "user", "admin"}
    player.press("aiko", incident, f"restart {incident.name}")
    player.wait(lambda: player.run(incident).id != run.id, "the run that starts the services")
    assert player.run(incident).runbook == "restart-services"
    # PostgreSQL is still corrupt, so they cannot be healthy; but every one of them is started again.
    player.wait(lambda: stopped_services(story) == [], "the services to run again")


def test_undo_right_after_the_swap_brings_the_old_data_back_by_two(story: Story) -> None:
    player, volume = story.player, production(story)
    story.backup()
    on_volume(story, volume, "-c", f"touch {MARK}")  # in what is there now, and in no backup
    incident = player.declare("aiko", WORDS)
    approve_by_two(player, incident)
    recovered = finish(player, incident)
    assert on_volume(story, volume, "-c", f"ls {MARK} 2>/dev/null || echo gone") == "gone"
    (old,) = kept_volumes(story)
    assert on_volume(story, old, "-c", f"ls {MARK}") == MARK

    player.say("aiko", f"/dr undo {incident.name}", incident.channel or "")
    player.wait(lambda: player.run(incident).kind is RunKind.UNDO, "the run that undoes")
    undo = player.run(incident)
    wait_for_step(player, incident, "approval", StepState.WAITING)
    player.vote("ben", incident)
    assert on_volume(story, volume, "-c", f"ls {MARK} 2>/dev/null || echo gone") == "gone"  # one is not two
    player.vote("chika", incident)
    wait_for_step(player, incident, "swap-back", StepState.SUCCEEDED)

    ended = finish(player, incident)
    assert (ended.id, undo.id != recovered.id) == (undo.id, True)
    assert on_volume(story, volume, "-c", f"ls {MARK}") == MARK
    wait_until_faultless(story.lab)
    (restored,) = [one for one in kept_volumes(story) if one != old]
    assert on_volume(story, restored, "-c", f"ls {MARK} 2>/dev/null || cat /old/PG_VERSION") == "15"


class Answers(BaseHTTPRequestHandler):
    """Well to everything, and asks nothing."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


@pytest.fixture
def careless(quiet_story: Story) -> Iterator[Story]:
    """A system whose health checks open a connection and ask nothing, and whose dr.yml knows no order."""
    yaml, configuration = YAML(), quiet_story.stack.configuration
    document = yaml.load(configuration.read_text())
    with serving(Answers) as port:
        for one in document["sites"]["production"]["services"].values():
            one.pop("needs", None)
            if "health" in one:
                one["health"] = f"http://127.0.0.1:{port}/"
        with configuration.open("w") as output:
            yaml.dump(document, output)
        yield begin(quiet_story)


def test_an_undo_to_data_on_which_postgresql_does_not_answer_is_no_recovery(careless: Story) -> None:
    story, player = careless, careless.player
    story.backup()
    answers_no_query(story)
    incident = player.declare("aiko", WORDS)
    approve_by_two(player, incident)
    finish(player, incident)
    assert player.incident(incident.id).state is IncidentState.RECOVERED

    player.say("aiko", f"/dr undo {incident.name}", incident.channel or "")
    player.wait(lambda: player.run(incident).kind is RunKind.UNDO, "the run that undoes")
    wait_for_step(player, incident, "approval", StepState.WAITING)
    approve_by_two(player, incident)
    ended = player.wait_for_run(incident, RunState.FAILED, RunState.SUCCEEDED)

    assert ended.state is RunState.FAILED, ended.outcome
    assert "The data from before the recovery is in place again" in (ended.outcome or "")
    assert "PostgreSQL does not answer" in (ended.outcome or "")
    now = player.incident(incident.id)
    assert (now.state, now.rto_seconds, now.users_say) == (IncidentState.RECOVERING, None, None)
