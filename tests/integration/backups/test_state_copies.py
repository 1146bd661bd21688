"""drbot's own state: copied to S3 as it grows, and back on a bare machine. Whom the copies are believed:
test_tampered_buckets.py.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError, UserError
from drbot.core.base.signing import KeyPair
from drbot.core.ledger.events import EventKind
from drbot.core.runs.run import RunState
from drbot.core.site.level import Level
from drbot.runners.own_state.documents import Documents
from drbot.runners.own_state.state_bucket import COPY, FOLDER, PIECE, copy_key, named, piece_key
from drbot.runners.own_state.state_copies import KEPT
from drbot.store import copies
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.records import incidents
from drbot.store.runs import runs
from tests.integration.backups.copied_state import OWN, Bare, Copied, copier, note, opened


def test_everything_is_back_and_a_run_that_was_at_work_is_found_by_its_lease(made: Copied, bare: Bare) -> None:
    moment = made.moments[-1]

    bare.run(made.client, head=f"`{moment.head}`")

    bare.require(moment)
    with opened(bare.home / "state.db") as now:
        with now.read() as connection:
            run = runs.current(connection, 1)
            told = ledger.after(connection, moment.head.seq)
        assert run is not None
        assert (run.state, run.owner) == (RunState.RUNNING, "lost worker")
        assert {event.kind for event in told} == {EventKind.STATE_BROUGHT_BACK, EventKind.INCIDENT_NOTE}
        with now.write() as tx:  # goes on like every other ledger: numbers, hashes, incidents
            second = incidents.declare(tx, site="production", level=Level(1), title="again", person="ben")
        assert second.name == "DR-2"
        with now.read() as connection:
            assert ledger.verify(connection) == []


def test_a_small_installation_comes_back_on_postgresql_and_goes_on_counting(
    made: Copied, bare: Bare, fresh_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", fresh_postgres_url)

    bare.run(made.client, head=str(made.moments[-1].head))

    with closing(Database(fresh_postgres_url)) as back:
        with back.read() as now:
            assert ledger.verify(now) == []
            assert copies.rows_of(now) == made.moments[-1].rows
        with back.write() as tx:
            second = incidents.declare(tx, site="production", level=Level(1), title="again", person="ben")
        assert second.name == "DR-2"


def test_it_grows_piece_by_piece_and_an_idle_drbot_copies_nothing(made: Copied) -> None:
    assert not made.state.copy()
    before = len(named(PIECE, made.client.list(FOLDER)))
    note(made.database, "more")

    assert made.state.copy()
    assert not made.state.copy()
    newest, *others = named(PIECE, made.client.list(FOLDER))
    assert (newest.first, newest.last, len(others)) == (others[0].last + 1, others[0].last + 1, before)


def test_a_key_is_named_in_the_ledger_once(made: Copied) -> None:
    copier(made.database, made.client, made.documents).copy()
    copier(made.database, made.client, made.documents, "second", KeyPair.new()).copy()

    with made.database.read() as connection:
        events = ledger.of_kinds(connection, [EventKind.STATE_SIGNED_BY])
    assert [event.payload["key"] == OWN.public for event in events] == [True, False]


def test_one_of_two_workers_copies_and_the_next_one_goes_on_where_it_was(made: Copied) -> None:
    second = copier(made.database, made.client, made.documents, "second")
    note(made.database, "more")

    assert not second.copy()
    assert copier(made.database, made.client, made.documents).copy()
    assert next(one.first for one in named(PIECE, made.client.list(FOLDER))) > made.moments[-1].head.seq


def test_a_copy_that_was_cut_behind_its_piece_of_the_ledger_leaves_the_one_before(made: Copied, bare: Bare) -> None:
    made.remove_newest()

    bare.run(made.client, head=str(made.moments[-2].head))

    bare.require(made.moments[-2])


def test_a_state_that_was_rolled_back_does_not_overwrite_the_copies(made: Copied, tmp_path: Path) -> None:
    state = tmp_path / "earlier.db"
    with (
        closing(sqlite3.connect(tmp_path / "lost" / "home" / "state.db")) as now,
        closing(sqlite3.connect(state)) as kept,
    ):
        now.backup(kept)
    made.copy("more")
    before = made.keys("")

    with opened(state) as earlier:
        note(earlier, "something else")
        with pytest.raises(PermanentError, match="rolled back"):
            copier(earlier, made.client, Documents(configuration=None, runbooks=None)).copy()

    assert made.keys("") == before


def test_junk_in_the_bucket_keeps_no_worker_from_copying_and_pushes_no_copy_out(made: Copied, bare: Bare) -> None:
    last = made.moments[-1].head.seq
    for number in range(KEPT + 5):
        made.client.write(copy_key(made.ledger, last + 100 + number), b"junk")
    made.client.write(piece_key(made.ledger, 1, 999_999, "f" * 16), b"junk")
    made.client.write(piece_key(made.ledger, last, last, made.moments[-1].head.hash), b"junk")
    again = copier(made.database, made.client, made.documents)
    note(made.database, "more")

    assert again.copy()

    there = [one.last for one in named(COPY, made.client.list(FOLDER))]
    assert {moment.head.seq for moment in made.moments} <= set(there)
    bare.run(made.client, head=str(made.now().head))
    bare.require(made.now())


def test_one_copy_a_minute_is_locked_like_the_heads(made: Copied) -> None:
    stored = [made.client.head(copy_key(made.ledger, moment.head.seq)) for moment in made.moments]

    assert [made.client.is_locked(one) for one in stored] == [True, False, False]


def test_more_copies_than_are_kept_are_removed_oldest_first(made: Copied) -> None:
    for number in range(KEPT):
        made.copy(f"{number}")

    there = [one.last for one in named(COPY, made.client.list(FOLDER))]
    assert there == [moment.head.seq for moment in made.moments[::-1][:KEPT]]


def test_where_something_is_already_nothing_is_written(made: Copied, bare: Bare) -> None:
    head = str(made.moments[-1].head)
    with pytest.raises(UserError, match="no copy of drbot's state"):
        Bare(folder=bare.folder).run(made.client, ledger="ffff")
    (bare.folder / "etc" / "runbooks").mkdir(parents=True)
    other = bare.folder / "etc" / "runbooks" / "own.yml"
    other.write_text("something else")
    with pytest.raises(UserError, match=r"own\.yml already exists and is different"):
        bare.run(made.client, head=head)
    assert list(bare.everything()) == ["etc/runbooks/own.yml"]

    other.unlink()
    bare.run(made.client, head=head)
    with opened(bare.home / "state.db") as database:
        note(database, "here")
    with pytest.raises(UserError, match="records already"):
        bare.run(made.client, head=head)


def test_what_cannot_be_written_leaves_everything_as_it_was(made: Copied, bare: Bare) -> None:
    (bare.folder / "etc").mkdir(parents=True)
    (bare.folder / "etc" / "runbooks").write_text("no folder")

    with pytest.raises(UserError, match="cannot be written"):
        bare.run(made.client, head=str(made.moments[-1].head))

    assert not (bare.folder / "etc" / "dr.yml").exists()
    with opened(bare.home / "state.db") as database, database.read() as connection:
        assert ledger.head(connection)[0] == 0
