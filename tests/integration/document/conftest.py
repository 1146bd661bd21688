"""A Docker for the document's scripts, and drbot's own way beside it."""

from pathlib import Path

import pytest

from drbot.lab.images import POSTGRES_IMAGE, REDIS_IMAGE
from drbot.lab.ownership import LABEL
from drbot.runners.clients.compose import Compose
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.own_definition import OwnDefinition
from drbot.runners.clients.postgres_server import PostgresRecipe
from drbot.runners.clients.redis_alone import RedisAlone
from drbot.runners.clients.scratch_postgres import Scratch
from drbot.runners.foundation.watching import never
from tests.integration.document.servers import LAB, Docker


@pytest.fixture(scope="session")
def docker(engine: str) -> Docker:
    """The engine with the lab's images."""
    return Docker(host=engine)


@pytest.fixture
def client(engine: str) -> DockerEngine:
    """drbot's own client."""
    return DockerEngine(engine)


def labels() -> dict[str, str]:
    return {LABEL: LAB, "drbot.run": LAB, "drbot.step": "restore"}


def scratch_postgres(client: DockerEngine, volume: str) -> Scratch:
    """drbot's server for a restore into this volume."""
    environment = {"POSTGRES_PASSWORD": "secret", "PGDATA": "/var/lib/postgresql/data"}
    recipe = PostgresRecipe(image=POSTGRES_IMAGE, environment=environment, mounted_at="/var/lib/postgresql/data")
    return Scratch(
        engine=client, recipe=recipe, user="postgres", volume=volume, name=f"drbot-restore-{volume}",
        labels=labels(), cancelled=never,
    )  # fmt: skip


def redis_alone(client: DockerEngine, host: str, volume: str, folder: Path, *options: str) -> RedisAlone:
    """drbot's Redis for a restore into this volume; `options`: how production runs, by a compose file in a folder."""
    service = {
        "image": REDIS_IMAGE,
        "command": ["redis-server", *options],
        "volumes": [{"type": "volume", "source": "data", "target": "/data"}],
    }
    document = {"services": {"redis": service}, "volumes": {"data": {"name": "redis_data"}}}
    (folder / "redis").mkdir()
    return RedisAlone(
        engine=client, compose=Compose(folder, host), volume=volume, name=f"drbot-restore-{volume}", labels=labels(),
        definition=OwnDefinition(project="redis", service="redis", document=document, data="redis_data"),
        cancelled=never,
    )  # fmt: skip
