"""A restored backup is proven by what is counted in it: by its manifest, or by what must be there; never by nothing."""

from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from drbot.core.base.table_names import database_of, table_name
from drbot.core.runs.plan import BackupIdentity, Floor
from drbot.core.runs.proof import altered, doubts, faults, floor_of


def backup(**changes: Any) -> BackupIdentity:
    values = {
        "place": "file:/x", "name": "x", "size": 1, "sha256": "0", "snapshot_at": datetime.now(UTC), "manifest": False,
    }  # fmt: skip
    return BackupIdentity.model_validate({**values, **changes})


@pytest.mark.parametrize("found", [{}, {"authdb.users": 0}])
@pytest.mark.parametrize("manifest", [True, False])
def test_nothing_is_never_a_proof(found: dict[str, int], manifest: bool) -> None:
    assert faults(backup(manifest=manifest, rows=found if manifest else {}), found)


def test_with_a_manifest_every_table_has_exactly_its_rows() -> None:
    made = backup(manifest=True, rows={"authdb.users": 2, "authdb.log": 0})

    assert faults(made, {"authdb.users": 2, "authdb.log": 0, "authdb.more": 7}) == []
    assert faults(made, {"authdb.users": 1}) == ["authdb.log is missing", "authdb.users has 1 rows instead of 2"]


def test_without_one_a_database_that_should_hold_rows_and_a_table_that_was_there_all_the_time_are_missed() -> None:
    floor = Floor(databases=("authdb", "apidb"), tables=("authdb.users",), held=("authdb.users", "authdb.old"))
    made = backup(floor=floor)

    assert faults(made, {"authdb.users": 1, "apidb.keys": 1}) == []
    assert faults(made, {"authdb.users": 1, "apidb.keys": 0}) == ["the database apidb is missing or empty"]
    assert "authdb.users is missing" in faults(made, {"authdb.other": 1, "apidb.keys": 1})[0]


def test_a_table_that_may_have_been_dropped_or_emptied_since_is_told_and_not_refused() -> None:
    made = backup(floor=Floor(tables=("authdb.queue",), held=("authdb.queue", "authdb.old")))

    assert faults(made, {"authdb.users": 1, "authdb.queue": 0}) == []
    assert doubts(made, {"authdb.users": 1, "authdb.queue": 0}) == [
        "authdb.queue, authdb.old held rows in the previous backup and hold none in this one."
    ]
    assert doubts(made, {"authdb.queue": 1, "authdb.old": 1}) == []


def test_what_must_be_there_is_known_from_the_backup_before_and_from_production() -> None:
    before = {"authdb.users": 2, "authdb.dropped": 1, "apidb.keys": 0}

    assert floor_of(("authdb", "apidb"), before, {"authdb.users", "authdb.new"}) == Floor(
        named=("apidb", "authdb"),
        databases=("authdb",),
        tables=("authdb.users",),
        held=("authdb.dropped", "authdb.users"),
    )
    assert floor_of(("authdb", "apidb"), before, None).tables == ()
    assert floor_of(("authdb", "apidb"), None, None) == Floor(named=("apidb", "authdb"))


def test_without_any_backup_before_one_database_of_dr_yml_holds_rows_and_an_empty_one_is_told() -> None:
    made = backup(floor=Floor(named=("apidb", "authdb")))

    assert faults(made, {"authdb.users": 1}) == []
    assert doubts(made, {"authdb.users": 1}) == ["The database apidb holds no row in this backup."]
    assert faults(made, {"postgres.t": 1, "authdb.users": 0}) == ["no database of dr.yml holds a row: apidb, authdb"]


def test_no_two_tables_of_a_cluster_have_one_name() -> None:
    parts = ("a", "b", "a.b", '"', '"a"', "a b", "public", ".", '"."', "日本")
    names = [table_name(database, schema, table) for database, schema, table in product(parts, repeat=3)]

    assert len(set(names)) == len(names)
    assert all(database_of(table_name(*three)) == three[0] for three in product(parts, repeat=3))
    assert table_name("authdb", "public", "users") == "authdb.users"
    assert table_name("authdb", "audit", "a.b") == 'authdb.audit."a.b"'


def test_only_what_both_sides_digested_is_compared() -> None:
    assert altered({"a.t": "1", "a.large": "2"}, {"a.t": "1", "a.more": "3"}) == []
    assert altered({"a.t": "1"}, {"a.t": "2"}) == ["a.t holds other rows than its source"]
