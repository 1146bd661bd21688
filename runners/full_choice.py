"""Which full backup is good: complete, of this system and site, of a version we can read. Nothing by its name alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from core.errors import DrbotError, PermanentError, TemporaryError, UserError
from core.full_manifest import FORMAT, SUFFIX
from core.plan import BackupIdentity, Holds
from core.proof import floor_of
from core.words import size
from runners.actions.backup import empty_fault, owner_fault, rows_fault, version_fault
from runners.clients.full_archive import CONFIGURATION, REDIS, read_archive
from runners.clients.full_store import FullBackup, FullBackupStore
from runners.clients.object_store import require_room
from runners.clients.plain_files import digest_file
from runners.watching import Cancelled, Progress, never, unheard
from runners.world import Chosen


@dataclass(frozen=True, kw_only=True, slots=True)
class FullRules:
    """What a full backup must be to be used here."""

    system: str
    site: str  # whose data: the site that was lost
    databases: tuple[str, ...] = ()  # of dr.yml
    server_major: int | None = None  # of the server that will read it; None = not known
    cancelled: Cancelled = never
    progress: Progress = unheard


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """What there is, best first, and which places could not be asked."""

    backups: tuple[FullBackup, ...]
    silent: tuple[str, ...] = ()


def choose_full_backup(
    stores: Sequence[FullBackupStore],
    rules: FullRules,
    name: str | None = None,
    *,
    before: BackupIdentity | None = None,
) -> Chosen:
    """The newest good one of all places, or the one of this name; the first place wins where several have it.
    One with a manifest is judged by it; one without is read from start to end. Raises UserError, CancelledError.
    """
    found = candidates(stores, name)
    refused: list[str] = list(found.silent)
    older = [
        backup for backup in found.backups if before is None or order_of(backup) < (before.snapshot_at, before.name)
    ]
    for backup in older:
        try:
            chosen = judged(backup, rules)
        except (PermanentError, TemporaryError) as error:
            refused.append(str(error))
            continue
        chosen = with_floor(chosen, candidates(stores).backups, rules)
        return Chosen(backup=chosen, refused=(*refused, *twins(backup, older)))
    places = ", ".join(store.place for store in stores)
    why = "; ".join(refused) or f"there is {'no older one' if before else 'none'} in {places}"
    raise UserError(
        "Looked for a good full backup.",
        f"There is none: {why}.",
        "Put a good one there (drbot backup list --full shows what is there), then try again.",
    )


def with_floor(chosen: BackupIdentity, backups: Sequence[FullBackup], rules: FullRules) -> BackupIdentity:
    """One without a manifest has to hold what the one before it held; there is no production any more."""
    if chosen.manifest:
        return chosen
    older = (backup.manifest for backup in backups if backup.moment < chosen.snapshot_at)
    same = (found for found in older if found and not owner_fault(found, rules.system, rules.site))
    before = next((found.rows for found in same), None)
    return chosen.model_copy(update={"floor": floor_of(rules.databases, before, None)})


def candidates(stores: Sequence[FullBackupStore], name: str | None = None) -> Candidates:
    """The backups of all places, newest first; the same archive in several places once for each."""
    found: list[tuple[int, FullBackup]] = []
    silent: list[str] = []
    wanted = name if name is None or name.endswith(SUFFIX) else name + SUFFIX
    for number, store in enumerate(stores):
        try:
            found += [(-number, backup) for backup in store.newest_first() if wanted in (None, backup.name)]
        except (PermanentError, TemporaryError) as error:
            silent.append(f"the backups there could not be listed: {error}")
    ordered = sorted(found, key=lambda one: (*order_of(one[1]), finished(one[1]), one[0]), reverse=True)
    return Candidates(backups=tuple(backup for _, backup in ordered), silent=tuple(silent))


def order_of(backup: FullBackup) -> tuple[datetime, str]:
    """Newer data is better; of the same moment the later name, so that everybody chooses the same."""
    return backup.moment, backup.name


def finished(backup: FullBackup) -> datetime:
    """When it was complete."""
    return backup.manifest.finished_at if backup.manifest else backup.stored.modified_at


def twins(chosen: FullBackup, backups: Sequence[FullBackup]) -> Iterator[str]:
    """Others of the same moment with other contents: whoever approves should know that there was a choice."""
    for other in backups:
        if other.moment == chosen.moment and other is not chosen and digest_of(other) != digest_of(chosen):
            yield f"{other.place} is of the same moment and is not the same; {chosen.place} was taken by its name"


def digest_of(backup: FullBackup) -> str:
    """By the manifest; an archive without one is only equal to itself."""
    return backup.manifest.sha256 if backup.manifest else backup.place


def judged(backup: FullBackup, rules: FullRules) -> BackupIdentity:
    """Its identity if it is good. Raises PermanentError with what is wrong, TemporaryError, CancelledError."""
    found = exact(backup, rules)
    return identity_of(found) if backup.manifest else checked(found, rules)


def check_full_backup(backup: FullBackup, rules: FullRules) -> BackupIdentity:
    """The same, and read from start to end in any case."""
    return checked(exact(backup, rules), rules)


def exact(backup: FullBackup, rules: FullRules) -> FullBackup:
    """The version that is there now. Raises PermanentError with what is wrong without reading it."""
    fault = cheap_fault(backup, rules)
    if fault:
        raise PermanentError(f"{backup.place}: {fault}")
    found = replace(backup, stored=backup.store.head(backup.name))
    fault = stored_fault(found)
    if fault:
        raise PermanentError(f"{found.place}: {fault}")
    return found


def cheap_fault(backup: FullBackup, rules: FullRules) -> str | None:
    """What is wrong with it by its manifest; None when nothing is."""
    manifest = backup.manifest
    if backup.fault or manifest is None:
        return backup.fault
    if not manifest.completed or manifest.name != backup.name:
        return "its manifest does not belong to it or says that it was not completed"
    if manifest.format != FORMAT:
        return f"its manifest has format {manifest.format}; this drbot reads {FORMAT}"
    return (
        owner_fault(manifest, rules.system, rules.site)
        or version_fault(manifest.server_version, rules.server_major)
        or (rows_fault(manifest.rows) if manifest.databases else None)
    )


def stored_fault(backup: FullBackup) -> str | None:
    """What is wrong with the stored object by what its place says of it."""
    manifest, stored = backup.manifest, backup.stored
    if manifest is None:
        return None
    if stored.size != manifest.size:
        return f"it has {size(stored.size)} where its manifest says {size(manifest.size)}: cut off or replaced"
    if stored.sha256 and stored.sha256 != manifest.sha256:
        return "its SHA-256 is not the one in its manifest: replaced"
    return None


def checked(backup: FullBackup, rules: FullRules) -> BackupIdentity:
    """Read from start to end. Raises PermanentError, TemporaryError, CancelledError."""
    pieces = shown(backup, rules)
    contents = read_archive(pieces, backup.place, rules.cancelled)
    if backup.manifest and backup.manifest.sha256 != contents.sha256:
        raise PermanentError(f"{backup.place}: its SHA-256 is not the one in its manifest: damaged or replaced")
    manifest = backup.manifest or contents.manifest
    version = contents.scanner.server_version
    if manifest is None:
        fault = version_fault(version, rules.server_major) or empty_fault(contents.scanner)
    else:
        manifest = manifest.model_copy(update={"size": backup.stored.size, "sha256": contents.sha256})
        fault = cheap_fault(replace(backup, manifest=manifest), rules)
    if fault:
        raise PermanentError(f"{backup.place}: {fault}")
    if manifest is not None:
        return identity_of(replace(backup, manifest=manifest, moment=manifest.snapshot_at))
    return BackupIdentity(
        place=backup.place,
        name=backup.name,
        size=backup.stored.size,
        sha256=contents.sha256,
        snapshot_at=backup.moment,
        manifest=False,
        server_version=version,
        holds=Holds(
            redis=any(REDIS.match(name) for name in contents.parts),
            configuration=any(CONFIGURATION.match(name) for name in contents.parts),
        ),
    )


def shown(backup: FullBackup, rules: FullRules) -> Iterator[bytes]:
    """The archive's bytes, with progress."""
    done = 0
    for piece in backup.store.stream(backup.stored, cancelled=rules.cancelled):
        done += len(piece)
        rules.progress(done, backup.stored.size, "bytes")
        yield piece


def identity_of(backup: FullBackup) -> BackupIdentity:
    """Which backup, exactly, by its manifest."""
    manifest = backup.manifest
    assert manifest is not None
    return BackupIdentity(
        place=backup.place,
        name=backup.name,
        size=manifest.size,
        sha256=manifest.sha256,
        snapshot_at=manifest.snapshot_at,
        manifest=True,
        rows=dict(manifest.rows),
        server_version=manifest.server_version,
        system_identifier=manifest.system_identifier,
        system=manifest.system,
        site=manifest.site,
        holds=Holds(
            redis=manifest.redis is not None,
            configuration=bool(manifest.configuration),
            files=tuple(manifest.files),
        ),
    )


def find_full_backup(stores: Sequence[FullBackupStore], identity: BackupIdentity) -> FullBackup:
    """Exactly the sealed bytes: by place and version. Raises PermanentError when they are gone or others."""
    version = identity.place.partition("?versionId=")[2] or None
    for store in stores:
        if store.store.place(identity.name, version) != identity.place:
            continue
        stored = store.store.head(identity.name, version)
        if stored.size != identity.size or (stored.sha256 or identity.sha256) != identity.sha256:
            raise PermanentError(f"{identity.place} is not the archive that the plan was made for: it was replaced")
        return store.backup(stored)
    raise PermanentError(f"{identity.place}: dr.yml names no such place for full backups any more")


def fetch_full_backup(
    stores: Sequence[FullBackupStore], identity: BackupIdentity, folder: Path, progress: Progress, cancelled: Cancelled
) -> Path:
    """The sealed archive in `folder`, verified; goes on where an earlier attempt stopped. When its own place fails,
    the same bytes come from another one. Raises PermanentError, TemporaryError (try again: it resumes), CancelledError.
    """
    target = folder / identity.name
    if target.exists() and target.stat().st_size == identity.size and digest_file(target) == identity.sha256:
        return target
    first: DrbotError | None = None
    for find in (find_full_backup, find_copy):
        try:
            backup = find(stores, identity)
            require_room(folder, identity.size - written_already(target) + needed_to_unpack(backup))
            backup.store.download(backup.stored, target, sha256=identity.sha256, progress=progress, cancelled=cancelled)
        except (PermanentError, TemporaryError) as error:
            first = first or error
            continue
        return target
    assert first is not None
    raise first


def find_copy(stores: Sequence[FullBackupStore], identity: BackupIdentity) -> FullBackup:
    """The same archive in another place than the sealed one. Raises PermanentError."""
    for backup in candidates(stores, identity.name).backups:
        elsewhere = not identity.place.startswith(backup.store.place(backup.name))
        if elsewhere and backup.manifest and backup.manifest.sha256 == identity.sha256:
            return backup
    raise PermanentError(f"There is no copy of {identity.name} elsewhere")


def written_already(target: Path) -> int:
    """What an earlier attempt brought."""
    part = target.with_name(target.name + ".part")
    return part.stat().st_size if part.exists() else 0


def needed_to_unpack(backup: FullBackup) -> int:
    """Bytes beside the archive itself."""
    return backup.manifest.unpacked_bytes if backup.manifest else backup.stored.size
