"""The report of an incident as Markdown, in NIST's phases: activation, recovery, reconstitution. Pure.

Times come from the ledger, never from memory (the source document's template leaves them to be filled in).
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from drbot.commands.speech.messages import text
from drbot.commands.speech.state_texts import REQUEST, STEP, incident_text, run_text
from drbot.commands.views.event_lines import Voice, line_of
from drbot.core.approval import ApprovalRequest, Vote
from drbot.core.events import Event, EventKind
from drbot.core.incident import Incident, UsersSay
from drbot.core.japanese import said_in, titles_of
from drbot.core.plan import short_seal
from drbot.core.run import Run, RunKind, StepRecord
from drbot.core.site import Configuration
from drbot.core.state_words import state_text
from drbot.core.words import Text, clock, duration, say, size

_REFUSALS = frozenset({EventKind.VOTE_REFUSED, EventKind.COMMAND_REFUSED, EventKind.RUN_REFUSED})

# Too many and too small for people who read what happened; the ledger has them.
_LEFT_OUT = frozenset({EventKind.RUN_CLAIMED, EventKind.RUN_RESUMED, EventKind.RUN_WAITING, EventKind.STATUS_DUE})

_RECOVERY_BEGINS = frozenset({EventKind.INCIDENT_RECOVERING, EventKind.INCIDENT_NOT_RECOVERED})
_RECOVERY_ENDS = frozenset({EventKind.INCIDENT_RECOVERED})

_USERS: Mapping[UsersSay | None, Text] = {
    UsersSay.NO: text("a person said that they cannot work", "利用できないと報告されたまま"),
    UsersSay.NOTHING: text("nobody confirmed that they can work", "利用できるかの確認なし"),
}

PHASES: Mapping[str, Text] = {
    "activation": text("Activation (declared, surveyed, approved)", "発動 (宣言・調査・承認)"),
    "recovery": text("Recovery (production is changed)", "復旧 (本番の変更)"),
    "reconstitution": text("Reconstitution (checked, confirmed, closed)", "再構成 (検査・確認・解決)"),
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
    rented: Sequence[Text] = (),
) -> str:
    """Everything of one incident, so that nobody has to remember."""
    language = voice.language
    sections = (
        _head(incident, configuration, voice),
        _figures(incident, repair_times, configuration, language),
        _approvals(runs, requests, votes, voice),
        *(_steps(run, steps, language) for run in runs if run.kind is not RunKind.PLAN),
        _kept(events, language),
        _rented(rented, language),
        _refused(events, voice),
        _timeline(events, voice),
        _lessons(language),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(incident: Incident, configuration: Configuration, voice: Voice) -> str:
    language = voice.language
    rows = [
        (text("System", "システム"), f"{configuration.system}, {incident.site}"),
        (text("Level", "レベル"), f"{incident.level.value}: {say(incident.level.text, language)}"),
        (text("Service", "サービス"), incident.service or ""),
        (text("Declared by", "宣言者"), voice.roster.name_of(incident.declared_by)),
        (text("Outage began", "障害発生"), _moment(incident.started_at)),
        (text("Declared", "宣言"), _moment(incident.declared_at)),
        (text("Recovered", "復旧"), _moment(incident.recovered_at)),
        (text("Confirmed by a person", "利用確認"), _moment(incident.confirmed_at)),
        (text("Users", "利用者"), say(_USERS[incident.users_say], language) if incident.users_say in _USERS else ""),
        (text("Resolved", "解決"), _moment(incident.resolved_at)),
        (text("State", "状態"), say(incident_text(incident), language)),
    ]
    lines = [f"- **{say(label, language)}**: {escape(value)}" for label, value in rows if value]
    title = say(text("Disaster recovery report", "障害復旧報告書"), language)
    summary = f"\n\n{escape(incident.summary)}" if incident.summary else ""
    return f"# {title} {incident.name}: {escape(incident.title)}{summary}\n\n" + "\n".join(lines)


def _figures(incident: Incident, repair_times: Sequence[float], configuration: Configuration, language: str) -> str:
    targets = configuration.targets
    level, number = incident.level.value, len(repair_times)
    rows = (
        (
            text("RTO (outage began → the services passed their checks)", "RTO (障害発生 → サービスの検査に合格)"),
            incident.rto_seconds,
            targets.rto,
        ),
        (text("RPO (data lost)", "RPO (失われたデータ)"), incident.rpo_seconds, targets.rpo),
        (text("Services stopped during the recovery", "復旧作業中のサービス停止"), incident.outage_seconds, None),
        (
            text(f"MTTR of level {level} (mean RTO of {number})", f"レベル {level} の MTTR (RTO 平均、{number} 件)"),
            fmean(repair_times) if repair_times else None,
            targets.mttr,
        ),
    )
    lines = [
        _row(
            say(label, language),
            "-" if measured is None else duration(measured, language),
            "-" if target is None else duration(target, language),
            _verdict(measured, target, language),
        )
        for label, measured, target in rows
    ]
    header = _header(language, text("Figure", "指標"), text("Measured", "実測"), text("Target", "目標"), text("", ""))
    return _section(text("Measured against the targets", "目標との比較"), language, [*header, *lines])


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
        replaced = ", ".join(say(one, language) for one in plan.replaces) if plan else ""
        backup = f"; {plan.backup.name}" if plan and plan.backup else ""
        asked = say(text("asked of {people} at {when}", "{when} に {people} 人へ依頼"), language,
                    people=request.people, when=clock(request.opened_at))  # fmt: skip
        included = say(text(", requester included", "、依頼者を含む"), language) if request.requester_counts else ""
        blocks.append(
            f"- **{say(REQUEST[request.state], language)}** `{short_seal(request.seal)}` {asked}{included}: "
            + escape(replaced + backup)
        )
        blocks += [
            f"  - {clock(vote.at)} **{escape(voice.roster.name_of(vote.person))}** "
            f"{say(state_text(vote.decision), language)} ({_way(vote)}): {escape(vote.reason)}"
            for vote in votes.get(request.id, ())
        ]
    return _section(text("Who approved", "承認"), language, blocks)


def _way(vote: Vote) -> str:
    """By which entry point, and what showed that it was this person."""
    proof = vote.attestation.proof.value if vote.attestation else vote.terminal
    return vote.entry_point.value if proof in ("", vote.entry_point.value) else f"{vote.entry_point.value}, {proof}"


def _steps(run: Run, steps: Iterable[StepRecord], language: str) -> str:
    titles = {step.id: say(step.title, language) for step in run.plan.steps} if run.plan else {}
    lines = [
        _row(
            titles.get(step.id, step.id),
            say(STEP[step.state], language),
            clock(step.started_at) if step.started_at else "-",
            "-" if step.seconds is None else _seconds(step.seconds, language),
            said_in(language, step.summary or ""),
        )
        for step in sorted(steps, key=lambda step: step.position)
        if step.run == run.id
    ]
    if not lines:
        return ""
    header = _header(
        language,
        text("Step", "手順"),
        text("State", "状態"),
        text("Started", "開始"),
        text("Took", "所要"),
        text("Result", "結果"),
    )
    ended = said_in(language, run.outcome or "", titles_of(run.plan))
    outcome = f" {escape(ended)}" if ended else ""
    now = run_text(run)
    title = text(f"Steps of {run.runbook} ({now['en']})", f"{run.runbook} の手順 ({now['ja']})")
    before = [f"`{run.id}`{outcome}", ""]
    return _section(title, language, [*before, *header, *lines])


def _kept(events: Iterable[Event], language: str) -> str:
    lines = []
    for event in events:
        if event.kind is EventKind.KEPT_CREATED:
            count = event.payload.get("size")
            measured = f", {size(count)}" if isinstance(count, (int, float)) else ""
            lines.append(f"- `{event.payload.get('volume', '-')}`{measured}, {_moment(event.at)}")
    return _section(text("What was kept to undo with", "元に戻すために保管したもの"), language, lines)


def _rented(rented: Sequence[Text], language: str) -> str:
    lines = [f"- {escape(say(one, language))}" for one in rented]
    title = text("Machines that are still rented, and paid for", "まだ借りているマシン (課金が続きます)")
    return _section(title, language, lines)


def _refused(events: Iterable[Event], voice: Voice) -> str:
    lines = [f"- {clock(event.at)} {escape(line_of(event, voice))}" for event in events if event.kind in _REFUSALS]
    return _section(text("What was refused", "拒否されたもの"), voice.language, lines)


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
    return _section(text("Timeline (UTC)", "経過 (UTC)"), voice.language, body).rstrip()


def _lessons(language: str) -> str:
    lines = [
        say(text("- What went well:", "- うまくいったこと:"), language),
        say(text("- What did not:", "- うまくいかなかったこと:"), language),
        say(text("- Who does what until when:", "- 誰が何をいつまでに行うか:"), language),
    ]
    return _section(text("Lessons and actions (for the post-mortem)", "教訓と対応 (ポストモーテム用)"), language, lines)


def escape(value: str) -> str:
    """What people wrote, harmless in Markdown and in Slack: on one line, no pipes, no <!channel>."""
    plain = " ".join(value.split())
    for letter in "\\`*_|[]":
        plain = plain.replace(letter, "\\" + letter)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _verdict(measured: float | None, target: float | None, language: str) -> str:
    if measured is None or target is None:
        return ""
    return say(text("met", "達成") if measured <= target else text("MISSED", "未達"), language)


def _seconds(value: float, language: str) -> str:
    """Steps are often shorter than a second, and that matters for the outage."""
    if value >= 60:
        return duration(value, language)
    return f"{value:.1f} s" if language != "ja" else f"{value:.1f} 秒"


def _moment(value: object) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S UTC") if hasattr(value, "strftime") else ""


def _row(*cells: str) -> str:
    return (
        "| " + " | ".join(cell if index == 0 else escape(cell) for index, cell in enumerate(map(_flat, cells))) + " |"
    )


def _flat(cell: str) -> str:
    return " ".join(cell.split()).replace("|", "/")


def _header(language: str, *cells: Text) -> list[str]:
    return [_row(*(say(cell, language) for cell in cells)), "|" + "---|" * len(cells)]


def _section(title: Text, language: str, lines: Sequence[str]) -> str:
    return f"## {say(title, language)}\n\n" + "\n".join(lines) if lines else ""
