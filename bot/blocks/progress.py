"""How far a run is, in words above the plan: "Step 4 of 11 · 37 % · about 03:15 UTC"."""

import math
from datetime import UTC, datetime

from drbot.bot.blocks.elements import promise
from drbot.commands.views.incident_view import IncidentView
from drbot.core.runs.clocks import minutes_up
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import RunState, StepRecord, StepState
from drbot.core.text.messages import filled, phrase, say

STEP: str = phrase("Step {number} of {count}")
DONE: str = phrase("{number} of {count} steps done")
ABOUT: str = phrase("about {when} UTC")
AFTER_PEOPLE: str = phrase("about {rest} once people have decided")

CALM_SECONDS = 300.0
"""The hour is rounded up to so much, so that the board does not change every minute."""
OVER = frozenset({StepState.SUCCEEDED, StepState.SKIPPED, StepState.UNDONE})  # but where its act had failed
PEOPLES_TURN = frozenset({RunState.WAITING, RunState.NEEDS_DECISION, RunState.BLOCKED})


def progress_line(situation: IncidentView) -> str:
    """The line; "" before there is a plan."""
    run, language = situation.run, situation.language
    if run is None or run.plan is None:
        return ""
    count = len(run.plan.steps)
    done = sum(_is_over(record) for record in situation.steps)
    is_going = not run.is_over and done < count
    number = done + 1 if is_going else done
    steps = say(filled(STEP if is_going else DONE, number=number, count=count), language)
    parts = [steps, f"{percent(run.plan, situation.steps)} %"]  # the same in every language
    if is_going:
        parts.append(_about(situation, run.state))
    return " · ".join(part for part in parts if part)


def percent(plan: Plan, records: tuple[StepRecord, ...]) -> int:
    """Of the expected time of all steps; rounded down, so that 100 means done."""
    states = {record.id: record for record in records}
    weights = {step.id: (step.limits.budget or 0.0) + 1.0 if step.limits else 1.0 for step in plan.steps}
    share = sum(weight * _share(states.get(name)) for name, weight in weights.items()) / (sum(weights.values()) or 1.0)
    return math.floor(100 * share + 1e-9)


def _is_over(record: StepRecord) -> bool:
    return record.state in OVER and not record.has_failed


def _share(record: StepRecord | None) -> float:
    if record is None:
        return 0.0
    if _is_over(record):
        return 1.0
    if record.state is StepState.RUNNING and record.progress_done is not None and record.progress_total:
        return min(0.99, record.progress_done / record.progress_total)
    return 0.0


def _about(situation: IncidentView, state: RunState) -> str:
    """A time of day cannot be promised while people have not decided."""
    rest = situation.clocks.rest
    if rest is None:
        return ""
    if state in PEOPLES_TURN:
        return say(filled(AFTER_PEOPLE, rest=promise(minutes_up(rest))), situation.language)
    calm = CALM_SECONDS if rest >= CALM_SECONDS else 60.0
    end = math.ceil((situation.now.timestamp() + rest) / calm) * calm
    return say(filled(ABOUT, when=f"{datetime.fromtimestamp(end, UTC):%H:%M}"), situation.language)
