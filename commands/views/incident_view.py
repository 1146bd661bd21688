"""One incident as it is now, read from the rows in one go: what board, status, menu, Home and stakeholder post show.

Surfaces are drawn from state, not from events: a lost or doubled call heals with the next drawing.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from drbot.commands.facts.context import CommandContext, faced, request_now
from drbot.commands.facts.faults import faults_of
from drbot.commands.facts.machines import concerns_names, led_by, names_of
from drbot.commands.facts.returnable import in_order
from drbot.commands.facts.runbook_selection import RUNBOOK_OF
from drbot.commands.facts.unheard import untold
from drbot.core.approvals.approval import LIVE, ApprovalRequest, Vote
from drbot.core.ledger.events import Event, EventKind
from drbot.core.runs.clocks import Clocks, clocks_of
from drbot.core.runs.drill import STAND_INS, Drill
from drbot.core.runs.incident import Incident
from drbot.core.runs.plan import act_asked
from drbot.core.runs.run import Run, RunKind, RunState, StepRecord
from drbot.core.runs.stakes import Act
from drbot.core.site.people import Roster
from drbot.core.site.site import Configuration
from drbot.core.text.messages import say
from drbot.store.base import ledger
from drbot.store.base.reading import left_out_where_unreadable
from drbot.store.records import drills, incidents, kept, machines, requests, steps
from drbot.store.records.as_sealed import is_as_sealed
from drbot.store.records.kept import Kept
from drbot.store.records.known_workers import KnownWorkers
from drbot.store.records.led_names import LedName
from drbot.store.records.machines import KnownMachine
from drbot.store.runs import runs


@dataclass(frozen=True, kw_only=True, slots=True)
class IncidentView:
    """What anybody can be told about one incident, and all that decides what can be done now."""

    configuration: Configuration
    roster: Roster
    incident: Incident
    now: datetime
    faults: tuple[str, ...] = ()  # what is wrong with dr.yml: red everywhere
    drill: Drill | None = None  # which the incident is
    run: Run | None = None  # the one that people face
    others: tuple[Run, ...] = ()  # of the incident, not over, beside that one
    steps: tuple[StepRecord, ...] = ()
    request: ApprovalRequest | None = None  # the newest that the run, its whole or another run of the incident asks
    is_as_sealed: bool = True  # False: what is shown is not what votes for the request would be for
    act: Act = Act.NOTHING  # what the request asks for
    votes: tuple[Vote, ...] = ()
    turn: Event | None = None  # what a run that waits for a choice asked last; it is shown, nothing is decided by it
    kept: tuple[Kept, ...] = ()  # old data of this incident, in the order of facts/returnable.py
    rented: tuple[KnownMachine, ...] = ()  # machines of this incident
    names: tuple[LedName, ...] = ()  # where they lead, where people of this incident want to know
    is_led: bool = False  # names were led elsewhere by it, and not led back
    runbooks: Collection[str] = frozenset(RUNBOOK_OF.values())  # what the linter let through
    also_open: tuple[Incident, ...] = ()  # other incidents of its site
    untold: str = ""  # that Slack does not show what happens, and since when

    @property
    def language(self) -> str:
        """The language of channels and stakeholder posts."""
        return self.configuration.language

    @property
    def is_going(self) -> bool:
        return self.run is not None and not self.run.is_over

    @property
    def has_stand_ins(self) -> bool:
        """Nobody was asked: those of the drill's own worker voted."""
        return self.incident.is_drill and any(vote.person in STAND_INS for vote in self.votes)

    @property
    def clocks(self) -> Clocks:
        """What is expected and would be lost is of a plan that goes on as it is, or could be carried out."""
        run = self.run
        is_to_come = run is not None and (self.is_going or run.kind is RunKind.PLAN) and run.state not in AT_A_STOP
        plan = run.plan if run is not None and is_to_come else None
        return clocks_of(self.incident, plan, self.steps, self.configuration.targets, self.now)

    @property
    def requests(self) -> tuple[ApprovalRequest, ...]:
        """What a step at a gate is shown by (`state_text`)."""
        return () if self.request is None else (self.request,)

    def title_of(self, step: str | None) -> str:
        plan = self.run.plan if self.run else None
        return say(plan.title_of(step or ""), self.language) if plan else step or ""


AT_A_STOP = frozenset({RunState.BLOCKED, RunState.FAILED, RunState.STOPPED})
TURNS = frozenset({EventKind.RUN_NEEDS_DECISION, EventKind.RUN_BLOCKED})


def view_of(connection: Connection, context: CommandContext, incident: Incident, now: datetime) -> IncidentView:
    """The incident, the run that people face and whatever is asked of them."""
    of_incident = runs.of_incident(connection, incident.id)
    run = faced(of_incident) or next(reversed(of_incident), None)  # a survey, while there is nothing else
    going = [one for one in of_incident if not one.is_over]
    rented = tuple(machines.list_of(connection, incident.id))
    is_about_names = concerns_names(incident.level, run, rented)
    led = led_by(connection, incident.id) if is_about_names else None
    view = IncidentView(
        configuration=context.configuration,
        roster=context.rosters.look(connection, run.site if run else incident.site),
        faults=faults_of(context),
        incident=incident,
        now=now,
        drill=drills.get(connection, incident.id) if incident.is_drill else None,
        run=run,
        others=tuple(one for one in going if run is not None and one.id != run.id),
        steps=tuple(steps.of_run(connection, run.id)) if run is not None else (),
        turn=_turn(connection, run) if run is not None else None,
        kept=tuple(in_order(connection, [one for one in kept.list_of(connection) if one.incident == incident.id])),
        rented=rented,
        names=tuple(names_of(connection, context.configuration)) if is_about_names else (),
        is_led=led is not None and led.kind is not RunKind.LEAD_BACK,
        runbooks=context.runbooks.keys(),
        also_open=tuple(
            one
            for one in incidents.recent(connection, open_only=True)
            if one.id != incident.id and one.site == incident.site
        ),
        untold=untold(connection, now),
    )
    asked = request_now(connection, run, going)
    return view if asked is None else asking(connection, view, asked, context.rosters.workers)


def asking(connection: Connection, view: IncidentView, asked: ApprovalRequest, workers: KnownWorkers) -> IncidentView:
    """The same with this request. `workers`: whose keys this host knows."""
    votes = tuple(requests.votes(connection, asked.id))
    if view.run is not None and view.run.id == asked.run:
        run, records = view.run, view.steps
    else:
        run, records = runs.get(connection, asked.run), tuple(steps.of_run(connection, asked.run))
    act = act_asked(run.plan, asked.gate) if run.plan is not None else Act.NOTHING
    key = workers.key(connection, run.site)
    is_whole = asked.state not in LIVE or is_as_sealed(asked, view.incident, run, records, key)
    return replace(view, request=asked, votes=votes, act=act, is_as_sealed=is_whole)


def _turn(connection: Connection, run: Run) -> Event | None:
    if run.state not in (RunState.NEEDS_DECISION, RunState.BLOCKED):
        return None
    events = ledger.of_incident(connection, run.incident)
    return next((one for one in reversed(events) if one.kind in TURNS and one.run == run.id), None)


def views_of(
    connection: Connection, context: CommandContext, found: Iterable[Incident], now: datetime
) -> list[IncidentView]:
    """Of several: one of which something cannot be read hides no other."""
    return list(left_out_where_unreadable(found, lambda one: view_of(connection, context, one, now)))
