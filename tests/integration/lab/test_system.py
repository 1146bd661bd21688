"""A lab starts healthy, describes itself, and touches nothing that is not its own."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from ruamel.yaml import YAML

from drbot.core.base.errors import UserError
from drbot.core.site.site import Configuration
from drbot.lab.breakage import break_it
from drbot.lab.engine import connect
from drbot.lab.layout import PARTS, TABLES, part
from drbot.lab.seed import seed
from drbot.lab.system import Lab
from tests.labs import wait_until_faultless

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("lab")]


def test_every_service_is_healthy_after_up(lab: Lab) -> None:
    lab.up(print)

    assert {one.name: one.state for one in lab.status()} == {part.name: "running" for part in PARTS}
    assert not [one for one in lab.status() if one.url and one.fault]


def test_many_may_ask_a_service_for_its_health_at_once(lab: Lab) -> None:
    url = lab.url(part("auth"))
    assert url is not None
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: httpx.get(url, timeout=30).text, range(60)))

    assert [answer for answer in answers if '"status": "ok"' not in answer] == []


def test_dr_yml_describes_the_lab_that_runs(lab: Lab) -> None:
    configuration = Configuration.model_validate(YAML(typ="safe").load(lab.configuration))
    site = configuration.site()

    assert site.postgres is not None
    assert [service for service in site.services if (site.projects / site.services[service].project).is_dir()] == [
        part.name for part in PARTS
    ]
    for database in site.postgres.databases:
        assert int(lab.psql(f"SELECT count(*) FROM {TABLES[database]}", "-d", database)) >= 3000
    client = connect(lab.host)
    assert client.volumes.get(site.postgres.volume).attrs["Labels"] == {"drbot.lab": lab.label}


def test_health_says_which_dependency_is_down(lab: Lab) -> None:
    client = connect(lab.host)
    redis = lab.container(client, part("redis"))
    assert redis is not None
    url = lab.url(part("auth"))
    assert url is not None
    redis.pause()
    try:
        answer = httpx.get(url, timeout=30)
    finally:
        redis.unpause()

    assert answer.status_code == 503
    assert answer.json()["reason"].startswith("Redis")


def test_up_again_keeps_data_passwords_and_addresses(lab: Lab) -> None:
    addresses = [one.url for one in lab.status()]
    before = seed(lab, 1)
    lab.down()
    lab.up(print)

    assert int(lab.psql("SELECT count(*) FROM documents", "-d", "admindb")) == before
    assert [one.url for one in lab.status()] == addresses


def test_a_port_that_somebody_takes_while_the_lab_starts_is_chosen_again(lab: Lab) -> None:
    lab.compose(part("user"), "down")
    held = ExitStack()

    def take(line: str) -> None:
        """Ports were chosen by now, and the services are started next."""
        if "services" in line:
            held.enter_context(socket.create_server(("127.0.0.1", urlsplit(str(lab.url(part("user")))).port or 0)))

    with held:
        taken = lab.url(part("user"))
        lab.up(take)

    assert lab.url(part("user")) != taken
    wait_until_faultless(lab)
    assert str(urlsplit(str(lab.url(part("user")))).port) in lab.configuration.read_text()


@pytest.fixture
def foreign_volume(engine: str, tmp_path: Path) -> Iterator[Lab]:
    """A volume that happens to have the name the lab would use."""
    lab = Lab(name="tforeign", home=tmp_path, host=engine)
    client = connect(engine)
    volume = client.volumes.create(f"{lab.prefix}postgres_data")
    yield lab
    volume.remove()


def test_what_has_no_label_is_refused_and_left_alone(foreign_volume: Lab, engine: str) -> None:
    with pytest.raises(UserError, match="no label"):
        foreign_volume.up(print)
    foreign_volume.reset()

    assert connect(engine).volumes.get(f"{foreign_volume.prefix}postgres_data").attrs["Labels"] is None


def test_a_container_without_the_label_is_not_broken(engine: str, tmp_path: Path) -> None:
    lab = Lab(name="tunlabelled", home=tmp_path, host=engine)
    client = connect(engine)
    labels = {
        "com.docker.compose.project": f"{lab.prefix}ai-micro-api-auth",
        "com.docker.compose.service": "auth-service",
    }
    container = client.containers.run("drbot-lab/redis:7", labels=labels, detach=True)
    try:
        with pytest.raises(UserError, match="no label"):
            break_it(lab, "auth-down")
        lab.reset()
        container.reload()

        assert container.status == "running"
    finally:
        container.remove(force=True, v=True)
