"""Which backups `drbot backup prove` tries where nobody names one."""

from datetime import UTC, datetime, timedelta

import pytest

from drbot.cli.backup import named_copies
from drbot.core.base.errors import UserError
from drbot.core.site.stored_backups import BackupKind, StoredBackup

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def dump(name: str, hours: int, fault: str = "", kind: BackupKind = BackupKind.POSTGRES) -> StoredBackup:
    return StoredBackup(
        site="production", kind=kind, name=name, place="file:/backups", is_off_site=False,
        moment=NOON + timedelta(hours=hours), size=1, fault=fault,
    )  # fmt: skip


def test_what_is_newer_than_the_newest_usable_one_is_tried_too() -> None:
    found = [dump("old", 0), dump("good", 1), dump("cut", 2, "cut off"), dump("older", -1, "cut off")]
    full = dump("full", -9, kind=BackupKind.FULL)

    assert {one.name for one in named_copies([*found, full], "")} == {"good", "cut", "full"}


def test_where_none_is_usable_the_newest_is_tried_and_says_why() -> None:
    assert [one.name for one in named_copies([dump("a", 0, "empty"), dump("b", 1, "empty")], "")] == ["b"]


def test_by_its_name_any_is_tried_and_an_unknown_one_is_refused() -> None:
    assert [one.name for one in named_copies([dump("a", 0), dump("b", 1)], "a")] == ["a"]
    with pytest.raises(UserError):
        named_copies([dump("a", 0)], "x")
