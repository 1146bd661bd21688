"""The steps of a run as Slack's `plan` block. It knows four states only, so the others are said in the title."""

from collections.abc import Mapping

from drbot.bot.blocks.elements import Block, bar, escape, rich, section
from drbot.bot.blocks.progress import progress_line
from drbot.commands.speech.state_texts import STEP
from drbot.commands.views.incident_view import IncidentView
from drbot.core.japanese import said_in
from drbot.core.run import StepRecord, StepState
from drbot.core.runbook import Step
from drbot.core.stakes_words import CHANGED
from drbot.core.visible import visible
from drbot.core.words import cut, duration, say, size

TASKS = 50
LETTERS = 6500

TASK_STATES: Mapping[StepState, str] = {
    StepState.PENDING: "pending",
    StepState.RUNNING: "in_progress",
    StepState.WAITING: "in_progress",
    StepState.SUCCEEDED: "complete",
    StepState.FAILED: "error",
    StepState.SKIPPED: "complete",
    StepState.STOPPED: "error",
    StepState.UNSURE: "error",
    StepState.UNDONE: "complete",
}
SAID_IN_TITLE = frozenset({StepState.WAITING, StepState.SKIPPED, StepState.STOPPED, StepState.UNSURE, StepState.UNDONE})
"""Slack's own sign does not say these."""


def plan_blocks(situation: IncidentView) -> list[Block]:
    """Warnings, how far it is, and the `plan` block with a task per step; nothing before there is a plan.

    The plan's `block_id` stays while its run does: with a new one Slack closes what people have open (node-slack-sdk
    issue 2701).
    """
    run = situation.run
    if run is None or run.plan is None:
        return []
    language = situation.language
    records = {record.id: record for record in situation.steps}
    shown = run.plan.steps[:TASKS]
    room = LETTERS // max(1, len(shown))
    tasks = [_task(step, records.get(step.id), language, room) for step in shown]
    title = run.plan.headline.get(language) or run.plan.headline.get("en") or run.runbook
    warnings = map(situation.spoken, run.plan.warnings)
    told = [*(f"{say(CHANGED, language)}: {line}" for line in run.plan.changed), *warnings]
    return [
        *(section(f":warning: {escape(cut(warning, 300))}") for warning in told[:3]),
        section(progress_line(situation)),
        {"type": "plan", "block_id": f"plan-{run.id}", "title": cut(visible(title), 200), "tasks": tasks},
    ]


def _task(step: Step, record: StepRecord | None, language: str, room: int) -> Block:
    """`room`: letters for all its texts; a plan of fifty steps must fit into one message."""
    state = record.state if record else StepState.PENDING
    title = step.title.get(language) or step.title["en"]
    if state in SAID_IN_TITLE:
        title = f"{title} ({say(STEP[state], language)})"
    task: Block = {"task_id": step.id, "title": cut(visible(title), min(150, room // 2)), "status": TASK_STATES[state]}
    output = _output(record, language) if record else ""
    return task | ({"output": rich(output, min(160, room // 4))} if output else {})


def _output(record: StepRecord, language: str) -> str:
    if record.state is StepState.RUNNING:
        return _progress(record)
    words = said_in(language, record.summary or "")
    if record.seconds is not None and record.state is StepState.SUCCEEDED:
        took = duration(record.seconds, language)
        return f"{words} ({took})" if words else took
    return words


def _progress(record: StepRecord) -> str:
    if record.progress_done is None:
        return ""
    unit = record.progress_unit or ""
    shown = size if unit == "bytes" else lambda count: f"{count:,.0f}"
    rest = "" if unit == "bytes" else f" {unit}"
    if not record.progress_total:
        return f"{shown(record.progress_done)}{rest}"
    share = record.progress_done / record.progress_total
    return f"{bar(share)} {share:.0%} · {shown(record.progress_done)} / {shown(record.progress_total)}{rest}"
