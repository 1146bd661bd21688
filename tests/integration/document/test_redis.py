"""Level 3, step 7 of the document: `docker cp` into a running Redis, then restart. And 100,000 keys, drbot's way."""

from pathlib import Path

import pytest

from drbot.runners.clients import scratch_redis as ours
from drbot.runners.clients.docker_engine import DockerEngine
from tests.integration.document.conftest import redis_alone
from tests.integration.document.servers import Docker
from tests.waiting import wait_for

pytestmark = [pytest.mark.docker, pytest.mark.long]

SAVE_POINTS = ("--save", "3600 1 300 100 60 10000", "--appendonly", "no")
APPENDING = ("--save", "3600 1 300 100 60 10000", "--appendonly", "yes")
KEYS = 100_000


@pytest.fixture(scope="module")
def rdb(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of another day: 100,000 keys, one of which is looked for."""
    with docker.volume("source") as volume:
        server = docker.redis(volume, *SAVE_POINTS, name="source")
        docker.cli(server, "set", "precious", "from the backup")
        docker.cli(server, "eval", f"for i=2,{KEYS} do redis.call('set','session:'..i,'user'..i) end", "0")
        path = tmp_path_factory.mktemp("redis") / "dump.rdb"
        path.write_bytes(docker.saved_rdb(server))
        assert docker.cli(server, "dbsize") == str(KEYS)
    return path


def copied_into_the_running_server(docker: Docker, server: str, rdb: Path) -> None:
    """The document's two lines."""
    docker.do("cp", str(rdb), f"{server}:/data/dump.rdb")
    docker.do("restart", server)


def test_a_file_copied_into_a_running_redis_is_overwritten_at_its_restart(docker: Docker, rdb: Path) -> None:
    with docker.volume("running") as volume:
        server = docker.redis(volume, *SAVE_POINTS, name="running")
        docker.cli(server, "set", "new", "written since")

        copied_into_the_running_server(docker, server, rdb)

        wait_for(lambda: docker.cli(server, "ping") == "PONG", 60, "Redis to have loaded its file")
        assert docker.cli(server, "get", "precious") == ""


def test_a_redis_that_appends_ignores_the_file_even_when_it_was_stopped_first(docker: Docker, rdb: Path) -> None:
    with docker.volume("appending") as volume:
        server = docker.redis(volume, *APPENDING, name="appending")
        docker.do("stop", server)
        docker.do("cp", str(rdb), f"{server}:/data/dump.rdb")
        docker.do("start", server)
        wait_for(lambda: docker.cli(server, "ping") == "PONG", 60, "Redis to have started")

        assert docker.cli(server, "get", "precious") == ""


@pytest.mark.parametrize("options", [SAVE_POINTS, APPENDING], ids=["save points", "appendonly yes"])
def test_drbot_brings_all_keys_back(
    docker: Docker, client: DockerEngine, rdb: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    with docker.volume("ours") as volume:
        alone = redis_alone(client, docker.host, volume, tmp_path, *options)

        count, appends = ours.restore(alone, iter([rdb.read_bytes()]))

        assert count.keys == KEYS
        assert appends == ("yes" in options)
        server = docker.redis(volume, *options, name="ours")
        assert docker.cli(server, "dbsize") == str(KEYS)
        assert docker.cli(server, "get", "precious") == "from the backup"
        docker.do("restart", server)
        wait_for(lambda: docker.cli(server, "ping") == "PONG", 60, "Redis to have loaded its own files")
        assert docker.cli(server, "dbsize") == str(KEYS)
