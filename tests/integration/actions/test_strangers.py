"""Who else is on the volume that is to be replaced: found whatever way it was mounted, told before the plan is made."""

from collections.abc import Iterator

import pytest

from drbot.core.errors import UserError
from drbot.runners.actions import volume
from drbot.runners.actions.fingerprint import fingerprint
from drbot.runners.permit import volumes_in
from drbot.runners.strangers import require_none
from tests.integration.actions.conftest import Bench, own

pytestmark = pytest.mark.docker

SWAP = {"volume": "", "replacement": "r", "keeper": "k"}


@pytest.fixture
def stranger(bench: Bench, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a container that sleeps with production's volume mounted in this way."""
    found = bench.clients.docker.volume(bench.volume)
    service = bench.clients.postgres.container()
    assert found is not None and service is not None
    source = found.mountpoint if request.param == "folder" else bench.volume
    labels = {}
    if request.param == "one-off":
        inspected = bench.clients.docker.inspect(service.id)["Config"]["Labels"]
        labels = {name: value for name, value in inspected.items() if name.startswith("com.docker.compose.")}
        labels["com.docker.compose.oneoff"] = "True"
    mode = "ro" if request.param == "read-only" else "rw"
    made = bench.clients.docker.client.containers.create(
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


def look(bench: Bench) -> dict[str, list[str]]:
    """Who the fingerprint names."""
    context = bench.context()
    found = fingerprint(bench.clients, bench.configuration.site(), context.labels, context.cancelled)
    return dict(found["strangers"])


def taken(bench: Bench, volume_name: str = "") -> frozenset[str]:
    """What level 2 takes."""
    return volumes_in(volume.swap_subjects(bench.context(), {**SWAP, "volume": volume_name or bench.volume}))


def test_the_systems_own_services_are_no_strangers(bench: Bench) -> None:
    own_volumes = {
        bench.volume.replace("postgres_data", name) for name in ("postgres_data", "redis_data", "admin_files")
    }
    assert set(look(bench)) == own_volumes
    assert look(bench)[bench.volume] == []
    require_none("level2-postgres", taken(bench), {"strangers": look(bench)})
    assert volume.unshared(bench.context(), {"volume": bench.volume}).passed


@pytest.mark.parametrize("stranger", ["volume", "folder", "read-only", "one-off"], indirect=True)
def test_whoever_else_uses_the_volume_keeps_the_plan_from_being_made(bench: Bench, stranger: str) -> None:
    seen = {"strangers": look(bench)}

    with pytest.raises(UserError, match=stranger) as raised:
        require_none("level2-postgres", taken(bench), seen)

    assert f"docker stop {stranger}" in raised.value.todo
    require_none("level2-postgres", taken(bench, "other"), seen)


@pytest.mark.parametrize("stranger", ["stopped"], indirect=True)
def test_a_stopped_one_is_told_on_the_card_and_left_as_it_is(bench: Bench, stranger: str) -> None:
    finding = volume.unshared(bench.context(), {"volume": bench.volume})

    assert look(bench)[bench.volume] == []
    assert not finding.passed
    assert f"{stranger} (stopped) also uses the volume" in finding.sentence
