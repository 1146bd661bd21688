"""What is at stake where names are led back or a rented machine is given back: asked of zone, name server and cloud."""

from collections.abc import Mapping
from typing import Any

from drbot.core.base.errors import PermanentError, UserError
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.run import Run
from drbot.core.runs.stakes import Act, Keeps, Loss, LossKind, ProofKind, RentedMachine, Stakes
from drbot.core.text.messages import closed, phrase
from drbot.runners.contract.rented import EC2, find, to_destroy, users_of
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.planning.leading_back import back_of
from drbot.store.records.kept import list_of

OUTSIDE = frozenset({Act.LEAD_BACK, Act.GIVE_BACK})


def stakes_outside(
    worker_context: WorkerContext,
    run: Run,
    steps: tuple[Step, ...],
    fingerprint: Mapping[str, Any],
    *,
    act: Act,
    proof: ProofKind,
    keeps: Keeps,
) -> Stakes:
    """Raises UserError where nothing can be led or given back."""
    if act is Act.GIVE_BACK:
        machine = _machine(worker_context, run, steps)
        return Stakes(act=act, proof=proof, loss=Loss(kind=LossKind.MACHINE), keeps=keeps, machine=machine)
    back = back_of(worker_context, run.incident, fingerprint)
    loss = Loss(kind=LossKind.LEFT_BEHIND, since=back.since)
    return Stakes(act=act, proof=proof, loss=loss, keeps=keeps, moves=back.moves, answers=back.answers)


def _machine(worker_context: WorkerContext, run: Run, steps: tuple[Step, ...]) -> RentedMachine:
    """By what its maker says. Raises UserError when it is not there, or when that cannot be said."""
    name = next(str(step.with_.get("machine")) for step in steps if step.do == "machine.give_back")
    try:
        rented = find(worker_context.configuration, name)
        resources = to_destroy(rented) if rented is not None else ()
    except PermanentError as error:
        raise UserError(
            phrase("Planning {runbook}.", runbook=run.runbook),
            closed(str(error)),
            phrase("Correct that, then ask again."),
        ) from error
    if rented is None:
        raise UserError(
            phrase("Planning {runbook}.", runbook=run.runbook),
            phrase("There is no rented machine {name}.", name=name),
            phrase("See: /dr kept"),
        )
    with worker_context.database.read() as connection:
        kept = [one.volume for one in list_of(connection, rented.site) if one.incident == rented.incident]
    return RentedMachine(
        machine=name,
        by=rented.by,
        site=rented.site,
        type=rented.machine.type,
        region=rented.region if rented.by == EC2 else "",
        since=rented.machine.since,
        addresses=tuple(sorted(rented.machine.addresses)),
        run=rented.run,
        incident=rented.incident,
        users=users_of(rented, worker_context.configuration, worker_context.own),
        kept=tuple(kept),
        resources=resources,
    )
