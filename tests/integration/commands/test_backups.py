"""`/dr backups`: what a worker saw last, one row for a backup wherever it lies, and the 3-2-1 rule judged over it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drbot.core.site.proofs import WELL, BackupProof, ProofResult
from drbot.core.site.stored_backups import BackupKind, StoredBackup, missing_of_321, newest_of
from drbot.core.text.messages import say
from drbot.store.records import proofs, stored_backups
from tests.integration.commands.verb_fixture import VerbFixture

NOW = datetime.now(UTC)
HERE, BUCKET, SECOND = "file:/srv/backups", "s3://shop/", "s3://shop-copy/"


def stored(
    place: str = HERE, *, hours: int = 1, kind: BackupKind = BackupKind.FULL, name: str = "", fault: str = ""
) -> StoredBackup:
    return StoredBackup(
        site="production", kind=kind, name=name or f"{kind.value}_{hours}", place=place,
        is_off_site=place.startswith("s3:"), moment=NOW - timedelta(hours=hours), size=1000, fault=fault,
    )  # fmt: skip


def saw(verb_fixture: VerbFixture, *found: StoredBackup) -> None:
    with verb_fixture.database.write() as tx:
        stored_backups.saw(tx, "production", found)


def test_a_backup_is_one_row_wherever_it_lies_and_the_newest_comes_first(verb_fixture: VerbFixture) -> None:
    dump = stored(kind=BackupKind.POSTGRES, hours=2)
    saw(verb_fixture, dump, stored(), stored(BUCKET), stored(SECOND), stored(hours=9, fault="it is empty"))

    reply = verb_fixture.say("dan", "backups")

    assert "old: full_1. 3-2-1 is met" in say(reply.text, "en")
    assert [(row[2], say(row[5], "en")) for row in reply.tables[0].rows] == [
        ("full_1", f"{HERE}, {SECOND}, {BUCKET}"),
        ("postgres_2", HERE),
        ("full_9", f"{HERE} ⚠ it is empty."),
    ]


def test_a_backup_that_could_not_be_restored_is_no_copy_and_not_the_newest(verb_fixture: VerbFixture) -> None:
    torn, well = [stored(place, hours=1) for place in (HERE, BUCKET)], stored(hours=5)
    saw(verb_fixture, *torn, well)
    with verb_fixture.database.write() as tx:
        proofs.tried(tx, proven(torn[0], ProofResult.FAILED))

    one_place = say(verb_fixture.say("dan", "backups").text, "en")
    with verb_fixture.database.write() as tx:
        proofs.tried(tx, proven(torn[1], ProofResult.FAILED))
    nowhere = say(verb_fixture.say("dan", "backups").text, "en")

    assert "full_1." in one_place and "2 of 3 copies" in one_place
    assert "min old: full_5." in nowhere and "none off-site" in nowhere


def test_of_copies_it_says_in_how_many_places_the_same_bytes_were_read_back(verb_fixture: VerbFixture) -> None:
    def copies(hours: int) -> list[StoredBackup]:
        return [stored(place, kind=BackupKind.POSTGRES, hours=hours) for place in (HERE, BUCKET, SECOND)]

    well, torn, alone = copies(1), copies(2), copies(3)
    saw(verb_fixture, *well, *torn, *alone)
    with verb_fixture.database.write() as tx:
        for one, result in (
            *zip(well, (ProofResult.PROVEN, ProofResult.SAME, ProofResult.SAME), strict=True),
            *zip(torn, (ProofResult.PROVEN, ProofResult.FAILED), strict=False),
            (alone[1], ProofResult.SAME),
        ):
            proofs.tried(tx, proven(one, result))

    rows = verb_fixture.say("dan", "backups").tables[0].rows

    when = f"{NOW:%Y-%m-%d %H:%M} UTC"
    assert [say(row[4], "en") for row in rows] == [
        f"restored on {when} in 41 s (1 of 3 places; the same bytes were read back from 2)",
        f"{BUCKET}: could not be restored on {when}: a row is missing (1 of 3 places)",
        f"read back on {when}: the same bytes as those that were restored (1 of 3 places)",
    ]


def test_a_place_that_is_silent_keeps_its_proofs_and_one_that_dr_yml_names_no_more_does_not(
    verb_fixture: VerbFixture,
) -> None:
    here, silent, dropped = stored(), stored(BUCKET), stored(SECOND)
    with verb_fixture.database.write() as tx:
        for one in (here, silent, dropped):
            proofs.tried(tx, proven(one))

        proofs.forget_gone(tx, "production", [here], {HERE, BUCKET})

        assert {one.place for one in proofs.list_of(tx.connection)} == {HERE, BUCKET}


def proven(one: StoredBackup, result: ProofResult = ProofResult.PROVEN) -> BackupProof:
    return BackupProof(
        site=one.site, kind=one.kind, name=one.name, place=one.place, mark=one.mark, sha256="5" * 64, proven_at=NOW,
        seconds=41.0, version="1", result=result, fault="" if result in WELL else "a row is missing",
    )  # fmt: skip


def test_of_each_it_says_whether_it_was_seen_to_come_back(verb_fixture: VerbFixture) -> None:
    """What failed in one place is said before what came back in another."""
    here, there, old = stored(), stored(BUCKET), stored(hours=5)
    dump, bad, torn = (stored(kind=BackupKind.POSTGRES, hours=hours) for hours in (2, 3, 4))
    other = stored(kind=BackupKind.POSTGRES, hours=6)
    saw(verb_fixture, here, there, old, dump, bad, torn, replace(other, mark="b"), stored(hours=9, fault="it is empty"))
    with verb_fixture.database.write() as tx:
        for one in (here, dump, replace(other, mark="a")):
            proofs.tried(tx, proven(one))
        proofs.tried(tx, proven(bad, ProofResult.FAILED))
        proofs.tried(tx, proven(torn, ProofResult.POSTPONED))

    rows = verb_fixture.say("dan", "backups").tables[0].rows
    said = {row[2]: say(row[4], "en") for row in rows}

    when = f"{NOW:%Y-%m-%d %H:%M} UTC"
    assert said == {
        "full_1": f"restored on {when} in 41 s (1 of 2 places)",
        "postgres_2": f"restored on {when} in 41 s",
        "postgres_3": f"could not be restored on {when}: a row is missing",
        "postgres_4": "not restored yet: a row is missing",
        "full_5": "not yet",
        "postgres_6": f"{other.place}: its file was changed since it was restored",
        "full_9": "-",
    }


def test_of_several_sites_each_is_told_with_what_its_own_backups_are_worth(verb_fixture: VerbFixture) -> None:
    mine = stored()
    other = replace(mine, site="tokyo", fault="it is cut off")
    with verb_fixture.database.write() as tx:
        stored_backups.saw(tx, "production", [mine])
        stored_backups.saw(tx, "tokyo", [other])
        proofs.tried(tx, proven(mine))

    reply = verb_fixture.say("dan", "backups")

    said = say(reply.text, "en")
    assert "production: The newest one is" in said and "tokyo: None of the backups can be used." in said
    when = f"{NOW:%Y-%m-%d %H:%M} UTC"
    assert [(row[0], row[3], say(row[5], "en")) for row in reply.tables[0].rows] == [
        ("production", "full_1", f"restored on {when} in 41 s"),
        ("tokyo", "full_1", "-"),
    ]


def test_proofs_of_what_is_gone_go_but_for_the_newest(verb_fixture: VerbFixture) -> None:
    gone, there = stored(hours=8), stored()
    with verb_fixture.database.write() as tx:
        for one in (gone, there):
            proofs.tried(tx, proven(one))
        proofs.tried(tx, proven(stored(hours=9), ProofResult.FAILED))

        proofs.forget_gone(tx, "production", [there], {HERE})

        assert len(proofs.list_of(tx.connection)) <= 2
        assert "5" * 64 in {one.sha256 for one in proofs.list_of(tx.connection)}


def test_before_any_worker_has_looked_it_says_so(verb_fixture: VerbFixture) -> None:
    reply = verb_fixture.say("dan", "backups")

    assert not reply.ok and "No worker has seen a backup yet" in reply.text


def test_a_dozen_is_shown_and_all_on_request(verb_fixture: VerbFixture) -> None:
    saw(verb_fixture, *(stored(hours=hours) for hours in range(1, 21)))

    few, whole = (verb_fixture.say("dan", words).tables[0].rows for words in ("backups", "backups all"))

    assert (len(few), len(whole)) == (12, 20)
    assert "8 older ones" in verb_fixture.say("dan", "backups").text


@pytest.mark.parametrize(
    ("found", "missing"),
    [
        ((stored(), stored(BUCKET)), []),
        ((stored(BUCKET), stored(SECOND)), []),
        ((stored(),), ["2 of 3 copies, production's own data included", "none off-site", "all on one medium"]),
        ((stored(BUCKET),), ["2 of 3 copies, production's own data included"]),
        ((stored(hours=1, kind=BackupKind.POSTGRES), stored(hours=5), stored(BUCKET, hours=5)), [
            "2 of 3 copies, production's own data included", "none off-site", "all on one medium"]),
        ((stored(hours=1), stored(BUCKET, hours=5)), ["2 of 3 copies, production's own data included", "none off-site",
                                                     "all on one medium"]),
        ((stored(), stored(BUCKET, fault="rotten")), ["2 of 3 copies, production's own data included", "none off-site",
                                                      "all on one medium"]),
        ((), ["1 of 3 copies, production's own data included", "none off-site", "all on one medium"]),
    ],
    ids=["folder and bucket", "two buckets", "a folder", "a bucket", "only a full one there", "only an old one there",
         "rotten there", "none"],
)  # fmt: skip
def test_the_rule_is_judged_over_the_copies_of_the_newest_usable_one(
    found: tuple[StoredBackup, ...], missing: list[str]
) -> None:
    assert [say(one, "en") for one in missing_of_321(newest_of(found))] == missing
