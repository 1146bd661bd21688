"""Whoever removed a container of ours may use what it held: a STOP and the act it ends both remove the same one."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from drbot.lab.images import SERVICE_IMAGE
from drbot.runners.clients import helper
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.foundation.permit import volume as volume_subject
from tests.integration.actions.conftest import WorkerFixture
from tests.permits import permit

pytestmark = [pytest.mark.docker, pytest.mark.more]

ROUNDS, AT_ONCE = 8, 4


@pytest.mark.long
def test_a_volume_is_free_as_soon_as_anybody_removed_its_container(worker_fixture: WorkerFixture) -> None:
    context = worker_fixture.context("remove", run="removing")
    engine, volume = worker_fixture.clients.docker, f"{worker_fixture.volume}_removing"
    mount = Mount(source=volume, target="/held")
    order = HelperOrder(
        image=SERVICE_IMAGE, name=None, labels=context.labels, entrypoint=("sleep",), command=("600",), mounts=(mount,)
    )

    def removed(container: str) -> tuple[str, ...]:
        engine.remove_helper(container)
        return engine.users_of(volume)

    users = []
    for _ in range(ROUNDS):
        container = helper.create(engine, order)
        helper.start(engine, container)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            users += list(pool.map(removed, [container] * AT_ONCE))
    engine.remove_volume(volume, permit(volume_subject(volume)))

    assert users == [()] * ROUNDS * AT_ONCE
