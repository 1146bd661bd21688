"""The words of refusals for how a run has ended and how a step is; surfaces have their own."""

from collections.abc import Mapping

from drbot.core.runs.run import RunState, StepState
from drbot.core.text.messages import phrase

ENDS: Mapping[RunState, str] = {
    RunState.SUCCEEDED: phrase("succeeded"),
    RunState.FAILED: phrase("failed"),
    RunState.STOPPED: phrase("stopped"),
}
STEPS: Mapping[StepState, str] = {
    StepState.PENDING: phrase("pending"),
    StepState.RUNNING: phrase("running"),
    StepState.WAITING: phrase("waiting"),
    StepState.SUCCEEDED: phrase("succeeded"),
    StepState.FAILED: phrase("failed"),
    StepState.SKIPPED: phrase("skipped"),
    StepState.STOPPED: phrase("stopped"),
    StepState.UNSURE: phrase("unsure"),
    StepState.UNDONE: phrase("undone"),
}
