"""Start, stop and restart services: one thread per compose project, in the order of `needs` when starting."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from drbot.core.base.errors import CancelledError, PermanentError
from drbot.core.base.waiting import needed_by, waves
from drbot.core.site.occupants import aside_suffix, image_tag
from drbot.core.site.site import Service, needs_of
from drbot.core.text.messages import clauses, listed, phrase
from drbot.core.text.words import size
from drbot.runners.clients import kept_containers, start_stop
from drbot.runners.clients.compose import Watch, by_project
from drbot.runners.clients.docker_engine import MISSING
from drbot.runners.clients.kept_containers import HostContainer
from drbot.runners.clients.process import Bounds
from drbot.runners.clients.service_container import STOPPED
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext, holds_for_none, unless_none
from drbot.runners.foundation.at_once import at_once
from drbot.runners.foundation.permit import Permit
from drbot.runners.foundation.permit import services as named

Verb = Callable[[str, Sequence[str], Watch], None]
Interruption = Callable[[str, Sequence[str], Permit, Watch], None]

LARGEST_LAYER = 500_000_000
"""Bytes: what is kept in a few seconds."""

NEEDED_HEALTHY_WITHIN_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0  # a look may cost a program in every container
_PAUSE = threading.Event()


@unless_none
def restart(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Restart the services in their containers."""
    return Outcome(
        summary=phrase("Restarted {names}", names=_interrupted(context, given, context.clients.compose.restart))
    )


@unless_none
def stop(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Stop the services; their containers stay. All at the same time, but for one that keeps data: it is stopped when
    those that need it have ended.
    """
    return Outcome(summary=phrase("Stopped {names}", names=_stopped(context, given)))


def _stopped(context: StepContext, given: Mapping[str, Any]) -> str:
    """Which services."""
    services, permit = _not_done(context, arguments.services(context, given)), context.permitted()
    for wave in waves(_ends_after(context, services)):
        _stop_at_once(context, {name: services[name] for name in wave}, permit)
    return listed(services)


def _ends_after(context: StepContext, services: Mapping[str, Service]) -> dict[str, list[str]]:
    """Name → those that have to end before it."""
    docker, needs = context.clients.docker, needs_of(services)
    keeping = {name for name, one in services.items() if any(found.keeps_data for found in docker.containers(one))}
    return {name: [user for user in services if name in keeping and name in needs[user]] for name in services}


def _stop_at_once(context: StepContext, services: Mapping[str, Service], permit: Permit) -> None:
    compose, docker = context.clients.compose, context.clients.docker
    hooked = {one for one in {service.project for service in services.values()} if compose.everything(one).hooked}
    by_engine = [one for one in services.values() if one.project not in hooked]
    at_once(lambda one: start_stop.stop(docker, one, permit, context.cancelled), by_engine)
    by_compose = {name: one for name, one in services.items() if one.project in hooked}
    on_projects(context, by_compose, lambda project, names, watch: compose.stop(project, names, permit, watch))


@unless_none
def recreate(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Take the services down and up again, in fresh containers. What the old ones wrote into their own layers stays
    in images: nobody was asked whether it may go. Raises PermanentError, with everything as it was, for a layer that
    would be copied for minutes while its service is stopped.
    """
    for one in _written(context, given):
        if one.own_bytes > LARGEST_LAYER:
            raise PermanentError(
                phrase(
                    "{name} has written {size} outside of volumes, too much to keep while its service waits; it was "
                    "not taken down",
                    name=one.name,
                    size=size(one.own_bytes),
                )
            )
    _stopped(context, given)
    images = [_kept(context, one) for one in _written(context, given)]
    behind = _behind_jobs(context, arguments.services(context, given))
    waiting = {(one.project, one.service) for one in behind.values()}

    def anew(project: str, names: Sequence[str], permit: Permit, watch: Watch) -> None:
        for starts in (True, False):
            chosen = [name for name in names if ((project, name) not in waiting) is starts]
            if chosen:
                context.clients.compose.recreate(project, chosen, permit, watch, starts=starts)

    names = _interrupted(context, given, anew)
    _start_made(context, behind)
    done = phrase("Took {names} down and up again", names=names)
    kept = phrase("what they had written outside of volumes is kept as images: {names}", names=listed(images))
    return Outcome(summary=clauses((done, kept) if images else (done,)))


def _written(context: StepContext, given: Mapping[str, Any]) -> list[HostContainer]:
    """Their containers that hold something nobody else has."""
    docker, services = context.clients.docker, arguments.services(context, given).values()
    mine = {one.id for service in services for one in docker.containers(service)}
    found = kept_containers.containers_of(docker, {service.project for service in services})
    return [one for one in found if one.id in mine and one.own_bytes]


def _kept(context: StepContext, one: HostContainer) -> str:
    """The image; named by the container's id too, for a second attempt keeps what the first one has made."""
    image = image_tag(f"{one.name}-{one.id[:12]}", aside_suffix(context.run.id))
    kept_containers.keep(context.clients.docker, one.id, image, run=context.run.id, was_running=one.is_running)
    return image


def _interrupted(context: StepContext, given: Mapping[str, Any], verb: Interruption) -> str:
    """Under the permit that was given; which services."""
    services, permit = _not_done(context, arguments.services(context, given)), context.permitted()
    on_projects(context, services, lambda project, names, watch: verb(project, names, permit, watch))
    return listed(services)


def subjects(context: StepContext, given: Mapping[str, Any]) -> frozenset[str]:
    services = arguments.services(context, given).values()
    return frozenset(subject for one in services for subject in named(one.project, [one.service]))


@unless_none
def start(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Start the services, each as soon as what it needs of the others is healthy; those that ran before anyway."""
    asked = arguments.services(context, given)
    services = _not_done(context, asked)
    within = arguments.seconds(given, "within", NEEDED_HEALTHY_WITHIN_SECONDS)
    needs, faults = needs_of(services), list[PermanentError]()
    for wave in waves(needs):
        with _borne(context, faults):
            wait_healthy(context, {need for name in wave for need in needs[name]}, 0.0 if faults else within)
        with _borne(context, faults):
            _up(context, {name: services[name] for name in wave})
    if faults:
        raise faults[0]
    return Outcome(summary=phrase("Started {names}", names=listed(asked)))


def _up(context: StepContext, wanted: Mapping[str, Service]) -> None:
    """Compose makes what is missing. It starts only what it alone can: it would wait for a health check's turn."""
    create, is_scaled = context.clients.compose.create, context.clients.compose.is_scaled
    scaled = {name: one for name, one in wanted.items() if is_scaled(one.project)}
    on_projects(context, scaled, create)
    services = _not_started(context, wanted)
    on_projects(context, {name: services[name] for name in services.keys() - scaled.keys()}, create)
    services = _not_started(context, services)
    behind = _behind_jobs(context, services)
    on_projects(context, {name: services[name] for name in services.keys() - behind.keys()}, context.clients.compose.up)
    _start_made(context, behind)


def _not_started(context: StepContext, services: Mapping[str, Service]) -> dict[str, Service]:
    """The others are started as they are."""
    compose, docker = context.clients.compose, context.clients.docker
    plain = {one for one in {service.project for service in services.values()} if compose.is_plain(one)}
    known = {name: one for name, one in services.items() if one.project in plain}
    started = dict(zip(known, at_once(lambda one: start_stop.start(docker, one), known.values()), strict=True))
    context.progress(sum(started.values()), len(services), "services")
    return {name: one for name, one in services.items() if not started.get(name)}


def _behind_jobs(context: StepContext, services: Mapping[str, Service]) -> dict[str, Service]:
    """Those that wait for a migration that has ended well: Compose would run it again, for with a service it starts all
    that it waits for. So they are only made by Compose.
    """
    site = context.site.services
    done = {name for name, service in site.items() if _is_done(context, service)}
    return {
        name: one for name, one in services.items() if done & needed_by([name], needs_of(site)) and name not in done
    }


def _start_made(context: StepContext, services: Mapping[str, Service]) -> None:
    docker = context.clients.docker
    for container in (found for service in services.values() for found in docker.containers(service)):
        kept_containers.start(docker, container.id, container.name)


@contextmanager
def _borne(context: StepContext, faults: list[PermanentError]) -> Iterator[None]:
    """Of what ran before: one that cannot be started keeps no other from being started."""
    try:
        yield
    except PermanentError as error:
        if not context.takes_back:
            raise
        faults.append(error)


def _not_done(context: StepContext, services: Mapping[str, Service]) -> dict[str, Service]:
    return {name: one for name, one in services.items() if not _is_done(context, one)}


def _is_done(context: StepContext, service: Service) -> bool:
    """A migration that has ended well is not run a second time, by drbot."""
    return service.once and any(one.is_done for one in context.clients.docker.containers(service))


@holds_for_none
def running(context: StepContext, given: Mapping[str, Any]) -> Finding:
    services = arguments.services(context, given)
    found = {name: status_of(context, service, "running") for name, service in services.items()}
    wrong = {
        name: status for name, status in found.items() if status != "running" and not _is_done(context, services[name])
    }
    said = clauses(phrase("{name} is {state}", name=name, state=status) for name, status in wrong.items())
    return Finding(
        passed=not wrong,
        sentence=said or phrase("{names}: running", names=listed(services)),
        broken=tuple(wrong),
        facts=found,
    )


@holds_for_none
def stopped(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Are all of them stopped or gone?"""
    services = arguments.services(context, given)
    found = {name: status_of(context, service, *STOPPED) for name, service in services.items()}
    wrong = {name: status for name, status in found.items() if status not in (*STOPPED, MISSING)}
    said = clauses(phrase("{name} is {state}", name=name, state=status) for name, status in wrong.items())
    return Finding(
        passed=not wrong,
        sentence=said or phrase("{names}: stopped", names=listed(services)),
        broken=tuple(wrong),
        facts=found,
    )


def status_of(context: StepContext, service: Service, *wanted: str) -> str:
    """Docker's word for the state of its containers: of one that is not in a wanted state, where there is one."""
    found = [container.status for container in context.clients.docker.containers(service)]
    return next((status for status in found if status not in wanted), found[0] if found else MISSING)


def on_projects(context: StepContext, services: Mapping[str, Service], verb: Verb) -> None:
    """Do it to every project at the same time; wait for all, then raise the first error."""
    done = 0
    counting = threading.Lock()

    def one(item: tuple[str, list[str]]) -> None:
        nonlocal done
        verb(*item, watch_of(context))
        with counting:
            done += len(item[1])
            context.progress(done, len(services), "services")

    at_once(one, by_project(services.values()).items())


def watch_of(context: StepContext) -> Watch:
    """Lines go to the step's log; STOP and the step's limit of silence end the program."""
    limits = context.step.limits
    bounds = Bounds(cancelled=context.cancelled, quiet_seconds=limits.quiet if limits else None)
    return Watch(bounds=bounds, on_line=context.log)


def wait_healthy(context: StepContext, names: Iterable[str], within: float) -> float:
    """Return at the first moment all are healthy: seconds it took. Raises PermanentError with who is not."""
    names = tuple(names)
    took, faults = faults_within(context, lambda: context.clients.health.faults(names), len(names), within)
    if faults:
        raise PermanentError(phrase("Not healthy after {seconds} s: {why}", seconds=round(within), why=_told(faults)))
    return took


def faults_within(
    context: StepContext, ask: Callable[[], Mapping[str, str]], count: int, within: float
) -> tuple[float, Mapping[str, str]]:
    """Until there are none, or the time is over: seconds it took, and those there are then, by name."""
    started = time.monotonic()
    told: Mapping[str, str] = {}
    while True:
        faults, took = ask(), time.monotonic() - started
        context.progress(count - len(faults), count, "services")
        if not faults or took > within:
            return took, faults
        if faults != told:
            context.log(f"Not healthy yet: {_told(faults)}")
            told = faults
        if context.cancelled():
            raise CancelledError(phrase("Stopped while waiting for {names}", names=listed(faults)))
        _PAUSE.wait(min(LOOK_EVERY_SECONDS + took / 10, LONGEST_PAUSE_SECONDS))


def _told(faults: Mapping[str, str]) -> str:
    return clauses(phrase("{what}: {why}", what=name, why=fault) for name, fault in faults.items())


IMPLEMENTED = Registry(
    actions={"compose.restart": restart, "compose.stop": stop, "compose.start": start, "compose.recreate": recreate},
    probes={"compose.running": running, "compose.stopped": stopped},
    subjects={"compose.restart": subjects, "compose.stop": subjects, "compose.recreate": subjects},
)
