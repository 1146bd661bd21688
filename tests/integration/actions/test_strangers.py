"""Who else is on the volume that is to be replaced: found whatever way it was mounted, told before the plan is made."""

from collections.abc import Iterator

import pytest

from drbot.core.base.errors import UserError
from drbot.runners.actions import volume
from drbot.runners.contract.fingerprint import fingerprint
from drbot.runners.contract.strangers import require_none
from drbot.runners.foundation.permit import volumes_in
from tests.integration.actions.conftest import WorkerFixture, own

pytestmark = pytest.mark.docker

SWAP = {"volume": "", "replacement": "r", "keeper": "k"}


@pytest.fixture
def stranger(worker_fixture: WorkerFixture, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a container that sleeps with production's volume mounted in this way."""
    found = worker_fixture.clients.docker.volume(worker_fixture.volume)
    service = worker_fixture.clients.postgres.container()
    assert found is not None and service is not None
    source = found.mountpoint if request.param == "folder" else worker_fixture.volume
    labels = {}
    if request.param == "one-off":
        inspected = worker_fixture.clients.docker.inspect(service.id)["Config"]["Labels"]
        labels = {name: value for name, value in inspected.items() if name.startswith("com.docker.compose.")}
        labels["com.docker.compose.oneoff"] = "True"
    mode = "ro" if request.param == "read-only" else "rw"
    made = worker_fixture.clients.docker.client.containers.create(
        service.image,
        ["-c", "sleep 600"],
        entrypoint="sh",
        name=own("stranger"),
        labels=labels,
        volumes={source: {"bind": "/x", "mode": mode}},
        healthcheck={"test": ["NONE"]},
    )
    if request.param != "stopped":
        made.start()
    yield own("stranger")
    made.remove(force=True)


def look(worker_fixture: WorkerFixture) -> dict[str, list[str]]:
    """Who the fingerprint names."""
    context = worker_fixture.context()
    found = fingerprint(worker_fixture.clients, worker_fixture.configuration.site(), context.labels, context.cancelled)
    return dict(found["strangers"])


def taken(worker_fixture: WorkerFixture, volume_name: str = "") -> frozenset[str]:
    """What level 2 takes."""
    return volumes_in(
        volume.swap_subjects(worker_fixture.context(), {**SWAP, "volume": volume_name or worker_fixture.volume})
    )


def test_the_systems_own_services_are_no_strangers(worker_fixture: WorkerFixture) -> None:
    own_volumes = {
        worker_fixture.volume.replace("postgres_data", name) for name in ("postgres_data", "redis_data", "admin_files")
    }
    assert set(look(worker_fixture)) == own_volumes
    assert look(worker_fixture)[worker_fixture.volume] == []
    require_none("level2-postgres", taken(worker_fixture), {"strangers": look(worker_fixture)})
    assert volume.unshared(worker_fixture.context(), {"volume": worker_fixture.volume}).passed


@pytest.mark.parametrize("stranger", ["volume", "folder", "read-only", "one-off"], indirect=True)
def test_whoever_else_uses_the_volume_keeps_the_plan_from_being_made(
    worker_fixture: WorkerFixture, stranger: str
) -> None:
    seen = {"strangers": look(worker_fixture)}

    with pytest.raises(UserError, match=stranger) as raised:
        require_none("level2-postgres", taken(worker_fixture), seen)

    assert f"docker stop {stranger}" in raised.value.todo
    require_none("level2-postgres", taken(worker_fixture, "other"), seen)


@pytest.mark.parametrize("stranger", ["stopped"], indirect=True)
def test_a_stopped_one_is_told_on_the_card_and_left_as_it_is(worker_fixture: WorkerFixture, stranger: str) -> None:
    finding = volume.unshared(worker_fixture.context(), {"volume": worker_fixture.volume})

    assert look(worker_fixture)[worker_fixture.volume] == []
    assert not finding.passed
    assert f"{stranger} (stopped) also uses the volume" in finding.sentence
