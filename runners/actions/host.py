"""The new host: are Docker and restic there, does it hold data of the system already, is there room?"""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.full_manifest import is_archive
from drbot.core.site.occupants import occupants_text, volume_bytes
from drbot.core.text.messages import clauses, listed, phrase
from drbot.core.text.words import size
from drbot.runners.actions.compose import watch_of
from drbot.runners.actions.occupants import host_of, occupants_of
from drbot.runners.actions.setting_aside import mounted
from drbot.runners.clients import host_packages, restic
from drbot.runners.clients.object_store import ROOM_LEFT_BYTES
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext

ARCHIVE_TIMES = 4  # what is in an archive of the document's beside its own size
TITLES: Mapping[str, str] = {"docker": "Docker", "compose": "Compose", "restic": "restic"}


def prepare(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Look first; install only what is missing altogether. Raises PermanentError for a version that is too old."""
    wanted = {name: arguments.text(given, name) for name in TITLES}
    found = versions(context)
    if "" in found.values():
        context.log(f"Missing: {', '.join(name for name, version in found.items() if not version)}")
        host_packages.install(context.site.packages, watch_of(context))
        found = versions(context)
    faults = faults_of(found, wanted)
    if faults:
        raise PermanentError(clauses(faults))
    return Outcome(summary=phrase("{names} are there", names=sentence_of(found)), facts=found)


def ready(context: StepContext, given: Mapping[str, Any]) -> Finding:
    found = versions(context)
    faults = faults_of(found, {name: arguments.text(given, name) for name in TITLES})
    return Finding(passed=not faults, sentence=clauses(faults) or sentence_of(found), facts=found)


def sentence_of(found: Mapping[str, str]) -> str:
    return listed(f"{title} {found[name]}" for name, title in TITLES.items())


def versions(context: StepContext) -> dict[str, str]:
    """What is there; "" = nothing that works."""
    try:
        engine = context.clients.docker.version()
    except TemporaryError as error:
        context.log(str(error))
        engine = ""
    compose = context.clients.compose.version(watch_of(context).bounds)
    return {"docker": engine, "compose": compose, "restic": restic.installed_version()}


def faults_of(found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """One sentence for each that is missing or older than wanted."""
    return [
        phrase("{name} {version}; {least} or newer is needed", name=TITLES[name], version=found[name], least=least)
        if found[name]
        else phrase("{name} is not there; {least} or newer is needed", name=TITLES[name], least=least)
        for name, least in wanted.items()
        if numbers(found[name]) < numbers(least)
    ]


def numbers(version: str) -> tuple[int, ...]:
    """(20, 10) of "v20.10.5+dfsg"; empty for no version."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def occupied(context: StepContext, given: Mapping[str, Any]) -> Finding:
    passed, sentence = _held(context)
    return Finding(passed=passed, sentence=sentence)


def empty(context: StepContext, given: Mapping[str, Any]) -> Finding:
    held, sentence = _held(context)
    return Finding(passed=not held, sentence=sentence)


def _held(context: StepContext) -> tuple[bool, str]:
    """What an earlier recovery made is somebody's data by now: its label does not say who has written to it since."""
    found = occupants_of(host_of(context), "", mounted(context))
    return bool(found), clauses(occupants_text(found)) or phrase("Nothing of the system is here")


def room(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe host.room: on the disk of drbot's own folder and on the engine's."""
    backup = context.plan.backup
    need = arguments.byte_count(given.get("need"), unpacked_size(backup) if backup else 0)
    need += (
        ROOM_LEFT_BYTES if backup else 0
    )  # as whoever fetches it asks for, which people should not learn after a vote
    need += volume_bytes(context.plan.occupants) + sum(one.size or 0 for one in context.plan.aside)
    there = {folder: shutil.disk_usage(folder).free for folder in folders(context)}
    folder, least = min(there.items(), key=lambda item: item[1])
    return Finding(
        passed=least >= need,
        sentence=phrase("{size} free for {folder}, {need} needed", size=size(least), folder=folder, need=size(need)),
        facts={"free_bytes": least, "need_bytes": need},
    )


def unpacked_size(backup: BackupIdentity) -> int:
    """Of the files in it; of an archive what was counted, and never less than such a one usually holds."""
    return max(ARCHIVE_TIMES * backup.size, backup.unpacked) if is_archive(backup.name) else backup.size


def folders(context: StepContext) -> tuple[Path, ...]:
    """Where the download and the volumes go; an engine on another host is not looked into."""
    home = context.clients.settings.home
    if host_packages.engine_is_missing(context.clients.docker.host):
        return (home,)
    engine = Path(context.clients.docker.root_folder())
    return (home, engine) if engine.is_dir() else (home,)


IMPLEMENTED = Registry(
    actions={"host.prepare": prepare},
    probes={"host.ready": ready, "host.occupied": occupied, "host.empty": empty, "host.room": room},
)
