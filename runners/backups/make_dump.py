"""Makes a backup of PostgreSQL that can be trusted later: the dump and, written last, its manifest."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TypeVar

from isal import igzip

from drbot.core.base.errors import DrbotError, PermanentError, TemporaryError
from drbot.core.site.site import Configuration
from drbot.core.text.messages import clauses, phrase
from drbot.runners.clients.backup_store import BackupStore, Manifest, sync_folder
from drbot.runners.clients.byte_streams import DigestingWriter
from drbot.runners.clients.clients import Clients, clients_of
from drbot.runners.clients.container_labels import RUN_LABEL, STEP_LABEL
from drbot.runners.clients.dump import DumpScanner
from drbot.runners.clients.dump_store import DumpStore, dump_stores
from drbot.runners.clients.postgres_dump import PostgresDump
from drbot.runners.clients.postgres_server import ServerIdentity
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.foundation.watching import Cancelled, Progress, never, unheard
from drbot.store.base.file_modes import PRIVATE_FILE, PRIVATE_FOLDER

COMPRESSION = 1
PROGRESS_EVERY_SECONDS = 0.5

Store = TypeVar("Store")
IsMade = Callable[[datetime], bool]
"""Whether a backup that was begun then is the one that was due last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    size: int
    sha256: str
    scanner: DumpScanner


def back_up_postgres(
    configuration: Configuration,
    site: str,
    *,
    clients: Clients | None = None,
    progress: Progress = unheard,
    cancelled: Cancelled = never,
) -> Manifest:
    """Count and dump in one snapshot, compress and digest. A failure leaves nothing that looks like a backup. Raises
    PermanentError, TemporaryError, CancelledError.
    """
    if clients is None:
        home = Path(os.environ.get("DRBOT_HOME", ".drbot")).absolute()
        clients = clients_of(configuration.site(site), configuration, RunnerSettings.from_environment(home))
    server = clients.postgres.identity()
    started = datetime.now(UTC)
    folder = configuration.backups.directory
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        name = name_of(first_free(started, lambda moment: claim(folder, name_of(moment))))
    except OSError as error:
        raise unwritable(folder, error) from error
    part = folder / f"{name}.part"
    labels = {RUN_LABEL: f"backup-{name}", STEP_LABEL: "dump"}
    try:
        dump = clients.postgres.dump(labels, cancelled)
        written = write_dump(part, dump.pieces(cancelled), progress)
        require_data(written.scanner, dump.rows)
        manifest = manifest_of(configuration, site, server, started, name, written, dump)
        part.rename(folder / name)
        sync_folder(folder)
        clients.backups.write_manifest(manifest)
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        part.unlink(missing_ok=True)
    clients.backups.remove_old(configuration.backups.keep, configuration.system, site)
    copy_elsewhere(configuration, manifest, dump_stores(configuration), progress, cancelled)
    return manifest


def copy_elsewhere(
    configuration: Configuration,
    manifest: Manifest,
    stores: Sequence[DumpStore],
    progress: Progress = unheard,
    cancelled: Cancelled = never,
) -> None:
    """Into every bucket that lacks it. Raises as `in_each`."""

    def put(store: DumpStore) -> None:
        if store.find(manifest.name, manifest.system, manifest.site, cancelled) is None:
            store.add(configuration.backups.directory / manifest.name, manifest, progress, cancelled)
        store.remove_old(configuration.backups.keep, manifest.system, manifest.site, cancelled)

    in_each(manifest.name, stores, put, len(stores) + 1)


def copy_again(configuration: Configuration, site: str, is_made: IsMade, cancelled: Cancelled) -> bool:
    """The newest good dump of this site, into every bucket that lacks it, if it is the one that was due. False: it is
    not. Raises as `copy_elsewhere`.
    """
    try:
        found = [one.manifest for one in BackupStore(configuration.backups.directory).newest_first() if not one.fault]
    except PermanentError:  # no folder yet
        return False
    for manifest in found:
        if manifest and (manifest.system, manifest.site) == (configuration.system, site):
            if known := is_made(manifest.started_at):
                copy_elsewhere(configuration, manifest, dump_stores(configuration), cancelled=cancelled)
            return known
    return False


def in_each(name: str, stores: Iterable[Store], put: Callable[[Store], None], places: int) -> None:
    """`put` it into each, also when one of them fails. Raises PermanentError or TemporaryError that names each of the
    places that has it not, CancelledError.
    """
    failed: list[DrbotError] = []
    for store in stores:
        try:
            put(store)
        except (PermanentError, TemporaryError) as error:
            failed.append(error)
    if not failed:
        return
    why = clauses(str(error) for error in failed)
    kind = TemporaryError if all(isinstance(error, TemporaryError) for error in failed) else PermanentError
    raise kind(
        phrase(
            "{name} is not stored everywhere, {count} of {places} places failed: {why}",
            name=name,
            count=len(failed),
            places=places,
            why=why,
        )
    )


def name_of(moment: datetime) -> str:
    """Local time in the name, as the source document's scripts have it, so that all of them sort together."""
    return f"all_databases_{moment.astimezone():%Y%m%d_%H%M%S}.sql.gz"


def first_free(started: datetime, is_ours: Callable[[datetime], bool]) -> datetime:
    """The first second from `started` on that `is_ours` takes: names have only seconds, the hour comes twice when
    clocks are set back, and a backup must never take another one's place.
    """
    return next(moment for after in count() if is_ours(moment := started + timedelta(seconds=after)))


def claim(folder: Path, name: str) -> bool:
    """Whether this name is ours now. The unfinished file is the claim; whoever made it removes it."""
    if (folder / name).exists():
        return False
    try:
        (folder / f"{name}.part").touch(mode=PRIVATE_FILE, exist_ok=False)
    except FileExistsError:
        return False
    return True


def unwritable(folder: Path, error: OSError) -> PermanentError:
    return PermanentError(
        phrase("The backup cannot be written to {folder}: {why}", folder=folder, why=error.strerror or error)
    )


def write_dump(part: Path, chunks: Iterator[bytes], progress: Progress) -> Written:
    """Compress the dump into `part`. Raises PermanentError when it does not end with its closing line."""
    scanner = DumpScanner()
    told = 0.0
    with part.open("wb") as file:
        target = DigestingWriter(file)
        with igzip.open(target, "wb", compresslevel=COMPRESSION) as zipped:  # type: ignore[no-untyped-call]
            for chunk in chunks:
                scanner.feed(chunk)
                zipped.write(chunk)
                if time.monotonic() - told >= PROGRESS_EVERY_SECONDS:
                    told = time.monotonic()
                    progress(scanner.bytes, None, "bytes")
        file.flush()
        os.fsync(file.fileno())
    if not scanner.complete:
        raise PermanentError(phrase("pg_dumpall ended without its closing line; the backup was not kept"))
    return Written(size=target.size, sha256=target.sha256.hexdigest(), scanner=scanner)


def require_data(scanner: DumpScanner, rows: Mapping[str, int]) -> None:
    """Raise PermanentError for a dump without what was counted: a program may give nothing and call that a success."""
    if any(rows.values()) and not scanner.holds_data:
        raise PermanentError(
            phrase("pg_dump ended well and gave no data, though rows were counted: {rows}", rows=sum(rows.values()))
        )


def manifest_of(
    configuration: Configuration,
    site: str,
    server: ServerIdentity,
    started: datetime,
    name: str,
    written: Written,
    dump: PostgresDump,
) -> Manifest:
    """What a later recovery compares with; the snapshot's time is the server's, from just before the dump began."""
    return Manifest(
        name=name,
        size=written.size,
        sha256=written.sha256,
        sql_bytes=written.scanner.bytes,
        started_at=started,
        finished_at=datetime.now(UTC),
        snapshot_at=server.now.replace(microsecond=0),  # as a copy in a bucket has it
        server_version=server.version,
        system_identifier=server.system_identifier,
        rows=dump.rows,
        digests=dump.digests,
        system=configuration.system,
        site=site,
        completed=True,
    )
