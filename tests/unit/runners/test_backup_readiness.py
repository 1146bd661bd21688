"""A backup counts as ready only as far as a recovery would take it, and a missed RPO is foreseen."""

from datetime import UTC, datetime, timedelta

import pytest

from drbot.core.site.readiness import Colour
from drbot.core.site.site import Backups, Configuration, Site
from drbot.core.site.stored_backups import BackupKind, StoredBackup
from drbot.runners.upkeep.backup_readiness import DUMP, newest_line

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
CONFIGURATION = Configuration(
    system="shop", sites={"production": Site()}, backups=Backups(directory="/srv/backups")
)  # RPO: 6 h


def dump(hours: float, fault: str = "") -> StoredBackup:
    return StoredBackup(
        kind=BackupKind.POSTGRES, name=f"dump-{hours}", place="file:/srv", is_off_site=False,
        moment=NOW - timedelta(hours=hours), size=1, fault=fault,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "colour", "said"),
    [
        ([dump(1)], Colour.GREEN, "dump-1 is 1 h 00 min old"),
        ([dump(5)], Colour.AMBER, "The next one must end by 13:00:00 UTC, or the RPO is missed."),
        ([dump(7)], Colour.RED, "more than the RPO of 6 h 00 min"),
        ([dump(7), dump(2)], Colour.GREEN, "dump-2 is 2 h 00 min old"),
        ([dump(2), dump(1, "cut off")], Colour.AMBER, "dump-1 is newer and cannot be used: cut off"),
        ([dump(7), dump(1, "cut off")], Colour.RED, "dump-7 is 7 h 00 min old, more than the RPO"),
        ([dump(1, "cut off")], Colour.RED, "none can be used. dump-1: cut off"),
        ([], Colour.RED, "there is none. drbot backup postgres makes one"),
    ],
    ids=["fresh", "soon too old", "too old", "two", "the newest is bad", "only an old one is good", "bad", "none"],
)
def test_what_is_said_of_the_newest(found: list[StoredBackup], colour: Colour, said: str) -> None:
    line = newest_line(DUMP, found, CONFIGURATION, NOW)

    assert (line.colour, said in line.sentence) == (colour, True), line.sentence
