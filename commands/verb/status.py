"""`status` and `list`: where a recovery stands, as sentences; the board and the terminal say the same words."""

from collections.abc import Sequence

from drbot.commands.facts.context import CommandContext, incident_of
from drbot.commands.facts.faults import fault_tables
from drbot.commands.facts.machines import machine_text, names_texts
from drbot.commands.speech.messages import Cell, Choice, Reply, Request, Table, both, text
from drbot.commands.speech.parser import Words, plain
from drbot.commands.speech.state_texts import REQUEST, STEP, incident_text, now_text, run_text
from drbot.commands.views.incident_view import IncidentView, view_of
from drbot.commands.views.shown_actions import Place, actions_at
from drbot.core.approval import ApprovalRequest, RequestState, Vote, standing
from drbot.core.clocks import Clocks, minutes_up
from drbot.core.japanese import spoken, titles_of
from drbot.core.people import Person, Roster
from drbot.core.run import DONE_WITH, Run, StepState
from drbot.core.too_few import too_few
from drbot.core.words import Text, clock, duration
from drbot.store.records import incidents


def status(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """One incident in full."""
    with context.database.read() as conn:
        view = view_of(conn, context, incident_of(conn, request, words), request.at)
    return status_reply(view, fault_tables(context))


def status_reply(view: IncidentView, faults: tuple[Table, ...] = ()) -> Reply:
    """The answer about this incident."""
    return Reply(
        text=headline(view),
        tables=(*faults, Table(rows=rows_of(view)), *step_tables(view)),
        choices=actions_at(view, Place.REPLY),
    )


def list_(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Open incidents, newest first; `list all` adds the resolved ones."""
    everything = "all" in (plain(word) for word in words.rest)
    with context.database.read() as conn:
        found = incidents.recent(conn, open_only=not everything)
        views = [view_of(conn, context, incident, request.at) for incident in found]
    if not views:
        return Reply(text=text("No incident is open.", "未解決のインシデントはありません。"))
    return Reply(
        text=text(f"Incidents: {len(views)}.", f"インシデント: {len(views)} 件。"),
        tables=(Table(rows=tuple(row_of(view) for view in views)),),
        choices=status_choices(views),
    )


def status_choices(views: Sequence[IncidentView]) -> tuple[Choice, ...]:
    """Of several incidents each shows by itself what can be done."""
    return tuple(Choice(label=both(one.incident.name), command=f"status {one.incident.name}") for one in views[:5])


def headline(view: IncidentView) -> Text:
    """One sentence: name, level, state, clock."""
    incident, clocks = view.incident, view.clocks
    state = incident_text(incident)
    return text(
        f"{incident.name}, level {incident.level.value}, {incident.title}: {state['en']}. "
        f"RTO {duration(clocks.rto_used)} of {duration(clocks.rto_target)}.",
        f"{incident.name} レベル {incident.level.value} {incident.title}: {state['ja']}。"
        f"RTO {duration(clocks.rto_used, 'ja')} / {duration(clocks.rto_target, 'ja')}。",
    )


def row_of(view: IncidentView) -> tuple[Cell, ...]:
    """One line of a list."""
    incident = view.incident
    return (
        incident.name,
        text(f"level {incident.level.value}", f"レベル {incident.level.value}"),
        incident.title,
        now_text(incident, view.run),
        text(
            f"RTO {duration(view.clocks.rto_used)} of {duration(view.clocks.rto_target)}",
            f"RTO {duration(view.clocks.rto_used, 'ja')} / {duration(view.clocks.rto_target, 'ja')}",
        ),
    )


def rows_of(view: IncidentView) -> tuple[tuple[Cell, ...], ...]:
    """Label and value: channel, run, step, approval, clocks."""
    incident, run, clocks = view.incident, view.run, view.clocks
    rows: list[tuple[Cell, ...]] = [(text("Since", "発生"), incident.started_at.strftime("%Y-%m-%d %H:%M:%S UTC"))]
    if incident.channel_name:
        rows.append((text("Channel", "チャンネル"), f"#{incident.channel_name}"))
    if run is not None:
        rows.append((text("Recovery", "復旧"), _run_text(run)))
        rows += [(text("Now", "現在"), line) for line in _working(view)]
    if view.request is not None:
        rows.append((text("Approval", "承認"), request_text(view.request, view.votes, view.roster)))
    rows.append((text("RTO", "RTO"), _rto_text(clocks)))
    if clocks.rpo is not None:
        rows.append(
            (
                text("RPO", "RPO"),
                text(
                    f"the data is {duration(clocks.rpo)} old; target {duration(clocks.rpo_target)}",
                    f"{duration(clocks.rpo, 'ja')}前のデータ (目標 {duration(clocks.rpo_target, 'ja')})",
                ),
            )
        )
    rows += [(text("Names", "DNS"), one) for one in names_texts(view.names, view.rented, view.configuration)]
    rows += [
        (text("Rented machine", "借りたマシン"), machine_text(one, view.configuration, view.names, view.now))
        for one in view.rented
    ]
    if incident.outage_seconds is not None:
        seconds = incident.outage_seconds
        label = text("Services stopped during the recovery", "復旧作業中のサービス停止")
        rows.append((label, text(duration(seconds), duration(seconds, "ja"))))
    return tuple(rows)


def request_text(request: ApprovalRequest, votes: tuple[Vote, ...], roster: Roster) -> Text:
    """ "1 of 2 (Ben); decide until 03:12:00 UTC" """
    people = [roster.person(person) for person in sorted(standing(request, votes, roster))]
    names = ", ".join(person.name for person in people if person is not None)
    who = f" ({names})" if names else ""
    have = f"{len(people)} of {request.people}{who}"
    japanese = f"{len(people)}/{request.people}{who}"
    if request.state is RequestState.OPEN and request.hold_until is not None:
        starts = clock(request.hold_until)
        return text(
            f"{have}; BREAK-GLASS: starts after {starts} unless one approver denies",
            f"{japanese}、緊急単独実行: {starts} 以降に開始 (一人の却下で中止)",
        )
    if request.state is RequestState.OPEN:
        until, few = clock(request.expires_at), too_few(request, votes, roster)
        if few is not None:
            return text(f"{have}. {few['en']}", f"{japanese}。{few['ja']}")
        return text(f"{have}; decide until {until}", f"{japanese}、期限 {until}")
    state = REQUEST[request.state]
    if request.state is RequestState.GRANTED and request.start_by is not None:
        by = clock(request.start_by)
        return text(
            f"{have}, {state['en']}; starts before {by} or lapses",
            f"{japanese} {state['ja']}、{by} までに開始しなければ失効",
        )
    return text(f"{have}, {state['en']}", f"{japanese} {state['ja']}")


def step_tables(view: IncidentView) -> tuple[Table, ...]:
    """Every step with its state and what came of it."""
    if view.run is None or view.run.plan is None or not view.steps:
        return ()
    titles = {step.id: step.title for step in view.run.plan.steps}
    rows: list[tuple[Cell, ...]] = []
    for record in view.steps:
        title = titles.get(record.id, {"en": record.id})
        seconds = record.seconds
        took = both("") if seconds is None else text(duration(seconds), duration(seconds, "ja"))
        rows.append(
            (
                record.id,
                {"en": title["en"], "ja": title.get("ja", title["en"])},
                STEP[record.state],
                took,
                spoken(record.summary or ""),
            )
        )
    header = (
        text("Step", "手順"),
        text("What", "内容"),
        text("State", "状態"),
        text("Took", "所要"),
        text("Result", "結果"),
    )
    return (Table(rows=tuple(rows), header=header, title=text("Steps", "手順")),)


def _run_text(run: Run) -> Text:
    state = run_text(run)
    outcome = spoken(f": {run.outcome}" if run.outcome else "", titles_of(run.plan))
    return text(f"{run.runbook}, {state['en']}{outcome['en']}", f"{run.runbook} {state['ja']}{outcome['ja']}")


def _working(view: IncidentView) -> list[Text]:
    """What runs right now, with its progress."""
    if view.run is None or view.run.plan is None or view.run.is_over:
        return []
    titles = {step.id: step.title for step in view.run.plan.steps}
    done = sum(step.state in DONE_WITH for step in view.steps)
    lines = [text(f"{done} of {len(view.steps)} steps done", f"{done}/{len(view.steps)} 手順完了")]
    for step in view.steps:
        if step.state in {StepState.RUNNING, StepState.UNSURE, StepState.FAILED}:
            title = titles.get(step.id, {"en": step.id})
            percent = (
                f" {step.progress_done / step.progress_total:.0%}" if step.progress_done and step.progress_total else ""
            )
            lines.append(
                text(
                    f"{title['en']}: {STEP[step.state]['en']}{percent}",
                    f"{title.get('ja', title['en'])}: {STEP[step.state]['ja']}{percent}",
                )
            )
    return lines


def _rto_text(clocks: Clocks) -> Text:
    english = f"{duration(clocks.rto_used)} of {duration(clocks.rto_target)} used"
    japanese = f"{duration(clocks.rto_target, 'ja')}中 {duration(clocks.rto_used, 'ja')}経過"
    if clocks.rto_forecast is not None:
        english += f"; forecast {duration(minutes_up(clocks.rto_forecast))}"
        japanese += f" (見込み {duration(minutes_up(clocks.rto_forecast), 'ja')})"
    if clocks.rto_is_missed:
        english += "; the target is MISSED"
        japanese += " 目標超過"
    elif clocks.rto_at_risk:
        english += "; the target is at risk"
        japanese += " 目標超過のおそれ"
    return text(english, japanese)
