"""What breaks the copy of a drill breaks nothing else: production's engine is no drill's, whatever a runbook says."""

import pytest

from drbot.core.base.errors import PermanentError
from drbot.runners.actions.registry import REGISTRY
from drbot.runners.clients.breaking import ALL, Breaker
from tests.integration.actions.conftest import WorkerFixture
from tests.labs import wait_until_faultless

pytestmark = pytest.mark.docker


def test_production_is_not_broken(worker_fixture: WorkerFixture) -> None:
    with pytest.raises(PermanentError, match="no engine of a drill; nothing was touched"):
        REGISTRY.actions["drill.break"](worker_fixture.context("break"), {})

    wait_until_faultless(worker_fixture.lab)


def test_no_volume_of_production_is_emptied(worker_fixture: WorkerFixture) -> None:
    context = worker_fixture.context("break")
    breaker = Breaker(engine=context.clients.docker, labels=context.labels, cancelled=context.cancelled)

    redis = context.site.redis
    assert redis is not None
    before = context.clients.redis.count()

    with pytest.raises(PermanentError, match="no engine of a drill; nothing was touched"):
        breaker.wipe(redis.volume, ALL, context.site.services[redis.service])

    wait_until_faultless(worker_fixture.lab)
    assert context.clients.redis.count() == before
