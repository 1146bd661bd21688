"""What a restored copy proves when the backup has no manifest: what must be there is there; more is told."""

import gzip
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.runs.plan import BackupIdentity, Floor
from drbot.runners.actions import postgres
from drbot.runners.actions.backup import rules_of
from drbot.runners.backups import choose_dump as backups
from drbot.runners.clients.backup_reader import Pieces
from drbot.runners.clients.clients import Clients
from drbot.runners.foundation.watching import unheard
from tests.integration.actions.conftest import WorkerFixture, own

pytestmark = [pytest.mark.docker, pytest.mark.more]

NAME = "all_databases_20261126_080000.sql.gz"
SUPERUSER = "CREATE ROLE mallory SUPERUSER LOGIN;\n"
CLOSING = "--\n-- PostgreSQL database cluster dump complete"


def dumped(worker_fixture: WorkerFixture, *options: str) -> str:
    """Production as any script dumps it."""
    container = worker_fixture.clients.docker.container(worker_fixture.configuration.site().services["postgres"])
    assert container is not None
    done = worker_fixture.clients.docker.execute(container.id, ["pg_dumpall", "-U", "postgres", *options], seconds=120)
    assert done.code == 0
    return done.output


def restore(worker_fixture: WorkerFixture, sql: str, folder: Path, floor: Floor) -> dict[str, object]:
    """Check it as a survey does, then restore it beside; the facts."""
    (folder / NAME).write_bytes(gzip.compress(sql.encode()))
    clients: Clients = worker_fixture.with_backups(folder)
    sealed: BackupIdentity = backups.check(clients.backups.get(NAME), rules_of(worker_fixture.context()))
    sealed = sealed.model_copy(update={"floor": floor})
    volume = own("copy")
    context = worker_fixture.context(clients=clients, backup=sealed)
    try:
        return dict(postgres.restore_beside(context, {"backup": NAME, "volume": volume}).facts)
    finally:
        clients.docker.remove_own_volume(volume, context.own_work())


def test_rows_as_inserts_are_counted_in_the_copy_and_a_superuser_is_named(
    worker_fixture: WorkerFixture, tmp_path: Path
) -> None:
    sql = dumped(worker_fixture, "--inserts").replace("CREATE ROLE postgres;", SUPERUSER + "CREATE ROLE postgres;", 1)
    floor = Floor(databases=("authdb",), tables=("authdb.users",), held=("authdb.users", "authdb.gone"))

    facts = restore(worker_fixture, sql, tmp_path, floor)

    assert facts["rows"] == worker_fixture.backup.rows
    assert facts["notes"] == [
        "Superusers in the backup besides postgres: mallory.",
        "authdb.gone held rows in the previous backup and holds none in this one.",
    ]


def test_definitions_with_one_row_elsewhere_prove_nothing(worker_fixture: WorkerFixture, tmp_path: Path) -> None:
    sql = dumped(worker_fixture, "--schema-only").replace(
        CLOSING, "\\connect postgres\nCREATE TABLE public.t (x int);\nINSERT INTO public.t VALUES (1);\n" + CLOSING
    )

    with pytest.raises(PermanentError, match="the database authdb is missing or empty"):
        restore(worker_fixture, sql, tmp_path, Floor(databases=("authdb",)))

    assert worker_fixture.clients.docker.volume(own("copy")) is None


def test_what_must_be_there_is_asked_of_production_while_it_answers(worker_fixture: WorkerFixture) -> None:
    context = worker_fixture.context()

    assert (
        worker_fixture.clients.postgres.tables(context.labels, context.cancelled) == worker_fixture.backup.rows.keys()
    )


def test_as_many_rows_as_there_should_be_that_are_others_are_no_proof(worker_fixture: WorkerFixture) -> None:
    store = worker_fixture.clients.backups
    good = store.get(worker_fixture.backup.name)
    assert good.manifest is not None
    sql = gzip.decompress(good.path.read_bytes())
    at = sql.index(b"\n", sql.index(b"\nCOPY public.users ") + 1) + 1
    altered = sql[:at] + sql[at:].replace(b"@", b"%", 1)
    volume = own("altered")
    context = worker_fixture.context()
    context.clients.docker.create_volume(volume, context.labels)
    dump = Pieces(good.name, iter((altered,)), None, unheard)

    try:
        with pytest.raises(PermanentError, match="users holds other rows than its source"):
            postgres.load(context, volume, dump, worker_fixture.backup, good.manifest.digests)
    finally:
        context.clients.docker.remove_own_volume(volume, context.own_work())
