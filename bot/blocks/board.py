"""The live board: one pinned message per incident, drawn again from state at every change."""

from drbot.bot.blocks.elements import Block, bar, choice_buttons, context, escape, header, one_line, promise, section
from drbot.bot.blocks.plan import plan_blocks
from drbot.bot.blocks.tables import table_block
from drbot.commands.facts.runbook_selection import by_hand
from drbot.commands.speech.state_texts import incident_text, run_text, sentence_of
from drbot.commands.views.incident_view import IncidentView
from drbot.commands.views.shown_actions import Place, actions_at
from drbot.core.clocks import minutes_up
from drbot.core.level import LEVEL_TEXTS
from drbot.core.plan import seal_of, short_seal
from drbot.core.run import RunState, StepState
from drbot.core.words import Text, clock, cut, duration, say

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


def board(situation: IncidentView) -> list[Block]:
    """The blocks of the board."""
    language = situation.language
    blocks = [
        header(_headline(situation)),
        section(f"*{one_line(situation.incident.title)}*\n{one_line(sentence(situation, titled=False))}"),
        section(_clock_lines(situation)),
    ]
    blocks += [section(f":red_circle: {escape(situation.spoken(fault))}") for fault in situation.faults[:3]]
    blocks += plan_blocks(situation) if situation.run else _by_hand(situation)
    blocks += choice_buttons(actions_at(situation, Place.BOARD), language)
    return [*blocks, context(_footer(situation))]


def sentence(situation: IncidentView, *, titled: bool = True) -> str:
    """The state in a full sentence: what notifications and old clients show."""
    language = situation.language
    incident, run = situation.incident, situation.run
    parts = [f"{incident.name}: {incident.title}.", say(sentence_of(incident_text(incident)), language)]
    parts = parts if titled else []
    if run is None:
        parts.append(say(NO_RUN, language))
    else:
        doing = situation.spoken(run.outcome) if run.outcome else _doing(situation)
        parts += [say(sentence_of(run_text(run)), language), doing]
    return cut(" ".join(part for part in parts if part), 600)


def _doing(situation: IncidentView) -> str:
    running = [record.id for record in situation.steps if record.state is StepState.RUNNING]
    turn = situation.turn
    if (
        turn is not None
        and situation.run is not None
        and situation.run.state in (RunState.NEEDS_DECISION, RunState.BLOCKED)
    ):
        return situation.spoken(str(turn.payload.get("question") or turn.payload.get("why") or ""))
    return " · ".join(situation.title_of(step) for step in running)


def _by_hand(situation: IncidentView) -> list[Block]:
    """No runbook yet: the document's steps, and what drbot still does."""
    return [block for table in by_hand(situation.incident.level) for block in table_block(table, situation.language)]


def _headline(situation: IncidentView) -> str:
    incident, language = situation.incident, situation.language
    level = say(LEVEL_TEXTS[incident.level], language)
    word = "Level" if language == "en" else "レベル"
    return f"{incident.name} · {word} {incident.level.value}: {level} · {say(incident_text(incident), language)}"


def whole_minutes(seconds: float, language: str) -> str:
    """A duration without seconds: the board is edited when it says something new, not with every tick."""
    return promise(seconds // 60 * 60, language) if seconds >= 60 else f"< {duration(60, language)}"


def _clock_lines(situation: IncidentView) -> str:
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


def _footer(situation: IncidentView) -> str:
    run, incident = situation.run, situation.incident
    declared = f"{one_line(situation.roster.name_of(incident.declared_by))} · {clock(incident.declared_at)}"
    if run is None or run.plan is None:
        return declared
    return f"{declared} · `{short_seal(seal_of(run.plan))}` · {escape(run.id)}"
