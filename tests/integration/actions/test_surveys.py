"""What one survey asks of a real system: each thing once, no longer than a plan takes, and anew in the next survey."""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.site.data_kinds import DataKind
from drbot.runners.actions.site_target import SURVEY_LABELS, SiteTarget
from drbot.runners.contract.fingerprint import digest
from drbot.runners.contract.target import FINGERPRINT
from drbot.runners.foundation.watching import never
from tests.helpers_left import no_helper_is_left
from tests.integration.actions.conftest import WorkerFixture
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.docker

NAMES = ("postgres.restore_beside", "disk.free", FINGERPRINT)
LOCK = "BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)"
COUNTS = "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE 'SELECT json_build_array%'"
LOCKED = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'users'::regclass AND granted"
UNLOCK = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%'"


@pytest.fixture
def target(worker_fixture: WorkerFixture) -> SiteTarget:
    return SiteTarget(worker_fixture.configuration.site(), worker_fixture.configuration, worker_fixture.clients)


def psql(worker_fixture: WorkerFixture, statement: str) -> str:
    container = worker_fixture.clients.postgres.container()
    assert container is not None
    words = ["psql", "-XAtqU", "postgres", "-d", "authdb", "-c", statement]
    return worker_fixture.clients.docker.execute(container.id, words, seconds=90).output


@contextmanager
def locked(worker_fixture: WorkerFixture) -> Iterator[None]:
    """A table of production that nobody can read now: to count it takes forever."""
    holder = threading.Thread(target=psql, args=(worker_fixture, LOCK))
    holder.start()
    try:
        wait_for(lambda: psql(worker_fixture, LOCKED) == "1", PATIENCE, "the table to be locked")
        yield
    finally:
        psql(worker_fixture, UNLOCK)
        holder.join()


def rows_of(survey: SiteTarget) -> Mapping[str, int]:
    """As a plan counts, while it has all else to look for."""
    with survey.ahead(NAMES, never):
        survey.fingerprint(never)
        survey.old_server(never)
        return survey.rows(never)


def test_a_survey_gives_one_answer_and_the_next_one_looks_anew(
    worker_fixture: WorkerFixture, target: SiteTarget
) -> None:
    survey = target.for_survey()
    before, identity = rows_of(survey)["authdb.users"], (survey.fingerprint(never), survey.old_server(never))
    psql(worker_fixture, "INSERT INTO users SELECT * FROM users WHERE false; CREATE TABLE newer AS SELECT 1")
    try:
        assert "authdb.newer" not in survey.rows(never)
        assert rows_of(target.for_survey())["authdb.newer"] == 1
        assert target.rows(never)["authdb.users"] == before
    finally:
        psql(worker_fixture, "DROP TABLE newer")

    assert identity == (target.fingerprint(never), target.old_server(never))
    no_helper_is_left(worker_fixture.clients.docker, SURVEY_LABELS)


def test_an_edit_after_the_survey_is_seen_by_who_looks_again(worker_fixture: WorkerFixture, target: SiteTarget) -> None:
    project = worker_fixture.configuration.site().services["auth"].project
    environment = worker_fixture.configuration.site().projects / project / ".env"
    survey, said = target.for_survey(), environment.read_text()
    sealed = survey.fingerprint(never)
    try:
        environment.write_text(said + "EDITED=yes\n")

        assert survey.fingerprint(never) == sealed
        now = target.fingerprint(never)
        assert now["projects"][project] == digest(worker_fixture.clients, project) != sealed["projects"][project]
    finally:
        environment.write_text(said)


def test_a_count_that_takes_long_holds_up_no_plan_and_ends_in_the_server_too(
    worker_fixture: WorkerFixture, target: SiteTarget
) -> None:
    survey = target.for_survey()
    with locked(worker_fixture):
        with survey.ahead(NAMES, never):
            with pytest.raises(PermanentError, match=r"counting took longer than [\d.]+ s"):
                survey.rows(never)
            look = survey.look(never, DataKind.POSTGRES, brief=True)

        assert look.sentence == "No data looks broken: PostgreSQL answers; its rows were not counted."
        wait_for(lambda: psql(worker_fixture, COUNTS) == "0", PATIENCE, "the server to end the count")
    assert rows_of(target.for_survey())["authdb.users"] == 5000


def test_stop_ends_a_survey_that_counts(worker_fixture: WorkerFixture, target: SiteTarget) -> None:
    survey = target.for_survey()
    with locked(worker_fixture), survey.ahead(NAMES, worker_fixture.stop.is_set):
        wait_for(lambda: psql(worker_fixture, COUNTS) == "1", PATIENCE, "it to count")
        worker_fixture.stop.set()

    no_helper_is_left(worker_fixture.clients.docker, SURVEY_LABELS)


def test_of_several_databases_the_one_that_does_not_answer_is_named(worker_fixture: WorkerFixture) -> None:
    server = worker_fixture.clients.postgres
    assert server.fault() is None

    psql(worker_fixture, "ALTER DATABASE apidb SET session_preload_libraries = 'gone'")
    try:
        assert re.fullmatch(r'apidb: .*FATAL: .*"gone".*', str(server.fault()))
    finally:
        psql(worker_fixture, "ALTER DATABASE apidb RESET session_preload_libraries")

    assert server.fault() is None
