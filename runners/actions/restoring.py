"""Puts the parts of a full backup into their places on the new host: only into what this run has made, empty."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from drbot.core.base.errors import CancelledError, PermanentError
from drbot.core.site.full_manifest import DUMP, REDIS
from drbot.core.site.site import Site
from drbot.core.text.messages import clauses, phrase
from drbot.runners.actions import postgres
from drbot.runners.actions.fetching import fetched
from drbot.runners.actions.infrastructure import emptied_on_failure, renew
from drbot.runners.backups.choose_dump import version_fault
from drbot.runners.backups.restore_redis import alone_on, require_keys
from drbot.runners.clients import scratch_redis
from drbot.runners.clients.backup_reader import Pieces
from drbot.runners.clients.compose import Compose
from drbot.runners.clients.fetched import Fetched
from drbot.runners.clients.host_folders import data_below
from drbot.runners.clients.own_folder import make_own, require_own
from drbot.runners.clients.redis_alone import RedisAlone
from drbot.runners.clients.shared_settings import shared_names
from drbot.runners.clients.survivors import remove_survivors
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Outcome, Registry, StepContext
from drbot.runners.foundation.permit import OwnWork


def configuration(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action configuration.restore: into the cloned projects, or a new folder where dr.yml names no repository. Every
    file gets its own mode, so secrets stay secret.
    """
    folder = Path(arguments.text(given, "folder"))
    if folder != context.site.projects:
        raise PermanentError(phrase("Settings are not written to {folder}: only to the site's projects", folder=folder))
    if context.configuration.repository is None:
        make_own(folder, context.own_work())
    found = fetched(context)
    if not found.facts.projects:
        raise PermanentError(phrase("The backup holds no configuration"))
    count = put_settings(found, context.site, context.clients.compose, other_folders(context), context.own_work())
    projects = found.manifest.projects if found.manifest else found.facts.projects
    return Outcome(
        summary=phrase(
            "Files that were put back: {count}, of projects: {projects}",
            count=count,
            projects=len(projects),
        ),
        facts={"projects": list(projects)},
    )


def put_settings(found: Fetched, site: Site, compose: Compose, data: tuple[str, ...], own: OwnWork) -> int:
    """With the files that Compose reads in folders of `data`, which come back when it has read the projects. One may
    lead to the next, so it is looked again until there is no further one. Returns how many files.
    """
    require_own(site.projects, own)
    count, tried = found.put_settings(site.projects, data), set[str]()
    while further := {*shared_names(site, compose)} - tried:
        count += sum(found.put_file(name, site.projects) for name in sorted(further) if _is_in(name, data))
        tried |= further
    return count


def _is_in(name: str, folders: tuple[str, ...]) -> bool:
    return any(PurePosixPath(name).is_relative_to(folder) for folder in folders)


def other_folders(context: StepContext) -> tuple[str, ...]:
    """Folders below the projects that are data: other steps bring them."""
    return data_below(context.clients.docker, context.site)


def restore_postgres(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action postgres.restore: the server is only started on the volume when all rows are in it."""
    volume, sealed = arguments.text(given, "volume"), arguments.sealed_backup(context)
    fault = version_fault(sealed.server_version, context.clients.postgres.major_version())
    if fault:
        raise PermanentError(phrase("{what}: {why}", what=sealed.name, why=fault))
    found = fetched(context)
    manifest = found.manifest
    source = Pieces(sealed.name, found.part(DUMP), manifest.sql_bytes if manifest else None, context.progress)
    prepare_volume(context, volume)
    with emptied_on_failure(context, volume):
        loaded = postgres.load(context, volume, source, sealed, manifest.digests if manifest else {})
    return postgres.restored(loaded, sealed, sealed.name, volume)


def restore_redis(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action redis.restore: before Redis is started for the first time, and as it will be started."""
    volume, found = arguments.text(given, "volume"), with_redis(context)
    alone = redis_alone(context, volume)
    prepare_volume(context, volume)
    with emptied_on_failure(context, volume):
        return fill_redis(alone, found)


def with_redis(context: StepContext) -> Fetched:
    """What was fetched. Raises PermanentError where it holds no Redis."""
    found = fetched(context)
    if REDIS not in found.facts.own:
        raise PermanentError(phrase("The backup holds no data of Redis"))
    return found


def fill_redis(alone: RedisAlone, found: Fetched) -> Outcome:
    """Its empty volume. Raises PermanentError where not every key gets there."""
    volume = alone.volume
    count, appends = scratch_redis.restore(alone, found.part(REDIS))
    require_keys(count, found.manifest.redis if found.manifest else None)
    said = phrase("Restored into {volume}; keys: {keys}", keys=count.keys, volume=volume)
    how = phrase("its append-only file was built from them") if appends else ""
    return Outcome(
        summary=clauses((said, how)),
        facts={"volume": volume, "keys": count.keys, "expiring": count.expiring, "appendonly": appends},
    )


def redis_alone(context: StepContext, volume: str) -> RedisAlone:
    """Production's Redis, as it will be started, on this volume."""
    return alone_on(volume, context.site, context.clients, context.labels, context.cancelled)


def prepare_volume(context: StepContext, volume: str) -> None:
    """Empty, and nothing of an earlier attempt at work on it."""
    remove_survivors(context.clients.docker, context.run.id, context.step.id)
    renew(context, volume)
    if context.cancelled():
        raise CancelledError(phrase("Stopped before {volume} was filled", volume=volume))


IMPLEMENTED = Registry(
    actions={
        "configuration.restore": configuration,
        "postgres.restore": restore_postgres,
        "redis.restore": restore_redis,
    },
)
