"""Each fault breaks the lab for real and heals only as real ones do."""

import httpx
import pytest

from drbot.core.base.errors import UserError
from drbot.lab.breakage import break_it
from drbot.lab.compose import compose
from drbot.lab.engine import connect
from drbot.lab.layout import part
from drbot.lab.system import Lab
from tests.labs import LabFactory
from tests.waiting import wait_for

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("lab"), pytest.mark.long]


@pytest.fixture
def lab(lab_factory: LabFactory) -> Lab:
    """Healthy before each test; a test that leaves PostgreSQL broken resets it."""
    lab = lab_factory("lab")
    lab.up(print)
    return lab


def auth(lab: Lab) -> bool:
    url = lab.url(part("auth"))
    assert url is not None
    try:
        return httpx.get(url, timeout=10).status_code == 200
    except httpx.HTTPError:
        return False


def test_auth_crashloop_is_not_healed_by_a_restart_but_by_down_and_up(lab: Lab) -> None:
    break_it(lab, "auth-crashloop")
    project = lab.project(part("auth"))
    client = connect(lab.host)
    container = lab.container(client, part("auth"))
    assert container is not None
    compose(lab.host, project, "restart")
    started = container.attrs["State"]["StartedAt"]

    def crashed_again() -> bool:
        container.reload()
        return bool(container.attrs["RestartCount"] > 0 and container.attrs["State"]["StartedAt"] != started)

    wait_for(crashed_again, 60, "auth to crash again after the restart")
    assert not auth(lab)
    compose(lab.host, project, "down")
    compose(lab.host, project, "up", "-d")

    wait_for(lambda: auth(lab), 60, "auth to work")


def test_redis_lost_empties_redis(lab: Lab) -> None:
    keys = ("exec", "-T", "redis", "redis-cli", "EXISTS", "session:1")
    project = lab.project(part("redis"))
    assert compose(lab.host, project, *keys).strip() == "1"
    break_it(lab, "redis-lost")

    wait_for(lambda: lab.runs(part("redis"), ("redis-cli", "ping")), 60, "Redis to start")
    assert compose(lab.host, project, *keys).strip() == "0"


def test_corrupt_postgres_stays_down_whatever_is_restarted(lab: Lab) -> None:
    break_it(lab, "postgres-corrupt")
    project = lab.project(part("postgres"))
    try:
        compose(lab.host, project, "restart")
        client = connect(lab.host)
        container = lab.container(client, part("postgres"))
        assert container is not None
        wait_for(lambda: lab.has_ended(part("postgres")), 60, "PostgreSQL to fail again")
        container.reload()

        assert container.attrs["State"]["ExitCode"] != 0
        assert "FATAL" in lab.last_words(part("postgres")) or "PANIC" in lab.last_words(part("postgres"))
        assert not auth(lab)
        with pytest.raises(UserError, match="does not start"):
            lab.up(print)
    finally:
        lab.reset()


def test_an_unknown_fault_names_the_nearest(lab: Lab) -> None:
    with pytest.raises(UserError, match="postgres-corrupt"):
        break_it(lab, "postgres-corupt")
