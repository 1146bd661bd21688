"""Which full backup is good: of this system and site, of a version we can read. Nothing by its name alone."""

import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from drbot.core.base.errors import BackupError, DrbotError, PermanentError, TemporaryError, UserError
from drbot.core.runs.plan import BackupIdentity, Holds
from drbot.core.runs.proof import floor_of
from drbot.core.site.full_manifest import FORMAT, FullManifest, is_archive
from drbot.core.site.proofs import BackupProof, failure_of
from drbot.core.site.stored_backups import BackupKind
from drbot.core.text.messages import clauses, listed, phrase
from drbot.runners.backups.choose_dump import empty_fault, none_in, owner_fault, rows_fault, version_fault
from drbot.runners.backups.held import require_held
from drbot.runners.backups.in_places import Found, backups_in, in_turn
from drbot.runners.clients.byte_streams import CHUNK, IteratorFile
from drbot.runners.clients.document_archive import read_archive
from drbot.runners.clients.full_store import FullBackup, FullBackupStore, is_of, password
from drbot.runners.contract.target import Chosen, PassedOver, chosen_over
from drbot.runners.foundation.watching import Cancelled, Progress, never, unheard

UNVOUCHED = phrase(
    "its origin cannot be verified: it is not encrypted with RESTIC_PASSWORD, so anyone who can write there "
    "could have made it. To use it anyway, name it: /dr recover backup NAME"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FullRules:
    """What a full backup must be to be used here."""

    system: str
    site: str  # whose data: the site that was lost
    databases: tuple[str, ...] = ()  # of dr.yml
    files: tuple[str, ...] = ()  # of dr.yml: what of an archive of files is restored
    server_major: int | None = None  # of the server that will read it; None = not known
    failures: tuple[BackupProof, ...] = ()  # of the site: what could not be restored is taken by its name alone
    cancelled: Cancelled = never
    progress: Progress = unheard


def choose_full_backup(
    stores: Sequence[FullBackupStore],
    rules: FullRules,
    name: str | None = None,
    *,
    before: BackupIdentity | None = None,
) -> Chosen:
    """The newest good one of all places, or the one of this name; the first place wins where several have it, but after
    the others where it could not be restored from there. One with a manifest is judged by it; one without is read from
    start to end, and where backups are encrypted, which no archive is, only a person chooses it. Raises UserError,
    CancelledError.
    """
    found = candidates(stores, name, rules.cancelled)
    passed_over: list[PassedOver] = []

    def pass_over(backup: FullBackup, why: str) -> None:
        passed_over.append(PassedOver(name=backup.name, place=backup.store.place, why=why))

    def failed(backup: FullBackup) -> str:
        return failure_of(rules.failures, BackupKind.FULL, backup.name, backup.store.place, backup.mark)

    older = [
        backup for backup in found.backups if before is None or order_of(backup) < (before.snapshot_at, before.name)
    ]
    for backup in in_turn(older, failed, pass_over, name):
        if name is None and backup.archive is not None and password():
            pass_over(backup, phrase("{what}: {why}", what=backup.place, why=UNVOUCHED))
            continue
        try:
            chosen = judged(backup, rules)
        except (PermanentError, TemporaryError) as error:
            is_named = backup.name in str(error)
            pass_over(backup, str(error) if is_named else phrase("{what}: {why}", what=backup.name, why=error))
            continue
        if not chosen.manifest:
            chosen = with_floor(chosen, candidates(stores, cancelled=rules.cancelled).backups, rules)
        same = twins(backup, older)
        return chosen_over(passed_over, chosen, failed=failed(backup), twins=same, silent=found.silent)
    why = clauses([*found.silent, *(one.why for one in passed_over)]) or none_in(
        listed(store.place for store in stores), before
    )
    raise UserError(
        phrase("Looked for a good full backup."),
        phrase("There is none: {why}.", why=why),
        phrase("Put a good one there (drbot backup list shows what is there), then try again."),
    )


def with_floor(chosen: BackupIdentity, backups: Sequence[FullBackup], rules: FullRules) -> BackupIdentity:
    """One without a manifest has to hold what the one before it held; there is no production any more."""
    older = (one for one in backups if one.moment < chosen.snapshot_at and is_of(one, rules.system, rules.site))
    before = next(older, None)
    manifest = before.store.manifest(before, rules.cancelled) if before else None
    return chosen.model_copy(update={"floor": floor_of(rules.databases, manifest.rows if manifest else None, None)})


def candidates(
    stores: Sequence[FullBackupStore], name: str | None = None, cancelled: Cancelled = never
) -> Found[FullBackup]:
    """The backups of all places, newest first; the same one in several places once for each, in the order of these."""
    there = backups_in(stores, cancelled)
    named = [backup for backup in there.backups if name in (None, *backup.names)]
    return replace(there, backups=tuple(sorted(named, key=order_of, reverse=True)))


def order_of(backup: FullBackup) -> tuple[datetime, str]:
    """Newer data is better; of the same moment the later name, so that everybody chooses the same."""
    return backup.moment, backup.name


def twins(chosen: FullBackup, backups: Sequence[FullBackup]) -> Iterator[str]:
    """Others of the same name with other contents: whoever approves should know that there was a choice."""
    for other in backups:
        if other.name == chosen.name and other is not chosen and (other.digest or other.place) != chosen.digest:
            yield phrase(
                "{place} has the same name but different contents; {chosen} was chosen by its location",
                place=other.place,
                chosen=chosen.place,
            )


def judged(backup: FullBackup, rules: FullRules) -> BackupIdentity:
    """Its identity if it is good. Raises PermanentError with what is wrong, TemporaryError, CancelledError."""
    if backup.fault:
        raise BackupError(phrase("{what}: {why}", what=backup.place, why=backup.fault))
    if backup.archive is not None:
        return read(replace(backup, archive=backup.store.objects.head(backup.archive.key)), rules)
    manifest = backup.store.manifest(backup, rules.cancelled)
    fault = fault_of(manifest, backup, rules) if manifest else None
    if manifest is None or fault:
        raise BackupError(phrase("{what}: {why}", what=backup.place, why=fault))
    return sound(backup, manifest, rules)


def sound(backup: FullBackup, manifest: FullManifest, rules: FullRules) -> BackupIdentity:
    """What it is made of can be put back, holds what its manifest says, and counts for its room, whatever it says of
    its size. Raises PermanentError, TemporaryError, CancelledError.
    """
    assert backup.snapshot is not None
    shape = backup.store.restic(rules.cancelled).shape(backup.snapshot.id)
    if shape.fault:
        raise BackupError(phrase("{place}: {fault}; nothing was used", place=backup.place, fault=shape.fault))
    identity = identity_of(replace(backup, size=max(backup.size, shape.bytes)), manifest)
    require_held(shape, identity)
    return identity


def check_full_backup(backup: FullBackup, rules: FullRules) -> BackupIdentity:
    """The same, and read from start to end in any case: every piece is under a digest."""
    found = judged(backup, rules)
    if backup.snapshot is not None:
        require_whole(backup, backup.snapshot.id, rules)
    return found


def require_whole(backup: FullBackup, snapshot: str, rules: FullRules) -> None:
    """Count what comes out of it: restic ends without a word where it cannot read on in a folder. Raises
    PermanentError, TemporaryError, CancelledError.
    """
    restic = backup.store.restic(rules.cancelled)
    counted, entries, done = restic.shape(snapshot), 0, 0
    pieces = restic.stream(snapshot, "/", "--archive=tar")
    try:
        with tarfile.open(fileobj=IteratorFile(pieces), mode="r|", bufsize=CHUNK) as archive:
            for member in archive:
                entries, done = entries + 1, done + member.size
                rules.progress(done, counted.bytes, "bytes")
    except tarfile.TarError:
        pass  # cut off: counted too, when restic itself says nothing
    for _ in pieces:
        pass
    if (entries, done) != (counted.entries, counted.bytes):
        raise BackupError(
            phrase(
                "{place} is damaged: not all of its {entries} entries can be read",
                place=backup.place,
                entries=counted.entries,
            )
        )


def fault_of(manifest: FullManifest, backup: FullBackup, rules: FullRules) -> str | None:
    """What is wrong with it by its manifest; None when nothing is."""
    if manifest.name != backup.name:
        return phrase("its manifest is of {name}", name=manifest.name)
    if manifest.snapshot_at != backup.moment:
        return phrase("its manifest is of {time} UTC", time=f"{manifest.snapshot_at:%Y-%m-%d %H:%M:%S}")
    if manifest.format != FORMAT:
        return phrase(
            "its manifest has format {format}; this drbot reads {known}", format=manifest.format, known=FORMAT
        )
    return (
        owner_fault(manifest, rules.system, rules.site)
        or version_fault(manifest.server_version, rules.server_major)
        or (rows_fault(manifest.rows) if manifest.databases else None)
    )


def read(backup: FullBackup, rules: FullRules) -> BackupIdentity:
    """An archive of the document's, from start to end. Raises PermanentError, TemporaryError, CancelledError."""
    contents = read_archive(shown(backup, rules), backup.place, rules.files, rules.cancelled)
    version = contents.scanner.server_version
    fault = version_fault(version, rules.server_major) or empty_fault(version, holds_data=contents.scanner.holds_data)
    if fault:
        raise BackupError(phrase("{what}: {why}", what=backup.place, why=fault))
    return BackupIdentity(
        place=backup.place,
        name=backup.name,
        size=backup.size,
        sha256=contents.sha256,
        unpacked=contents.unpacked,
        snapshot_at=backup.moment,
        manifest=False,
        server_version=version,
        holds=Holds(redis=contents.redis, configuration=contents.configuration),
        mark=backup.mark,
    )


def shown(backup: FullBackup, rules: FullRules) -> Iterator[bytes]:
    assert backup.archive is not None
    done = 0
    for piece in backup.store.objects.stream(backup.archive, cancelled=rules.cancelled):
        done += len(piece)
        rules.progress(done, backup.size, "bytes")
        yield piece


def identity_of(backup: FullBackup, manifest: FullManifest) -> BackupIdentity:
    return BackupIdentity(
        place=backup.place,
        name=backup.name,
        size=backup.size,
        sha256=backup.digest,
        snapshot_at=manifest.snapshot_at,
        manifest=True,
        rows=dict(manifest.rows),
        server_version=manifest.server_version,
        system_identifier=manifest.system_identifier,
        system=manifest.system,
        site=manifest.site,
        holds=Holds(
            redis=manifest.redis is not None,
            keys=manifest.redis.keys if manifest.redis else None,
            configuration=bool(manifest.projects),
            files=manifest.files,
            mounts=manifest.uses.volumes,
            ports=manifest.uses.ports,
            containers=manifest.uses.containers,
            inventory=manifest.inventory,
        ),
        mark=backup.mark,
    )


def find_full_backup(stores: Sequence[FullBackupStore], identity: BackupIdentity) -> FullBackup:
    """Exactly the sealed bytes: in the place of the plan, else anywhere. Raises PermanentError when there are none."""
    return next(find_everywhere(stores, identity, never))


def find_everywhere(
    stores: Sequence[FullBackupStore], identity: BackupIdentity, cancelled: Cancelled
) -> Iterator[FullBackup]:
    """The same, then once more for every other place that has them too."""
    first: DrbotError | None = None
    places = 0
    for store in sorted(stores, key=lambda store: not identity.place.startswith(store.place)):
        try:
            backup = found_in(store, identity, cancelled)
        except (PermanentError, TemporaryError) as error:
            first = first or error
            continue
        places += 1
        yield backup
    if places == 0:
        raise first or BackupError(
            phrase("{place}: dr.yml names no place for full backups any more", place=identity.place)
        )


def found_in(store: FullBackupStore, identity: BackupIdentity, cancelled: Cancelled) -> FullBackup:
    """Of one place. Raises PermanentError, TemporaryError."""
    if not is_archive(identity.name):
        for backup in store.newest_first(cancelled):
            if backup.name == identity.name and backup.digest == identity.sha256:
                return backup
        raise BackupError(
            phrase("{place} does not hold the {name} that the plan was made for", place=store.place, name=identity.name)
        )
    version = identity.place.partition("?versionId=")[2] or None
    if store.objects.place(identity.name, version) != identity.place:
        raise PermanentError(phrase("{place} is not the place of {name}", place=store.place, name=identity.name))
    stored = store.objects.head(identity.name, version)
    if stored.size != identity.size:
        raise BackupError(
            phrase("{place} is not the archive that the plan was made for: it was replaced", place=identity.place)
        )
    return store.of_archive(stored)
