"""A PostgreSQL with everything that is odd in it, dumps of it, and drbot's way to restore them."""

import gzip
import io
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from drbot.lab.images import POSTGRES_IMAGE
from drbot.lab.ownership import LABEL
from drbot.runners.clients.backup_reader import BackupReader
from drbot.runners.clients.backup_store import backup_at
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.dump_execution import execute_dump
from drbot.runners.clients.helper import HelperOrder
from drbot.runners.clients.postgres_dump import PostgresDump
from drbot.runners.clients.scratch_postgres import Scratch, scratch_server
from tests.integration.document.conftest import scratch_postgres
from tests.integration.document.servers import LAB, Docker

NAME = "all_databases_20261101_020000.sql.gz"
IMAGE = f"drbot-lab/postgres-places:{os.getpid()}"
EXTENSION = """
CREATE TABLE places (srid int PRIMARY KEY, name text);
INSERT INTO places SELECT i, 'given' FROM generate_series(1, 8) AS i;
SELECT pg_catalog.pg_extension_config_dump('places', 'WHERE srid > 8');
CREATE TABLE fixed (a int);
INSERT INTO fixed VALUES (1);
"""
DOCKERFILE = f"""FROM {POSTGRES_IMAGE}
COPY places--1.sql places.control /usr/share/postgresql/15/extension/
LABEL {LABEL}={LAB}
"""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A server to dump, by the document's way and by drbot's."""

    docker: Docker
    client: DockerEngine
    server: str

    def sql(self, script: str, database: str = "postgres") -> str:
        """Run a script; all of it works."""
        words = ("exec", "-i", "-e", f"PGDATABASE={database}", self.server, "psql", "-XAtqU", "postgres")
        done = self.docker.run(*words, "-v", "ON_ERROR_STOP=1", stdin=script.encode())
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def dumpall(self, *options: str) -> bytes:
        """As any script would do it."""
        done = self.docker.run("exec", self.server, "pg_dumpall", "-U", "postgres", *options)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def drbots(self, databases: tuple[str, ...]) -> tuple[bytes, PostgresDump]:
        """As `drbot backup postgres` does it, and what it counted."""
        order = HelperOrder(
            image=IMAGE, name=None, labels={LABEL: LAB}, network=f"container:{self.server}",
            environment={"PGHOST": "127.0.0.1", "PGUSER": "postgres", "PGPASSWORD": "secret"},
        )  # fmt: skip
        dump = PostgresDump(self.client, order, databases)
        return b"".join(dump.pieces(lambda: False)), dump


@pytest.fixture(scope="session")
def docker(engine: str) -> Docker:
    """The engine with the lab's images."""
    return Docker(host=engine)


@pytest.fixture(scope="session")
def client(engine: str) -> DockerEngine:
    """drbot's own client."""
    return DockerEngine(engine)


@pytest.fixture(scope="session")
def image(docker: Docker) -> Iterator[str]:
    """PostgreSQL with an extension whose table is filled by the extension and by people, as PostGIS' is."""
    files = {
        "Dockerfile": DOCKERFILE,
        "places--1.sql": EXTENSION,
        "places.control": "default_version = '1'\nrelocatable = true\n",
    }
    with built(docker, IMAGE, files):
        yield IMAGE


@contextmanager
def built(docker: Docker, image: str, files: Mapping[str, str]) -> Iterator[None]:
    """An image of these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o755 if name.endswith(".sh") else 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
    done = docker.run("build", "-q", "-t", image, "-", stdin=packed.getvalue())
    assert done.returncode == 0, done.stderr.decode()
    yield
    docker.run("rmi", "-f", image)


@contextmanager
def source_server(
    docker: Docker, client: DockerEngine, image: str, name: str, command: Sequence[str] = ()
) -> Iterator[Source]:
    """A new server of this image."""
    with docker.volume(name) as volume:
        server = docker.postgres(volume, name, image=image, command=command)
        yield Source(docker=docker, client=client, server=server)


@contextmanager
def restored(
    docker: Docker, client: DockerEngine, dump: bytes, folder: Path, *, image: str = IMAGE, command: Sequence[str] = ()
) -> Iterator[tuple[Scratch, str]]:
    """A scratch server with this dump in it. Raises PermanentError."""
    path = folder / NAME
    path.write_bytes(gzip.compress(dump, 1))
    with docker.volume("restored") as volume:
        scratch = scratch_postgres(client, volume)
        scratch = replace(scratch, recipe=replace(scratch.recipe, image=image, command=tuple(command)))
        source = backup_at(path)
        reader = BackupReader(source, lambda done, total, unit: None, lambda: False)
        with scratch_server(scratch, tuned=True) as container:
            execute_dump(scratch, container, reader.statements())
            yield scratch, container
