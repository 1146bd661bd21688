"""One drill from its sandbox to the proof that nothing of it is left, whatever happens in between."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from drbot.core.base.errors import CancelledError, DrbotError, PermanentError
from drbot.core.base.signing import KeyPair
from drbot.core.ledger.events import EventKind
from drbot.core.runbooks.actions import CENTRE_ACTIONS
from drbot.core.runs.drill import Drill, DrillEnd, DrillState, backup_for, end_of
from drbot.core.runs.incident import Incident
from drbot.core.runs.lost import not_brought_back, not_brought_back_text
from drbot.core.runs.run import RunKind
from drbot.core.site.drill_site import DrillPlace, configuration_of_drill
from drbot.core.site.level import Level
from drbot.core.site.site import Configuration, Site
from drbot.core.site.stored_backups import BackupKind
from drbot.core.text.messages import closed, listed, phrase, sentences
from drbot.runners.clients.engine_census import census, changes
from drbot.runners.clients.host_folders import data_below
from drbot.runners.clients.sandbox import Sandbox
from drbot.runners.clients.sandbox_ports import SandboxPorts
from drbot.runners.clients.shared_settings import shared_settings
from drbot.runners.contract.action import Outcome, Registry, StepContext
from drbot.runners.contract.target import Target
from drbot.runners.execution.run_context import DrillTerms, WorkerContext
from drbot.runners.execution.settings_seen import require_agreed
from drbot.runners.foundation.own_record import OwnRecord
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.upkeep.drill_backups import require_backup
from drbot.runners.upkeep.drill_copying import copy_projects, images_of
from drbot.runners.upkeep.drill_practice import Practice, StoppedError, stand_ins
from drbot.runners.upkeep.drill_rights import DrillRights
from drbot.store.base.database import Transaction
from drbot.store.records import drills, incidents, kept, schedules
from drbot.store.runs import runs

log = structlog.get_logger()

TICK_SECONDS = 0.5
INSTALLS = "host.prepare"
ROOM_BYTES = 2 << 30  # beside the images: the data of the copy, and an engine


TargetOf = Callable[[str, Configuration, RunnerSettings], Target]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hands:
    """What a drill needs of the floors above: how a worker is run until an event is set, and the target of a site."""

    serve: Callable[[WorkerContext, threading.Event], None]
    target_of: TargetOf


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillRun:
    """A drill that this worker holds. `worker_context`: of the worker of the site that is copied; only its engine and
    its files are looked at. `cancelled`: why the drill has to end, or None.
    """

    drill: Drill
    worker_context: WorkerContext
    hands: Hands
    cancelled: Callable[[], str | None]

    @property
    def sandbox(self) -> Sandbox:
        clients = self.worker_context.target.clients
        return Sandbox(
            engine=clients.docker,
            drill=f"drill-{self.drill.incident}",
            instance=self.drill.instance,
        )

    def go(self) -> None:
        """To its end. Raises nothing but what nobody foresaw."""
        before, why, end = None, None, None
        try:
            before = self._census()
            self._prepare()
            with self._workers() as own:
                Practice(drill=self.drill, worker_context=own, cancelled=self.cancelled).go()
        except (StoppedError, CancelledError) as error:
            why, end = self.cancelled() or str(error), DrillEnd.STOPPED
        except DrbotError as error:
            why, end = str(error), DrillEnd.FAILED
        if before is None:  # nothing was started: there is nothing to measure, and nothing to clear away
            with self.worker_context.database.write() as tx:
                end_all(tx, replace(self.drill, why=why, end=end))
            return
        found, lost = self._measured(before), self._lost()
        reached = end_of(found.rto_seconds, found.rpo_seconds, self.worker_context.configuration.targets)
        if lost and reached is DrillEnd.PASSED:
            why, reached = lost, DrillEnd.MISSED
        self.finish(replace(found, why=why, end=end or reached))

    def _lost(self) -> str:
        """What the copy lacked at the end, because no backup held it."""
        with self.worker_context.database.read() as connection:
            known = runs.of_incident(connection, self.drill.incident)
        plans = [run.plan for run in known if run.kind is not RunKind.DRILL_COPY]
        return not_brought_back_text(not_brought_back(plans, self.worker_context.configuration))

    def finish(self, drill: Drill) -> None:
        """Clear everything away and write down how it was."""
        leftovers = self.clear()
        with self.worker_context.database.write() as tx:
            end_all(tx, replace(drill, leftovers=leftovers))

    def clear(self) -> tuple[str, ...]:
        try:
            self.sandbox.remove()
            return self.sandbox.leftovers()
        except DrbotError as error:
            log.warning("The drill's engine could not be removed.", error=str(error))
            return (str(error),)

    def _tell(self, text: str) -> None:
        with self.worker_context.database.write() as tx:
            tx.record(EventKind.DRILL_STEP, incident=self.drill.incident, text=text)

    def _census(self) -> dict[str, str]:
        projects = self.worker_context.configuration.sites[self.drill.site].compose_projects()
        return dict(census(self.worker_context.target.clients.docker, projects))

    def _prepare(self) -> None:
        """The engine, and production's images in it, where there is a backup to go back to; its compose projects where
        that holds none. Only by a dr.yml that two people agreed to: it says which image the
        engine is started from, and what runs in it.
        """
        worker_context, sandbox = self.worker_context, self.sandbox
        require_agreed(worker_context)
        site = worker_context.configuration.sites[self.drill.site]
        if self.drill.level < Level.HOST:
            self._rights(worker_context.target, site).require_all()
        require_backup(self.drill, worker_context.configuration)
        with worker_context.database.write() as tx:
            drills.change(tx, self.drill.incident, state=DrillState.PREPARING)
        self._tell(phrase("Starting an engine of its own, without a network."))
        clients = worker_context.target.clients
        images = images_of(site, clients, self._is_over)
        sandbox.require_room(ROOM_BYTES + sum(map(clients.docker.image_size, images)))
        sandbox.start(worker_context.configuration.drills.image, self._is_over)
        self._tell(phrase("Copying images into it: {count}.", count=len(images)))
        sandbox.carry(images, self._is_over)
        if backup_for(self.drill.runbook, site) is BackupKind.POSTGRES:
            below, shared = data_below(clients.docker, site), shared_settings(site, clients.compose)
            copy_projects(site, below, shared, sandbox.copy / "projects", worker_context.home)

    def _is_over(self) -> bool:
        return self.cancelled() is not None

    def _target_of(self, name: str, configuration: Configuration, settings: RunnerSettings) -> Target:
        """Where nothing is started that asks for more than production has."""
        target = self.hands.target_of(name, configuration, settings)
        target.clients.docker.before_a_start = target.clients.compose.before_a_start = self.sandbox.hand_over
        self._rights(target, configuration.sites[name]).hold()
        return target

    def _rights(self, target: Target, site: Site) -> DrillRights:
        return DrillRights(
            production=self.worker_context.target.clients.docker,
            site=site,
            compose=target.clients.compose,
            cancelled=self._is_over,
        )

    @contextmanager
    def _workers(self) -> Iterator[WorkerContext]:
        """A worker for each site of the drill: their configuration knows no other place."""
        ports, over, sandbox = SandboxPorts(self.sandbox), threading.Event(), self.sandbox
        compose = self.worker_context.target.clients.compose.places()
        place = DrillPlace(docker=sandbox.host, folder=sandbox.copy / "projects", leads=ports, compose=compose)
        contexts = own_contexts(self.worker_context, self.drill, place, sandbox.home, self._target_of)
        threads = [threading.Thread(target=self.hands.serve, args=(one, over), daemon=True) for one in contexts]
        for thread in threads:
            thread.start()
        try:
            yield contexts[0]
        finally:
            over.set()
            for thread in threads:
                thread.join(60)
            for one in contexts:
                one.target.clients.close()
            ports.close()

    def _changed(self, before: dict[str, str]) -> tuple[str, ...]:
        try:
            return changes(before, self._census())
        except DrbotError as error:
            return (str(error),)

    def _measured(self, before: dict[str, str]) -> Drill:
        """What the row and the incident know by now, and what the kernel and production's engine say."""
        with self.worker_context.database.read() as connection:
            drill = drills.get(connection, self.drill.incident) or self.drill
            incident: Incident = incidents.get(connection, self.drill.incident)
        ways, lost = None, None
        try:
            ways, lost = len(self.sandbox.ways_out()), self.sandbox.lost_packets()
        except DrbotError as error:
            log.warning("The drill's network could not be looked at.", error=str(error))
        return replace(
            drill,
            rto_seconds=incident.rto_seconds,
            rpo_seconds=incident.rpo_seconds,
            production_changes=self._changed(before),
            packets_to_production=0 if ways == 0 else None,
            lost_packets=lost,
        )


def own_contexts(
    worker_context: WorkerContext, drill: Drill, place: DrillPlace, home: Path, target_of: TargetOf
) -> list[WorkerContext]:
    """Of the drill's workers, one for each of its sites. Nothing of theirs is production's: no record, no memory of
    authenticators, and no key, so that what they sign is good nowhere else.
    """
    configuration = configuration_of_drill(worker_context.configuration, drill.level, place)
    rehearsed = drill.rehearsed
    own = replace(
        worker_context,
        configuration=configuration,
        home=home,
        own=OwnRecord(home),
        key=KeyPair.new(),
        registry=inside_only(worker_context.registry),
        roster=stand_ins() if rehearsed else worker_context.roster,
        rosters=None if rehearsed else worker_context.rosters,
        timing=replace(worker_context.timing, tick=TICK_SECONDS),
        ring=lambda run_id: None,  # the drill's workers look often
        drill=DrillTerms(incident=drill.incident, of=drill.site, rehearsed=rehearsed),
    )
    settings = RunnerSettings.from_environment(home)
    return [
        replace(own, site_name=name, target=target_of(name, configuration, settings)) for name in configuration.sites
    ]


def inside_only(registry: Registry) -> Registry:
    """Without what would act on anything outside of the drill: names, machines, certificates, this host's packages."""
    outside = {INSTALLS, *(action.name for action in CENTRE_ACTIONS if action.effect != "none")}
    return replace(registry, actions={**registry.actions, **dict.fromkeys(outside, _refused)})


def _refused(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    raise PermanentError(
        phrase("A drill does not do {action}: it would act outside of the copy", action=context.step.do)
    )


def end_all(tx: Transaction, drill: Drill) -> None:
    """The drill, its runs and its incident. Its engine is gone: no worker of another drill goes on with them there."""
    for run in runs.of_incident(tx.connection, drill.incident):
        runs.end_for_good(tx, run.id, drill.why or phrase("The drill is over."))
    kept.forget(tx, drill.incident)
    drills.end(tx, drill)
    if incidents.get(tx.connection, drill.incident).is_open:
        incidents.resolve(tx, drill.incident, drill.asked_by, summary_of(drill))
    schedules.drop_all(tx, drill.incident)


def summary_of(drill: Drill) -> str:
    left = listed((*drill.production_changes, *drill.leftovers))
    return sentences(
        phrase("Drill: {end}.", end=drill.how) if drill.how else "",
        closed(drill.why) if drill.why else "",
        phrase("Changed in production, or left behind: {what}.", what=left) if left else "",
    )
