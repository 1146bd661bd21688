"""The steps of a run as Slack's `plan` block. It knows four states only, so the others are said in the title."""

from collections.abc import Mapping

from drbot.bot.blocks.elements import Block, bar, one_line, rich, section
from drbot.bot.blocks.progress import progress_line
from drbot.commands.views.gates import ended_request, state_text
from drbot.commands.views.incident_view import IncidentView
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.run import StepRecord, StepState
from drbot.core.runs.stakes_words import CHANGED
from drbot.core.runs.state_words import STEP
from drbot.core.text.messages import duration, filled, phrase, say
from drbot.core.text.visible import visible
from drbot.core.text.words import cut, size

CHANGE: str = phrase("{what}: {change}")
SHARE: str = phrase("{bar} {percent} · {amount}")
UNITS: Mapping[str, str] = {
    "rows": phrase("{amount} rows"),
    "services": phrase("{amount} services"),
    "images": phrase("{amount} images"),
    "folders": phrase("{amount} folders"),
    "seconds": phrase("{amount} seconds"),
}

TASKS = 50
WARNINGS = 6  # who recovers to an empty host reads them here alone: nobody is asked
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
    """When its backup was restored before, warnings, how far it is, and the `plan` block with a task per step; nothing
    before there is a plan.

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
    tasks = [_task(situation, step, records.get(step.id), room) for step in shown]
    title = cut(visible(say(run.plan.headline or run.runbook, language)), 200)
    told = [*(filled(CHANGE, what=CHANGED, change=line) for line in run.plan.changed), *run.plan.warnings]
    backup, proof = run.plan.backup, run.plan.backup_proof
    rest = [phrase("And {count} more.", count=len(told) - WARNINGS)] if len(told) > WARNINGS else []
    proven = [filled(CHANGE, what=backup.name, change=proof)] if backup is not None and proof else []
    return [
        *(section(f":white_check_mark: {one_line(say(line, language))}") for line in proven),
        *(section(f":warning: {one_line(say(warning, language), 300)}") for warning in told[:WARNINGS] + rest),
        section(progress_line(situation)),
        {"type": "plan", "block_id": f"plan-{run.id}", "title": title, "tasks": tasks},
    ]


def _task(situation: IncidentView, step: Step, record: StepRecord | None, room: int) -> Block:
    """`room`: letters for all its texts; a plan of fifty steps must fit into one message."""
    language, state = situation.language, record.state if record else StepState.PENDING
    title = say(step.title, language)
    if state in SAID_IN_TITLE:
        title = f"{title} ({say(state_text(record, situation.requests) if record else STEP[state], language)})"
    is_error = record is not None and (record.has_failed or ended_request(record, situation.requests) is not None)
    status = "error" if is_error else TASK_STATES[state]
    task: Block = {"task_id": step.id, "title": cut(visible(title), min(150, room // 2)), "status": status}
    output = _output(record, language) if record else ""
    return task | ({"output": rich(output, min(160, room // 4))} if output else {})


def _output(record: StepRecord, language: str) -> str:
    if record.state is StepState.RUNNING:
        return say(_progress(record), language)
    words = say(record.result, language)
    if record.seconds is not None and record.state is StepState.SUCCEEDED:
        took = say(duration(record.seconds), language)
        return f"{words} ({took})" if words else took
    return words


def _progress(record: StepRecord) -> str:
    if record.progress_done is None:
        return ""
    unit = record.progress_unit or ""
    if not record.progress_total:
        return _counted(_number(record.progress_done, unit), unit)
    share = record.progress_done / record.progress_total
    both = f"{_number(record.progress_done, unit)} / {_number(record.progress_total, unit)}"
    return filled(SHARE, bar=bar(share), percent=f"{share:.0%}", amount=_counted(both, unit))


def _number(count: float, unit: str) -> str:
    return size(count) if unit == "bytes" else f"{count:,.0f}"


def _counted(amount: str, unit: str) -> str:
    """Bytes are said by their number; a unit that nobody foresaw stands as the worker wrote it."""
    if unit == "bytes":
        return amount
    return filled(UNITS[unit], amount=amount) if unit in UNITS else f"{amount} {unit}".strip()
