"""Good dumps of every shape are restored, and what is counted in the copy is what the source holds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.core.base.table_names import table_name
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.scratch_postgres import count_and_digest, count_rows
from drbot.runners.clients.table_counts import COUNT, counted
from tests.integration.document.servers import Docker
from tests.integration.dumps.conftest import Source, restored, source_server
from tests.waiting import wait_for

pytestmark = pytest.mark.docker

NAMES = ("a'b", 'a"b', "a\\b", "a=b", "a b", "日本", "a.b", "dbname=x host=192.0.2.1")
DATABASES = ("template1", *sorted((*NAMES, "odd", "postgres", "pattern")))
ODD = r"""
CREATE EXTENSION places;
INSERT INTO places VALUES (100, 'ours'), (101, 'ours');
CREATE SCHEMA a;
CREATE TABLE a.b (x int);
CREATE TABLE "a.b" (x int);
INSERT INTO a.b VALUES (1);
INSERT INTO "a.b" VALUES (1), (2);
CREATE FUNCTION script() RETURNS text LANGUAGE sql AS $$ SELECT '
\connect elsewhere
COPY public.users (id) FROM stdin;
1
\.
-- PostgreSQL database cluster dump complete
DROP ROLE postgres;
' $$;
CREATE TABLE measured (at int, value text) PARTITION BY RANGE (at);
CREATE TABLE measured_1 PARTITION OF measured FOR VALUES FROM (0) TO (10);
CREATE TABLE measured_2 PARTITION OF measured FOR VALUES FROM (10) TO (20);
INSERT INTO measured SELECT i, E'\\.\n-- \\connect' FROM generate_series(0, 19) AS i;
CREATE TABLE parent (x int);
CREATE TABLE child () INHERITS (parent);
INSERT INTO child VALUES (1);
CREATE MATERIALIZED VIEW latest AS SELECT max(at) FROM measured;
SELECT lo_from_bytea(0, 'large');
"""
OPTIONS = (
    (),
    ("--clean", "--load-via-partition-root"),
    ("--clean", "--if-exists", "--inserts", "--quote-all-identifiers", "--no-comments"),
)
# Rows that come while it is dumped, each in a transaction of its own, as long as somebody asks for them.
WRITER = """
DO $$ BEGIN WHILE EXISTS (SELECT FROM wanted) LOOP INSERT INTO written SELECT 1; COMMIT; END LOOP; END $$
"""


@pytest.fixture(scope="module")
def source(docker: Docker, client: DockerEngine, image: str) -> Iterator[Source]:
    """A server with all of it."""
    with source_server(docker, client, image, "odd") as made:
        made.sql("CREATE TABLE everywhere (x int); INSERT INTO everywhere VALUES (1);", "template1")
        made.sql("CREATE ROLE app LOGIN; CREATE DATABASE odd OWNER app TEMPLATE template0;")
        made.sql("CREATE DATABASE pattern TEMPLATE template0;")
        made.sql("CREATE TABLE patterned (x int); INSERT INTO patterned VALUES (1);", "pattern")
        made.sql("ALTER DATABASE pattern IS_TEMPLATE true;")
        for name in NAMES:
            quoted = '"' + name.replace('"', '""') + '"'
            made.sql(f"CREATE DATABASE {quoted} TEMPLATE template0;")
            made.sql("CREATE TABLE t (x int); INSERT INTO t VALUES (1);", name)
        made.sql(ODD, "odd")
        yield made


def held(source: Source) -> dict[str, int]:
    """What the source holds, counted there."""
    rows: dict[str, int] = {}
    for name in DATABASES:
        rows |= counted(source.sql(COUNT, name))
    return rows


def test_every_database_and_only_what_a_dump_brings_is_counted(source: Source) -> None:
    rows = held(source)

    assert {name: rows[table_name(name, "public", "t")] for name in NAMES} == dict.fromkeys(NAMES, 1)
    assert (rows["template1.everywhere"], rows["pattern.patterned"]) == (1, 1)
    assert (rows["odd.a.b"], rows['odd."a.b"']) == (1, 2)
    assert (rows["odd.places"], rows["odd.parent"], rows["odd.child"]) == (2, 0, 1)
    assert rows["odd.pg_catalog.pg_largeobject_metadata"] == 1
    assert not {"odd.fixed", "odd.measured", "odd.latest"} & rows.keys()


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
@pytest.mark.long
def test_a_dump_of_any_shape_is_restored_and_holds_what_the_source_holds(
    source: Source, docker: Docker, client: DockerEngine, tmp_path: Path, options: tuple[str, ...]
) -> None:
    with restored(docker, client, source.dumpall(*options), tmp_path) as (scratch, container):
        assert count_rows(scratch, container) == held(source)


@pytest.mark.more
def test_drbots_own_dump_counts_in_the_snapshot_it_dumps(
    source: Source, docker: Docker, client: DockerEngine, tmp_path: Path
) -> None:
    content, dump = source.drbots(DATABASES)

    assert dump.rows == held(source)
    assert dump.digests.keys() == {name for name, rows in dump.rows.items() if rows and "pg_largeobject" not in name}
    with restored(docker, client, content, tmp_path) as (scratch, container):
        assert count_and_digest(scratch, container) == (dump.rows, dump.digests)


@pytest.mark.more
def test_what_is_written_while_the_dump_is_made_is_neither_counted_nor_dumped(
    source: Source, docker: Docker, client: DockerEngine, tmp_path: Path
) -> None:
    source.sql("CREATE TABLE wanted (); INSERT INTO wanted DEFAULT VALUES; CREATE TABLE written (x int);", "odd")
    docker.do("exec", "-d", "-e", "PGDATABASE=odd", source.server, "psql", "-XAtqU", "postgres", "-c", WRITER)
    try:
        wait_for(lambda: int(source.sql("SELECT count(*) FROM written", "odd")) > 10, 60, "rows that are written")
        content, dump = source.drbots(("odd", "postgres"))
        after = int(source.sql("SELECT count(*) FROM written", "odd"))
    finally:
        source.sql("DELETE FROM wanted", "odd")

    assert 10 < dump.rows["odd.written"] < after
    with restored(docker, client, content, tmp_path) as (scratch, container):
        assert count_rows(scratch, container)["odd.written"] == dump.rows["odd.written"]


def test_databases_and_roles_that_only_read_are_restored_and_counted_and_stay_so(
    docker: Docker, client: DockerEngine, image: str, tmp_path: Path
) -> None:
    """A setting of the source is data like any other: nothing that is restored or counted obeys it."""
    settings = "SELECT datname, rolname, setconfig FROM pg_db_role_setting AS s LEFT JOIN pg_database AS d ON "
    settings += "d.oid = setdatabase LEFT JOIN pg_roles AS r ON r.oid = setrole ORDER BY 1, 2"
    with source_server(docker, client, image, "reading") as source:
        source.sql("CREATE DATABASE reading;")
        source.sql("CREATE TABLE t (x int); INSERT INTO t VALUES (1), (2);", "reading")
        source.sql("ALTER DATABASE reading SET default_transaction_read_only = on;")
        source.sql("ALTER ROLE postgres SET default_transaction_read_only = on;")
        there = source.sql(settings)
        own, dump = source.drbots(("template1", "postgres", "reading"))
        foreign = source.dumpall()

    for content in (own, foreign):
        with restored(docker, client, content, tmp_path) as (scratch, container):
            assert count_and_digest(scratch, container) == (dump.rows, dump.digests)
            assert docker.psql(container, settings) == there.strip()
    assert dump.rows["reading.t"] == 2
