"""What became of a gate that ended unused: denied, withdrawn, expired. Its step waits for nobody any more, though its
record still says that it waits. Board, status and report say the same of it.
"""

from collections.abc import Iterable

from drbot.core.approvals.approval import LIVE, ApprovalRequest
from drbot.core.approvals.state_words import REQUEST
from drbot.core.runs.run import StepRecord, StepState
from drbot.core.runs.state_words import step_text


def ended_request(record: StepRecord, requests: Iterable[ApprovalRequest]) -> ApprovalRequest | None:
    """The newest request of the step's gate, where it ended and the step was not begun. `requests`: in their order."""
    of_gate = [one for one in requests if (one.run, one.gate) == (record.run, record.id)]
    if record.state is not StepState.WAITING or not of_gate or of_gate[-1].state in LIVE:
        return None
    return of_gate[-1]


def state_text(record: StepRecord, requests: Iterable[ApprovalRequest]) -> str:
    """How the step is, in words."""
    ended = ended_request(record, requests)
    return step_text(record) if ended is None else REQUEST[ended.state]
