"""What vouches for a copy of drbot's own state: a head, a key, or a person's word; and what is refused without."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drbot.core.base.errors import UserError
from drbot.core.base.signing import KeyPair
from drbot.core.ledger.statements import Statement, line_of
from drbot.runners.own_state.ledger_anchor import LedgerAnchor
from drbot.runners.own_state.state_bucket import HEAD, HEADS, head_key, named
from drbot.store import copies
from drbot.store.base import ledger
from tests.integration.backups.copied_state import (
    OWN,
    STRANGER,
    Bare,
    Copied,
    copied,
    copier,
    note,
    opened,
)


def refused(made: Copied, bare: Bare, **given: str) -> UserError:
    """Why, and nothing was written."""
    before = bare.everything()
    with pytest.raises(UserError) as told:
        bare.run(made.client, **given)
    assert bare.everything() == before
    return told.value


def test_without_anything_from_outside_a_person_must_say_what_is_believed(
    made: Copied, bare: Bare, capsys: pytest.CaptureFixture[str]
) -> None:
    third = made.moments[-1]

    error = refused(made, bare)

    assert "nothing outside the bucket confirms it" in error.why
    assert f"--believe {third.head}" in error.todo
    assert "no whole copy" not in error.why
    refused(made, bare, believe=f"{third.head.seq}:{'0' * 16}")
    bare.run(made.client, believe=str(third.head))
    bare.require(third)
    assert "Accepted on your word" in capsys.readouterr().out


def test_a_key_of_somebody_else_vouches_for_nothing(made: Copied, bare: Bare) -> None:
    bare.give_key(STRANGER)

    assert "nothing known here confirms that key" in refused(made, bare).why


def test_a_head_that_is_another_ones_or_mistyped_is_told(made: Copied, bare: Bare) -> None:
    last = made.moments[-1].head

    error = refused(made, bare, head=f"{last.seq}:{'a' * 16}")
    assert "does not match the head that you gave" in error.why
    assert "--believe" not in error.todo
    assert "ends before record 900" in refused(made, bare, head=f"900:{'a' * 16}").why
    assert "16 letters" in refused(made, bare, head="7:abcdef12").why
    assert "16 letters" in refused(made, bare, believe="seven").why


def test_of_two_workers_keys_one_vouches_for_the_other_through_what_it_signed(made: Copied, bare: Bare) -> None:
    other = KeyPair.new()
    made.state = copier(made.database, made.client, made.documents, "worker", other)
    made.copy("by another site's worker")
    made.keep_head(OWN)
    newest = made.copy("and once more")
    bare.give_key(OWN)

    bare.run(made.client)

    bare.require(newest)


def test_a_key_that_the_ledger_names_after_the_head_is_not_vouched_for_by_it(made: Copied, bare: Bare) -> None:
    made.state = copier(made.database, made.client, made.documents, "worker", KeyPair.new())
    newest = made.copy("by a new worker")

    bare.run(made.client, head=str(made.moments[-1].head))
    bare.require(made.moments[-1])

    another = Bare(folder=bare.folder / "another")
    another.run(made.client, head=str(newest.head))
    another.require(newest)


def test_a_copy_older_than_what_drbot_has_signed_is_taken_only_when_somebody_names_it(
    made: Copied, bare: Bare, capsys: pytest.CaptureFixture[str]
) -> None:
    third = made.moments[-1].head
    note(made.database, "happened, and was not copied any more")
    made.keep_head()
    bare.give_key(OWN)

    error = refused(made, bare)
    assert f"drbot has signed record {third.seq + 1} too, and it is not in there" in error.why
    assert f"--believe {third}" in error.todo
    bare.run(made.client, believe=str(third))

    bare.require(made.moments[-1])
    assert f"signed records up to {third.seq + 1}" in capsys.readouterr().out


def test_after_an_older_copy_was_believed_drbot_goes_on_copying_and_comes_back_again(
    made: Copied, bare: Bare, tmp_path: Path
) -> None:
    third = made.moments[-1].head
    made.cut_newest()
    note(made.database, "lost")
    made.keep_head()
    second = made.moments[-2].head
    bare.run(made.client, believe=str(second))

    with opened(bare.home / "state.db") as database:
        copier(database, made.client, made.documents, key=STRANGER).copy()
        with database.read() as connection:
            head = ledger.head(connection)
            events = ledger.after(connection, 0)
            rows = copies.rows_of(connection)
    again = Bare(folder=tmp_path / "again")
    again.run(made.client, head=f"{head[0]}:{head[1]}")

    assert head[0] > third.seq
    again.require(replace(made.moments[-1], events=events, rows=rows))


def test_a_ledger_with_two_ends_is_told(made: Copied, bare: Bare, tmp_path: Path) -> None:
    """A state was rolled back and went on, beside the one that was copied."""
    third, state = made.moments[-1].head, tmp_path / "earlier.db"
    source = tmp_path / "lost" / "home" / "state.db"
    with closing(sqlite3.connect(source)) as now, closing(sqlite3.connect(state)) as kept:
        now.backup(kept)
    with opened(state) as earlier:
        note(earlier, "something else")
        LedgerAnchor(earlier, made.client, OWN).keep()
    made.copy("goes on")
    made.keep_head()

    error = refused(made, bare, head=str(third))

    assert f"drbot has signed another record {third.seq + 1} too" in error.why


def test_tables_of_another_version_are_told_with_the_version_to_install(made: Copied, bare: Bare) -> None:
    made.put_document(lambda document: document.update({"revision": "0001", "drbot": "0.1"}), OWN)

    error = refused(made, bare, head=str(made.moments[-1].head))

    assert "made by drbot 0.1 (tables 0001)" in error.why


def test_of_several_ledgers_that_are_vouched_for_one_is_named(made: Copied, bare: Bare) -> None:
    with copied(made.client, made.folder / "another") as other:
        bare.give_key(OWN)

        assert "several ledgers" in refused(made, bare).why
        bare.run(made.client, ledger=other.ledger[:12])
        bare.require(other.moments[-1])


def test_a_lock_that_is_over_shows_nothing_any_more(made: Copied, bare: Bare) -> None:
    for one in named(HEAD, made.client.list(HEADS)):
        made.client.client.put_object_retention(
            Bucket=made.client.settings.bucket, Key=made.client.settings.prefix + one.stored.key,
            Retention={"Mode": "GOVERNANCE", "RetainUntilDate": datetime(2020, 1, 1, tzinfo=UTC)},
            BypassGovernanceRetention=True,
        )  # fmt: skip
    bare.give_key(OWN)

    assert "no newest head is locked" in refused(made, bare).why


def test_a_lock_that_somebody_else_put_on_an_old_head_shows_nothing(made: Copied, bare: Bare) -> None:
    """When drbot's own locks were over, newer heads could be removed, and an old one be put there again and locked."""
    settings, last = made.client.settings, made.moments[-1].head
    for one in named(HEAD, made.client.list(HEADS)):
        made.client.client.delete_object(
            Bucket=settings.bucket, Key=settings.prefix + one.stored.key, BypassGovernanceRetention=True,
            VersionId=made.client.head(one.stored.key).version,
        )  # fmt: skip
    about = Statement(ledger=made.ledger, seq=last.seq, hash=last.hash, key=OWN.public, locked_until=1)
    made.client.write(head_key(made.ledger, last.seq, last.hash), line_of(about, OWN), locked=True)
    bare.give_key(OWN)

    assert "no newest head is locked" in refused(made, bare).why
