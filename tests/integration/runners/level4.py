"""Level 4 by its own runbooks on two workers, at a control site and at the new place, with people who type. The real
store, planner, executor and verbs; the actions only do as if.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update

from drbot.commands.facts.context import CommandContext, current_run
from drbot.commands.speech.messages import Reply
from drbot.commands.views.incident_view import view_of
from drbot.commands.views.shown_actions import Place, actions_at
from drbot.core.approvals.approval import EntryPoint
from drbot.core.ledger.events import EventKind
from drbot.core.runbooks.actions import ACTIONS, PROBES
from drbot.core.runs.run import Run, RunState, StepState
from drbot.core.site.people import roster_of
from drbot.core.site.site import Approvals, Configuration, Dns, Recovery, Repository, Site
from drbot.runners.contract.action import Action, Finding, ProbeFunction, Registry, StepContext
from drbot.runners.foundation.own_record import OwnRecord
from drbot.store.base.database import Database
from drbot.store.base.schema import runs as runs_table
from drbot.store.records import incidents, leases
from drbot.store.records.rosters import Rosters
from drbot.store.runs import runs
from tests.integration.commands.verb_fixture import Bell, VerbFixture, packaged_runbooks
from tests.integration.runners.harmless import HarmlessTarget, Hold
from tests.integration.runners.test_workers import DYING
from tests.integration.runners.worker_fixture import SECONDS, WorkerFixture, worker_fixture_in
from tests.waiting import wait_for

DEAD = replace(DYING, look=1000.0)
"""Hears of nothing any more, not even of STOP."""

CONTROL, RECOVERY = "control", "recovery"
WHOLE, PART = "level4-datacentre", "level3-host"


@dataclass(kw_only=True)
class Level4:
    """An incident of level 4 and whoever works on it."""

    control: WorkerFixture
    recovery: WorkerFixture
    verb_fixture: VerbFixture
    incident: int
    held: list[Hold] = field(default_factory=list)  # workers that wait for the test
    dead: list[Hold] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return self.control.database

    def worker_fixture(self, site: str) -> WorkerFixture:
        return self.control if site == CONTROL else self.recovery

    def run(self, runbook: str) -> Run:
        """The newest run of it."""
        with self.database.read() as connection:
            return [one for one in runs.of_incident(connection, self.incident) if one.runbook == runbook][-1]

    def runs(self) -> list[Run]:
        with self.database.read() as connection:
            return runs.of_incident(connection, self.incident)

    def say(self, words: str) -> Reply:
        """The commander types."""
        return self.verb_fixture.say("aiko", words, entry_point=EntryPoint.TERMINAL)

    def faced(self) -> Run:
        """The run that people face."""
        with self.database.read() as connection:
            found = current_run(connection, self.verb_fixture.incident(self.incident))
        assert found is not None
        return found

    def in_slack(self) -> set[str]:
        """The buttons of the board."""
        with self.database.read() as connection:
            incident = incidents.get(connection, self.incident)
            view = view_of(connection, self.verb_fixture.context, incident, datetime.now(UTC))
        return {action.command for action in actions_at(view, Place.BOARD)}

    def work(self, *sites: str) -> None:
        """The workers of these sites, and the bot, do all that can be done now."""
        while True:
            self.tick(*sites)
            ready = [(site, name) for site in sites for name in self._claimable(site)]
            if not ready:
                return
            for site, name in ready:
                self.worker_fixture(site).worker().handle(name)

    def _claimable(self, site: str) -> list[str]:
        with self.database.read() as connection:
            return list(runs.claimable(connection, site))

    def tick(self, *sites: str) -> None:
        """What a bot looks after, and the workers of these sites."""
        with self.database.write() as tx:
            leases.expire_leases(tx)
            runs.end_unheard(tx)
        for site in sites:
            self.worker_fixture(site).upkeep()

    def later(self) -> None:
        """Nobody took up what waits for a worker, for as long as they are given."""
        with self.database.write() as tx:
            long_ago = tx.now - timedelta(seconds=runs.UNHEARD_SECONDS + 1)
            tx.connection.execute(update(runs_table).values(queued_at=long_ago))
        self.tick()

    def caught(self, site: str, action: str, *, dying: bool = False) -> Hold:
        """A worker of the site is in the middle of this action; `dying`: and was never heard of again."""
        worker_fixture = self.worker_fixture(site)
        hold = worker_fixture.target.hold(action)
        (self.dead if dying else self.held).append(hold)
        [name] = self._claimable(site)
        worker_fixture.begin(worker_fixture.run(name), worker_fixture.worker(DEAD) if dying else None)
        assert hold.reached.wait(SECONDS), action
        return hold

    def notice(self, runbook: str) -> None:
        """The dead worker of the run is noticed."""

        def look() -> bool:
            self.tick()
            return self.run(runbook).state is not RunState.RUNNING

        wait_for(look, SECONDS, "the dead worker to be noticed")

    def approve(self, runbook: str, decision: str = "approve") -> None:
        """Two people vote, or one says no."""
        worker_fixture = self.worker_fixture(self.run(runbook).site)
        for person in ("ben", "chika") if decision == "approve" else ("ben",):
            assert worker_fixture.vote(self.run(runbook), person, decision).counted

    def told(self, runbook: str) -> str:
        """What people heard when the run stopped."""
        run = self.run(runbook)
        [event] = [one for one in self.control.events(run, EventKind.RUN_STOPPED.value) if one.run == run.id]
        return str(event.payload["safe_state"])

    def step(self, runbook: str, step: str) -> StepState:
        run = self.run(runbook)
        return self.worker_fixture(run.site).step(run, step).state

    def let_go(self) -> None:
        """Whoever is held comes to the end of what it does."""
        for hold in self.held:
            hold.go_on.set()
        if not self.dead:
            self._join()

    def close(self) -> None:
        """Also the dead."""
        for hold in (*self.held, *self.dead):
            hold.go_on.set()
        self._join()
        self.database.close()

    def _join(self) -> None:
        for worker_fixture in (self.control, self.recovery):
            worker_fixture.ended()


def level4_in(folder: Path, *, occupied: bool = False) -> Level4:
    """Declared: the whole run is queued. `occupied`: the new place holds data of the system."""
    worker_fixture = worker_fixture_in(folder)
    configuration = _configuration(worker_fixture, folder)
    roster = roster_of(configuration.people, Approvals())
    control_target, recovery_target = HarmlessTarget(), HarmlessTarget()
    control_target.records = {"app.example.com": {"addresses": ["192.0.2.200"], "ttl": 60}}
    control_target.running, control_target.volumes = set(), {}
    recovery_target.engine = "engine-2"
    if not occupied:
        recovery_target.running, recovery_target.volumes = set(), {}
    base = replace(worker_fixture.worker_context, configuration=configuration, roster=roster)

    def worker_fixture_of(site: str, target: HarmlessTarget) -> WorkerFixture:
        registry = registry_of(target)
        own = OwnRecord(folder / site)
        worker_context = replace(base, site_name=site, target=target, registry=registry, own=own, owner=site)
        return replace(worker_fixture, target=target, worker_context=worker_context, threads=[], rung=[])

    rosters = Rosters(roster, configuration.approvals, configuration.default_site)
    context = CommandContext(
        database=worker_fixture.database, configuration=configuration, rosters=rosters, doorbell=Bell(),
        runbooks=packaged_runbooks(),
    )  # fmt: skip
    verb_fixture = VerbFixture(context=context, bell=Bell())
    assert verb_fixture.say("aiko", "declare level4 the data centre burns", entry_point=EntryPoint.TERMINAL).ok
    return Level4(
        control=worker_fixture_of(CONTROL, control_target),
        recovery=worker_fixture_of(RECOVERY, recovery_target),
        verb_fixture=verb_fixture,
        incident=verb_fixture.incidents()[0].id,
    )


def _configuration(worker_fixture: WorkerFixture, folder: Path) -> Configuration:
    known = worker_fixture.worker_context.configuration
    production = known.site("production")
    people = {
        name: person.model_copy(update={"slack": (f"U{number}",)})
        for number, (name, person) in enumerate(known.people.items(), 1)
    }
    recovery = production.model_copy(update={"projects": folder / "new", "address": "192.0.2.9"})
    return known.model_copy(
        update={
            "people": people,
            "sites": {"production": production, RECOVERY: recovery, CONTROL: Site()},
            "recovery": Recovery(site=RECOVERY, control=CONTROL),
            "dns": Dns(zone="example.com.", names=("app.example.com",)),
            "repository": Repository(url="https://git.example.com/system.git", commit="a" * 40),
        }
    )


def registry_of(target: HarmlessTarget) -> Registry:
    """Also what levels 3 and 4 do: as if it worked."""
    known = target.registry

    def act(name: str) -> Action:
        return target.acting(_effects(target).get(name, lambda given: None))

    def yes(name: str) -> ProbeFunction:
        return lambda context, given: _found(target, name)

    def led(context: StepContext, given: Mapping[str, Any]) -> frozenset[str]:
        return frozenset({"name app.example.com"})

    return Registry(
        actions={name: known.actions.get(name) or act(name) for name in ACTIONS},
        probes={name: known.probes.get(name) or yes(name) for name in PROBES},
        subjects={**known.subjects, "dns.change": led, "dns.change_back": led},
    )


def _effects(target: HarmlessTarget) -> Mapping[str, Any]:
    def fill(given: Mapping[str, Any]) -> None:
        target.volumes[given["volume"]] = "good"

    def clear(given: Mapping[str, Any]) -> None:
        target.volumes.clear()
        target.running.clear()

    return {"postgres.restore": fill, "redis.restore": fill, "host.set_aside": clear}


def _found(target: HarmlessTarget, name: str) -> Finding:
    there = bool(target.volumes)
    passed = {"host.occupied": there, "host.empty": not there}.get(name, True)
    return Finding(passed=passed, sentence=f"{name}: {'yes' if passed else 'no'}.")
