"""A worker in another place reaches state and doorbell over TLS: the server proves who it is, nothing goes in plain."""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from drbot.core.base.errors import DrbotError
from drbot.core.base.signing import KeyPair
from drbot.core.runs.run import RunKind
from drbot.core.site.level import Level
from drbot.runners.second_factor.join_token import join_site
from drbot.store.base.database import Database
from drbot.store.base.doorbell import doorbell_of
from drbot.store.records import incidents, invitations
from drbot.store.runs import runs
from tests.servers import postgres_server, redis_server
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with server.crt, which is its own CA, and server.key."""
    folder = tmp_path_factory.mktemp("certificate")
    made = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=drbot"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(folder / "server.key"), "-out", str(folder / "server.crt")),
        ],
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def postgres(certificate: Path) -> Iterator[str]:
    with postgres_server(certificate) as url:
        yield url


def test_a_worker_joins_over_tls_with_a_server_it_can_verify(postgres: str, certificate: Path) -> None:
    database = Database(f"{postgres}?sslmode=verify-full&sslrootcert={certificate / 'server.crt'}")
    database.migrate()
    with database.write() as tx:
        incident = incidents.declare(tx, site="production", level=Level.DATACENTRE, title="Fire", person="aiko")
        run = runs.queue(
            tx, incident=incident.id, site="control", kind=RunKind.RECOVER, runbook="x", arguments={}, person="aiko"
        )
        token = invitations.invite(tx, site="recovery", run=run, seconds=60)

    assert join_site(database, token, "recovery", 1, KeyPair.new().public) == "recovery"
    with database.read() as connection:
        secured = connection.execute(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")).scalar()
    assert secured is True
    database.close()


@pytest.mark.parametrize(
    "how", ["sslmode=disable", "sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt"]
)
def test_neither_plain_nor_with_an_unknown_server(postgres: str, how: str) -> None:
    database = Database(f"{postgres}?{how}")

    with pytest.raises(DrbotError), database.read() as connection:
        connection.execute(text("SELECT 1"))
    database.close()


def test_the_doorbell_is_heard_over_tls(certificate: Path) -> None:
    heard, rung = threading.Event(), []
    with redis_server(certificate) as url:
        trusted = f"{url}?ssl_ca_certs={certificate / 'server.crt'}"
        bell, ears = doorbell_of(trusted), doorbell_of(trusted)

        def hear(run: str) -> None:
            rung.append(run)
            heard.set()

        ears.listen("recovery", hear)
        try:
            bell.ring("recovery", "r1")
            assert heard.wait(PATIENCE)
        finally:
            ears.stop()
            bell.stop()
    assert rung == ["r1"]
