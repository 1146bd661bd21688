"""Makes a full backup: configuration, databases, Redis and files in one archive, with a manifest; stores it everywhere.

Everything is read from the running system without stopping it. Called by `drbot backup full`, so that cron can.
"""

import platform
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from core.errors import DrbotError, PermanentError, TemporaryError
from core.full_manifest import MANIFEST, SUFFIX, FileSet, FullManifest, RedisState, full_name
from core.site import Configuration, Site
from runners.backup import first_free, unwritable, write_dump
from runners.clients import redis_copy
from runners.clients.backup_store import sync_folder
from runners.clients.clients import Clients
from runners.clients.docker_engine import RUN_LABEL, STEP_LABEL
from runners.clients.dump_volume import COUNTS, DumpVolume, dump_volume
from runners.clients.full_store import FullBackupStore, full_stores
from runners.clients.full_writer import (
    FASTEST,
    Packer,
    compress_file,
    files_writer,
    unpack_stream,
    write_configuration,
    written,
    zipped_into,
)
from runners.clients.helper import HelperOrder, Mount, helper
from runners.clients.streams import archive_of
from runners.clients.table_counts import counted, digested
from runners.watching import Cancelled, Progress, never, unheard


@dataclass(frozen=True, kw_only=True, slots=True)
class Making:
    """One full backup that is being made."""

    configuration: Configuration
    site_name: str
    clients: Clients
    started: datetime
    folder: Path  # private, beside where the archive will be
    progress: Progress
    cancelled: Cancelled

    @property
    def site(self) -> Site:
        """The site it is made of."""
        return self.configuration.site(self.site_name)

    @property
    def name(self) -> str:
        """The archive's name."""
        return full_name(self.started)

    @property
    def stamp(self) -> str:
        """The time in the names of all parts."""
        return self.name.removesuffix(SUFFIX).removeprefix("full_backup_")

    @property
    def labels(self) -> Mapping[str, str]:
        """On every container and volume it makes."""
        return {RUN_LABEL: f"backup-{self.name}", STEP_LABEL: "full"}


def parts_folder(directory: Path, name: str) -> Path:
    """Where the parts of an archive are made; the folder is the claim to the name."""
    return directory / f".{name}.parts"


def _claim(directory: Path, name: str) -> bool:
    if (directory / name).exists():
        return False
    try:
        parts_folder(directory, name).mkdir(parents=True, mode=0o700)
    except FileExistsError:
        return False
    return True


def back_up_full(
    configuration: Configuration,
    site: str,
    *,
    clients: Clients,
    document: Path | None = None,
    stores: Sequence[FullBackupStore] = (),
    progress: Progress = unheard,
    cancelled: Cancelled = never,
) -> FullManifest:
    """Into `backups.directory`, then into every other place (default: all of dr.yml), then retention. `document`:
    dr.yml itself. A failure leaves nothing that looks like a backup. Raises PermanentError, TemporaryError,
    CancelledError.
    """
    directory = configuration.backups.directory
    try:
        started = first_free(datetime.now(UTC), lambda moment: _claim(directory, full_name(moment)))
    except OSError as error:
        raise unwritable(directory, error) from error
    making = Making(
        configuration=configuration,
        site_name=site or configuration.default_site,
        clients=clients,
        started=started,
        folder=parts_folder(directory, full_name(started)),
        progress=progress,
        cancelled=cancelled,
    )
    try:
        facts = collect(making, document)
        manifest = pack(making, facts)
    except OSError as error:
        raise unwritable(directory, error) from error
    finally:
        shutil.rmtree(making.folder, ignore_errors=True)
        (directory / f"{making.name}.part").unlink(missing_ok=True)
    store_everywhere(making, manifest, stores or full_stores(configuration))
    return manifest


def collect(making: Making, document: Path | None) -> dict[str, Any]:
    """Put every part into the private folder; returns the fields of the manifest."""
    clients, site = making.clients, making.site
    facts: dict[str, Any] = {"snapshot_at": making.started}
    volume = f"drbot-{making.name.removesuffix(SUFFIX)}-{making.site_name}"
    with dump_volume(clients.docker, volume, making.labels, making.cancelled) as copies:
        image = ""
        if site.postgres is not None:
            facts |= collect_postgres(making, copies)
            image = clients.postgres.recipe(making.cancelled).image
        if site.redis is not None:
            facts["redis"] = collect_redis(making, copies)
            image = image or redis_copy.running(clients.docker, clients.redis).image
        if image:
            unpack_stream(copies.content(image), making.folder, making.cancelled)
    if site.postgres is not None:
        said = (making.folder / COUNTS).read_text(errors="backslashreplace")
        facts |= {"rows": counted(said), "digests": digested(said)}
        (making.folder / COUNTS).unlink()  # it is in the manifest
    (making.folder / "globals.sql").unlink(missing_ok=True)  # it is in the dump of all databases
    if site.redis is not None:
        target = making.folder / f"redis_{making.stamp}.rdb.gz"
        compress_file(making.folder / "dump.rdb", target, making.cancelled)
    if site.files:
        facts["files"] = collect_files(making, image)
    projects = {service.project for service in site.services.values()}
    projects |= {site.monitoring.project} if site.monitoring else set()
    target = making.folder / f"config_{making.stamp}.tar.gz"
    facts["configuration"] = write_configuration(target, site.projects, sorted(projects), document)
    return facts


def collect_postgres(making: Making, copies: DumpVolume) -> dict[str, Any]:
    """Each database once in directory format, and from these the dump of all."""
    postgres = making.clients.postgres
    server, databases = postgres.identity(), postgres.databases()
    copies.dump_postgres(postgres, databases)
    path = making.folder / f"all_databases_{making.stamp}.sql.gz"
    dump = write_dump(path, copies.sql(postgres, databases), making.progress)
    return {
        # the server's clock, from just before the dump began; the two hosts' clocks may differ
        "snapshot_at": server.now,
        "databases": databases,
        "sql_bytes": dump.scanner.bytes,
        "server_version": server.version,
        "system_identifier": server.system_identifier,
    }


def collect_redis(making: Making, copies: DumpVolume) -> RedisState:
    """The RDB file, checked and counted."""
    version_, appendonly = redis_copy.identity(making.clients.docker, making.clients.redis)
    keys, expires = copies.dump_redis(making.clients.redis)
    return RedisState(version=version_, keys=keys, expires=expires, appendonly=appendonly)


def collect_files(making: Making, image: str) -> dict[str, FileSet]:
    """The volumes and folders that dr.yml names."""
    found = {}
    target = making.folder / f"files_backup_{making.stamp}.tar.gz"
    with files_writer(target, making.cancelled) as writer:
        for name in making.site.files:
            if "/" in name:
                found[name] = writer.add_folder(name, making.site.projects / name)
                continue
            if making.clients.docker.volume(name) is None:
                raise PermanentError(f"`files` of the site names the volume {name}, which does not exist")
            order = HelperOrder(
                image=image,
                name=None,
                labels=making.labels,
                entrypoint=("true",),
                mounts=(Mount(source=name, target="/files", read_only=True),),
            )
            with helper(making.clients.docker, order) as container:
                pieces = archive_of(making.clients.docker, container, "/files", making.cancelled)
                found[name] = writer.add_stream(name, pieces)
    return found


def pack(making: Making, facts: Mapping[str, Any]) -> FullManifest:
    """The archive from the private folder, with the manifest inside; both on the disk at the end."""
    directory = making.configuration.backups.directory
    part = directory / f"{making.name}.part"
    with (
        written(part) as target,
        zipped_into(target, FASTEST) as zipped,
        tarfile.open(fileobj=zipped, mode="w|") as archive,
    ):
        packer = Packer(archive, making.name.removesuffix(SUFFIX), making.cancelled)
        members = packer.add(making.folder, making.progress)
        manifest = FullManifest(
            name=making.name,
            system=making.configuration.system,
            site=making.site_name,
            started_at=making.started,
            finished_at=datetime.now(UTC),
            members=members,
            versions={"drbot": version("drbot-chatops")},
            source={"engine": making.clients.docker.id(), "host": platform.node()},
            completed=True,
            **facts,
        )
        packer.add_document(MANIFEST, manifest.model_dump_json(indent=2).encode() + b"\n")
    part.rename(directory / making.name)
    sync_folder(directory)
    return manifest.model_copy(update={"size": target.size, "sha256": target.sha256.hexdigest()})


def store_everywhere(making: Making, manifest: FullManifest, stores: Sequence[FullBackupStore]) -> None:
    """Into every place, also when one of them fails; then the oldest go. Raises PermanentError or TemporaryError that
    names each place that has it not.
    """
    archive = making.configuration.backups.directory / manifest.name
    failed: list[DrbotError] = []
    for store in stores:
        try:
            store.add(archive, manifest, making.progress, making.cancelled)
            store.remove_old(making.configuration.backups.keep, manifest.system, manifest.site)
        except (PermanentError, TemporaryError) as error:
            failed.append(error)
    if failed:
        why = "; ".join(str(error) for error in failed)
        kind = TemporaryError if all(isinstance(error, TemporaryError) for error in failed) else PermanentError
        raise kind(f"{manifest.name} is not stored everywhere, {len(failed)} of {len(stores)} places failed: {why}")
