"""The last try to restore each backup: none is tried again for nothing, and everybody can say what it is worth."""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, RowMapping, delete, select, tuple_

from drbot.core.site.proofs import WELL, BackupProof, ProofResult
from drbot.core.site.stored_backups import BackupKind, StoredBackup
from drbot.store.base.database import Transaction
from drbot.store.base.reading import readable
from drbot.store.base.rows import insert_or
from drbot.store.base.schema import proofs


def tried(tx: Transaction, proof: BackupProof) -> None:
    """In place of the last try with this backup in this place."""
    values = {name: getattr(proof, name) for name in proof.__dataclass_fields__}
    insert_or(tx, proofs, values | {"kind": proof.kind.value, "result": proof.result.value}, replace=True)


def list_of(connection: Connection, site: str | None = None) -> list[BackupProof]:
    """The newest first; None: of all sites."""
    rows = select(proofs).order_by(proofs.c.proven_at.desc())
    mine = rows if site is None else rows.where(proofs.c.site == site)
    return list(readable(connection.execute(mine), proofs, _proof_of))


def forget_gone(tx: Transaction, site: str, there: Iterable[StoredBackup], places: Collection[str]) -> None:
    """Of this site's backups that were tidied away, all but the newest good proof of each kind in each place: it still
    says when something came back from there. A place of dr.yml (`places`) in which nothing is seen may only be silent:
    what came from there is not read once more when it answers again.
    """
    found = list(there)
    kept, seen = {(one.kind, one.name, one.place) for one in found}, {one.place for one in found}
    known = [one for one in list_of(tx.connection, site) if one.place in seen or one.place not in places]
    newest = {(one.kind, one.place): one for one in reversed(known) if one.result in WELL and one.place in places}
    kept |= {(one.kind, one.name, one.place) for one in newest.values()}
    gone = [one for one in known if (one.kind, one.name, one.place) not in kept]
    keys = [(one.kind.value, one.name, one.place) for one in gone]
    if keys:
        columns = tuple_(proofs.c.kind, proofs.c.name, proofs.c.place)
        tx.connection.execute(delete(proofs).where(proofs.c.site == site, columns.in_(keys)))


def _proof_of(row: RowMapping) -> BackupProof:
    return BackupProof(**(dict(row) | {"kind": BackupKind(row["kind"]), "result": ProofResult(row["result"])}))
