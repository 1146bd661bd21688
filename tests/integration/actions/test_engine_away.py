"""A Docker engine that is away for four seconds ends nothing: stop, start, restore and swap look again and go on."""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from docker.errors import NotFound

from drbot.core.base.errors import TemporaryError
from drbot.runners.actions import compose, health, postgres, volume
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.volume_mover import Move
from drbot.runners.foundation.permit import emptied
from drbot.runners.foundation.permit import volume as volume_subject
from tests.engine_proxy import EngineProxy
from tests.integration.actions.conftest import WorkerFixture, own
from tests.permits import permit
from tests.strain import Strain

pytestmark = pytest.mark.docker

AUTH = {"services": ["auth", "front-user"], "within": "60s"}
RUN = "r9-away"


@pytest.mark.long
def test_services_stop_and_start_while_the_engine_is_away(
    worker_fixture: WorkerFixture, proxy: EngineProxy, through: Clients
) -> None:
    context = worker_fixture.context("stop-apps", run=RUN, clients=through)

    proxy.away_for(4)
    compose.stop(context, AUTH)
    stopped = compose.stopped(worker_fixture.context(), AUTH)
    proxy.away_for(4)
    found = compose.stopped(context, AUTH)
    proxy.away_for(4)
    compose.start(context, AUTH)
    proxy.away_for(4)
    health.wait(context, AUTH)

    assert stopped.passed and found.passed


@pytest.mark.parametrize("at", [r"POST .*/containers/[0-9a-f]+/stop", r"GET .*/containers/json"])
@pytest.mark.long
def test_services_stop_and_start_although_the_engine_goes_in_the_middle(
    worker_fixture: WorkerFixture, proxy: EngineProxy, through: Clients, at: str
) -> None:
    context = worker_fixture.context("stop-apps", run=RUN, clients=through)

    proxy.cut_at = re.compile(at)
    compose.stop(context, AUTH)
    stopped = compose.stopped(context, AUTH)
    proxy.cut_at = re.compile(at.replace("stop", "start"))
    compose.start(context, AUTH)
    health.wait(context, AUTH)

    assert stopped.passed
    assert proxy.cuts == 2, proxy.requests


@pytest.fixture
def three(worker_fixture: WorkerFixture) -> Iterator[Move]:
    """Old data, new data, and a keeper that does not exist yet."""
    context = worker_fixture.context("swap", run=RUN)
    for name, text in (("v9", "old"), ("r9", "new")):
        worker_fixture.clients.docker.create_volume(f"{worker_fixture.volume}_{name}", context.labels)
        worker_fixture.write(f"{worker_fixture.volume}_{name}", text)
    yield volume.move_of(context, *(f"{worker_fixture.volume}_{name}" for name in ("v9", "r9", "k9")))
    for name in ("v9", "r9", "k9"):
        with suppress(NotFound):  # the replacement's name is gone once its data has moved
            worker_fixture.clients.docker.client.api.remove_volume(f"{worker_fixture.volume}_{name}", force=True)


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(r"POST .*/volumes/create", marks=pytest.mark.more),
        pytest.param(r"POST .*/containers/create", marks=pytest.mark.more),
        r"POST .*/containers/[0-9a-f]+/start",
        pytest.param(r"DELETE .*/containers/", marks=pytest.mark.more),
    ],
)
def test_a_swap_goes_on_wherever_the_engine_goes_away(
    worker_fixture: WorkerFixture, proxy: EngineProxy, through: Clients, three: Move, at: str
) -> None:
    proxy.cut_at = re.compile(at)

    through.volumes.move(three, permit(volume_subject(three.volume), emptied(three.replacement), run=own(RUN)))

    assert proxy.cuts == 1
    assert through.volumes.state(three) == "after"
    assert (worker_fixture.read(three.volume), worker_fixture.read(three.keeper)) == ("new", "old")
    assert worker_fixture.containers(RUN) == ()


@pytest.mark.more
def test_a_server_that_is_ended_under_a_restore_is_no_fault_of_the_backup(worker_fixture: WorkerFixture) -> None:
    """Docker ends every container when it is restarted; the step may then be tried again."""
    context = worker_fixture.context(run=RUN)
    beside = f"{worker_fixture.volume}_{RUN}"
    ended: list[str] = []

    def end(done: float, total: float | None, unit: str) -> None:
        if not ended:
            ended.extend(worker_fixture.containers(RUN))
            worker_fixture.clients.docker.client.api.stop(ended[0], timeout=0)

    with pytest.raises(TemporaryError, match="ended from outside") as raised:
        postgres.restore_beside(
            replace(context, progress=end), {"backup": worker_fixture.backup.name, "volume": beside}
        )
    again = postgres.restore_beside(context, {"backup": worker_fixture.backup.name, "volume": beside})

    assert raised.value.kind == "network"
    assert again.facts["rows"] == dict(worker_fixture.backup.rows)
    volume.remove(context, {"volume": beside})


def test_patience_ends_and_is_not_waited_out_twice(proxy: EngineProxy) -> None:
    engine = DockerEngine(proxy.host, patience_seconds=2)
    assert engine.id()
    proxy.go_away()

    with Strain() as strain:
        started = time.monotonic()
        with pytest.raises(TemporaryError):
            engine.id()
        first = time.monotonic() - started
        with pytest.raises(TemporaryError):
            engine.id()
        second = time.monotonic() - started - first
    proxy.come_back()

    assert first >= 2
    assert second < strain.allows(2)
    assert engine.id()
