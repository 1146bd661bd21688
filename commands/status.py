"""`status` and `list`: where a recovery stands, as sentences; the board and the terminal say the same words."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from drbot.commands.context import CommandContext, current_run, incident_of
from drbot.commands.faults import fault_tables
from drbot.commands.grammar import Words, plain
from drbot.commands.machines import concerns_names, give_back_choices, led_by, machine_text, names_of, names_texts
from drbot.commands.messages import Cell, Choice, Reply, Request, Table, both, text
from drbot.commands.next_actions import next_actions
from drbot.commands.ways_on import settlements, ways_out
from drbot.core.approval import ApprovalRequest, RequestState, Vote, standing
from drbot.core.clocks import Clocks, clocks_of, minutes_up
from drbot.core.deciding import undecided
from drbot.core.incident import Incident, IncidentState, UsersSay
from drbot.core.japanese import spoken, titles_of
from drbot.core.people import Person, Roster
from drbot.core.plan import act_asked
from drbot.core.run import DONE_WITH, Run, RunKind, RunState, StepRecord, StepState
from drbot.core.site import Configuration
from drbot.core.stakes import Act
from drbot.core.stakes_words import APPROVE
from drbot.core.state_words import state_text, word_of
from drbot.core.too_few import too_few
from drbot.core.words import Text, clock, duration
from drbot.store import incidents, kept, machines, requests, runs, steps, sub_runs
from drbot.store.kept import Kept
from drbot.store.led_names import LedName
from drbot.store.machines import KnownMachine


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """One incident as it is now."""

    incident: Incident
    run: Run | None
    steps: tuple[StepRecord, ...]
    request: ApprovalRequest | None  # of the run, or of the one it is a part of
    act: Act  # what it asks for
    votes: tuple[Vote, ...]
    clocks: Clocks
    kept: tuple[Kept, ...]  # old data of this incident
    rented: tuple[KnownMachine, ...]  # machines of this incident
    names: tuple[LedName, ...]  # where they lead, where people of this incident want to know
    led: bool  # names were led elsewhere by it, and not led back
    now: datetime
    configuration: Configuration
    runbooks: Collection[str]
    roster: Roster


def read(conn: Connection, context: CommandContext, incident: Incident, now: datetime) -> View:
    """Everything the sentences need."""
    run = current_run(conn, incident)
    records = tuple(steps.of_run(conn, run.id)) if run else ()
    request = sub_runs.asked_now(conn, run) if run else None
    plan = runs.get(conn, request.run).plan if request else None
    rented = tuple(machines.list_of(conn, incident.id))
    is_about_names = concerns_names(incident.level, run, rented)
    led = led_by(conn, incident.id) if is_about_names else None
    return View(
        incident=incident,
        run=run,
        steps=records,
        request=request,
        act=act_asked(plan, request.gate) if plan is not None and request is not None else Act.NOTHING,
        votes=tuple(requests.votes(conn, request.id)) if request else (),
        clocks=clocks_of(incident, run.plan if run else None, records, context.configuration.targets, now),
        kept=tuple(one for one in kept.list_of(conn, incident.site) if one.incident == incident.id),
        rented=rented,
        names=tuple(names_of(conn, context.configuration)) if is_about_names else (),
        led=led is not None and led.kind is not RunKind.LEAD_BACK,
        now=now,
        configuration=context.configuration,
        runbooks=context.runbooks.keys(),
        roster=context.rosters.look(conn, run.site if run else incident.site),
    )


def status(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """One incident in full."""
    with context.database.read() as conn:
        view = read(conn, context, incident_of(conn, request, words), request.at)
    return Reply(
        text=headline(view),
        tables=(*fault_tables(context), Table(rows=rows_of(view)), *step_tables(view)),
        choices=choices_for(view),
    )


def list_(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Open incidents, newest first; `list all` adds the resolved ones."""
    everything = "all" in (plain(word) for word in words.rest)
    with context.database.read() as conn:
        found = incidents.recent(conn, open_only=not everything)
        views = [read(conn, context, incident, request.at) for incident in found]
    if not views:
        return Reply(text=text("No incident is open.", "未解決のインシデントはありません。"))
    return Reply(
        text=text(f"Incidents: {len(views)}.", f"インシデント: {len(views)} 件。"),
        tables=(Table(rows=tuple(row_of(view) for view in views)),),
        choices=tuple(
            Choice(label=both(view.incident.name), command=f"status {view.incident.name}") for view in views[:5]
        ),
    )


INCIDENT_STATES: Mapping[IncidentState, Text] = {
    IncidentState.DECLARED: text("open, production not touched yet", "対応中 (本番は未変更)"),
    IncidentState.RECOVERING: text("recovering", "復旧中"),
    IncidentState.RECOVERED: text("recovered, the services passed their checks", "復旧済み (サービスの検査に合格)"),
    IncidentState.RESOLVED: text("resolved", "解決済み"),
}

OTHER_DRBOT: Text = text("waits for another drbot, which has the target", "復旧対象を使用中の別の drbot を待機中")

STOPPING: Text = text("is being stopped", "停止処理中")

RUN_STATES: Mapping[RunState, Text] = {
    RunState.RUNNING: text("at work", "実行中"),
    RunState.WAITING: text("waits for people", "担当者の操作待ち"),
    RunState.NEEDS_DECISION: text(
        "a step is unsure or failed: somebody must settle it", "不明または失敗した手順の扱いの判断が必要"
    ),
    RunState.BLOCKED: text("blocked: people choose how to go on", "中断 (次の操作の選択待ち)"),
    RunState.SUCCEEDED: text("succeeded", "成功"),
    RunState.FAILED: text("failed", "失敗"),
    RunState.STOPPED: text("stopped", "停止"),
}


NOT_RECOVERED = text(
    "not recovered: a person says that users cannot work yet", "未復旧 (利用できないと報告されています)"
)
CONFIRMED = text("recovered; a person confirmed that users can work", "復旧済み (利用できることを確認)")
UNCONFIRMED = text(
    "the services passed their checks; nobody has confirmed yet that users can work",
    "サービスの検査に合格 (利用できるかは未確認)",
)


def state_of(incident: Incident) -> Text:
    """Its state, and what people said about it."""
    if incident.state is IncidentState.RECOVERING and incident.users_say is UsersSay.NO:
        return NOT_RECOVERED
    if incident.state is IncidentState.RECOVERED and incident.users_say is not None:
        return CONFIRMED if incident.users_say is UsersSay.YES else UNCONFIRMED
    return INCIDENT_STATES[incident.state]


def headline(view: View) -> Text:
    """One sentence: name, level, state, clock."""
    incident, clocks = view.incident, view.clocks
    state = state_of(incident)
    return text(
        f"{incident.name}, level {incident.level.value}, {incident.title}: {state['en']}. "
        f"RTO {duration(clocks.rto_used)} of {duration(clocks.rto_target)}.",
        f"{incident.name} レベル {incident.level.value} {incident.title}: {state['ja']}。"
        f"RTO {duration(clocks.rto_used, 'ja')} / {duration(clocks.rto_target, 'ja')}。",
    )


def run_state(run: Run) -> Text:
    """How the run is, in a few words."""
    if run.stop_requested is not None and not run.is_over:
        return STOPPING
    if run.state is RunState.QUEUED:
        return text(f"waits for a worker of {run.site}", f"{run.site} のワーカー待ち")
    return OTHER_DRBOT if run.waits_for_drbot is not None else RUN_STATES[run.state]


def row_of(view: View) -> tuple[Cell, ...]:
    """One line of a list."""
    incident = view.incident
    state = run_state(view.run) if view.run and not view.run.is_over else state_of(incident)
    return (
        incident.name,
        text(f"level {incident.level.value}", f"レベル {incident.level.value}"),
        incident.title,
        state,
        text(
            f"RTO {duration(view.clocks.rto_used)} of {duration(view.clocks.rto_target)}",
            f"RTO {duration(view.clocks.rto_used, 'ja')} / {duration(view.clocks.rto_target, 'ja')}",
        ),
    )


def rows_of(view: View) -> tuple[tuple[Cell, ...], ...]:
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
    if request.state is RequestState.GRANTED and request.start_by is not None:
        by = clock(request.start_by)
        return text(
            f"{have}, granted; starts before {by} or lapses", f"{japanese} 承認済み、{by} までに開始しなければ失効"
        )
    return text(f"{have}, {request.state.value}", f"{japanese} {word_of(request.state)}")


def step_tables(view: View) -> tuple[Table, ...]:
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
                state_text(record.state),
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


def choices_for(view: View) -> tuple[Choice, ...]:
    """What makes sense now, most useful first."""
    name = view.incident.name
    run = view.run
    if not view.incident.is_open:
        return (Choice(label=text("Report", "報告書"), command=f"report {name}"), *_outside(view))
    found: list[Choice] = []
    if view.request is not None and view.request.state is RequestState.OPEN:
        found.append(Choice(label=APPROVE[view.act], command=f"approve {name}", style="primary"))
    if run is not None and run.state is RunState.NEEDS_DECISION:
        found += settlements(view.incident, run, undecided(run.plan, view.steps))
    if run is not None and run.state is RunState.BLOCKED:
        found += ways_out(view.incident, run)
    if run is not None and not run.is_over:
        found += _answers(view)
    if run is not None and not run.is_over:
        found.append(Choice(label=text("Stop", "停止"), command=f"stop {name}", style="danger"))
        return tuple(found)
    if view.incident.state is IncidentState.RECOVERED:
        found.append(Choice(label=text("Resolve", "解決"), command=f"resolve {name}", style="primary"))
    return (*found, *next_actions(view.configuration, view.runbooks, view.incident, run, view.kept), *_outside(view))


def _outside(view: View) -> tuple[Choice, ...]:
    """What can be done about names and machines while no run goes on, also when the incident is long resolved."""
    if view.run is not None and not view.run.is_over:
        return ()
    name = view.incident.name
    back = Choice(label=text("Lead the names back…", "DNS を以前の向き先へ戻す…"), command=f"lead-back {name}")
    return (*([back] if view.led else []), *give_back_choices(view.rented, view.configuration, view.names))


def _answers(view: View) -> list[Choice]:
    """The question of a step that is open."""
    return [
        Choice(label=state_text(word), command=f"answer {view.incident.name} {record.id} {word}")
        for record in view.steps
        if record.state is StepState.WAITING and record.answer is None
        for word in record.answers
    ]


def _run_text(run: Run) -> Text:
    state = run_state(run)
    outcome = spoken(f": {run.outcome}" if run.outcome else "", titles_of(run.plan))
    return text(f"{run.runbook}, {state['en']}{outcome['en']}", f"{run.runbook} {state['ja']}{outcome['ja']}")


def _working(view: View) -> list[Text]:
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
                    f"{title['en']}: {step.state.value}{percent}",
                    f"{title.get('ja', title['en'])}: {word_of(step.state)}{percent}",
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
