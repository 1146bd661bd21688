"""The report of an incident as Markdown, in NIST's phases: activation, recovery, reconstitution. Pure.

Times come from the ledger, never from memory (the source document's template leaves them to be filled in).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from statistics import fmean

from drbot.commands.facts.context import faced
from drbot.commands.views.event_lines import Voice, line_of
from drbot.commands.views.findings_text import action_list, issues, results
from drbot.commands.views.gates import state_text
from drbot.commands.views.markdown_text import escape, header, moment, row, section
from drbot.commands.views.report_summary import in_short
from drbot.core.approvals.approval import ApprovalRequest, Vote
from drbot.core.approvals.state_words import REQUEST, way_of, word_of
from drbot.core.approvals.terminals import one_terminal, one_terminal_text
from drbot.core.ledger.events import Event, EventKind
from drbot.core.runs.action_item import ActionItem
from drbot.core.runs.drill import Drill
from drbot.core.runs.incident import Incident, UsersSay
from drbot.core.runs.lost import not_brought_back, not_brought_back_text
from drbot.core.runs.plan import Plan, short_seal
from drbot.core.runs.run import Run, RunKind, RunState, StepRecord
from drbot.core.runs.state_words import incident_text, run_text
from drbot.core.site.inventory import Unkept
from drbot.core.site.site import Configuration
from drbot.core.text.messages import clauses, duration, filled, listed, phrase, say
from drbot.core.text.words import clock, size
from drbot.store.records.kept import Kept

_REFUSALS = frozenset({EventKind.VOTE_REFUSED, EventKind.COMMAND_REFUSED, EventKind.RUN_REFUSED})

# Too many and too small for people who read what happened; the ledger has them.
_LEFT_OUT = frozenset({EventKind.RUN_CLAIMED, EventKind.RUN_RESUMED, EventKind.RUN_WAITING, EventKind.STATUS_DUE})

_RECOVERY_BEGINS = frozenset({EventKind.INCIDENT_RECOVERING, EventKind.INCIDENT_NOT_RECOVERED})
_RECOVERY_ENDS = frozenset({EventKind.INCIDENT_RECOVERED})

_USERS: Mapping[UsersSay | None, str] = {
    UsersSay.NO: phrase("a person said that they cannot work"),
    UsersSay.NOTHING: phrase("nobody confirmed that they can work"),
}

PHASES: Mapping[str, str] = {
    "activation": phrase("Activation (declared, surveyed, approved)"),
    "recovery": phrase("Recovery (from the first change on)"),
    "reconstitution": phrase("Reconstitution (checked, confirmed, closed)"),
}


def report_of(
    *,
    incident: Incident,
    events: Sequence[Event],
    runs: Sequence[Run],
    steps: Sequence[StepRecord],
    requests: Sequence[ApprovalRequest],
    votes: Mapping[str, Sequence[Vote]],
    repair_times: Sequence[float],
    configuration: Configuration,
    voice: Voice,
    today: date,
    kept: Sequence[Kept] = (),
    rented: Sequence[str] = (),
    drill: Drill | None = None,
    actions: Sequence[ActionItem] = (),
    told_at: Sequence[datetime] = (),
) -> str:
    """Everything of one incident, so that nobody has to remember. `drill`: that it is. `told_at`: when Slack took what
    stakeholders read.
    """
    language, targets = voice.language, configuration.targets
    lost = not_brought_back((run.plan for run in runs if run.state is RunState.SUCCEEDED), configuration)
    sections = (
        _head(incident, faced(runs), drill, configuration, voice),
        "" if incident.is_drill else in_short(incident, runs, steps, requests, votes, told_at, voice.roster, language),
        results(incident, drill, targets, language)
        if drill is not None
        else _figures(incident, repair_times, configuration, lost, language),
        issues(incident, drill, runs, steps, targets, language, not_brought_back_text(lost)),
        action_list(incident.name, actions, voice.roster, today, language),
        _approvals(runs, requests, votes, voice),
        *(_steps(run, steps, requests, language) for run in runs if run.kind is not RunKind.PLAN),
        "" if incident.is_drill else _kept(kept, language),  # what a drill kept went with its copy
        _rented(rented, language),
        _refused(events, voice),
        _timeline(events, voice),
        _lessons(language) if drill is None else "",
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(incident: Incident, run: Run | None, drill: Drill | None, configuration: Configuration, voice: Voice) -> str:
    language = voice.language
    rows = [
        *(_about_drill(drill, language) if drill is not None else ()),
        (phrase("System"), f"{configuration.system}, {incident.site}"),
        (phrase("Level"), f"{incident.level.value}: {say(incident.level.text, language)}"),
        (phrase("Service"), incident.service or ""),
        (phrase("Declared by"), voice.roster.name_of(incident.declared_by)),
        (phrase("Outage began"), moment(incident.started_at)),
        (phrase("Declared"), moment(incident.declared_at)),
        (phrase("Recovered"), moment(incident.recovered_at)),
        (phrase("Confirmed by a person"), moment(incident.confirmed_at)),
        (phrase("Users"), say(_USERS[incident.users_say], language) if incident.users_say in _USERS else ""),
        (phrase("Resolved"), moment(incident.resolved_at)),
        (phrase("State"), say(incident_text(incident, run), language)),
    ]
    lines = [f"- **{say(label, language)}**: {escape(value)}" for label, value in rows if value]
    tested, recovered = phrase("Disaster recovery test report"), phrase("Disaster recovery report")
    title = say(tested if incident.is_drill else recovered, language)
    summary = f"\n\n{escape(incident.summary)}" if incident.summary else ""
    return f"# {title} {incident.name}: {escape(say(incident.title, language))}{summary}\n\n" + "\n".join(lines)


def _about_drill(drill: Drill, language: str) -> Iterator[tuple[str, str]]:
    copy = phrase("a copy of {site} in an engine without a network", site=drill.site)
    asked = phrase("nobody was asked: stand-ins voted") if drill.rehearsed else phrase("two people approved")
    yield phrase("Test date"), f"{drill.asked_at:%Y-%m-%d}"
    yield phrase("Test type"), say(phrase("Recovery of level {level}", level=int(drill.level)), language)
    yield phrase("Environment"), say(clauses((copy, asked)), language)


def _figures(
    incident: Incident,
    repair_times: Sequence[float],
    configuration: Configuration,
    lost: Sequence[Unkept],
    language: str,
) -> str:
    targets = configuration.targets
    level, number = incident.level.value, len(repair_times)
    missed = {label for label, is_so in ((RTO, incident.is_given_up), (RPO, bool(lost))) if is_so}
    rows = (
        (RTO, incident.rto_seconds, targets.rto),
        (RPO, incident.rpo_seconds, targets.rpo),
        (phrase("Services stopped during the recovery"), incident.outage_seconds, None),
        (
            phrase("MTTR of level {level} (mean RTO of {number})", level=level, number=number),
            fmean(repair_times) if repair_times else None,
            targets.mttr,
        ),
    )
    lines = [
        row(
            say(label, language),
            "-" if measured is None else say(duration(measured), language),
            "-" if target is None else say(duration(target), language),
            say(MISSED, language) if label in missed else _verdict(measured, target, language),
        )
        for label, measured, target in rows
    ]
    head = header(language, phrase("Figure"), phrase("Measured"), phrase("Target"), "")
    return section(phrase("Measured against the targets"), language, [*head, *lines])


RTO = phrase("RTO (outage began → the services passed their checks)")
RPO, MISSED = phrase("RPO (data lost)"), phrase("MISSED")
ASKED = phrase("asked at {when} for approvals: {people}")
INCLUDED = phrase("asked at {when} for approvals: {people}, requester included")


def _approvals(
    runs: Iterable[Run],
    requests: Sequence[ApprovalRequest],
    votes: Mapping[str, Sequence[Vote]],
    voice: Voice,
) -> str:
    language, plans = voice.language, {run.id: run.plan for run in runs}
    blocks: list[str] = []
    for request in requests:
        plan = plans.get(request.run)
        asked = filled(
            INCLUDED if request.requester_counts else ASKED, people=request.people, when=clock(request.opened_at)
        )
        blocks.append(
            f"- **{say(REQUEST[request.state], language)}** `{short_seal(request.seal)}` {say(asked, language)}: "
            + escape(say(_replaced(plan), language) if plan else "")
        )
        blocks += [
            f"  - {clock(vote.at)} **{escape(voice.roster.name_of(vote.person))}** "
            f"{say(word_of(vote.decision), language)} ({say(_way(vote), language)}): {escape(vote.reason)}"
            for vote in votes.get(request.id, ())
        ]
        if shared := one_terminal(votes.get(request.id, ())):
            warning = say(phrase("WARNING"), language)
            blocks.append(f"  - **{warning}** {escape(say(one_terminal_text(shared), language))}")
    return section(phrase("Who approved"), language, blocks)


def _replaced(plan: Plan) -> str:
    return clauses((listed(plan.replaces), plan.backup.name if plan.backup else ""))


def _way(vote: Vote) -> str:
    """By which entry point, and what showed that it was this person."""
    proof = vote.attestation.proof.value if vote.attestation else vote.terminal
    ways = dict.fromkeys((vote.entry_point.value, proof))
    return listed(way_of(one) for one in ways)


def _steps(run: Run, steps: Iterable[StepRecord], requests: Sequence[ApprovalRequest], language: str) -> str:
    titles = {step.id: say(step.title, language) for step in run.plan.steps} if run.plan else {}
    lines = [
        row(
            titles.get(step.id, step.id),
            say(state_text(step, requests), language),
            clock(step.started_at) if step.started_at else "-",
            "-" if step.seconds is None else _seconds(step.seconds, language),
            say(step.result, language),
        )
        for step in sorted(steps, key=lambda step: step.position)
        if step.run == run.id
    ]
    if not lines:
        return ""
    head = header(language, phrase("Step"), phrase("State"), phrase("Started"), phrase("Took"), phrase("Result"))
    ended = say(run.outcome or "", language)
    outcome = f" {escape(ended)}" if ended else ""
    title = phrase("Steps of {runbook} ({now})", runbook=run.runbook, now=run_text(run))
    before = [f"`{run.id}`{outcome}", ""]
    return section(title, language, [*before, *head, *lines])


def _kept(there: Iterable[Kept], language: str) -> str:
    lines = []
    for one in there:
        measured = "" if one.size_bytes is None else f", {size(one.size_bytes)}"
        lines.append(f"- `{one.volume}`{measured}, {moment(one.created_at)}")
    return section(phrase("What is kept of the data that was replaced"), language, lines)


def _rented(rented: Sequence[str], language: str) -> str:
    lines = [f"- {escape(say(one, language))}" for one in rented]
    title = phrase("Machines that are still rented and billed")
    return section(title, language, lines)


def _refused(events: Iterable[Event], voice: Voice) -> str:
    lines = [f"- {clock(event.at)} {escape(line_of(event, voice))}" for event in events if event.kind in _REFUSALS]
    return section(phrase("What was refused"), voice.language, lines)


def _timeline(events: Sequence[Event], voice: Voice) -> str:
    parts: dict[str, list[str]] = {phase: [] for phase in PHASES}
    phase = "activation"
    for event in events:
        if event.kind in _RECOVERY_BEGINS:
            phase = "recovery"
        if event.kind not in _LEFT_OUT:
            parts[phase].append(f"- {clock(event.at)} {escape(line_of(event, voice))}")
        if event.kind in _RECOVERY_ENDS:
            phase = "reconstitution"
    body: list[str] = []
    for key, lines in parts.items():
        if lines:
            body += [f"### {say(PHASES[key], voice.language)}", "", *lines, ""]
    return section(phrase("Timeline (UTC)"), voice.language, body).rstrip()


def _lessons(language: str) -> str:
    lines = [f"- {say(asked, language)}" for asked in (phrase("What went well:"), phrase("What did not:"))]
    return section(phrase("Lessons (for the post-mortem)"), language, lines)


def _verdict(measured: float | None, target: float | None, language: str) -> str:
    if measured is None or target is None:
        return ""
    return say(phrase("met") if measured <= target else MISSED, language)


def _seconds(value: float, language: str) -> str:
    """Steps are often shorter than a second, and that matters for the outage."""
    return say(duration(value) if value >= 60 else phrase("{seconds} s", seconds=f"{value:.1f}"), language)
