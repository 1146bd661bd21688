"""Brings to the new host what the system is made of: the repository's commit, and the sealed full backup."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drbot.core.base.errors import DrbotError, PermanentError, TemporaryError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.text.messages import phrase
from drbot.core.text.words import size
from drbot.runners.actions.compose import watch_of
from drbot.runners.backups.choose_full import find_everywhere
from drbot.runners.backups.held import require_held
from drbot.runners.clients import git
from drbot.runners.clients.fetched import Facts, Fetched, Recovery
from drbot.runners.clients.full_store import FullBackup, full_stores
from drbot.runners.clients.object_store import download, require_room
from drbot.runners.clients.plain_files import digest_file
from drbot.runners.clients.restic import Snapshot
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext, or_why_not
from drbot.store.base.file_modes import PRIVATE_FOLDER, write_private

WORK, COMPLETE, MARK = "work", "complete.json", "drbot-run"
UNPACKED_TIMES = 8  # what a compressed archive and its parts need


def clone(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action repository.clone: exactly the pinned commit."""
    url, commit, folder = (arguments.text(given, name) for name in ("url", "commit", "folder"))
    repository, projects = context.configuration.repository, context.site.projects
    if repository is None or (url, commit, Path(folder)) != (repository.url, repository.commit, projects):
        raise PermanentError(
            phrase(
                "{url} is not cloned to {folder}: only dr.yml's repository is cloned, and only into the site's "
                "projects folder",
                url=url,
                folder=folder,
            )
        )
    git.clone(url, commit, projects, context.own_work(), watch_of(context))
    return Outcome(
        summary=phrase("{url} is in {folder}, at {commit}", url=url, folder=folder, commit=commit[:12]),
        facts={"commit": commit, "folder": folder},
    )


def at(context: StepContext, given: Mapping[str, Any]) -> Finding:
    commit, folder = arguments.text(given, "commit"), arguments.text(given, "folder")
    head = git.head_of(Path(folder), watch_of(context))
    return Finding(
        passed=head == commit,
        sentence=phrase("{folder} is at {head}", folder=folder, head=head[:12] or phrase("no commit")),
    )


def fetch(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action backup.fetch: the sealed backup into the recoveries' own repository, from where an earlier try stopped."""
    sealed, folder, recovery = arguments.sealed_backup(context), folder_of(context), recovery_of(context)
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    write_private(folder / MARK, folder.name)
    for other in folder.parent.iterdir():  # this run holds the site, so what others downloaded is of no use
        if other != folder and is_download(other):
            shutil.rmtree(other, ignore_errors=True)
    (folder / COMPLETE).unlink(missing_ok=True)
    facts = recovery.facts_of(brought(context, recovery, sealed, folder), sealed.sha256)
    write_private(folder / COMPLETE, facts.model_dump_json())
    require_held(facts, sealed)
    return Outcome(
        summary=phrase("{name} is here and whole: {size}", name=sealed.name, size=size(sealed.size)),
        facts={"folder": str(folder), "sha256": sealed.sha256},
    )


def brought(context: StepContext, recovery: Recovery, sealed: BackupIdentity, folder: Path) -> Snapshot:
    """From the place of the plan; when that fails, the same bytes from another one."""
    first: DrbotError | None = None
    for found in find_everywhere(full_stores(context.configuration), sealed, context.cancelled):
        context.log(f"Fetching {found.place}")
        try:
            return bring(context, recovery, found, folder)
        except (PermanentError, TemporaryError) as error:
            context.log(str(error))
            first = first or error
    assert first is not None  # nothing found is an error of its own
    raise first


def bring(context: StepContext, recovery: Recovery, found: FullBackup, folder: Path) -> Snapshot:
    sealed = arguments.sealed_backup(context)
    if found.snapshot is None:
        return recovery.take_in(downloaded(context, found, sealed, folder), folder / WORK, sealed.snapshot_at)
    require_room(folder, max(found.size, sealed.size) - recovery.size)
    return recovery.fetch(found)


def downloaded(context: StepContext, found: FullBackup, sealed: BackupIdentity, folder: Path) -> Path:
    """An archive of the document's, exactly the sealed bytes."""
    assert found.archive is not None
    target = folder / sealed.name
    if target.exists() and target.stat().st_size == sealed.size and digest_file(target) == sealed.sha256:
        return target
    require_room(folder, max(UNPACKED_TIMES * sealed.size, sealed.size + 2 * sealed.unpacked))
    download(
        found.store.objects,
        found.archive,
        target,
        sha256=sealed.sha256,
        progress=context.progress,
        cancelled=context.cancelled,
    )
    return target


@or_why_not
def is_fetched(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe backup.fetched: here, and written down last."""
    fetched(context).require_here()
    return Finding(passed=True, sentence=phrase("{name} is here and whole", name=arguments.sealed_backup(context).name))


def recovery_of(context: StepContext) -> Recovery:
    """Where the backups of this site's recoveries are kept."""
    return Recovery(
        home=context.clients.settings.home,
        site=context.plan.site,
        cancelled=context.cancelled,
        progress=context.progress,
    )


def folder_of(context: StepContext) -> Path:
    """Where this run keeps its notes, and an archive that is none of drbot's."""
    return recovery_of(context).folder / context.run.id


def is_download(folder: Path) -> bool:
    """Whether a run has made this folder to download into, as it has noted inside."""
    try:
        return (folder / MARK).read_text() == folder.name
    except OSError:
        return False


def fetched(context: StepContext) -> Fetched:
    """What an earlier step fetched. Raises PermanentError when it did not."""
    folder, sealed = folder_of(context), arguments.sealed_backup(context)
    try:
        facts = Facts.model_validate_json((folder / COMPLETE).read_text())
    except (OSError, ValueError) as error:
        raise PermanentError(
            phrase("{name} was not fetched whole to {folder}", name=sealed.name, folder=folder.parent)
        ) from error
    if facts.backup != sealed.sha256 or (facts.manifest is not None and facts.tree != sealed.sha256):
        raise PermanentError(phrase("{folder} holds another backup than the plan's", folder=folder.parent))
    require_held(facts, sealed)
    return Fetched(recovery_of(context), facts)


IMPLEMENTED = Registry(
    actions={"repository.clone": clone, "backup.fetch": fetch},
    probes={"repository.at": at, "backup.fetched": is_fetched},
)
