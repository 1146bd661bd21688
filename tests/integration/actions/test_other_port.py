"""A PostgreSQL that listens elsewhere, and a client of its image that would look there: everything works as on 5432."""

from collections.abc import Iterator

import pytest

from drbot.lab.layout import part
from drbot.runners.actions import health, postgres
from drbot.runners.backups.make_dump import back_up_postgres
from drbot.runners.clients.postgres_written import written_since
from tests.integration.actions.conftest import WorkerFixture

pytestmark = pytest.mark.docker

WAYS = {
    "command": "command: postgres -p 5544",
    "environment": "environment: {PGPORT: '5544'}",
    "settings": "command: [postgres, -c, port=5544, -c, unix_socket_directories=/tmp]",
}


@pytest.fixture(params=[name if name == "command" else pytest.param(name, marks=pytest.mark.more) for name in WAYS])
def elsewhere(worker_fixture: WorkerFixture, request: pytest.FixtureRequest) -> Iterator[WorkerFixture]:
    lab, database = worker_fixture.lab, part("postgres")
    override = lab.project(database) / "docker-compose.override.yml"
    override.write_text(f"services:\n  postgres:\n    {WAYS[request.param]}\n    healthcheck: {{disable: true}}\n")
    lab.compose(database, "up", "-d")
    yield worker_fixture
    override.unlink()
    lab.compose(database, "up", "-d")


def test_a_server_on_another_port_is_asked_dumped_and_restored(elsewhere: WorkerFixture) -> None:
    clients, context = elsewhere.clients, elsewhere.context(run="port")
    health.wait(context, {"services": ["postgres"], "within": "60s"})
    server, volume = clients.postgres, f"{elsewhere.volume}_port"

    assert (server.fault(), server.role_fault()) == (None, None)
    made = back_up_postgres(elsewhere.configuration, "production", clients=clients)
    assert made.rows == server.rows(context.labels, context.cancelled)
    assert written_since(clients.docker, server, 3, context.labels, context.cancelled).rows > 0
    try:
        postgres.restore_beside(context, {"backup": elsewhere.backup.name, "volume": volume})
        assert postgres.beside_rows(context, {"volume": volume}).passed
    finally:
        clients.docker.remove_own_volume(volume, context.own_work())
