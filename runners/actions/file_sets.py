"""The files of the system: put into the volumes and folders that dr.yml names, and compared there."""

import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from isal import igzip

from core.errors import CancelledError, DrbotError, PermanentError
from core.full_manifest import FileSet, digest_of_files
from core.words import ending
from runners.action import Finding, Outcome, StepContext
from runners.actions.fetching import unpacked
from runners.actions.infrastructure import remove_quietly, renew
from runners.clients import helper
from runners.clients.full_archive import Unpacked
from runners.clients.helper import HelperOrder, Mount
from runners.clients.own_folder import require_own
from runners.clients.plain_files import digest_file
from runners.clients.streams import feed_command
from runners.clients.survivors import remove_survivors
from store.file_modes import public_folder

INSIDE = "/files"
# Names with a line's end in them would need another format; sha256sum escapes them, and then they differ.
SUMS = f"cd {INSIDE} && find . -type f -exec sha256sum {{}} +"


def restore(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action files.restore: everything that dr.yml names and the backup holds."""
    found = unpacked(context)
    names = names_in(context, found)
    missing = [name for name in context.site.files if name not in names]
    lacking = f"; not in the backup: {', '.join(missing)}" if missing else ""
    if not names:
        return Outcome(summary=f"There are no files to put back{lacking}")
    remove_survivors(context.clients.docker, context.run.id, context.step.id)
    assert found.files is not None  # names_in
    for done, name in enumerate(names):
        context.progress(done, len(names), "folders")
        if "/" in name:
            fill_folder(context, found.files, name)
        else:
            fill_volume(context, found.files, name)
    sets = [found.manifest.files[name] for name in names] if found.manifest else []
    how_many = f"{sum(one.count for one in sets)} files" if found.manifest else "The files"
    return Outcome(summary=f"{how_many} are back in {', '.join(names)}{lacking}", facts={"names": list(names)})


def names_in(context: StepContext, found: Unpacked) -> tuple[str, ...]:
    """What is restored: of `files` in dr.yml what the backup holds. Raises PermanentError when it is not whole."""
    wanted = context.site.files
    if found.manifest is None:  # made by the document's scripts, which name nothing: what has the same names is meant
        return held(found.files, wanted) if found.files and wanted else ()
    wanted = tuple(name for name in wanted if name in found.manifest.files)
    if wanted and found.files is None:
        raise PermanentError("The manifest names files, but the backup holds none")
    return wanted


def held(archive: Path, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Those of these names that the archive has."""
    with tarfile.open(archive, "r:gz") as files:
        paths = [f"{path}/" for path in files.getnames()]
    return tuple(name for name in wanted if any(path.startswith(f"{name.strip('/')}/") for path in paths))


def fill_volume(context: StepContext, archive: Path, name: str) -> None:
    """The volume of this run, emptied first, so that it can be done again."""
    renew(context, name)
    command = ["tar", "-x", "-p", "-f", "-", "-C", INSIDE, "--strip-components=1", name]
    try:
        with helper.helper(context.clients.docker, order_of(context, name, ("sleep", "infinity"))) as container:
            helper.start(context.clients.docker, container)
            pieces = unzipped(archive, context)
            ended = feed_command(context.clients.docker, container, command, pieces, context.cancelled)
        if ended.code != 0:
            raise PermanentError(f"The files of {name} could not be unpacked: {ending(ended.output, 300)}")
    except DrbotError:
        remove_quietly(context, name)
        raise


def fill_folder(context: StepContext, archive: Path, name: str) -> None:
    """A folder below `projects` on this host."""
    require_own(context.site.projects, context.own_work())
    top = name.strip("/")
    with tarfile.open(archive, "r:gz") as files:
        for member in files:
            if context.cancelled():
                raise CancelledError("Stopped while files were put back")
            if member.name == top or member.name.startswith(f"{top}/"):
                target = context.site.projects / member.name
                public_folder(target if member.isdir() else target.parent)
                files.extract(member, context.site.projects, filter="data")


def unzipped(archive: Path, context: StepContext) -> Iterator[bytes]:
    """The tar stream inside."""
    with igzip.open(archive, "rb") as file:  # type: ignore[no-untyped-call]
        while chunk := file.read(1 << 20):
            if context.cancelled():
                raise CancelledError("Stopped while files were put back")
            yield chunk


def order_of(context: StepContext, volume: str, entrypoint: tuple[str, ...], *, read_only: bool = False) -> HelperOrder:
    """A helper with the volume, in an image of the system that is there for sure."""
    return HelperOrder(
        image=context.clients.postgres.recipe(context.cancelled).image,
        name=None,
        labels=context.labels,
        entrypoint=entrypoint,
        mounts=(Mount(source=volume, target=INSIDE, read_only=read_only),),
        user="root",
    )


def equal(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe files.equal: the same files with the same content."""
    try:
        found = unpacked(context)
        names = names_in(context, found)
    except PermanentError as error:
        return Finding(passed=False, sentence=str(error))
    if found.manifest is None or not names:
        return Finding(passed=True, sentence="There is no manifest of files to compare with")
    wrong = []
    for name in names:
        expected, there = found.manifest.files[name], file_set(context, name)
        if (there.count, there.digest) != (expected.count, expected.digest):
            wrong.append(f"{name} has {there.count} files of {expected.count}, or other contents")
    count = sum(found.manifest.files[name].count for name in names)
    return Finding(
        passed=not wrong,
        sentence="; ".join(wrong) or f"{count} files, as in the manifest",
        facts={"files": {name: found.manifest.files[name].digest for name in names}},
    )


def file_set(context: StepContext, name: str) -> FileSet:
    """What is there now."""
    sums = sums_of_folder(context.site.projects / name) if "/" in name else sums_of_volume(context, name)
    return FileSet(count=len(sums), bytes=0, digest=digest_of_files(sums))


def sums_of_folder(folder: Path) -> dict[str, str]:
    """Path → SHA-256 of each file."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): digest_file(path) for path in files}


def sums_of_volume(context: StepContext, name: str) -> dict[str, str]:
    """The same, asked inside a helper: the engine may be on another host."""
    order = order_of(context, name, ("sh", "-c", SUMS), read_only=True)
    ended = helper.run(context.clients.docker, order, context.cancelled)
    if ended.code != 0:
        raise PermanentError(f"The files of {name} could not be read: {ending(ended.output, 300)}")
    pairs = (line.split("  ./", 1) for line in ended.output.splitlines() if "  ./" in line)
    return {path: digest for digest, path in pairs}
