"""Which backups there are and where, as a worker has seen them last."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, func, insert, select

from drbot.core.site.stored_backups import BackupKind, StoredBackup
from drbot.store.base.database import Transaction
from drbot.store.base.reading import readable, value
from drbot.store.base.schema import backups

MOST = 500
"""Of each site, the newest: a folder of years is not copied into the state at every look."""


def saw(tx: Transaction, site: str, found: Iterable[StoredBackup]) -> None:
    """In place of what this site's worker saw before."""
    tx.connection.execute(delete(backups).where(backups.c.source == site))
    newest = sorted(found, key=lambda one: one.moment, reverse=True)[:MOST]
    rows = {
        (one.kind, one.name, one.place): {
            "source": site, "kind": one.kind.value, "name": one.name, "place": one.place,
            "is_off_site": one.is_off_site, "moment": one.moment, "size": one.size, "fault": one.fault,
            "mark": one.mark, "seen_at": tx.now,
        }
        for one in newest
    }  # fmt: skip
    if rows:
        tx.connection.execute(insert(backups), list(rows.values()))


def list_of(connection: Connection, site: str | None = None) -> list[StoredBackup]:
    """The newest first, those of one name side by side; None: of all sites."""
    order = (backups.c.moment.desc(), backups.c.source, backups.c.kind, backups.c.name, backups.c.place)
    found = select(backups).order_by(*order)
    wanted = found if site is None else found.where(backups.c.source == site)
    return list(readable(connection.execute(wanted), backups, _backup_of))


def _backup_of(row: RowMapping) -> StoredBackup:
    return StoredBackup(
        site=row["source"],
        kind=BackupKind(row["kind"]),
        **{name: row[name] for name in ("name", "place", "is_off_site", "moment", "size", "fault", "mark")},
    )


def seen_at(connection: Connection) -> datetime | None:
    found: datetime | None = value(connection.execute(select(func.max(backups.c.seen_at))), backups)
    return found
