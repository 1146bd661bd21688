"""Who may create a function in a database of production gains nothing by it when drbot looks there."""

from collections.abc import Callable, Iterator

import pytest

from drbot.runners.clients.container_labels import RUN_LABEL
from drbot.runners.clients.postgres_written import written_since
from drbot.runners.foundation.watching import never
from tests.integration.actions.conftest import WorkerFixture, own

pytestmark = pytest.mark.docker

# As databases have it that were made before PostgreSQL 15: everybody may create there. A name that is as drbot's own
# words have it, for just the types that they give it, fits better than that of the catalog.
PLANTED = """
CREATE ROLE shop_app; GRANT CREATE ON SCHEMA public TO shop_app; SET ROLE shop_app;
CREATE FUNCTION public.act(text[], name) RETURNS text[] LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE 'COPY (SELECT 1) TO PROGRAM $p$touch /tmp/acted$p$';
    RETURN array_append($1, $2::text);
END $$;
CREATE FUNCTION public.ended(text[]) RETURNS json LANGUAGE sql AS 'SELECT array_to_json($1)';
CREATE AGGREGATE public.json_agg(name) (SFUNC = public.act, STYPE = text[], FINALFUNC = public.ended, INITCOND = '{}');
CREATE FUNCTION public.json_build_array(name, name, name) RETURNS json LANGUAGE sql AS
'SELECT pg_catalog.json_build_array(public.act(ARRAY[]::text[], $1), $2, $3)';
"""


@pytest.fixture
def run(shared: WorkerFixture) -> Iterator[Callable[..., str]]:
    """In production's container. Whatever was planted is gone afterwards."""
    container = shared.clients.postgres.container()
    assert container is not None

    def run(*command: str) -> str:
        return shared.clients.docker.execute(container.id, command, seconds=20).output

    psql = ("psql", "-XAtqU", "postgres", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-c")
    try:
        assert run(*psql, PLANTED) == ""
        yield run
    finally:
        run(*psql, "DROP OWNED BY shop_app; DROP ROLE shop_app")
        run("rm", "-f", "/tmp/acted")


def test_drbot_calls_no_function_but_postgresqls_own(shared: WorkerFixture, run: Callable[..., str]) -> None:
    clients = shared.clients

    databases = clients.postgres.databases()
    fault = clients.postgres.misnamed()
    written_since(clients.docker, clients.postgres, 1, {RUN_LABEL: own("r9-planted")}, never)

    assert "authdb" in databases and fault is None
    assert "No such file" in run("ls", "/tmp/acted")
