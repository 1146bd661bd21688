"""Which backup is good: complete, whole, of this system, of a version we can read. Nothing is trusted by its name.

In the folder each is read from start to end, once; a copy in a bucket is judged by its manifest, and proven when
fetched.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drbot.core.base.errors import BackupError, PermanentError, TemporaryError, UserError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.runs.proof import floor_of
from drbot.core.site.full_manifest import FullManifest
from drbot.core.site.proofs import BackupProof, failure_of
from drbot.core.site.stored_backups import BackupKind
from drbot.core.text.messages import clauses, listed, phrase
from drbot.core.text.words import size
from drbot.runners.backups.in_places import Found, backups_in, in_turn
from drbot.runners.backups.readings import Reading, Readings, Stamp, stamp_of
from drbot.runners.clients.backup_reader import BackupReader
from drbot.runners.clients.backup_store import SUFFIX, Backup, BackupStore, Manifest
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.dump import major
from drbot.runners.clients.dump_store import DumpStore, StoredDump
from drbot.runners.clients.full_store import is_made_for
from drbot.runners.clients.plain_files import open_plain
from drbot.runners.contract.target import Chosen, PassedOver, chosen_over
from drbot.runners.foundation.watching import Cancelled, Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupRules:
    system: str
    site: str  # whose data; "" = of any site
    server_major: int | None  # of the server that will read it; None = not known
    databases: tuple[str, ...] = ()  # of dr.yml
    tables_now: Callable[[], Iterable[str] | None] = lambda: None  # of production; None = it does not answer
    cancelled: Callable[[], bool]
    progress: Progress
    damaged: Callable[[Backup, str], None] = lambda backup, why: None  # told of each that was read and is no use
    readings: Readings | None = None  # of this host; None = read it now
    failures: tuple[BackupProof, ...] = ()  # of the site: what could not be restored is taken by its name alone


def cheap_fault(backup: Backup, rules: BackupRules) -> str | None:
    """What is wrong with it, without reading it; None when nothing is."""
    manifest = backup.manifest
    if backup.fault or manifest is None:
        return backup.fault
    if not manifest.completed or manifest.name != backup.name:
        return phrase("its manifest does not belong to it or says that it was not completed")
    if manifest.size != backup.size:
        return phrase(
            "it has {size} where its manifest says {told}: cut off or replaced",
            size=size(backup.size),
            told=size(manifest.size),
        )
    return owner_fault(manifest, rules.system, rules.site) or version_fault(manifest.server_version, rules.server_major)


def owner_fault(manifest: Manifest | FullManifest | None, system: str, site: str) -> str | None:
    """Several systems and sites may share a folder or a bucket; the newest of another one is no backup of this one.
    One without a manifest is nobody's for sure, and the card says so.
    """
    if manifest is None:
        return None
    if manifest.system != system:
        return phrase('it is of another system, "{system}"', system=manifest.system)
    if site and manifest.site != site:
        return phrase('it is of another site, "{site}"', site=manifest.site)
    return None


def version_fault(version: str, server_major: int | None) -> str | None:
    """A dump of a newer server cannot be trusted to restore on an older one."""
    if server_major and major(version) > server_major:
        return phrase(
            "it was made by PostgreSQL {version}, and the server here is {server}", version=version, server=server_major
        )
    return None


def check(backup: Backup, rules: BackupRules) -> BackupIdentity:
    """Raises PermanentError with what is wrong."""
    return checked(backup, rules)[0]


def checked(backup: Backup, rules: BackupRules) -> tuple[BackupIdentity, Reading]:
    fault = cheap_fault(backup, rules)
    if fault:
        raise BackupError(phrase("{what}: {why}", what=backup.name, why=fault))
    found = _read(backup, rules)
    identity = identity_of(backup, found)
    fault = (
        manifest_fault(backup, found)
        or version_fault(identity.server_version, rules.server_major)
        or (
            rows_fault(backup.manifest.rows)
            if backup.manifest
            else empty_fault(found.server_version, holds_data=found.holds_data)
        )
    )
    if fault:
        raise BackupError(phrase("{what}: {why}", what=backup.name, why=fault))
    return identity, found


def _read(backup: Backup, rules: BackupRules) -> Reading:
    """From start to end, unless this host has done so since somebody wrote to it. Raises PermanentError when it is cut,
    damaged, or still being written; CancelledError.
    """
    stamp, began = _stamp_of(backup), time.time()
    if rules.readings is not None and (known := rules.readings.of(backup.path, stamp)):
        return known
    from_disk = rules.readings is not None and rules.readings.anew
    reader = BackupReader(backup, rules.progress, rules.cancelled, hurried=True, from_disk=from_disk)
    try:
        for _ in reader.statements():
            pass
    except PermanentError:
        if rules.readings is not None:
            rules.readings.doubt(backup.path)
        raise
    found = Reading(
        sha256=reader.sha256,
        sql_bytes=reader.scanner.bytes,
        server_version=reader.scanner.server_version,
        holds_data=reader.scanner.holds_data,
        at=began,
    )
    if rules.readings is not None and _stamp_of(backup) == stamp:
        rules.readings.keep(backup.path, stamp, found)
    return found


def _stamp_of(backup: Backup) -> Stamp:
    try:
        return stamp_of(backup.path)
    except OSError as error:
        raise BackupError(phrase("{name} cannot be read: {why}", name=backup.name, why=error.strerror)) from error


def manifest_fault(backup: Backup, found: Reading) -> str | None:
    """Where what was read differs from the manifest."""
    manifest = backup.manifest
    if manifest is None:
        return None
    if manifest.sha256 != found.sha256:
        return phrase("its SHA-256 is not the one in its manifest: damaged or replaced")
    if manifest.sql_bytes != found.sql_bytes:
        return phrase("its SQL is not as long as its manifest says")
    return None


def rows_fault(rows: Mapping[str, int]) -> str | None:
    """A manifest that counts nothing proves nothing; an older backup that holds something is better."""
    return (
        None
        if any(rows.values())
        else phrase("its manifest counts no row: nothing can be proven with it before there is data")
    )


def empty_fault(server_version: str, *, holds_data: bool) -> str | None:
    """The same for a dump without a manifest, as far as it can be seen before it is restored."""
    if not server_version:
        return phrase("it holds no database, only roles and settings")
    return None if holds_data else phrase("it holds definitions and no data")


def identity_of(backup: Backup, found: Reading) -> BackupIdentity:
    """Which backup, exactly; without a manifest its rows are known when it is restored."""
    place = f"file:{backup.path.parent}"
    if backup.manifest is not None:
        return described(backup.manifest, place, backup.mark).model_copy(update={"sha256": found.sha256})
    return BackupIdentity(
        place=place,
        name=backup.name,
        size=backup.size,
        sha256=found.sha256,
        snapshot_at=backup.snapshot_at,
        manifest=False,
        server_version=found.server_version,
        mark=backup.mark,
    )


def described(manifest: Manifest, place: str, mark: str) -> BackupIdentity:
    """Which backup, by its own word."""
    return BackupIdentity(
        place=place,
        name=manifest.name,
        size=manifest.size,
        unpacked=manifest.sql_bytes,
        sha256=manifest.sha256,
        snapshot_at=manifest.snapshot_at,
        manifest=True,
        rows=dict(manifest.rows),
        server_version=manifest.server_version,
        system_identifier=manifest.system_identifier,
        system=manifest.system,
        site=manifest.site,
        mark=mark,
    )


def candidates(
    store: BackupStore, elsewhere: Sequence[DumpStore], name: str | None, rules: BackupRules
) -> Found[Backup | StoredDump]:
    """Of the folder, and of every bucket this site's, the newest first, of the same one the nearest. Raises
    PermanentError when the folder cannot be read or lacks this name, and there is no bucket.
    """
    found: list[Backup | StoredDump] = []
    silent: list[str] = []
    try:
        found += (store.get(name),) if name else store.newest_first()
    except PermanentError as error:
        if not elsewhere:
            raise
        silent.append(str(error))
    there = backups_in(elsewhere, rules.cancelled)
    ours = (one for one in there.backups if is_made_for(one.snapshot, rules.system, rules.site))
    found += [one for one in ours if name in (None, one.name, one.name.removesuffix(SUFFIX))]
    silent += there.silent
    ordered = sorted(found, key=lambda one: (one.snapshot_at, one.name), reverse=True)  # equal ones stay as they were
    return Found(backups=tuple(ordered), silent=tuple(silent))


def choose(
    store: BackupStore,
    rules: BackupRules,
    name: str | None = None,
    *,
    before: BackupIdentity | None = None,
    elsewhere: Sequence[DumpStore] = (),
) -> Chosen:
    """The newest good backup, or the one of this name; where several places have it, the nearest, but after the
    others where it could not be restored from there. Raises UserError with why each of them is refused.
    """
    passed_over: list[PassedOver] = []
    found = candidates(store, elsewhere, name, rules)

    def place_of(backup: Backup | StoredDump) -> str:
        return backup.store.place if isinstance(backup, StoredDump) else store.place

    def failed(backup: Backup | StoredDump) -> str:
        return failure_of(rules.failures, BackupKind.POSTGRES, backup.name, place_of(backup), backup.mark)

    def pass_over(backup: Backup | StoredDump, why: str) -> None:
        passed_over.append(PassedOver(name=backup.name, place=place_of(backup), why=why))

    older = [
        one for one in found.backups
        if before is None or (one.snapshot_at, one.name) < (before.snapshot_at, before.name)
    ]  # fmt: skip
    for backup in in_turn(older, failed, pass_over, name):
        try:
            good = judged(backup, rules) if isinstance(backup, StoredDump) else check(backup, rules)
            known = with_floor(good, store, rules)
            return chosen_over(passed_over, known, failed=failed(backup), silent=found.silent)
        except (PermanentError, TemporaryError) as error:
            if isinstance(backup, Backup) and isinstance(error, PermanentError) and not cheap_fault(backup, rules):
                rules.damaged(backup, str(error))
            pass_over(backup, str(error))
    places = listed([f"{store.directory}", *(one.place for one in elsewhere)])
    why = clauses([*(one.why for one in passed_over), *found.silent]) or none_in(places, before)
    raise UserError(
        phrase("Looked for a good backup."),
        phrase("There is none: {why}.", why=why),
        phrase("Put a good backup there (drbot backup list shows what is there), then try again."),
    )


def judged(dump: StoredDump, rules: BackupRules) -> BackupIdentity:
    """Its identity if its manifest is good. Raises PermanentError with its fault, TemporaryError, CancelledError."""
    manifest = None if dump.fault else dump.store.manifest(dump, rules.cancelled)
    backup = Backup(
        path=Path(dump.name),
        size=manifest.size if manifest else 0,
        snapshot_at=dump.snapshot_at,
        manifest=manifest,
        fault=dump.fault,
    )
    fault = cheap_fault(backup, rules)
    if manifest is not None and manifest.snapshot_at != dump.snapshot_at:
        fault = phrase("its manifest is of {time} UTC", time=f"{manifest.snapshot_at:%Y-%m-%d %H:%M:%S}")
    fault = fault or (rows_fault(manifest.rows) if manifest is not None else None)
    if manifest is None or fault:
        raise BackupError(phrase("{what}: {why}", what=dump.place, why=fault))
    return described(manifest, dump.place, dump.mark)


def none_in(places: object, before: BackupIdentity | None) -> str:
    """Where nothing was refused, because nothing is there."""
    if before is not None:
        return phrase("there is no older one in {places}", places=places)
    return phrase("there is none in {places}", places=places)


def with_floor(chosen: BackupIdentity, store: BackupStore, rules: BackupRules) -> BackupIdentity:
    """One without a manifest has to hold what is known to be there, by the backup before it and by production."""
    if chosen.manifest:
        return chosen
    older = (backup.manifest for backup in store.newest_first() if backup.snapshot_at < chosen.snapshot_at)
    before = next((found.rows for found in older if found and not owner_fault(found, rules.system, rules.site)), None)
    return chosen.model_copy(update={"floor": floor_of(rules.databases, before, rules.tables_now())})


def identify(store: BackupStore, identity: BackupIdentity) -> BackupIdentity:
    """The identity of the bytes that lie there now. Raises PermanentError when they are gone."""
    backup = store.get(identity.name)
    try:
        with open_plain(backup.path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BackupError(phrase("{name} cannot be read: {why}", name=backup.name, why=error.strerror)) from error
    return identity.model_copy(update={"size": backup.size, "sha256": digest})


def rules_for(clients: Clients, system: str, site: str, cancelled: Cancelled, progress: Progress) -> BackupRules:
    """For the server that runs at this site, with what this host has read of backups before."""
    return BackupRules(
        system=system,
        site=site,
        server_major=clients.postgres.major_version(),
        databases=clients.postgres.settings.databases,
        cancelled=cancelled,
        progress=progress,
        readings=Readings(clients.settings.home),
    )


def newest(store: BackupStore, system: str, site: str) -> Backup:
    """The site's newest backup that can be used, as far as that is known without reading it. Raises PermanentError."""
    for backup in store.newest_first():
        if not backup.fault and not owner_fault(backup.manifest, system, site):
            return backup
    raise PermanentError(phrase("There is no backup in {folder} that can be used", folder=store.directory))
