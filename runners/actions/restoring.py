"""Puts the parts of a full backup into their places on the new host: only into what this run has made, empty."""

import stat
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from isal import igzip

from core.errors import CancelledError, DrbotError, PermanentError
from runners.action import Outcome, StepContext
from runners.actions import arguments, postgres
from runners.actions.backup import version_fault
from runners.actions.fetching import unpacked
from runners.actions.infrastructure import remove_quietly, renew
from runners.clients import scratch_redis
from runners.clients.backup_store import Backup
from runners.clients.own_folder import require_own
from runners.clients.scratch_redis import ScratchRedis
from runners.clients.survivors import remove_survivors
from store.file_modes import public_folder

OWN_FILE = "dr.yml"  # drbot's own configuration lies in the archive too; it is not one of the system's
SECRET = stat.S_IRUSR | stat.S_IWUSR


def configuration(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action configuration.restore: into the cloned projects; secrets readable by their owner alone."""
    folder = Path(arguments.text(given, "folder"))
    if folder != context.site.projects:
        raise PermanentError(f"Settings are not written to {folder}: only to the site's projects")
    archive = unpacked(context).configuration
    if archive is None:
        raise PermanentError("The backup holds no configuration")
    require_own(folder, context.own_work())
    written: list[str] = []
    with tarfile.open(archive, "r:gz") as files:
        for member in files:
            path = inner_path(member.name)
            if not member.isfile() or path == OWN_FILE:
                continue
            write_file(folder / path, files, member)
            written.append(path)
    if not written:
        raise PermanentError(f"{archive.name} holds no files")
    return Outcome(summary=f"Put {len(written)} configuration files back", facts={"files": sorted(written)})


def inner_path(name: str) -> str:
    """A path that stays below its folder. Raises PermanentError."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise PermanentError(f"{name} would be written elsewhere; nothing was used")
    return str(path)


def write_file(target: Path, files: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    """Whole or not at all."""
    content = files.extractfile(member)
    if content is None:
        raise PermanentError(f"{member.name} is no file")
    public_folder(target.parent)
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=SECRET)
    part.write_bytes(content.read())
    part.chmod(member.mode & 0o777 or SECRET)
    part.rename(target)


def restore_postgres(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action postgres.restore: the server is only started on the volume when all rows are in it."""
    volume, sealed = arguments.text(given, "volume"), arguments.sealed_backup(context)
    fault = version_fault(sealed.server_version, context.clients.postgres.major_version())
    if fault:
        raise PermanentError(f"{sealed.name}: {fault}")
    archive = unpacked(context)
    dump, digests = archive.dump, archive.manifest.digests if archive.manifest else {}
    source = Backup(path=dump, size=dump.stat().st_size, snapshot_at=sealed.snapshot_at, manifest=None)
    prepare_volume(context, volume)
    try:
        loaded = postgres.load(context, volume, source, sealed, digests, sha256="")
    except DrbotError:
        remove_quietly(context, volume)
        raise
    return postgres.restored(loaded, sealed, dump.name, volume)


def restore_redis(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action redis.restore: before Redis is started for the first time, and as it will be started."""
    volume, found = arguments.text(given, "volume"), unpacked(context)
    if found.redis is None:
        raise PermanentError("The backup holds no data of Redis")
    clients = context.clients
    scratch = ScratchRedis(
        engine=clients.docker,
        recipe=scratch_redis.recipe_of(context.site, clients.compose, clients.docker, context.cancelled),
        volume=volume,
        name=f"drbot-restore-{volume}",
        labels=context.labels,
        cancelled=context.cancelled,
    )
    prepare_volume(context, volume)
    try:
        with igzip.open(found.redis, "rb") as unzipped:  # type: ignore[no-untyped-call]
            count, appends = scratch_redis.restore(scratch, iter(lambda: unzipped.read(1 << 20), b""))
        expected = found.manifest.redis if found.manifest else None
        if expected and count.keys > expected.keys:
            raise PermanentError(f"Redis has {count.keys} keys; the manifest says {expected.keys}")
    except DrbotError:
        remove_quietly(context, volume)
        raise
    how = "; its append-only file was built from them" if appends else ""
    return Outcome(
        summary=f"Restored {count.keys} keys into {volume}{how}",
        facts={"volume": volume, "keys": count.keys, "expiring": count.expiring, "appendonly": appends},
    )


def prepare_volume(context: StepContext, volume: str) -> None:
    """Empty, and nothing of an earlier attempt at work on it."""
    remove_survivors(context.clients.docker, context.run.id, context.step.id)
    renew(context, volume)
    if context.cancelled():
        raise CancelledError(f"Stopped before {volume} was filled")
