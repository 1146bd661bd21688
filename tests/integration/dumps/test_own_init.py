"""Images that fill a new cluster themselves (as those of PostGIS and Supabase do), and servers whose command a restore
needs: their own good dump comes back.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.core.base.errors import Cause, PermanentError
from drbot.core.runs.ways_on import REMEDIES
from drbot.lab.ownership import LABEL
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.scratch_postgres import ask, count_rows, scratch_server, stop_cleanly
from tests.integration.document.servers import LAB, Docker
from tests.integration.dumps.conftest import IMAGE, Source, built, restored, source_server

pytestmark = pytest.mark.docker

OWN_INIT = f"drbot-lab/postgres-own-init:{os.getpid()}"
DOCKERFILE = f"""FROM {IMAGE}
COPY entrypoint.sh /usr/local/bin/docker-entrypoint.sh
COPY 10_template.sql 20_schema.sql 30_settings.sh /docker-entrypoint-initdb.d/
LABEL {LABEL}={LAB}
"""
# As the official image's: on an empty volume a temporary server, with the same words, runs the scripts of its folder.
ENTRYPOINT = r"""#!/bin/bash
set -eu
if [ "$(id -u)" = "0" ]; then
    mkdir -p "$PGDATA" && chown -R postgres "$PGDATA" && chmod 0700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username="${POSTGRES_USER:-postgres}" --pwfile=<(echo "$POSTGRES_PASSWORD") ${POSTGRES_INITDB_ARGS:-}
    printf '\nhost all all all scram-sha-256\n' >> "$PGDATA/pg_hba.conf"
    words=("${@:2}" -c listen_addresses=)
    pg_ctl -D "$PGDATA" -o "$(printf '%q ' "${words[@]}")" -w start
    for script in /docker-entrypoint-initdb.d/*; do
        case "$script" in
            *.sh) . "$script" ;;
            *.sql) psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres -f "$script" ;;
        esac
    done
    pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@"
"""
TEMPLATE = """
CREATE DATABASE template_places IS_TEMPLATE true;
\\connect template_places
CREATE EXTENSION places;
\\connect template1
CREATE TABLE everywhere (x int);
INSERT INTO everywhere VALUES (1);
"""
SCHEMA = """
CREATE ROLE supervisor SUPERUSER;
CREATE SCHEMA auth AUTHORIZATION supervisor;
CREATE TABLE auth.users (id int PRIMARY KEY);
CREATE EXTENSION places SCHEMA auth;
ALTER ROLE postgres SET search_path = auth, public;
"""
SETTINGS = "psql -U postgres -c \"ALTER SYSTEM SET work_mem = '5MB'\"\n"
LIBRARIES = "pg_stat_statements, auto_explain, pg_prewarm"
NEEDED = ("postgres", "-c", f"shared_preload_libraries={LIBRARIES}", "-c", "max_locks_per_transaction=512",
          "-cauto_explain.log_analyze=on", "-c", "port=5544", "-c", "hba_file=/nowhere/pg_hba.conf",
          "--unix-socket-directories=/nowhere")  # fmt: skip
WORKER = "autoprewarm leader"  # what one of the libraries does by itself


WRAPPED = f"drbot-lab/postgres-wrapped:{os.getpid()}"
# An image of one's own, as many have it: here it waits for a host that a copy cannot reach, and does not end.
WRAPPER = """#!/bin/bash
until getent hosts settings.internal; do sleep 1; done
exec docker-entrypoint.sh "$@"
"""
WRAPPED_FILE = """FROM {image}
COPY wrapper.sh /wrapper.sh
ENTRYPOINT ["bash", "/wrapper.sh"]
CMD ["postgres"]
LABEL {label}
"""


@pytest.fixture(scope="module")
def own_init(docker: Docker, image: str) -> Iterator[str]:
    files = {"entrypoint.sh": ENTRYPOINT, "10_template.sql": TEMPLATE, "20_schema.sql": SCHEMA}
    with built(docker, OWN_INIT, files | {"30_settings.sh": SETTINGS, "Dockerfile": DOCKERFILE}):
        yield OWN_INIT


@pytest.fixture(scope="module")
def source(docker: Docker, client: DockerEngine, own_init: str) -> Iterator[Source]:
    """A server that its image has filled, and people too."""
    with source_server(docker, client, own_init, "own-init") as made:
        made.sql("INSERT INTO auth.users VALUES (1), (2); INSERT INTO auth.places VALUES (100, 'ours');")
        made.sql("DROP SCHEMA IF EXISTS realtime; CREATE DATABASE app; CREATE TABLE public.t (x int);")
        yield made


@pytest.mark.parametrize("options", [(), pytest.param(("--clean", "--if-exists"), marks=pytest.mark.more)], ids=str)
def test_an_image_that_fills_a_new_cluster_restores_its_own_dump(
    source: Source, docker: Docker, client: DockerEngine, own_init: str, tmp_path: Path, options: tuple[str, ...]
) -> None:
    with restored(docker, client, source.dumpall(*options), tmp_path, image=own_init) as (scratch, container):
        found = count_rows(scratch, container)
        roles = ask(scratch, container, "SELECT string_agg(rolname, ',' ORDER BY 1) FROM pg_roles WHERE rolsuper")

    assert found == {
        "app.everywhere": 1, "template1.everywhere": 1, "template_places.places": 0,
        "postgres.auth.users": 2, "postgres.auth.places": 1, "postgres.t": 0,
    }  # fmt: skip
    assert roles.strip() == "postgres,supervisor"


def test_what_the_image_would_make_and_the_dump_lacks_is_not_in_the_copy(
    source: Source, docker: Docker, client: DockerEngine, own_init: str, tmp_path: Path
) -> None:
    source.sql("DROP DATABASE IF EXISTS gone; CREATE DATABASE gone; DROP TABLE everywhere", "template1")
    dump = source.dumpall()
    source.sql("DROP DATABASE gone; CREATE TABLE everywhere (x int); INSERT INTO everywhere VALUES (1)", "template1")

    with restored(docker, client, dump, tmp_path, image=own_init) as (scratch, container):
        assert "template1.everywhere" not in count_rows(scratch, container)


def test_the_copy_keeps_what_restoring_needs_of_the_servers_command(
    docker: Docker, client: DockerEngine, image: str, tmp_path: Path
) -> None:
    with source_server(docker, client, image, "preloaded", NEEDED[:5]) as source:
        source.sql("CREATE EXTENSION pg_stat_statements;")
        source.sql("CREATE MATERIALIZED VIEW calls AS SELECT count(*) FROM pg_stat_statements;")
        assert WORKER in docker.do("top", source.server)
        dump = source.dumpall()

    def shown(name: str) -> str:
        return ask(scratch, container, f"SHOW {name}").strip()

    with restored(docker, client, dump, tmp_path, command=NEEDED) as (scratch, container):
        assert shown("shared_preload_libraries") == LIBRARIES
        assert WORKER not in docker.do("top", container)
        assert (shown("max_locks_per_transaction"), shown("auto_explain.log_analyze")) == ("512", "on")
        assert (shown("port"), shown("fsync")) == ("5432", "off")
        stop_cleanly(scratch, container)
        client.remove_helper(container)
        with scratch_server(scratch, tuned=False) as container:
            assert (shown("max_locks_per_transaction"), shown("fsync")) == ("512", "on")


def test_a_script_around_the_images_start_is_left_out(
    source: Source, docker: Docker, client: DockerEngine, own_init: str, tmp_path: Path
) -> None:
    files = {"wrapper.sh": WRAPPER, "Dockerfile": WRAPPED_FILE.format(image=own_init, label=f"{LABEL}={LAB}")}
    with (
        built(docker, WRAPPED, files),
        restored(docker, client, source.dumpall(), tmp_path, image=WRAPPED) as (scratch, container),
    ):
        assert count_rows(scratch, container)["postgres.auth.users"] == 2


def test_an_image_that_does_not_start_is_no_fault_of_the_backup(
    source: Source, docker: Docker, client: DockerEngine, own_init: str, tmp_path: Path
) -> None:
    broken = DOCKERFILE.replace("COPY entrypoint.sh", "COPY wrapper.sh")
    files = dict.fromkeys(("10_template.sql", "20_schema.sql", "30_settings.sh"), "")
    files |= {"wrapper.sh": "#!/bin/bash\necho no licence; exit 3\n", "Dockerfile": broken}
    with (
        built(docker, WRAPPED, files),
        pytest.raises(PermanentError) as raised,
        restored(docker, client, source.dumpall(), tmp_path, image=WRAPPED),
    ):
        pass

    assert (raised.value.cause, "no licence" in str(raised.value)) == (Cause.IMAGE, True), raised.value
    assert raised.value.cause in REMEDIES  # so that it is proven later, and no older backup is taken meanwhile
