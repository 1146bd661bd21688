"""The files of the system: put into the volumes and folders that dr.yml names, and compared there."""

from collections.abc import Iterable, Mapping
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.base.names import is_below
from drbot.core.text.messages import clauses, listed, phrase
from drbot.core.text.words import ending
from drbot.runners.actions.fetching import fetched
from drbot.runners.actions.infrastructure import emptied_on_failure, renew
from drbot.runners.actions.volume import image_for
from drbot.runners.clients import helper
from drbot.runners.clients.archive_files import folders_in, repacked, write_folder
from drbot.runners.clients.fetched import ARCHIVE, Fetched, Volume, files_wanted
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.own_folder import require_own
from drbot.runners.clients.restic import Wanted
from drbot.runners.clients.streams import feed_command
from drbot.runners.clients.survivors import remove_survivors
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext, or_why_not

INSIDE = "/files"


def restore(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action files.restore: everything that dr.yml names and the backup holds."""
    found = fetched(context)
    held = names_in(context, found)
    missing = [name for name in context.site.files if name not in held]
    lacking = phrase("not in the backup: {names}", names=listed(missing)) if missing else ""
    if not held:
        return Outcome(summary=clauses((phrase("There are no files to put back"), lacking)))
    remove_survivors(context.clients.docker, context.run.id, context.step.id)
    count = 0
    for done, name in enumerate(held):
        context.progress(done, len(held), "folders")
        volume = volume_of(context, name, files_wanted(name))
        count += put_folder(context, found, name) if is_below(name) else fill_volume(context, found, volume)
    if ARCHIVE in found.facts.own:  # which tells no number
        told = phrase("The files are back in {names}", names=listed(held))
    else:
        told = phrase("Files are back in {names}: {count}", count=count, names=listed(held))
    return Outcome(summary=clauses((told, lacking)), facts={"names": list(held)})


def names_in(context: StepContext, found: Fetched) -> tuple[str, ...]:
    """What is restored: of `files` in dr.yml what the backup holds."""
    wanted = context.site.files
    if ARCHIVE in found.facts.own:  # of the document's scripts, which name nothing: what has the same names is meant
        return folders_in(found.part(ARCHIVE), ARCHIVE, wanted)
    manifest = found.manifest
    return tuple(name for name in wanted if manifest and name in manifest.files)


def fill_volume(context: StepContext, found: Fetched, there: Volume) -> int:
    """The volume of this run, emptied first, so that it can be done again."""
    renew(context, there.name)
    with emptied_on_failure(context, there.name):
        if ARCHIVE in found.facts.own and not there.is_settings:
            return unpack_volume(context, found, there)
        return found.put_volume(there)


def put_folder(context: StepContext, found: Fetched, name: str) -> int:
    """A folder below `projects` on this host."""
    require_own(context.site.projects, context.own_work())
    if ARCHIVE in found.facts.own:
        return unpack_folder(context, found, name)
    return found.put_folder(name, context.site.projects)


def unpack_volume(context: StepContext, found: Fetched, there: Volume) -> int:
    """From an archive of the document's: as root in a helper, so that files get their owners."""
    order = HelperOrder(
        image=there.image,
        labels=context.labels,
        entrypoint=("sleep", "infinity"),
        mounts=(Mount(source=there.name, target=INSIDE),),
        user="root",
    )
    name = there.wanted.only
    stream = repacked(found.part(ARCHIVE), ARCHIVE, name, context.cancelled)
    with helper.helper(context.clients.docker, order) as container:
        helper.start(context.clients.docker, container)
        command = ["tar", "-x", "-p", "-f", "-", "-C", INSIDE]
        ended = feed_command(context.clients.docker, container, command, stream, context.cancelled)
    if ended.code != 0:
        raise PermanentError(
            phrase("The files of {name} could not be unpacked: {said}", name=name, said=ending(ended.output, 300)),
            cause=ended.cause,
        )
    return 0


def unpack_folder(context: StepContext, found: Fetched, name: str) -> int:
    """The same below `projects`."""
    top = name.strip("/")
    if not write_folder(found.part(ARCHIVE), ARCHIVE, top, context.site.projects, context.cancelled):
        context.log(f"{name} is in the archive, and there is no file in it")
    return 0


@or_why_not
def equal(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe files.equal: the same files with the same content, and no others."""
    found = fetched(context)
    names = names_in(context, found)
    if ARCHIVE in found.facts.own or not names:
        return Finding(passed=True, sentence=phrase("There are no files to compare with"))
    return compared_with(context, found, names)


def compared_with(context: StepContext, found: Fetched, names: Iterable[str]) -> Finding:
    """These entries of `files`, in their places."""
    same, wrong = 0, list[str]()
    for name in names:
        if is_below(name):
            compared = found.compare_folder(name, context.site.projects)
        else:
            compared = found.compare_volume(volume_of(context, name, files_wanted(name)))
        same += compared.same
        if compared.other:
            wrong.append(
                phrase(
                    "{name}: {count} files are not as in the backup, {first} for one",
                    name=name,
                    count=len(compared.other),
                    first=compared.other[0],
                )
            )
    return Finding(
        passed=not wrong, sentence=clauses(wrong) or phrase("All files are as in the backup: {count}", count=same)
    )


def volume_of(context: StepContext, name: str, wanted: Wanted) -> Volume:
    """One of the system's, or of this run's."""
    image = image_for(context, name)
    return Volume(name=name, engine=context.clients.docker, image=image, labels=context.labels, wanted=wanted)


IMPLEMENTED = Registry(
    actions={"files.restore": restore},
    probes={"files.equal": equal},
)
