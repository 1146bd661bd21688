"""Restores Redis, files or settings of a full backup beside production, and proves them there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drbot.core.base.errors import DrbotError, PermanentError
from drbot.core.site.data_kinds import DataKind
from drbot.core.site.full_manifest import is_archive
from drbot.core.text.messages import phrase
from drbot.runners.actions import file_sets
from drbot.runners.actions.fetching import fetched
from drbot.runners.actions.making_beside import made_beside
from drbot.runners.actions.restoring import fill_redis, other_folders, redis_alone, with_redis
from drbot.runners.backups.restore_redis import require_no_more
from drbot.runners.clients import scratch_redis
from drbot.runners.clients.fetched import ARCHIVE, Fetched, Volume, files_wanted, settings_wanted
from drbot.runners.clients.tools_image import tools_image
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext, or_why_not


def redis(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    volume, found = arguments.text(given, "volume"), with_redis(context)
    alone, site = redis_alone(context, volume), context.site
    if site.redis is not None:
        require_no_more(alone, site.services[site.redis.service], Path(site.projects))
    with made_beside(context, volume):
        return fill_redis(alone, found)


@or_why_not
def redis_keys(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe redis.beside_keys: every key of the backup is in the file that Redis will read."""
    volume = arguments.text(given, "volume")
    if context.clients.docker.volume(volume) is None:
        return Finding(passed=False, sentence=phrase("The volume {name} does not exist", name=volume))
    manifest = with_redis(context).manifest
    there = scratch_redis.held(redis_alone(context, volume))
    wanted = manifest.redis.keys if manifest and manifest.redis else there.keys  # an archive's were counted before
    sentence = phrase(
        "{volume} has {keys} of the backup's {wanted} keys", volume=volume, keys=there.keys, wanted=wanted
    )
    return Finding(passed=there.keys == wanted, sentence=sentence, facts={"keys": there.keys})


def files(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action files.restore_beside: one entry of `files` in dr.yml."""
    name, found = arguments.text(given, "files"), fetched(context)
    if name not in file_sets.names_in(context, found):
        raise PermanentError(phrase("The backup holds no files of {name}", name=name))
    if "/" in name:
        context.clients.volumes.require_here()
    return _filled(context, found, _files(context, given))


@or_why_not
def files_equal(context: StepContext, given: Mapping[str, Any]) -> Finding:
    return _compared(context, _files(context, given))


@or_why_not
def set_equal(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe files.set_equal: the entry in its place."""
    name = arguments.text(given, "files")
    found = fetched(context)
    if ARCHIVE in found.facts.own:
        return Finding(passed=True, sentence=phrase("There are no files to compare with"))
    return file_sets.compared_with(context, found, [name])


def settings(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    found = fetched(context)
    if not found.facts.projects:
        raise PermanentError(phrase("The backup holds no configuration"))
    context.clients.volumes.require_here()
    return _filled(context, found, _settings(context, given))


@or_why_not
def settings_equal(context: StepContext, given: Mapping[str, Any]) -> Finding:
    return _compared(context, _settings(context, given))


def holds(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe backup.holds: redis, settings, or an entry of `files`; of an archive nobody knows before it is read."""
    data, backup = arguments.text(given, "data"), arguments.sealed_backup(context)
    known = {DataKind.REDIS.value: backup.holds.redis, DataKind.SETTINGS.value: backup.holds.configuration}
    there = known.get(data, data in backup.holds.files or is_archive(backup.name))
    if there:
        return Finding(passed=True, sentence=phrase("{name} holds {data}", name=backup.name, data=data))
    return Finding(passed=False, sentence=phrase("{name} holds no {data}", name=backup.name, data=data))


def _files(context: StepContext, given: Mapping[str, Any]) -> Volume:
    name = arguments.text(given, "files")
    if name not in context.site.files:
        raise PermanentError(phrase("dr.yml names no files {name}", name=name))
    return file_sets.volume_of(context, arguments.text(given, "volume"), files_wanted(name))


def _settings(context: StepContext, given: Mapping[str, Any]) -> Volume:
    docker = context.clients.docker
    return Volume(
        name=arguments.text(given, "volume"),
        engine=docker,
        image=tools_image(docker),  # what says how PostgreSQL is run may be what is lost
        labels=context.labels,
        wanted=settings_wanted(other_folders(context)),
    )


def _filled(context: StepContext, found: Fetched, there: Volume) -> Outcome:
    try:
        count = file_sets.fill_volume(context, found, there)
    except DrbotError:
        context.clients.docker.remove_own_volume(there.name, context.own_work())  # half a copy is no use to anybody
        raise
    said = phrase("Restored into {volume}", volume=there.name)
    if count:
        said = phrase("Restored into {volume}; files: {count}", count=count, volume=there.name)
    return Outcome(summary=said, facts={"volume": there.name, "files": count})


def _compared(context: StepContext, there: Volume) -> Finding:
    found = fetched(context)
    if context.clients.docker.volume(there.name) is None:
        return Finding(passed=False, sentence=phrase("The volume {name} does not exist", name=there.name))
    if ARCHIVE in found.facts.own and not there.is_settings:
        return Finding(passed=True, sentence=phrase("There are no files to compare with"))
    compared = found.compare_volume(there)
    if compared.other:
        sentence = phrase(
            "{name}: {count} files are not as in the backup, {first} for one",
            name=there.name,
            count=len(compared.other),
            first=compared.other[0],
        )
        return Finding(passed=False, sentence=sentence)
    return Finding(passed=True, sentence=phrase("All files are as in the backup: {count}", count=compared.same))


IMPLEMENTED = Registry(
    actions={"redis.restore_beside": redis, "files.restore_beside": files, "settings.restore_beside": settings},
    probes={
        "redis.beside_keys": redis_keys,
        "files.beside_equal": files_equal,
        "files.set_equal": set_equal,
        "settings.beside_equal": settings_equal,
        "backup.holds": holds,
    },
)
