"""Brings to the new host what the system is made of: the repository's commit, and the sealed full backup."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import PermanentError
from core.full_manifest import MANIFEST
from core.plan import BackupIdentity
from core.words import size
from runners.action import Finding, Outcome, StepContext
from runners.actions import arguments
from runners.actions.compose import watch_of
from runners.clients import git
from runners.clients.full_archive import Unpacked, inner_manifest, unpack, unpacked_in
from runners.clients.full_store import full_stores
from runners.full_choice import fetch_full_backup
from store.file_modes import write_private

UNPACKED, COMPLETE, MARK = "unpacked", "complete.json", "drbot-run"


def clone(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action repository.clone: exactly the pinned commit."""
    url, commit, folder = (arguments.text(given, name) for name in ("url", "commit", "folder"))
    repository, projects = context.configuration.repository, context.site.projects
    if repository is None or (url, commit, Path(folder)) != (repository.url, repository.commit, projects):
        raise PermanentError(f"{url} is not cloned to {folder}: only dr.yml's repository, to the site's projects")
    git.clone(url, commit, projects, context.own_work(), watch_of(context))
    return Outcome(summary=f"{url} is in {folder}, at {commit[:12]}", facts={"commit": commit, "folder": folder})


def at(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe repository.at."""
    commit, folder = arguments.text(given, "commit"), arguments.text(given, "folder")
    head = git.head_of(Path(folder), watch_of(context))
    return Finding(passed=head == commit, sentence=f"{folder} is at {head[:12] or 'no commit'}")


def fetch(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action backup.fetch: into a folder of this run alone, so that nothing of an earlier recovery can be meant."""
    sealed = arguments.sealed_backup(context)
    folder = folder_of(context)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(folder / MARK, folder.name)
    for other in folder.parent.iterdir():  # this run holds the site, so what others downloaded is of no use
        if other != folder and is_download(other):
            shutil.rmtree(other, ignore_errors=True)
    (folder / COMPLETE).unlink(missing_ok=True)
    archive = fetch_full_backup(full_stores(context.configuration), sealed, folder, context.progress, context.cancelled)
    context.log(f"Unpacking {archive.name}")
    shutil.rmtree(folder / UNPACKED, ignore_errors=True)
    unpack(archive, folder / UNPACKED, context.progress, context.cancelled)
    write_private(folder / COMPLETE, json.dumps({"name": sealed.name, "sha256": sealed.sha256}))
    return Outcome(
        summary=f"{sealed.name} is here and whole: {size(sealed.size)}",
        facts={"folder": str(folder), "sha256": sealed.sha256},
    )


def fetched(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe backup.fetched: downloaded, unpacked, and written down last."""
    try:
        unpacked(context)
    except PermanentError as error:
        return Finding(passed=False, sentence=str(error))
    return Finding(passed=True, sentence=f"{arguments.sealed_backup(context).name} is here and whole")


def folder_of(context: StepContext) -> Path:
    """Where this run keeps its download."""
    return context.clients.settings.home / "recoveries" / context.plan.site / context.run.id


def is_download(folder: Path) -> bool:
    """Whether a run has made this folder to download into, as it has noted inside."""
    try:
        return (folder / MARK).read_text() == folder.name
    except OSError:
        return False


def unpacked(context: StepContext) -> Unpacked:
    """What an earlier step downloaded. Raises PermanentError when it did not."""
    folder, sealed = folder_of(context), arguments.sealed_backup(context)
    try:
        complete = json.loads((folder / COMPLETE).read_text())
    except (OSError, ValueError) as error:
        raise PermanentError(f"{sealed.name} was not downloaded whole to {folder}") from error
    if complete["sha256"] != sealed.sha256:
        raise PermanentError(f"In {folder} is another backup than the plan's")
    inside = folder / UNPACKED
    found = unpacked_in(inside, inner_manifest(inside / MANIFEST, sealed.name), sealed.name)
    require_held(found, sealed)
    return found


def require_held(found: Unpacked, sealed: BackupIdentity) -> None:
    """What the card said that the backup holds is there. Raises PermanentError."""
    holds, inside = sealed.holds, found.manifest
    files = set(holds.files) if found.files is None or inside is None else set(holds.files) - inside.files.keys()
    lacking = [
        *(["data of Redis"] if holds.redis and found.redis is None else []),
        *(["configuration"] if holds.configuration and found.configuration is None else []),
        *sorted(files),
    ]
    if lacking:
        raise PermanentError(f"{sealed.name} holds no {', no '.join(lacking)}, although its manifest says so")
