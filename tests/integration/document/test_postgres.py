"""Levels 2 and 3, `gunzip -c … | docker exec -i postgres psql -U postgres`: what passes there, and stops drbot."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.runners.clients.backup_reader import BackupReader
from drbot.runners.clients.backup_store import backup_at
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.dump_execution import execute_dump
from drbot.runners.clients.scratch_postgres import count_rows, scratch_server
from tests.integration.document.conftest import scratch_postgres
from tests.integration.document.servers import Docker

pytestmark = [pytest.mark.docker, pytest.mark.long]

ROWS = 2000
NAME = "all_databases_20261101_020000.sql.gz"
FILL = f"""
CREATE TABLE users (id int PRIMARY KEY, name text);
INSERT INTO users SELECT i, md5(i::text) FROM generate_series(1, {ROWS}) AS i
"""


@pytest.fixture(scope="module")
def dump(docker: Docker) -> bytes:
    """What pg_dumpall says of a small system."""
    with docker.volume("origin") as volume:
        server = docker.postgres(volume, "origin")
        docker.psql(server, "CREATE DATABASE authdb")
        docker.psql(server, FILL, "authdb")
        return docker.run("exec", server, "pg_dumpall", "-U", "postgres").stdout


@pytest.fixture
def server(docker: Docker) -> Iterator[str]:
    """Step 7 of the document: PostgreSQL on a new volume."""
    with docker.volume("target") as volume:
        yield docker.postgres(volume)


def backup(folder: Path, dump: bytes) -> Path:
    path = folder / NAME
    path.write_bytes(gzip.compress(dump))
    return path


def documents_way(docker: Docker, server: str, path: Path, options: str = "") -> int:
    """Its exit code is all that the script could look at, and it does not."""
    return docker.shell(f'gunzip -c "{path}" | docker exec -i {server} psql -U postgres {options}').returncode


def users(docker: Docker, server: str) -> str:
    """Step 9: the count that a person reads."""
    return (
        docker.run("exec", server, "psql", "-XAtqU", "postgres", "-d", "authdb", "-c", "SELECT count(*) FROM users")
        .stdout.decode()
        .strip()
    )


def drbots_way(docker: Docker, client: DockerEngine, path: Path) -> dict[str, int]:
    """The rows after a restore into a new volume. Raises PermanentError."""
    with docker.volume("ours") as volume:
        scratch = scratch_postgres(client, volume)
        source = backup_at(path)
        reader = BackupReader(source, lambda done, total, unit: None, lambda: False)
        with scratch_server(scratch, tuned=True) as container:
            execute_dump(scratch, container, reader.statements())
            return count_rows(scratch, container)


@pytest.mark.parametrize(("kept_bytes", "restored"), [(0, "0"), (4000, "110")], ids=["before", "within"])
def test_half_a_dump_restores_with_exit_code_0_and_without_its_users(
    docker: Docker, client: DockerEngine, server: str, dump: bytes, tmp_path: Path, kept_bytes: int, restored: str
) -> None:
    path = backup(tmp_path, dump[: dump.index(b"COPY public.users") + kept_bytes])

    assert documents_way(docker, server, path) == 0
    assert users(docker, server) == restored
    with pytest.raises(PermanentError, match=r"closing line|does not restore"):
        drbots_way(docker, client, path)


def test_a_broken_line_restores_with_exit_code_0_and_without_its_table(
    docker: Docker, client: DockerEngine, server: str, dump: bytes, tmp_path: Path
) -> None:
    path = backup(tmp_path, dump.replace(b"CREATE TABLE public.users (", b"CREATE TABEL public.users ("))

    assert documents_way(docker, server, path) == 0
    assert users(docker, server) == ""
    with pytest.raises(PermanentError, match="TABEL"):
        drbots_way(docker, client, path)


def test_on_error_stop_alone_aborts_an_intact_dump(
    docker: Docker, client: DockerEngine, server: str, dump: bytes, tmp_path: Path
) -> None:
    path = backup(tmp_path, dump)

    assert documents_way(docker, server, path, "-v ON_ERROR_STOP=1") != 0
    assert users(docker, server) == ""
    assert drbots_way(docker, client, path)["authdb.users"] == ROWS
