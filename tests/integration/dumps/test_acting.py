"""A dump that does more than bring data: nothing leaves the scratch server, and the dump is refused with its reason."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.dump import CLOSING_LINE
from drbot.runners.clients.scratch_postgres import count_rows, scratch_server
from tests.integration.document.conftest import scratch_postgres
from tests.integration.document.servers import Docker
from tests.integration.dumps.conftest import restored, source_server

pytestmark = pytest.mark.docker

DATA = "/var/lib/postgresql/data"
ACTS = {
    "ALTER SYSTEM": ("ALTER SYSTEM SET archive_command = 'true';", r"own files \(postgresql.auto.conf\)"),
    "a file beside the data": (f"COPY (SELECT 'host all all all trust') TO '{DATA}/pg_hba.conf';", "pg_hba.conf"),
    "a program of the server": (
        "CREATE TABLE public.t (x text);\nCOPY public.t FROM PROGRAM 'w';",
        'program "w" failed',
    ),
    "to a program of the server": ("COPY (SELECT 1) TO PROGRAM 'cat';", "to COPY program|program .* failed"),
    "a program of psql": ("\\! id", "runs a program"),
    "a pipe of psql": ("\\o |cat\nSELECT 1;", "runs a program"),
    "a program with rows": ("CREATE TABLE public.t (x text);\n\\copy public.t from program 'id'", "runs a program"),
    "a file of the container": ("\\i /etc/passwd", "/etc/passwd"),
    "errors that shall not stop it": ("\\set ON_ERROR_STOP off\nSELECT 1/0;", "division by zero"),
    "errors that shall not be told": ("\\set VERBOSITY sqlstate\nCREATE ROLE postgres;", "42710"),
    "an end before the end": ("\\q", "middle of it"),
    "a part that is skipped": ("\\if false", "middle of it|reached EOF"),
    "an open quote": ("SELECT 'open", "unterminated quoted string"),
    "another server": ("\\connect postgres postgres 192.0.2.1 5432", "connection to server"),
    "sleep": ("SELECT pg_sleep(86400);", "it sleeps"),
}


@pytest.fixture(scope="module")
def good(docker: Docker, client: DockerEngine, image: str) -> Iterator[bytes]:
    """A dump that is good as it is."""
    with source_server(docker, client, image, "acting") as source:
        source.sql("CREATE TABLE users (x int); INSERT INTO users VALUES (1);")
        yield source.dumpall()


def with_act(dump: bytes, act: str) -> bytes:
    """The act comes last, before the closing line."""
    at = dump.rindex(b"--\n" + CLOSING_LINE)
    return dump[:at] + act.encode() + b"\n\n" + dump[at:]


def test_the_dump_itself_is_good(good: bytes, docker: Docker, client: DockerEngine, tmp_path: Path) -> None:
    with restored(docker, client, with_act(good, "SELECT 1;"), tmp_path) as (scratch, container):
        assert count_rows(scratch, container) == {"postgres.users": 1}


ALWAYS = ("a file beside the data", "a program of the server", "a program of psql", "errors that shall not stop it")


@pytest.mark.parametrize("act", [pytest.param(act, marks=() if act in ALWAYS else pytest.mark.more) for act in ACTS])
def test_a_dump_that_acts_is_refused(
    good: bytes, docker: Docker, client: DockerEngine, tmp_path: Path, act: str
) -> None:
    statement, why = ACTS[act]

    with (
        pytest.raises(PermanentError, match=why),
        restored(docker, client, with_act(good, statement), tmp_path),
    ):
        pass


def test_whatever_it_tries_it_is_alone_with_its_volume_and_has_no_rights(docker: Docker, client: DockerEngine) -> None:
    with docker.volume("alone") as volume, scratch_server(scratch_postgres(client, volume), tuned=True) as container:
        found = client.inspect(container)
        status = client.execute(container, ["cat", "/proc/1/status"], seconds=5).output

    host = found["HostConfig"]
    assert (host["NetworkMode"], host["Privileged"], host["CapDrop"]) == ("none", False, ["ALL"])
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["PidsLimit"] > 0
    assert [mount["Name"] for mount in found["Mounts"]] == [volume]
    held = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    assert (held["CapEff"], held["NoNewPrivs"]) == ("0" * 16, "1")
    assert held["Uid"].split()[1] != "0"
