"""The way to SQL: a new database has the tables, times keep their microseconds, a busy database says so."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, insert, inspect, select, text

from drbot.core.base.errors import TemporaryError, UserError
from drbot.core.ledger.events import EventKind
from drbot.core.site.stored_backups import BackupKind, StoredBackup
from drbot.store.base.column_types import metadata
from drbot.store.base.database import NEWEST, Database
from drbot.store.base.migrating import migrations
from drbot.store.base.schema import cursors, locks
from drbot.store.base.settings import StoreSettings
from drbot.store.records import proofs, steps, stored_backups
from tests.integration.store import store_fixture


def test_a_new_database_has_exactly_the_tables_of_the_schema(database: Database) -> None:
    database.migrate()

    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_newest_migration_is_the_last_there_is() -> None:
    assert ScriptDirectory.from_config(migrations()).get_current_head() == NEWEST


PROOFS_OF_V6 = """CREATE TABLE proofs (kind TEXT NOT NULL, name TEXT NOT NULL, place TEXT NOT NULL, mark TEXT NOT NULL,
    sha256 TEXT NOT NULL, proven_at TIMESTAMP NOT NULL, seconds FLOAT NOT NULL, version TEXT NOT NULL,
    result TEXT NOT NULL, fault TEXT NOT NULL, PRIMARY KEY (kind, name, place))"""
PROOF_OF_V6 = "('full', 'full_1', 's3://shop/', '', '', '2026-11-30 03:00:00', 41.0, '0.1', 'proven', '')"
SEEN = StoredBackup(
    site="shop", kind=BackupKind.FULL, name="full_1", place="s3://shop/", is_off_site=True,
    moment=datetime(2026, 11, 30, 2, tzinfo=UTC), size=1,
)  # fmt: skip


def test_a_database_of_before_gets_what_is_new(database: Database) -> None:
    run = store_fixture.running(database)
    with database.write() as tx:
        for column in ("cause", "taken_back"):
            tx.connection.execute(text(f"ALTER TABLE steps DROP COLUMN {column}"))
        tx.connection.execute(text("ALTER TABLE drills DROP COLUMN files"))
        tx.connection.execute(text("DROP TABLE inventories"))
        tx.connection.execute(text("DROP TABLE proofs"))
        tx.connection.execute(text(PROOFS_OF_V6))
        tx.connection.execute(text("CREATE INDEX ix_proofs_sha256 ON proofs (sha256)"))
        tx.connection.execute(text(f"INSERT INTO proofs VALUES {PROOF_OF_V6}"))
        stored_backups.saw(tx, "shop", [SEEN])
        added = (
            ("alert_groups", "rings"),
            ("alert_groups", "beyond"),
            ("alerts", "heard_at"),
            ("requests", "proof_signature"),
            ("surveys", "timeline"),
        )
        for table, column in added:
            tx.connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        tx.connection.execute(text("UPDATE alembic_version SET version_num = 'v1'"))

    database.migrate()

    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert {record.cause for record in steps.of_run(connection, run.id)} == {None}
        (known,) = proofs.list_of(connection)
        assert (known.site, known.name, known.proven_at) == ("shop", SEEN.name, datetime(2026, 11, 30, 3, tzinfo=UTC))


@pytest.mark.parametrize("table", ["alembic_version", "events"])
def test_a_database_of_another_program_is_refused_and_left_as_it_is(database_url: str, table: str) -> None:
    database, other = Database(database_url), create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
    with other.begin() as connection:
        connection.execute(text(f"CREATE TABLE {table} (version_num VARCHAR(32))"))
        connection.execute(text(f"INSERT INTO {table} VALUES ('1975ea83b712')"))

    with pytest.raises(UserError, match=f"tables of another program: {table}"):
        database.migrate()

    assert inspect(other).get_table_names() == [table]
    other.dispose()
    database.close()


def test_two_processes_may_migrate_at_once(database_url: str) -> None:
    databases = [Database(database_url), Database(database_url)]

    store_fixture.at_once(*(database.migrate for database in databases))

    assert store_fixture.kinds(databases[0]) == []
    for database in databases:
        database.close()


def test_a_new_file_is_opened_by_many_at_once(tmp_path: Path) -> None:
    """Bot and workers start together; each turns the file to WAL, and SQLite refuses the second one at once."""
    for number in range(40):
        databases = [Database(f"sqlite:///{tmp_path}/{number}.db") for _ in range(4)]

        store_fixture.at_once(*(partial(opened, database) for database in databases))

        for database in databases:
            database.close()


def opened(database: Database) -> None:
    with database.read() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"


def test_a_time_of_any_zone_comes_back_as_the_same_moment_in_utc(database: Database) -> None:
    tokyo = datetime(2026, 11, 26, 3, 12, 0, 123_456, tzinfo=timezone(timedelta(hours=9)))
    with database.write() as tx:
        tx.connection.execute(insert(locks).values(site="production", run="r1", taken_at=tokyo))

    with database.read() as connection:
        moment = connection.execute(select(locks.c.taken_at)).scalar_one()
        before = connection.execute(select(locks.c.site).where(locks.c.taken_at < datetime.now(UTC))).all()
    assert (moment, moment.tzinfo, moment.microsecond) == (tokyo, UTC, 123_456)
    assert len(before) == (1 if tokyo < datetime.now(UTC) else 0)


def test_a_write_that_waits_too_long_is_a_temporary_error(database: Database, database_url: str) -> None:
    impatient = Database(database_url, busy_seconds=0.05)
    with database.write() as tx:
        tx.connection.execute(insert(cursors).values(name="x", seq=1))
        tx.connection.execute(select(1))
        with pytest.raises(TemporaryError) as caught, impatient.write() as other:
            # PostgreSQL lets both write until they meet at one row.
            other.connection.execute(insert(cursors).values(name="x", seq=2))
        tx.record(EventKind.INCIDENT_NOTE, text="the first one goes on")

    assert caught.value.kind == "busy"
    assert store_fixture.kinds(database) == ["incident.note"]
    with impatient.write() as other:
        other.record(EventKind.INCIDENT_NOTE, text="and so does the second, later")
    impatient.close()


def test_a_reader_is_not_stopped_by_a_writer(database: Database, database_url: str) -> None:
    impatient = Database(database_url, busy_seconds=0.05)

    with database.write() as tx:
        tx.connection.execute(insert(cursors).values(name="x", seq=1))
        assert store_fixture.kinds(impatient) == []

    impatient.close()


def test_what_another_process_wrote_is_seen_however_many_connections_were_opened(
    database: Database, database_url: str
) -> None:
    with database.read(), database.read(), database.read():
        pass
    program = (
        "import sys; from drbot.core.ledger.events import EventKind; from drbot.store.base.database import Database\n"
        "with Database(sys.argv[1]).write() as tx: tx.record(EventKind.INCIDENT_NOTE, text='x')"
    )
    seen = []
    for _ in range(4):
        subprocess.run([sys.executable, "-c", program, database_url], check=True)
        seen.append(len(store_fixture.kinds(database)))

    assert seen == [1, 2, 3, 4]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?uri=true", "mysql://x/y", "x"])
def test_a_state_that_is_neither_a_file_nor_postgresql_is_refused_and_nothing_here_is_touched(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UserError, match="DATABASE_URL leads neither"):
        Database(url)

    assert (tmp_path.stat().st_mode & 0o777, list(tmp_path.iterdir())) == (0o755, [])


def test_a_server_that_is_away_is_a_temporary_error() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/nothing")

    with pytest.raises(TemporaryError) as caught, database.read():
        pass

    assert caught.value.kind == "network"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ("sqlite:////home/state.db", None)),
        ({"DATABASE_URL": "", "REDIS_URL": ""}, ("sqlite:////home/state.db", None)),
        ({"DATABASE_URL": "postgresql://db", "REDIS_URL": "redis://r"}, ("postgresql://db", "redis://r")),
    ],
)
def test_the_two_urls_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: tuple[str, str | None]
) -> None:
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    settings = StoreSettings.from_environment(Path("/home"))

    assert (settings.database_url, settings.redis_url) == expected
