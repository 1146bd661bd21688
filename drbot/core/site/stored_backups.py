"""Backups as they lie in their places, and the 3-2-1 rule over them: three copies, two media, one off-site. Pure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from drbot.core.text.messages import phrase

COPIES = 3
"""With production's own data."""


class BackupKind(StrEnum):
    POSTGRES = "postgres"  # the databases
    FULL = "full"  # databases, Redis, settings and files


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredBackup:
    """One backup in one place."""

    site: str  # whose data it is
    kind: BackupKind
    name: str
    place: str  # as people know it: "file:/…", "s3://…"
    is_off_site: bool  # in an object store, not on a disk of the host
    moment: datetime  # UTC; the data is as of this moment
    size: int  # bytes
    fault: str = ""  # why it cannot be used, as far as is known without reading it
    mark: str = ""  # of its bytes, as far as is known without reading them: other bytes of the same name have another


def newest_of(backups: Collection[StoredBackup]) -> tuple[StoredBackup, ...]:
    """Every copy of the newest usable backup, of whatever kind."""
    usable = [one for one in backups if not one.fault]
    if not usable:
        return ()
    newest = max(usable, key=lambda one: (one.moment, one.name))
    return tuple(one for one in usable if one.name == newest.name)


def newest_usable(backups: Collection[StoredBackup], kind: BackupKind) -> tuple[StoredBackup, ...]:
    """Every usable copy of the newest of a kind."""
    usable = [one for one in backups if one.kind is kind and not one.fault]
    name = max(((one.moment, one.name) for one in usable), default=(None, ""))[1]
    return tuple(one for one in usable if one.name == name)


def missing_of_321(copies: Collection[StoredBackup]) -> Iterator[str]:
    """What the rule wants and is not so. `copies`: of one backup, in different places."""
    count = 1 + len({one.place for one in copies})
    if count < COPIES:
        yield phrase("{count} of {wanted} copies, production's own data included", count=count, wanted=COPIES)
    if not any(one.is_off_site for one in copies):
        yield phrase("none off-site")
        yield phrase("all on one medium")
