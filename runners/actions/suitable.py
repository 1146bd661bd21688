"""What can be known with the survey of a recovery onto a host, so that it is not found out when the host is cleared:
does the site take in what the backup holds, and can the folders be written where it goes?
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.runbooks.site_parts import HAS, parts_of
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.full_manifest import is_archive
from drbot.core.site.occupants import aside_suffix
from drbot.core.site.site import Configuration, Site
from drbot.core.text.messages import clauses, phrase
from drbot.runners.clients import own_folder
from drbot.runners.clients.tar_entries import LONGEST_NAME
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Registry, StepContext


def suitable(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe host.suitable: of this site, or of another one that this plan has raised later on."""
    name = arguments.text(given, "site") if given.get("site") else context.plan.site
    backup, configuration = context.plan.backup, context.configuration
    if backup is None:
        return Finding(passed=False, sentence=phrase("The plan names no backup"))
    site = configuration.sites.get(name)
    faults = (
        list(lacking(configuration, site, name, backup)) if site else [phrase("dr.yml names no site {site}", site=name)]
    )
    return Finding(
        passed=not faults,
        sentence=clauses(faults) or phrase("{name} holds what {site} needs", name=backup.name, site=name),
    )


def lacking(configuration: Configuration, site: Site, name: str, backup: BackupIdentity) -> Iterator[str]:
    """What a step would miss, one sentence each. An archive was read: it has a dump."""
    if configuration.repository is None and is_archive(backup.name):  # of ours holds the projects whole
        yield phrase("{name} holds settings only, and dr.yml names no `repository` with the rest", name=backup.name)
    if site.projects == Path():
        yield phrase("dr.yml names no folder for the projects of {site}", site=name)
    if not backup.holds.configuration:
        yield phrase("{name} holds no settings of the services", name=backup.name)
    if site.postgres is not None and backup.manifest and not backup.server_version:
        yield phrase("{name} holds no PostgreSQL dump, but {site} has PostgreSQL", name=backup.name, site=name)
    if site.redis is not None and not backup.holds.redis:
        yield phrase("{name} holds no Redis data, but {site} has Redis", name=backup.name, site=name)


def writable(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe host.writable: drbot's own folder, and the one of the projects."""
    home, projects = context.clients.settings.home.absolute(), context.site.projects.absolute()
    faults = list(dict.fromkeys((*unwritable(home), *unwritable(projects.parent), *immovable(context, projects, home))))
    return Finding(
        passed=not faults,
        sentence=clauses(faults) or phrase("{home} and {projects} can be written", home=home, projects=projects),
    )


def unwritable(folder: Path) -> Iterator[str]:
    """Why nothing can be put there, whether it is there already or has to be made. Nothing is written to find out."""
    there = next(one for one in (folder, *folder.parents) if os.path.lexists(one))
    if not there.is_dir():
        yield phrase("{path} is in the way: it is no folder", path=there)
    elif os.statvfs(there).f_flag & os.ST_RDONLY:
        yield phrase("{path} is on a read-only file system", path=there)
    elif not os.access(there, os.W_OK | os.X_OK):
        yield phrase("drbot may not write in {path}", path=there)
    elif (longest := os.pathconf(there, "PC_NAME_MAX")) < LONGEST_NAME:
        yield phrase(
            "names of files in {path} may have {most} bytes, and those of a backup have up to {longest}",
            path=there,
            most=longest,
            longest=LONGEST_NAME,
        )


def immovable(context: StepContext, projects: Path, home: Path) -> Iterator[str]:
    """Why what lies in the projects' place could not be put aside."""
    if not own_folder.is_foreign(projects, context.run.id):
        return
    keeper = projects.with_name(projects.name + aside_suffix(context.run.id))
    try:
        own_folder.require_movable(projects, keeper, home=home)
    except PermanentError as error:
        yield str(error)
    if projects.is_mount():
        yield phrase(
            "{path} is a disk of its own, which cannot be put aside: give `projects` a folder on it", path=projects
        )
    if len(os.fsencode(keeper.name)) > LONGEST_NAME:
        yield phrase("{name} is longer than a file system takes: give `projects` a shorter name", name=keeper.name)


def has(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe site.has: does dr.yml name this part of the site? What it does not name is left out of the plan before."""
    part = arguments.text(given, "part")
    return Finding(
        passed=part in parts_of(context.configuration, context.site),
        sentence=phrase("{site}: {part} in dr.yml", site=context.plan.site, part=part),
    )


IMPLEMENTED = Registry(
    probes={"host.suitable": suitable, "host.writable": writable, HAS: has},
)
