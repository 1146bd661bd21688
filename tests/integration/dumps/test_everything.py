"""Everything a database can hold comes back as it was: by checksums of the test's own, not by drbot's counts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.postgres_dump import PostgresDump
from drbot.runners.clients.scratch_postgres import (
    Scratch,
    count_and_digest,
    count_rows,
    scratch_server,
    settle,
    stop_cleanly,
)
from tests.integration.document.servers import Docker
from tests.integration.dumps.conftest import Source, restored, source_server

pytestmark = [pytest.mark.docker, pytest.mark.long, pytest.mark.timeout(1200)]

HERE = Path(__file__).parent
CHECKSUMS = (HERE / "checksums.sql").read_text()
DATA = "/var/lib/postgresql/data"
# database → encoding, and text that is other bytes in it
ENCODINGS = {
    "latin": ("LATIN1", "é"),
    "japanese": ("EUC_JP", "日本"),
    "bytes": ("SQL_ASCII", "é"),
    "utf": ("UTF8", "日本é"),
}
DATABASES = ("template1", "bytes", "everything", "japanese", "latin", "postgres", "utf")
ROLES = "SELECT rolname, rolsuper, rolcanlogin, rolpassword FROM pg_authid WHERE rolname !~ '^pg_' ORDER BY 1"
TABLESPACES = (
    "SELECT relname, t.spcname FROM pg_class JOIN pg_tablespace AS t ON t.oid = reltablespace WHERE relname ~ 'side'"
)


@pytest.fixture(scope="module")
def source(docker: Docker, client: DockerEngine, image: str) -> Iterator[Source]:
    """A server with all of it."""
    with source_server(docker, client, image, "everything") as made:
        for folder in (f"{DATA}/inside", "/outside"):
            docker.do("exec", made.server, "install", "-d", "-o", "postgres", folder)
        made.sql(f"CREATE TABLESPACE inside LOCATION '{DATA}/inside'; CREATE TABLESPACE outside LOCATION '/outside';")
        made.sql("CREATE ROLE app LOGIN PASSWORD 'secret'; CREATE ROLE readers; GRANT readers TO app;")
        made.sql("CREATE DATABASE everything; ALTER DATABASE everything SET work_mem = '5MB';")
        made.sql((HERE / "everything.sql").read_text(), "everything")
        for name, (encoding, text) in ENCODINGS.items():
            made.sql(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0;")
            made.sql(f"SET client_encoding = 'UTF8'; CREATE TABLE t (x text); INSERT INTO t VALUES ('{text}');", name)
        yield made


def checksums(docker: Docker, server: str) -> dict[str, str]:
    """One line for everything of every database, and for the cluster."""
    found: dict[str, str] = {}
    for database in DATABASES:
        done = docker.run(
            "exec", "-i", "-e", f"PGDATABASE={database}", "-e", "PGCLIENTENCODING=UTF8", server,
            "psql", "-XAtqU", "postgres", "-v", "ON_ERROR_STOP=1", stdin=CHECKSUMS.encode(),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        for line in done.stdout.decode(errors="replace").splitlines():
            found[f"{database} {line.split('|')[0]}"] = found.get(f"{database} {line.split('|')[0]}", "") + line
    found["roles"] = docker.psql(server, ROLES)
    found["tablespaces"] = docker.psql(server, TABLESPACES, "everything")
    found["settings"] = docker.psql(server, "SELECT setconfig FROM pg_db_role_setting ORDER BY 1")
    return found


@pytest.fixture(params=["drbot", "pg_dumpall"])
def dump(source: Source, request: pytest.FixtureRequest) -> tuple[bytes, PostgresDump | None]:
    """By drbot with what it counted, or by any script."""
    return source.drbots(DATABASES) if request.param == "drbot" else (source.dumpall(), None)


def test_every_table_is_as_it_was_in_the_copy_and_after_production_has_started_it(
    source: Source, docker: Docker, client: DockerEngine, tmp_path: Path, dump: tuple[bytes, PostgresDump | None]
) -> None:
    expected = checksums(docker, source.server)
    assert sum(1 for name in expected if name.startswith("everything many_")) == 2000
    content, manifest = dump

    with restored(docker, client, content, tmp_path) as (scratch, container):
        assert different(expected, checksums(docker, container)) == {}
        counted, digests = count_and_digest(scratch, container)
        assert manifest is None or (manifest.rows, manifest.digests) == (counted, digests)
        stop_cleanly(scratch, container)
        client.remove_helper(container)
        settle(scratch)
        with scratch_server(scratch, tuned=False) as again:  # with the settings production has
            assert different(expected, checksums(docker, again)) == {}
            assert count_rows(scratch, again) == counted
            require_inside(docker, again, scratch)
    assert sum(1 for table in counted if table.startswith("everything.many_")) == 2000


def different(expected: dict[str, str], found: dict[str, str]) -> dict[str, tuple[str | None, str | None]]:
    """What is not the same."""
    return {
        name: (expected.get(name), found.get(name))
        for name in expected.keys() | found.keys()
        if expected.get(name) != found.get(name)
    }


def require_inside(docker: Docker, server: str, scratch: Scratch) -> None:
    """Both tablespaces lie in the volume that would be swapped in."""
    places = docker.psql(server, "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname ~ 'side'")
    assert all(place.startswith(scratch.recipe.mounted_at) for place in places.splitlines())
    assert len(places.splitlines()) == 2
