"""The live board: one pinned message per incident, drawn again from state at every change."""

from collections.abc import Mapping

from drbot.bot.blocks.approval_card import vote_buttons
from drbot.bot.blocks.choices import choices_of
from drbot.bot.blocks.elements import Block, bar, choice_buttons, context, escape, header, one_line, promise, section
from drbot.bot.blocks.plan import plan_blocks
from drbot.bot.blocks.tables import table_block
from drbot.bot.situation import Situation
from drbot.commands.recovery import by_hand
from drbot.core.clocks import minutes_up
from drbot.core.incident import Incident, IncidentState, UsersSay
from drbot.core.level import LEVEL_TEXTS
from drbot.core.plan import seal_of, short_seal
from drbot.core.run import RunState, StepState
from drbot.core.words import Text, clock, cut, duration, say

STATES: Mapping[IncidentState, Text] = {
    IncidentState.DECLARED: {"en": "declared", "ja": "宣言済み"},
    IncidentState.RECOVERING: {"en": "recovering", "ja": "復旧中"},
    IncidentState.RECOVERED: {"en": "recovered", "ja": "復旧済み"},
    IncidentState.RESOLVED: {"en": "resolved", "ja": "解決済み"},
}
NOT_RECOVERED: Text = {"en": "users cannot work yet", "ja": "まだ利用できません"}
UNCONFIRMED: Text = {"en": "services answer, not confirmed by people", "ja": "サービス応答 (利用は未確認)"}
NOT_ALL_PASSED: Text = {
    "en": "The run ended, but not everything passed.",
    "ja": "実行は終わりましたが、不合格があります。",
}
RUNS: Mapping[RunState, Text] = {
    RunState.QUEUED: {"en": "Waiting for a worker of {site}.", "ja": "{site} のワーカーの開始待ちです。"},
    RunState.RUNNING: {"en": "Working.", "ja": "実行中です。"},
    RunState.WAITING: {"en": "Waiting for people: see below.", "ja": "担当者の操作待ちです。"},
    RunState.NEEDS_DECISION: {"en": "A person must decide how to go on.", "ja": "担当者の判断が必要です。"},
    RunState.BLOCKED: {
        "en": "Blocked. Choose how to go on.",
        "ja": "中断中です。次の操作を選んでください。",
    },
    RunState.SUCCEEDED: {"en": "The run ended well.", "ja": "実行は正常に完了しました。"},
    RunState.FAILED: {"en": "The run failed.", "ja": "実行は失敗しました。"},
    RunState.STOPPED: {"en": "The run was stopped.", "ja": "実行は停止されました。"},
}
STOPPING: Text = {"en": "Being stopped.", "ja": "停止処理中です。"}
LOOKING: Text = {"en": "Looking at the system, changing nothing…", "ja": "システムを調査中です (変更は行いません)…"}
OTHER_DRBOT: Text = {
    "en": "Waiting for another drbot, which has the target.",
    "ja": "復旧対象を使用中の別の drbot を待っています。",
}
NO_RUN: Text = {
    "en": "drbot cannot do this by itself: clocks, timeline and report are kept, the recovery is done by hand.",
    "ja": "自動復旧の対象外です。時計・経過・報告書は記録します。復旧は手作業で進めてください。",
}
RTO_LINE: Text = {"en": "*RTO {target}:* {bar} {used} used", "ja": "*RTO {target}:* {bar} 経過 {used}"}
FORECAST: Text = {"en": ", forecast {forecast}", "ja": "、予測 {forecast}"}
RPO_LINE: Text = {
    "en": "*RPO {target}:* {bar} data of {age} before the outage",
    "ja": "*RPO {target}:* {bar} 障害の {age} 前のデータ",
}
RPO_UNKNOWN: Text = {"en": "*RPO {target}:* no backup chosen yet", "ja": "*RPO {target}:* バックアップ未選択"}
OUTAGE: Text = {"en": "*Services stopped during the recovery:* {outage}", "ja": "*復旧作業中のサービス停止:* {outage}"}


def state_of(incident: Incident) -> Text:
    """A word for its state, and for what people said about it."""
    if incident.state is IncidentState.RECOVERING and incident.users_say is UsersSay.NO:
        return NOT_RECOVERED
    if incident.state is IncidentState.RECOVERED and incident.users_say is UsersSay.NOTHING:
        return UNCONFIRMED
    return STATES[incident.state]


def board(situation: Situation) -> list[Block]:
    """The blocks of the board."""
    language = situation.language
    blocks = [
        header(_headline(situation)),
        section(f"*{one_line(situation.incident.title)}*\n{one_line(sentence(situation, titled=False))}"),
        section(_clock_lines(situation)),
    ]
    blocks += [section(f":red_circle: {escape(situation.spoken(fault))}") for fault in situation.faults[:3]]
    blocks += plan_blocks(situation) if situation.run else _by_hand(situation)
    blocks += choice_buttons(choices_of(situation), language, vote_buttons(situation))
    return [*blocks, context(_footer(situation))]


def sentence(situation: Situation, *, titled: bool = True) -> str:
    """The state in a full sentence: what notifications and old clients show."""
    language = situation.language
    incident, run = situation.incident, situation.run
    parts = [f"{incident.name} {say(state_of(incident), language)}:"] if titled else []
    if titled:
        parts.append(f"{incident.title}.")
    if run is None:
        parts.append(say(NO_RUN, language))
    elif run.stop_requested is not None and not run.is_over:
        parts.append(say(STOPPING, language))
    elif run.plan is None and not run.is_over:
        parts.append(say(LOOKING if run.state is RunState.RUNNING else RUNS[run.state], language, site=run.site))
    else:
        said = NOT_ALL_PASSED if run.missed else OTHER_DRBOT if run.waits_for_drbot else RUNS[run.state]
        parts.append(say(said, language, site=run.site))
        parts.append(situation.spoken(run.outcome) if run.outcome else _doing(situation))
    return cut(" ".join(part for part in parts if part), 600)


def _doing(situation: Situation) -> str:
    running = [record.id for record in situation.steps if record.state is StepState.RUNNING]
    turn = situation.turn
    if (
        turn is not None
        and situation.run is not None
        and situation.run.state in (RunState.NEEDS_DECISION, RunState.BLOCKED)
    ):
        return situation.spoken(str(turn.payload.get("question") or turn.payload.get("why") or ""))
    return " · ".join(situation.title_of(step) for step in running)


def _by_hand(situation: Situation) -> list[Block]:
    """No runbook yet: the document's steps, and what drbot still does."""
    return [block for table in by_hand(situation.incident.level) for block in table_block(table, situation.language)]


def _headline(situation: Situation) -> str:
    incident, language = situation.incident, situation.language
    level = say(LEVEL_TEXTS[incident.level], language)
    word = "Level" if language == "en" else "レベル"
    return f"{incident.name} · {word} {incident.level.value}: {level} · {say(state_of(incident), language)}"


def whole_minutes(seconds: float, language: str) -> str:
    """A duration without seconds: the board is edited when it says something new, not with every tick."""
    return promise(seconds // 60 * 60, language) if seconds >= 60 else f"< {duration(60, language)}"


def _clock_lines(situation: Situation) -> str:
    clocks, language = situation.clocks, situation.language
    over = situation.incident.rto_seconds is not None
    used = duration(clocks.rto_used, language) if over else whole_minutes(clocks.rto_used, language)
    lines = [
        say(
            RTO_LINE,
            language,
            target=promise(clocks.rto_target, language),
            bar=bar(clocks.rto_used / clocks.rto_target),
            used=used,
        )
    ]
    if clocks.rto_forecast is not None:
        lines[0] += say(FORECAST, language, forecast=promise(minutes_up(clocks.rto_forecast), language))
    if clocks.rto_at_risk:
        lines[0] = f":warning: {lines[0]}"
    target = promise(clocks.rpo_target, language)
    if clocks.rpo is None:
        lines.append(say(RPO_UNKNOWN, language, target=target))
    else:
        shown = bar(clocks.rpo / clocks.rpo_target)
        lines.append(say(RPO_LINE, language, target=target, bar=shown, age=duration(clocks.rpo, language)))
    if situation.incident.outage_seconds is not None:
        lines.append(say(OUTAGE, language, outage=duration(situation.incident.outage_seconds, language)))
    return "\n".join(lines)


def _footer(situation: Situation) -> str:
    run = situation.run
    declared = (
        f"{one_line(situation.name_of(situation.incident.declared_by))} · {clock(situation.incident.declared_at)}"
    )
    if run is None or run.plan is None:
        return declared
    return f"{declared} · `{short_seal(seal_of(run.plan))}` · {escape(run.id)}"
