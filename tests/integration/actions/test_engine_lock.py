"""The lock that keeps two drbots apart lies on the target's own engine: one container, never started, one holder."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from drbot.core.base.errors import TemporaryError
from drbot.runners.clients.clients import clients_of
from drbot.runners.clients.engine_lock import EngineLock
from drbot.runners.foundation.lock import Claim
from drbot.runners.foundation.settings import RunnerSettings
from tests.integration.actions.conftest import WorkerFixture

pytestmark = pytest.mark.docker


def claim(instance: str, run: str = "r1") -> Claim:
    since = datetime(2026, 11, 28, 3, 12, tzinfo=UTC)
    return Claim(instance=instance, owner=f"{instance}-host/1", incident="DR-1", run=run, since=since)


def lock_of(worker_fixture: WorkerFixture) -> EngineLock:
    """As another process would build it, from dr.yml alone."""
    site = worker_fixture.configuration.site()
    return EngineLock(
        clients_of(site, worker_fixture.configuration, worker_fixture.clients.settings).docker, site, "lab"
    )


@pytest.fixture
def lock(worker_fixture: WorkerFixture) -> Iterator[EngineLock]:
    made = lock_of(worker_fixture)
    yield made
    holder = made.holder()
    if holder is not None:
        made.give_back(holder.claim.instance, holder.claim.run)
    assert made.holder() is None


def test_it_is_a_container_that_never_ran_and_says_who_holds_it(
    worker_fixture: WorkerFixture, lock: EngineLock
) -> None:
    assert lock.take(claim("here")) is None

    found = worker_fixture.clients.docker.inspect(lock.name)
    assert (found["State"]["Status"], found["State"]["StartedAt"][:4]) == ("created", "0001")
    assert lock.name == f"drbot-lock-{worker_fixture.volume}"
    holder = lock_of(worker_fixture).take(claim("there"))
    assert holder is not None
    assert holder.claim == claim("here")


def test_of_many_that_come_at_once_one_gets_it(worker_fixture: WorkerFixture, lock: EngineLock) -> None:
    with ThreadPoolExecutor(6) as pool:
        held = list(pool.map(lambda number: lock_of(worker_fixture).take(claim(f"drbot-{number}")), range(6)))

    assert held.count(None) == 1
    assert {holder.claim.instance for holder in held if holder} == {f"drbot-{held.index(None)}"}


def test_nobody_but_its_holder_gives_it_back(lock: EngineLock) -> None:
    lock.take(claim("here"))

    lock.give_back("there", "r1")
    lock.give_back("here", "another-run")
    assert lock.holder() is not None
    lock.give_back("here", "r1")
    assert lock.holder() is None


def test_it_is_taken_over_from_exactly_the_holder_that_was_given_up(lock: EngineLock) -> None:
    lock.take(claim("here"))
    given_up = lock.holder()
    assert given_up is not None
    lock.give_back("here", "r1")
    lock.take(claim("here", "r2"))

    holder = lock.take_over(claim("there"), given_up.id)
    assert holder is not None and holder.claim.run == "r2"
    assert lock.take_over(claim("there"), holder.id) is None
    again = lock.take(claim("here", "r2"))
    assert again is not None and again.claim.instance == "there"


def test_the_same_drbot_replaces_what_its_own_dead_run_held(lock: EngineLock) -> None:
    lock.take(claim("here", "dead"))

    assert lock.take(claim("here", "alive")) is None
    holder = lock.holder()
    assert holder is not None and holder.claim.run == "alive"


@pytest.mark.long
def test_an_engine_that_is_away_holds_nobody_off_and_says_so(worker_fixture: WorkerFixture) -> None:
    away = worker_fixture.configuration.site().model_copy(
        update={
            "docker": worker_fixture.configuration.site().docker.model_copy(update={"host": "unix:///nowhere.sock"})
        }
    )
    settings = RunnerSettings(home=worker_fixture.clients.settings.home, docker_host=None)

    with pytest.raises(TemporaryError):
        EngineLock(clients_of(away, worker_fixture.configuration, settings).docker, away, "lab").take(claim("here"))
