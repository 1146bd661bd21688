"""drbot's own state: copied to S3 as it grows, and back on a bare machine, verified."""

import gzip
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from core.errors import PermanentError, UserError
from core.events import EventKind
from core.incident import Incident
from core.level import Level
from core.run import RunKind, RunState
from lab.layout import as_yaml, describe
from runners.bootstrap import Source, bring_back
from runners.heads import Heads
from runners.state_copies import Documents, StateCopies, pieces
from store import copies, incidents, journal, runs, surfaces
from store.database import Database
from tests.integration.backups.conftest import Place


@contextmanager
def opened(path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{path}")
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened(tmp_path / "home" / "state.db") as made:
        made.migrate()
        yield made


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    """A dr.yml with a folder of runbooks beside it."""
    folder = tmp_path / "etc"
    (folder / "runbooks").mkdir(parents=True)
    (folder / "runbooks" / "own.yml").write_text("runbook: own\n")
    ports = dict.fromkeys(("auth", "user", "admin", "front-user", "front-admin"), 1)
    plan = describe(folder, "x-", "unix:///x", ports).model_copy(update={"runbooks": Path("runbooks")})
    (folder / "dr.yml").write_text(as_yaml(plan))
    return Documents(configuration=folder / "dr.yml", runbooks=folder / "runbooks")


def copier(database: Database, place: Place, documents: Documents, owner: str = "worker") -> StateCopies:
    return StateCopies(database, place.client(), documents, owner)


def declare(database: Database) -> Incident:
    """An incident with a run that a worker holds."""
    with database.write() as tx:
        made = incidents.declare(tx, site="production", level=Level(2), title="down", person="aiko")
        run = runs.queue(
            tx, incident=made.id, site="production", kind=RunKind.RECOVER, runbook="level2-postgres", arguments={},
            person="aiko",
        )  # fmt: skip
        runs.claim(tx, run.id, "lost worker", 15)
        surfaces.put(tx, surfaces.Surface(incident=made.id, key="board", channel="C1", ts="1.2"))
    return made


def note(database: Database, text: str) -> None:
    with database.write() as tx:
        tx.record(EventKind.INCIDENT_NOTE, text=text)


def source(place: Place, **more: bool | str) -> Source:
    return Source(bucket=place.client(), **more)  # type: ignore[arg-type]


def test_everything_is_back_and_a_run_that_was_at_work_is_found_by_its_lease(
    database: Database, place: Place, documents: Documents, tmp_path: Path
) -> None:
    made = declare(database)
    assert copier(database, place, documents).copy()

    with opened(tmp_path / "bare" / "state.db") as bare:
        found = bring_back(source(place), bare, tmp_path / "bare" / "dr.yml", tmp_path)

        with bare.read() as now, database.read() as then:
            assert journal.verify(now) == []
            assert journal.after(now, 0)[: found.record] == journal.after(then, 0)
            assert copies.rows_of(now) == copies.rows_of(then)
            run = runs.current(now, made.id)
        assert found.incidents == (made.name,)
        assert (tmp_path / "bare" / "runbooks" / "own.yml").read_text() == "runbook: own\n"
        assert run is not None
        assert (run.state, run.owner) == (RunState.RUNNING, "lost worker")
        with bare.write() as tx:  # goes on like every other ledger: numbers, hashes, incidents
            second = incidents.declare(tx, site="production", level=Level(1), title="again", person="ben")
        assert second.id == made.id + 1
        with bare.read() as now:
            assert journal.verify(now) == []
            assert "came back from s3://" in str(journal.after(now, found.record)[0].payload)


def test_a_small_installation_comes_back_on_postgresql_and_goes_on_counting(
    database: Database, place: Place, documents: Documents, tmp_path: Path, fresh_postgres_url: str
) -> None:
    made = declare(database)
    copier(database, place, documents).copy()

    with closing(Database(fresh_postgres_url)) as bare:
        bring_back(source(place), bare, tmp_path / "bare.yml", tmp_path)

        with bare.read() as now, database.read() as then:
            assert journal.verify(now) == []
            assert copies.rows_of(now) == copies.rows_of(then)
        with bare.write() as tx:
            second = incidents.declare(tx, site="production", level=Level(1), title="again", person="ben")
        assert second.id == made.id + 1


def test_it_grows_piece_by_piece_and_an_idle_drbot_copies_nothing(
    database: Database, place: Place, documents: Documents, tmp_path: Path
) -> None:
    state = copier(database, place, documents)
    assert not state.copy()
    for number in range(3):
        note(database, f"{number}")
        assert state.copy()
        assert not state.copy()

    with opened(tmp_path / "bare.db") as bare:
        found = bring_back(source(place), bare, tmp_path / "bare.yml", tmp_path)

    folder = found.place.split(place.prefix)[1].partition("tables/")[0]
    assert [(piece.first, piece.last) for piece in pieces(place.client(), folder)] == [(1, 1), (2, 2), (3, 3)]
    assert found.record == 3


def test_one_of_two_workers_copies_and_the_next_one_goes_on_where_it_was(
    database: Database, place: Place, documents: Documents
) -> None:
    note(database, "one")
    first, second = copier(database, place, documents, "first"), copier(database, place, documents, "second")
    assert first.copy()

    assert not second.copy()
    note(database, "two")
    assert not second.copy()
    assert copier(database, place, documents, "first").copy()


def test_a_copy_that_was_cut_between_its_two_halves_is_whole(
    database: Database, place: Place, documents: Documents, tmp_path: Path
) -> None:
    note(database, "one")
    copier(database, place, documents).copy()
    client = place.client()
    (piece,) = [one.key for one in client.list("state/") if "/ledger/" in one.key]
    client.remove(piece)

    with opened(tmp_path / "bare.db") as bare:
        assert bring_back(source(place), bare, tmp_path / "bare.yml", tmp_path).record == 1


def test_a_changed_record_is_found_and_nothing_is_brought_back(
    database: Database, place: Place, documents: Documents, tmp_path: Path
) -> None:
    note(database, "one")
    copier(database, place, documents).copy()
    client = place.client()
    for one in client.list("state/"):
        data = gzip.decompress(client.read(one.key)).replace(b"one", b"two")
        client.write(one.key, gzip.compress(data))

    with opened(tmp_path / "bare.db") as bare:
        with pytest.raises(PermanentError, match="Record 1 was changed"):
            bring_back(source(place), bare, tmp_path / "bare.yml", tmp_path)
        with bare.read() as connection:
            assert journal.head(connection)[0] == 0


def test_an_older_copy_than_the_head_that_was_kept_is_only_taken_when_somebody_says_so(
    database: Database, place: Place, documents: Documents, tmp_path: Path
) -> None:
    note(database, "one")
    copier(database, place, documents).copy()
    note(database, "two")
    Heads(database, place.client()).keep()

    with opened(tmp_path / "bare.db") as bare:
        with pytest.raises(UserError, match=r"record 1, but a head was kept of record 2.*--accept-older"):
            bring_back(source(place), bare, tmp_path / "bare.yml", tmp_path)
        assert bring_back(source(place, accept_older=True), bare, tmp_path / "bare.yml", tmp_path).record == 1


def test_a_state_that_was_rolled_back_does_not_overwrite_the_copies(
    database: Database, place: Place, documents: Documents, tmp_path: Path
) -> None:
    note(database, "one")
    state = tmp_path / "earlier.db"
    with closing(sqlite3.connect(tmp_path / "home" / "state.db")) as now, closing(sqlite3.connect(state)) as kept:
        now.backup(kept)
    note(database, "two")
    copier(database, place, documents).copy()
    before = [one.key for one in place.client().list("state/")]

    with opened(state) as earlier:
        note(earlier, "something else")
        with pytest.raises(PermanentError, match="rolled back"):
            copier(earlier, place, documents).copy()

    assert [one.key for one in place.client().list("state/")] == before


def test_what_cannot_be_brought_back_is_said_before_anything_is_written(
    database: Database, place: Place, documents: Documents, tmp_path: Path
) -> None:
    with opened(tmp_path / "bare.db") as bare:
        with pytest.raises(UserError, match="no copy of drbot's state"):
            bring_back(source(place), bare, tmp_path / "bare.yml", tmp_path)
        note(database, "one")
        copier(database, place, documents).copy()
        (tmp_path / "other.yml").write_text("something else")
        with pytest.raises(UserError, match=r"other\.yml is there already"):
            bring_back(source(place), bare, tmp_path / "other.yml", tmp_path)
        with pytest.raises(UserError, match="holds 1 records already"):
            bring_back(source(place), database, tmp_path / "bare.yml", tmp_path)

        (key,) = [one.key for one in place.client().list("state/") if "/tables/" in one.key]
        document = json.loads(gzip.decompress(place.client().read(key))) | {"revision": "9999", "drbot": "7.0"}
        place.client().write(key, gzip.compress(json.dumps(document).encode()))
        with pytest.raises(UserError, match=r"made by drbot 7\.0"):
            bring_back(source(place), bare, tmp_path / "bare.yml", tmp_path)


def test_of_several_ledgers_in_one_bucket_one_is_named(
    database: Database, place: Place, documents: Documents, tmp_path: Path
) -> None:
    note(database, "one")
    copier(database, place, documents).copy()
    with opened(tmp_path / "second.db") as second:
        second.migrate()
        note(second, "another")
        copier(second, place, documents).copy()
        with second.read() as connection:
            (first,) = journal.after(connection, 0)

    with opened(tmp_path / "bare.db") as bare:
        with pytest.raises(UserError, match="several ledgers"):
            bring_back(source(place), bare, tmp_path / "bare.yml", tmp_path)
        bring_back(source(place, ledger=first.hash[:8]), bare, tmp_path / "bare.yml", tmp_path)
        with bare.read() as connection:
            assert journal.after(connection, 0)[0] == first
