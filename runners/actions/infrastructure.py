"""What compose files expect to be there: images, networks, volumes. On a new host somebody has to make them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from drbot.core.base.errors import DrbotError, PermanentError
from drbot.core.text.messages import closed, listed, phrase, sentences
from drbot.runners.actions.compose import watch_of
from drbot.runners.actions.making_beside import make_empty
from drbot.runners.clients.compose import Document
from drbot.runners.clients.compose_uses import uses_of
from drbot.runners.clients.container_labels import RUN_LABEL
from drbot.runners.clients.exact_images import fetch_exactly, is_as_it_ran, says_how_it_ran
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext
from drbot.runners.contract.fingerprint import data_volumes

NONE = phrase("none")


@dataclass(frozen=True, kw_only=True, slots=True)
class Needed:
    project: str
    service: str
    image: str
    builds: bool  # the compose file says how to build it


def described(context: StepContext, given: Mapping[str, Any]) -> dict[str, Document]:
    """Project → its compose file with everything filled in."""
    services = arguments.services(context, given).values()
    return context.clients.compose.documents(context.site.compose_projects(services), context.cancelled, services)


def prepare_images(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action images.prepare: use what is there and ran before, fetch that where a tag has moved on, build what can be
    built, pull the rest.
    """
    wanted, docker = tuple(images(context, given)), context.clients.docker
    others = [one.image for one in wanted if not _is_had_exactly(context, one)]
    missing = [one for one in wanted if not docker.has_image(one.image)]
    for done, one in enumerate(missing):
        context.progress(done, len(missing), "images")
        verb = context.clients.compose.build if one.builds else context.clients.compose.pull
        try:
            verb(one.project, [one.service], watch_of(context))
        except PermanentError as error:
            raise PermanentError(
                phrase("The image {image} is not on this host and cannot be fetched: {why}", image=one.image, why=error)
            ) from error
    said = closed(phrase("All images are there: {count}", count=len(wanted)))
    other = phrase("Other versions than those that ran: {names}.", names=listed(others)) if others else ""
    return Outcome(summary=sentences(said, other), facts={"fetched": [one.image for one in missing]})


def _is_had_exactly(context: StepContext, wanted: Needed) -> bool:
    """That the image is here as it ran, where the backup says how it ran and its registry still has it."""
    ran = {(one.project, one.service): one for one in context.plan.inventory.services}
    known, docker = ran.get((wanted.project, wanted.service)), context.clients.docker
    if known is None or not says_how_it_ran(wanted.image, known) or is_as_it_ran(docker, wanted.image, known):
        return True
    watch = watch_of(context)
    try:
        fetch_exactly(docker, known.digest, wanted.image, watch.bounds, watch.on_line)
    except PermanentError as error:
        context.log(str(error))
        return False
    return True


def images(context: StepContext, given: Mapping[str, Any]) -> Iterator[Needed]:
    """What every service of the projects runs, but for those of a profile that are not given; each image once."""
    wanted = {(one.project, one.service) for one in arguments.services(context, given).values()}
    seen: set[str] = set()
    for project, document in described(context, given).items():
        for name, service in document["services"].items():
            image = str(service.get("image") or f"{project}-{name}")
            if image not in seen and ((project, name) in wanted or not service.get("profiles")):
                seen.add(image)
                yield Needed(project=project, service=name, image=image, builds="build" in service)


def images_present(context: StepContext, given: Mapping[str, Any]) -> Finding:
    wanted = [one.image for one in images(context, given)]
    missing = [image for image in wanted if not context.clients.docker.has_image(image)]
    if missing:
        sentence = phrase("Missing: {names}", names=listed(missing))
    else:
        sentence = phrase("All images are there: {count}", count=len(wanted))
    return Finding(passed=not missing, sentence=sentence)


def create(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action volumes.create: networks, and empty volumes that carry this run's label."""
    documents = described(context, given).values()
    networks, volumes = wanted_of(context, documents)
    require_nothing_old(context, documents)
    made = []
    for name in networks:
        if not context.clients.docker.has_network(name):
            context.clients.docker.create_network(name, context.labels)
            made.append(name)
    for name in volumes:
        if ensure_empty(context, name):
            made.append(name)
    return Outcome(
        summary=phrase(
            "Networks: {networks}; volumes: {volumes}",
            networks=listed(networks) or NONE,
            volumes=listed(volumes) or NONE,
        ),
        facts={"networks": list(networks), "volumes": list(volumes), "made": made},
    )


def require_nothing_old(context: StepContext, documents: Iterable[Mapping[str, Any]]) -> None:
    """Raises PermanentError for a volume that Compose would take for its own, with whatever is in it."""
    docker = context.clients.docker
    names = uses_of(documents).volumes
    found = [one for name in names if (one := docker.volume(name)) is not None]
    old = [one.name for one in found if one.labels.get(RUN_LABEL) != context.run.id]
    if old:
        raise PermanentError(
            phrase(
                "{names}: not made by this run, and the system would start on it. Nothing was touched. Plan "
                "again, and it will be put aside: /dr recover",
                names=listed(old),
            )
        )


def ensure_empty(context: StepContext, name: str) -> bool:
    """A volume of this run. Raises PermanentError for any other, whoever has made it: it may hold somebody's data."""
    docker = context.clients.docker
    found = docker.volume(name)
    if found is not None and found.labels.get(RUN_LABEL) == context.run.id:
        return False
    if found is not None:
        raise PermanentError(phrase("The volume {name} exists and is not this run's; it was not touched", name=name))
    make_empty(context, name)
    return True


def wanted_of(context: StepContext, documents: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Networks that compose does not make itself; volumes with data, and those that compose does not make."""
    networks: dict[str, None] = {}
    volumes: dict[str, None] = dict.fromkeys(data_volumes(context.site))
    for document in documents:
        for found, kind in ((networks, "networks"), (volumes, "volumes")):
            for part in (document.get(kind) or {}).values():
                if part.get("external"):
                    found[str(part["name"])] = None
    return tuple(networks), tuple(volumes)


def present(context: StepContext, given: Mapping[str, Any]) -> Finding:
    networks, volumes = wanted_of(context, described(context, given).values())
    docker = context.clients.docker
    missing = [name for name in networks if not docker.has_network(name)]
    missing += [name for name in volumes if docker.volume(name) is None]
    if missing:
        sentence = phrase("Missing: {names}", names=listed(missing))
    else:
        sentence = phrase("networks and volumes: {count}", count=len(networks) + len(volumes))
    return Finding(passed=not missing, sentence=sentence)


def require_own(context: StepContext, name: str) -> None:
    """Raise PermanentError unless the volume is this run's and nothing has it open."""
    docker = context.clients.docker
    found = docker.volume(name)
    if found is not None and found.labels.get(RUN_LABEL) != context.run.id:
        raise PermanentError(phrase("The volume {name} was not made by this run; nothing was touched", name=name))
    users = [user.name for user in docker.made_with(name)]
    if users:
        raise PermanentError(
            phrase("The volume {name} is now mounted by {users}; nothing was touched", name=name, users=listed(users))
        )


def renew(context: StepContext, name: str) -> None:
    """The volume, empty, whatever an earlier attempt at this step has put into it."""
    require_own(context, name)
    docker = context.clients.docker
    docker.remove_own_volume(name, context.own_work())
    make_empty(context, name)


@contextmanager
def emptied_on_failure(context: StepContext, name: str) -> Iterator[None]:
    """Half a restore is no use to anybody; that the volume cannot be emptied is only noted."""
    try:
        yield
    except DrbotError:
        try:
            renew(context, name)
        except DrbotError as error:
            context.log(f"{name} could not be emptied: {error}")
        raise


IMPLEMENTED = Registry(
    actions={"images.prepare": prepare_images, "volumes.create": create},
    probes={"images.present": images_present, "volumes.present": present},
)
