"""dr.yml's own checks on a real PostgreSQL: asked of the copy beside production, and of the system that runs."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from drbot.core.base.errors import BackupError, Cause, PermanentError
from drbot.core.runs.proof import OWN_CHECKS
from drbot.core.site.own_checks import OwnCheck, OwnChecks
from drbot.core.site.readiness import Colour
from drbot.core.text.messages import say
from drbot.runners.actions import health, postgres, volume
from drbot.runners.backups.own_checks import AskedOfCopy, require_own_checks
from drbot.runners.clients import helper
from drbot.runners.clients.container_labels import RUN_LABEL
from drbot.runners.clients.scratch_postgres import Scratch, ask, scratch_server
from drbot.runners.contract.action import Outcome, StepContext
from drbot.runners.upkeep.own_check_readiness import own_check_lines
from tests.integration.actions.conftest import WorkerFixture, own

pytestmark = pytest.mark.docker

USERS = {"sql": "SELECT count(*) FROM users;", "database": "authdb", "expect": ">= 5000"}


def asking(worker_fixture: WorkerFixture, *checks: dict[str, Any]) -> StepContext:
    """A step of a site whose dr.yml asks this."""
    proof = OwnChecks.model_validate({"checks": checks})
    context = worker_fixture.context(run="r9-own")
    return replace(context, configuration=context.configuration.model_copy(update={"proof": proof}))


def restored(worker_fixture: WorkerFixture, *checks: dict[str, Any]) -> Outcome:
    """Beside production; what is left is removed, and production has no new volume."""
    context, beside = asking(worker_fixture, *checks), f"{worker_fixture.volume}_r9-own"
    assert context.plan.backup is not None
    try:
        return postgres.restore_beside(context, {"backup": context.plan.backup.name, "volume": beside})
    finally:
        there = context.clients.docker.volume(beside)
        if there is not None:
            volume.remove(context, {"volume": beside})


@pytest.fixture(scope="module")
def copy(shared: WorkerFixture) -> Iterator[tuple[Scratch, str]]:
    """A server of our own with a table of three users."""
    docker, labels = shared.clients.docker, {RUN_LABEL: own("r9-copy")}
    with helper.throw_away_volume(docker, shared.clients.postgres.recipe(lambda: False).image, labels) as there:
        scratch = replace(postgres.scratch_of(shared.context(), there, "own"), labels=labels)
        with scratch_server(scratch, tuned=True) as container:
            ask(
                scratch,
                container,
                "CREATE TABLE public.users (id serial); INSERT INTO public.users VALUES (1), (2), (3)",
            )
            yield scratch, container


def asked(copy: tuple[Scratch, str], sql: str, expect: str = "1", seconds: int = 60) -> str:
    """How that is refused; "" = it passed."""
    check = OwnCheck.model_validate({"sql": sql, "expect": expect})
    try:
        require_own_checks(*copy, AskedOfCopy(checks=(check,), databases=("postgres",), seconds=seconds))
    except PermanentError as error:
        assert isinstance(error, BackupError) is (error.cause is Cause.BACKUP)
        return f"{error.cause}: {say(str(error), 'en')}"
    return ""


def test_a_copy_that_passes_its_own_checks_says_how_many(worker_fixture: WorkerFixture) -> None:
    newest = {"title": "somebody is new", "sql": "SELECT max(id) IS NOT NULL FROM users", "database": "authdb"}

    outcome = restored(worker_fixture, USERS, {**newest, "expect": True})

    assert outcome.facts[OWN_CHECKS] == 2
    assert "2 of 2 own checks passed" in say(outcome.summary, "en")


def test_a_copy_that_fails_one_is_removed_and_the_sentence_says_which(worker_fixture: WorkerFixture) -> None:
    with pytest.raises(BackupError) as refused:
        restored(worker_fixture, USERS, {**USERS, "sql": "SELECT count(*) FROM users", "expect": "> 100000"})

    said = 'own check "SELECT count(*) FROM users": expected > 100000, came 5000'
    assert say(str(refused.value), "en") == said
    assert worker_fixture.clients.docker.volume(f"{worker_fixture.volume}_r9-own") is None


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT count(*) FROM orders_of_nobody", 'relation "orders_of_nobody" does not exist'),
        ("SELEC 1", 'syntax error at or near "SELEC"'),
        ("SELECT 1, 2", "it must answer one value"),
        ("SELECT id FROM users", "it must answer one value"),
        ("SELECT 1 WHERE false", "it must answer one value"),
        ("SELECT 1; DROP TABLE users", "multi"),
        ("DELETE FROM users RETURNING 1", "read-only transaction"),
        ("WITH gone AS (DELETE FROM users RETURNING 1) SELECT count(*) FROM gone", "read-only transaction"),
        ("SELECT setval('users_id_seq', 1)", "permission denied"),
        ("SELECT pg_read_file('PG_VERSION')", "permission denied"),
        ("SELECT set_config('transaction_read_only', 'off', true)", "read-write mode"),
        ("SELECT set_config('role', 'none', true)", 'cannot set parameter "role"'),
        ("SELECT set_config('session_authorization', 'postgres', true)", "cannot set parameter"),
        ("COPY users TO PROGRAM 'cat'", "COPY"),
        ("SELECT '$do$ END $do$; DROP TABLE users; \\! true; --'", "came $do$"),
    ],
)
def test_a_statement_answers_one_value_and_can_do_nothing_else(copy: tuple[Scratch, str], sql: str, said: str) -> None:
    assert said in asked(copy, sql)

    assert asked(copy, "SELECT count(*) FROM users", "3") == ""
    assert asked(copy, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'drbot%'", "1") == ""  # its own, while it asks
    assert ask(*copy, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'drbot%'").strip() == "0"


@pytest.mark.parametrize(
    ("sql", "came"),
    [
        ("SELECT true", "t"),
        ("SELECT NULL::text", "NULL"),
        ("SELECT ''::text", '""'),
        ("SELECT 'a, (\"b\") \\ c'::text", 'a, ("b") \\ c'),
        ("SELECT ROW(1, 2)", "(1,2)"),
        ("SELECT E'two\\nlines'", "two lines"),
    ],
)
def test_a_value_is_read_as_postgresql_writes_it(copy: tuple[Scratch, str], sql: str, came: str) -> None:
    assert asked(copy, sql, "other").endswith(f": expected other, came {came}")


def test_a_statement_that_takes_too_long_is_ended_and_the_backup_is_not_to_blame(copy: tuple[Scratch, str]) -> None:
    said = asked(copy, "SELECT pg_sleep(30)::text", seconds=1)

    assert said == 'time: own check "SELECT pg_sleep(30)::text": it took longer than 1 s'


def test_readiness_says_beforehand_what_cannot_be_asked_and_asks_nothing(worker_fixture: WorkerFixture) -> None:
    broken = {"title": "orders", "sql": "SELECT count(*) FROM orders_of_nobody", "database": "authdb", "expect": 1}
    slow = {"sql": "SELECT pg_sleep(40)::text", "database": "authdb", "expect": "x"}
    context = asking(worker_fixture, USERS, slow, broken, {"http": "http://127.0.0.1:9/"})

    lines = list(own_check_lines(context.configuration, worker_fixture.clients))

    assert [line.colour for line in lines] == [Colour.RED, Colour.RED]
    assert 'own check "orders": relation "orders_of_nobody" does not exist' in say(lines[0].sentence, "en")
    assert "http://127.0.0.1:9/" in say(lines[1].sentence, "en")
    good = asking(worker_fixture, USERS, slow)
    assert [one.colour for one in own_check_lines(good.configuration, worker_fixture.clients)] == [Colour.GREEN]
    assert list(own_check_lines(asking(worker_fixture).configuration, worker_fixture.clients)) == []


# Whoever owns a table may put a view in its place: what stands in it is carried out while the question is planned.
TRAP = """
CREATE ROLE shop_app; GRANT CREATE ON SCHEMA public TO shop_app; SET ROLE shop_app;
CREATE FUNCTION public.act() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    PERFORM set_config('role', 'none', true);
    EXECUTE 'COPY (SELECT 1) TO PROGRAM $p$touch /tmp/acted$p$';
END $$;
CREATE FUNCTION public.look(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN PERFORM public.act(); RETURN true; END $$;
CREATE VIEW public.trap AS SELECT 1 AS id WHERE public.look(1);
"""


def test_readiness_gives_what_an_application_put_into_the_database_no_rights(shared: WorkerFixture) -> None:
    server, check = shared.clients.postgres, {"sql": "SELECT count(*) FROM trap", "database": "authdb", "expect": 1}
    container = server.container()
    assert container is not None

    def run(*command: str) -> str:
        return shared.clients.docker.execute(container.id, command, seconds=20).output

    psql = ("psql", "-XAtqU", "postgres", "-d", "authdb", "-v", "ON_ERROR_STOP=1", "-c")
    try:
        assert run(*psql, TRAP) == ""

        (line,) = own_check_lines(asking(shared, check).configuration, shared.clients)

        assert line.colour is Colour.RED and 'cannot set parameter "role"' in say(line.sentence, "en")
        assert "No such file" in run("ls", "/tmp/acted")
    finally:
        run(*psql, "DROP OWNED BY shop_app; DROP ROLE shop_app")


def test_the_running_system_is_asked_by_http(worker_fixture: WorkerFixture) -> None:
    url = next(one.health for one in worker_fixture.configuration.site().services.values() if one.health)

    found = health.own_checks(asking(worker_fixture, {"http": url}, USERS), {})
    missing = health.own_checks(asking(worker_fixture, {"http": url}, {"http": url, "expect": "no such words"}), {})
    away = health.own_checks(asking(worker_fixture, {"http": f"{url}/nowhere"}), {})

    assert found.passed and say(found.sentence, "en") == "1 of 1 own checks passed"
    assert not missing.passed and "expected no such words, came" in say(missing.sentence, "en")
    assert not away.passed and "404" in say(away.sentence, "en")
    assert health.own_checks(asking(worker_fixture), {}).passed
