"""Everything one incident's surfaces are drawn from, read from the store in one go.

Surfaces are drawn from state, not from events: a lost or doubled call heals with the next drawing.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from drbot.commands.context import CommandContext, current_run
from drbot.commands.faults import faults_of
from drbot.commands.recovery import RUNBOOK_OF
from drbot.core.approval import ApprovalRequest, Vote
from drbot.core.clocks import Clocks, clocks_of
from drbot.core.events import Event, EventKind
from drbot.core.incident import Incident
from drbot.core.japanese import said_in, titles_of
from drbot.core.people import Roster
from drbot.core.plan import act_asked
from drbot.core.run import Run, StepRecord
from drbot.core.site import Configuration
from drbot.core.stakes import Act
from drbot.store import incidents, journal, requests, runs, steps, sub_runs
from drbot.store.kept import Kept, list_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """One incident as it is now."""

    configuration: Configuration
    roster: Roster
    incident: Incident
    now: datetime
    faults: tuple[str, ...] = ()  # what is wrong with dr.yml: red everywhere
    run: Run | None = None
    steps: tuple[StepRecord, ...] = ()
    request: ApprovalRequest | None = None  # the newest of the run, or of the one it is a part of
    act: Act = Act.NOTHING  # what the request asks for
    votes: tuple[Vote, ...] = ()
    turn: Event | None = None  # the newest event that asks somebody to choose: blocked, undecided, ended early
    kept: tuple[Kept, ...] = ()  # old data of this incident
    runbooks: Collection[str] = frozenset(RUNBOOK_OF.values())  # what the linter let through

    @property
    def language(self) -> str:
        """The language of channels and stakeholder posts."""
        return self.configuration.language

    @property
    def clocks(self) -> Clocks:
        """RTO and RPO as of now."""
        plan = self.run.plan if self.run else None
        return clocks_of(self.incident, plan, self.steps, self.configuration.targets, self.now)

    def name_of(self, person: str | None) -> str:
        """How people call somebody; "drbot" for what it did by itself."""
        if person is None:
            return "drbot"
        found = self.roster.person(person)
        return found.name if found else person

    def title_of(self, step: str | None) -> str:
        """A step's title in the language of the channel."""
        plan = self.run.plan if self.run else None
        found = next((one for one in plan.steps if one.id == step), None) if plan else None
        return found.title.get(self.language) or found.title["en"] if found else step or ""

    def spoken(self, english: str) -> str:
        """What a worker wrote, in the language of the channel."""
        return said_in(self.language, english, titles_of(self.run.plan if self.run else None))


TURNS = frozenset(
    {
        EventKind.RUN_NEEDS_DECISION,
        EventKind.RUN_BLOCKED,
        EventKind.RUN_STOPPED,
        EventKind.RUN_REFUSED,
        EventKind.RUN_FAILED,
    }
)


def situation_of(connection: Connection, context: CommandContext, incident_id: int, now: datetime) -> Situation:
    """The incident, its current run and whatever is asked of people. Raises UserError if there is no such incident."""
    incident = incidents.get(connection, incident_id)
    run = current_run(connection, incident) or runs.current(connection, incident_id)
    situation = Situation(
        configuration=context.configuration,
        roster=context.rosters.look(connection, run.site if run else incident.site),
        faults=faults_of(context),
        incident=incident,
        now=now,
        run=run,
        runbooks=context.runbooks.keys(),
    )
    if run is None:
        return situation
    asked = sub_runs.asked_now(connection, run)
    events = journal.of_incident(connection, incident_id)
    turns = [event for event in events if event.kind in TURNS and event.run == run.id]
    return replace(
        situation,
        steps=tuple(steps.of_run(connection, run.id)),
        request=asked,
        act=act_of(runs.get(connection, asked.run), asked) if asked is not None else Act.NOTHING,
        votes=tuple(requests.votes(connection, asked.id)) if asked is not None else (),
        turn=turns[-1] if turns else None,
        kept=tuple(one for one in list_of(connection, incident.site) if one.incident == incident_id),
    )


def act_of(run: Run, request: ApprovalRequest) -> Act:
    """What this request of the run asks for."""
    return act_asked(run.plan, request.gate) if run.plan is not None else Act.NOTHING
