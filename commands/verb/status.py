"""`status` and `list`: where a recovery stands, as sentences; the board and the terminal say the same words."""

from collections.abc import Mapping, Sequence

from drbot.commands.facts.context import CommandContext, incident_of
from drbot.commands.facts.faults import fault_tables
from drbot.commands.facts.machines import machine_text, names_texts
from drbot.commands.speech.messages import Choice, Reply, Request, Table
from drbot.commands.speech.parser import Words, plain
from drbot.commands.views.drill_text import drill_text
from drbot.commands.views.gates import state_text
from drbot.commands.views.incident_view import IncidentView, view_of, views_of
from drbot.commands.views.shown_actions import Place, actions_at
from drbot.core.approvals.approval import ApprovalRequest, RequestState, Vote, deniers, standing
from drbot.core.approvals.refusals import REFUSALS
from drbot.core.approvals.state_words import REQUEST
from drbot.core.approvals.too_few import too_few
from drbot.core.runs.clocks import Clocks, minutes_up
from drbot.core.runs.run import DONE_WITH, Run, StepState
from drbot.core.runs.state_words import incident_text, now_text, run_text
from drbot.core.site.people import Person, Roster
from drbot.core.text.messages import clauses, closed, duration, filled, listed, phrase, sentences
from drbot.core.text.words import clock
from drbot.store.records import incidents


def status(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    with context.database.read() as conn:
        view = view_of(conn, context, incident_of(conn, request, words), request.at)
    return status_reply(view, fault_tables(context))


def status_reply(view: IncidentView, faults: tuple[Table, ...] = ()) -> Reply:
    return Reply(
        text=sentences(headline(view), view.untold if view.incident.resolved_at is None else ""),
        tables=(*faults, Table(rows=rows_of(view)), *step_tables(view)),
        choices=actions_at(view, Place.REPLY),
    )


def list_(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Open incidents, newest first; `list all` adds the resolved ones."""
    everything = "all" in (plain(word) for word in words.rest)
    with context.database.read() as conn:
        found = incidents.recent(conn, open_only=not everything)
        views = views_of(conn, context, found, request.at)
    if not views:
        return Reply(text=phrase("No incident is open."))
    return Reply(
        text=phrase("Incidents: {count}.", count=len(views)),
        tables=(Table(rows=tuple(row_of(view) for view in views)),),
        choices=status_choices(views),
    )


def status_choices(views: Sequence[IncidentView]) -> tuple[Choice, ...]:
    """Of several incidents each shows by itself what can be done."""
    return tuple(Choice(label=one.incident.name, command=f"status {one.incident.name}") for one in views[:5])


def headline(view: IncidentView) -> str:
    """One sentence: name, level, state, clock."""
    incident, clocks = view.incident, view.clocks
    state = incident_text(incident, view.run)
    return phrase(
        "{name}, level {level}, {title}: {state}. RTO {rto_used} of {rto_target}.",
        name=incident.name,
        level=incident.level.value,
        title=incident.title,
        state=state,
        rto_used=duration(clocks.rto_used),
        rto_target=duration(clocks.rto_target),
    )


def row_of(view: IncidentView) -> tuple[str, ...]:
    incident = view.incident
    return (
        incident.name,
        phrase("level {level}", level=incident.level.value),
        incident.title,
        now_text(incident, view.run),
        phrase(
            "RTO {rto_used} of {rto_target}",
            rto_used=duration(view.clocks.rto_used),
            rto_target=duration(view.clocks.rto_target),
        ),
    )


def rows_of(view: IncidentView) -> tuple[tuple[str, ...], ...]:
    """Label and value: channel, run, step, approval, clocks."""
    incident, run, clocks = view.incident, view.run, view.clocks
    rows: list[tuple[str, ...]] = [(phrase("Since"), incident.started_at.strftime("%Y-%m-%d %H:%M:%S UTC"))]
    if incident.channel_name:
        rows.append((phrase("Channel"), f"#{incident.channel_name}"))
    if said := drill_text(view):
        rows.append((phrase("Drill"), said))
    if run is not None:
        rows.append((phrase("Recovery"), _run_text(run)))
        rows += [(phrase("Now"), line) for line in _working(view)]
        rows += [(phrase("Note"), warning) for warning in (run.plan.warnings if run.plan else ())]
    if view.request is not None:
        rows.append((phrase("Approval"), _approval_text(view, view.request)))
    rows.append((phrase("RTO"), _rto_text(clocks)))
    if clocks.rpo is not None:
        rows.append(
            (
                phrase("RPO"),
                phrase(
                    "the data is {rpo} old; target {rpo_target}",
                    rpo=duration(clocks.rpo),
                    rpo_target=duration(clocks.rpo_target),
                ),
            )
        )
    rows += [(phrase("DNS"), one) for one in names_texts(view.names, view.rented, view.configuration)]
    rows += [
        (phrase("Rented machine"), machine_text(one, view.configuration, view.names, view.now)) for one in view.rented
    ]
    if incident.outage_seconds is not None:
        rows.append((phrase("Services stopped during the recovery"), duration(incident.outage_seconds)))
    return tuple(rows)


STAND_INS_VOTED: str = phrase("stand-ins voted")


def _approval_text(view: IncidentView, request: ApprovalRequest) -> str:
    if not view.is_as_sealed:
        return REFUSALS["not_as_sealed"]
    if view.has_stand_ins:
        return phrase("{have}, {state}", have=STAND_INS_VOTED, state=REQUEST[request.state])
    return request_text(request, view.votes, view.roster)


HAVE = phrase("{have} of {need}")
HAVE_WHOM = phrase("{have} of {need} ({names})")


def request_text(request: ApprovalRequest, votes: tuple[Vote, ...], roster: Roster) -> str:
    """ "1 of 2 (Ben); decide until 03:12:00 UTC" """
    people = [roster.person(person) for person in sorted(standing(request, votes, roster))]
    names = listed(person.name for person in people if person is not None)
    have = filled(HAVE_WHOM if names else HAVE, have=len(people), need=request.people, names=names)
    if request.state is RequestState.OPEN and request.hold_until is not None:
        starts = clock(request.hold_until)
        return phrase("{have}; BREAK-GLASS: starts after {starts} unless one approver denies", have=have, starts=starts)
    if request.state is RequestState.OPEN:
        until, few = clock(request.expires_at), too_few(request, votes, roster)
        if few is not None:
            return sentences(closed(have), few)
        return phrase("{have}; decide by {until}", have=have, until=until)
    state = _ended(request, votes, roster)
    if request.state is RequestState.GRANTED and request.start_by is not None:
        by = clock(request.start_by)
        return phrase("{have}, {state}; starts before {by} or lapses", have=have, state=state, by=by)
    return phrase("{have}, {state}", have=have, state=state)


def _ended(request: ApprovalRequest, votes: tuple[Vote, ...], roster: Roster) -> str:
    """Who said no is named."""
    names = listed(roster.name_of(person) for person in deniers(votes))
    is_denied = request.state is RequestState.DENIED and names
    return phrase("denied by {names}", names=names) if is_denied else REQUEST[request.state]


def step_tables(view: IncidentView) -> tuple[Table, ...]:
    """Every step with its state and what came of it."""
    if view.run is None or view.run.plan is None or not view.steps:
        return ()
    rows = tuple(
        (
            record.id,
            _titles(view).get(record.id, record.id),
            state_text(record, view.requests),
            "" if record.seconds is None else duration(record.seconds),
            record.result,
        )
        for record in view.steps
    )
    header = (
        phrase("Step"),
        phrase("What"),
        phrase("State"),
        phrase("Took"),
        phrase("Result"),
    )
    return (Table(rows=rows, header=header, title=phrase("Steps")),)


def _titles(view: IncidentView) -> Mapping[str, str]:
    plan = view.run.plan if view.run is not None else None
    return {step.id: step.title for step in plan.steps} if plan is not None else {}


def _run_text(run: Run) -> str:
    said = phrase("{runbook}, {state}", runbook=run.runbook, state=run_text(run))
    return phrase("{run}: {outcome}", run=said, outcome=run.outcome) if run.outcome else said


def _working(view: IncidentView) -> list[str]:
    if view.run is None or view.run.plan is None or view.run.is_over:
        return []
    titles, done = _titles(view), sum(step.state in DONE_WITH for step in view.steps)
    said: list[str] = [phrase("{done} of {count} steps done", done=done, count=len(view.steps))]
    for step in view.steps:
        if step.has_failed or step.state in {StepState.RUNNING, StepState.UNSURE}:
            one = phrase("{step}: {state}", step=titles.get(step.id, step.id), state=state_text(step, view.requests))
            if step.has_failed and step.result:
                one = phrase("{step}: {why}", step=one, why=step.result)
            if step.progress_done and step.progress_total:
                one = phrase("{step} {percent}", step=one, percent=f"{step.progress_done / step.progress_total:.0%}")
            said.append(one)
    return said


def _rto_text(clocks: Clocks) -> str:
    said = [phrase("{used} of {target} used", used=duration(clocks.rto_used), target=duration(clocks.rto_target))]
    if clocks.rto_forecast is not None:
        said.append(phrase("forecast {forecast}", forecast=duration(minutes_up(clocks.rto_forecast))))
    if clocks.rto_is_missed:
        said.append(phrase("the target is MISSED"))
    elif clocks.rto_at_risk:
        said.append(phrase("the target is at risk"))
    return clauses(said)
