"""Data changes places alone: meanwhile nothing is started, by no run, under no name of a site, by no step beside it.
And nothing is started on data that is half in place.

A lock of this host says the first, not a row: whoever acts holds it, and it goes with the process. The worker's own
record and a look say the second.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.runbooks.effects import MOVES, STARTS
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.run import StepState
from drbot.core.text.messages import phrase
from drbot.runners.execution.issuing import NoPermitError
from drbot.runners.execution.run_context import RunContext
from drbot.runners.execution.unsure import looking, state_of
from drbot.runners.foundation.own_record import OwnStep

STARTING = "starting"
ALONE = MOVES | {"host.set_aside", "host.put_back"}
UNSETTLED = frozenset({StepState.RUNNING, StepState.UNSURE, StepState.FAILED, StepState.STOPPED})
WHOLE = frozenset({"before", "after", "nothing-to-put-in-place"})  # states in which one whole set of data is in place


@contextmanager
def held(run_context: RunContext, step: Step) -> Iterator[None]:
    """For as long as the act, or the undo, is at work. Raises TemporaryError while another one is in its way, and
    NoPermitError for a start on data that is half in place.
    """
    if step.do not in ALONE | STARTS:
        yield
        return
    own, moves = run_context.worker_context.own, step.do in ALONE
    # first shown, then looked: one of two sees it
    with own.held(f"{run_context.run.id}.{step.id}" if moves else STARTING):
        if moves and own.held_now(STARTING):
            raise TemporaryError(phrase("Something is being started now, so no data is moved"), kind="busy")
        if not moves:
            _require_whole(run_context, step)
        yield


def _require_whole(run_context: RunContext, step: Step) -> None:
    own = run_context.worker_context.own
    here = own.run(run_context.run.id)
    for name, run in own.runs():
        if name != run_context.run.id and (here is None or not here.is_beside(run)):
            continue
        for moving in (lock.rpartition(".")[2] for lock in own.held_now(f"{name}.*")):
            if not _is_over(run.steps.get(moving)):
                raise TemporaryError(
                    phrase("{run}/{step} moves data now, so nothing is started", run=name, step=moving),
                    kind="busy",
                )
        for moving, known in run.steps.items():
            if is_unsettled(known) and (why := _half(run_context, step, known)):
                raise NoPermitError(
                    phrase(
                        "{volume} may be only half replaced since {run}/{step}: {why}. Settle that step first",
                        volume=known.given.get("volume"),
                        run=name,
                        step=moving,
                        why=why,
                    )
                )


def _is_over(known: OwnStep | None) -> bool:
    """Whoever still holds its lock is an earlier attempt; a later one has come to its end."""
    return known is not None and known.state not in UNSETTLED and not known.taking_back


def is_unsettled(known: OwnStep) -> bool:
    """Data was to change places, and this worker has not seen it end well."""
    return known.does in MOVES and (known.state in UNSETTLED or known.taking_back)


def _half(run_context: RunContext, step: Step, known: OwnStep) -> str | None:
    """Why nothing may be started on it; None = it is whole. Raises TemporaryError when nobody can tell now."""
    try:
        state = state_of(run_context, looking(run_context, step), known.does, known.given)
    except PermanentError as error:
        return phrase("it could not be seen ({why})", why=error)
    return None if state in WHOLE else phrase("it is at: {state}", state=str(state))
