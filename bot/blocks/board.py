"""The live board: one pinned message per incident, drawn again from state at every change."""

from drbot.bot.blocks.elements import Block, bar, choice_buttons, context, escape, header, one_line, promise, section
from drbot.bot.blocks.plan import plan_blocks
from drbot.bot.blocks.tables import table_block
from drbot.commands.facts.runbook_selection import by_hand
from drbot.commands.views.drill_text import drill_text
from drbot.commands.views.incident_view import IncidentView
from drbot.commands.views.shown_actions import Place, actions_at
from drbot.core.approvals.refusals import REFUSALS
from drbot.core.runs.clocks import Clocks, minutes_up
from drbot.core.runs.plan import seal_of, short_seal
from drbot.core.runs.run import RunState, StepState
from drbot.core.runs.state_words import incident_text, run_text, sentence_of
from drbot.core.site.level import LEVEL_TEXTS
from drbot.core.text.messages import duration, filled, lines, listed, phrase, say, sentences
from drbot.core.text.words import clock, cut

NO_RUN: str = phrase(
    "drbot cannot do this recovery itself: it keeps the clocks, timeline and report; the recovery is done by hand."
)
HEADLINE: str = phrase("{name} · Level {level}: {meaning} · {state}")
NAMED: str = phrase("{name}: {title}.")
RTO_LINE: str = phrase("*RTO {target}:* {bar} {used} used")
RTO_FORECAST: str = phrase("*RTO {target}:* {bar} {used} used, forecast {forecast}")
RPO_LINE: str = phrase("*RPO {target}:* {bar} data of {age} before the outage")
RPO_UNKNOWN: str = phrase("*RPO {target}:* not known, no backup is being restored")
OUTAGE: str = phrase("*Services stopped during the recovery:* {outage}")


def board(situation: IncidentView) -> list[Block]:
    language = situation.language
    title = one_line(say(situation.incident.title, language))
    blocks = [
        header(_headline(situation)),
        section(f"*{title}*\n{one_line(_cut(_state(situation), language))}"),
        section(_clock_lines(situation)),
    ]
    blocks += [section(f":red_circle: {escape(say(fault, language))}") for fault in situation.faults[:3]]
    if not situation.is_as_sealed:
        blocks.append(section(f":no_entry: {escape(say(REFUSALS['not_as_sealed'], language))}"))
    blocks += plan_blocks(situation) if situation.run else _by_hand(situation)
    blocks += choice_buttons(actions_at(situation, Place.BOARD), language)
    return [*blocks, context(_footer(situation))]


def sentence(situation: IncidentView) -> str:
    """The state in a full sentence: what notifications and old clients show."""
    return _cut(told(situation), situation.language)


def told(situation: IncidentView) -> str:
    incident = situation.incident
    named = filled(NAMED, name=incident.name, title=incident.title)
    return sentences(named, sentence_of(incident_text(incident, situation.run)), _state(situation))


def _cut(words: str, language: str) -> str:
    return cut(say(words, language), 600)


def _state(situation: IncidentView) -> str:
    run = situation.run
    if said := drill_text(situation):
        return said
    if run is None:
        return NO_RUN
    return sentences(sentence_of(run_text(run)), run.outcome or _doing(situation))


def _doing(situation: IncidentView) -> str:
    running = [record.id for record in situation.steps if record.state is StepState.RUNNING]
    turn = situation.turn
    if (
        turn is not None
        and situation.run is not None
        and situation.run.state in (RunState.NEEDS_DECISION, RunState.BLOCKED)
    ):
        return str(turn.payload.get("question") or turn.payload.get("why") or "")
    plan = situation.run.plan if situation.run is not None else None
    return listed(plan.title_of(step) if plan else step for step in running)


def _by_hand(situation: IncidentView) -> list[Block]:
    """No runbook yet: the document's steps, and what drbot still does. Of a drill nothing is done by hand."""
    if situation.drill is not None:
        return []
    return [block for table in by_hand(situation.incident.level) for block in table_block(table, situation.language)]


def _headline(situation: IncidentView) -> str:
    incident = situation.incident
    level, state = incident.level, incident_text(incident, situation.run)
    words = filled(HEADLINE, name=incident.name, level=level.value, meaning=LEVEL_TEXTS[level], state=state)
    return say(words, situation.language)


def whole_minutes(seconds: float) -> str:
    """A duration without seconds: the board is edited when it says something new, not with every tick."""
    return promise(seconds // 60 * 60) if seconds >= 60 else phrase("< {time}", time=duration(60))


def _clock_lines(situation: IncidentView) -> str:
    outage = situation.incident.outage_seconds
    shown = [_rto_line(situation), _rpo_line(situation.clocks)]
    shown += [filled(OUTAGE, outage=duration(outage))] if outage is not None else []
    said = say(lines(shown), situation.language)
    return f":warning: {said}" if situation.clocks.rto_at_risk else said


def _rto_line(situation: IncidentView) -> str:
    clocks = situation.clocks
    is_over = situation.incident.rto_seconds is not None
    return filled(
        RTO_LINE if clocks.rto_forecast is None else RTO_FORECAST,
        target=promise(clocks.rto_target),
        bar=bar(clocks.rto_used / clocks.rto_target),
        used=duration(clocks.rto_used) if is_over else whole_minutes(clocks.rto_used),
        forecast=promise(minutes_up(clocks.rto_forecast or 0.0)),
    )


def _rpo_line(clocks: Clocks) -> str:
    target = promise(clocks.rpo_target)
    if clocks.rpo is None:
        return filled(RPO_UNKNOWN, target=target)
    return filled(RPO_LINE, target=target, bar=bar(clocks.rpo / clocks.rpo_target), age=duration(clocks.rpo))


def _footer(situation: IncidentView) -> str:
    run, incident = situation.run, situation.incident
    declared = f"{one_line(situation.roster.name_of(incident.declared_by))} · {clock(incident.declared_at)}"
    if run is None or run.plan is None:
        return declared
    return f"{declared} · `{short_seal(seal_of(run.plan))}` · {escape(run.id)}"
