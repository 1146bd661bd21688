"""Remembers the old data that a swap put aside, so that `/dr kept` and `/dr undo` find it: only what is there."""

from collections.abc import Collection, Mapping
from typing import Any

from drbot.core.base.errors import DrbotError
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.run import Run
from drbot.core.site.occupants import Occupant
from drbot.core.text.messages import phrase
from drbot.runners.execution.run_context import RunContext, WorkerContext
from drbot.runners.foundation.watching import never
from drbot.store.base.database import Transaction
from drbot.store.records import kept
from drbot.store.runs import runs


def kept_by(step: Step) -> dict[str, str]:
    """Where a step that worked has put old data → the name it had."""
    arguments = step.with_
    if step.do == "volume.swap":
        return {str(arguments["keeper"]): str(arguments["volume"])}
    if step.do == "volume.swap_back":
        return {str(arguments["replacement"]): str(arguments["volume"])}
    return {}


def keep(tx: Transaction, run: Run, step: Step, facts: Mapping[str, Any], there: Collection[str]) -> None:
    """In the transaction that finishes a swap. `there`: the volumes that were seen on the engine."""
    if step.do == "volume.swap_back":
        _gone(tx, run, str(step.with_["keeper"]), phrase("brought back"))
    if step.do == "kept.remove":
        _gone(tx, run, str(step.with_["volume"]), phrase("given up, deleted for good"))
    if step.do == "host.give_up":
        for one in kept.list_of(tx.connection, run.site):
            if one.whole_host and one.run == step.with_["aside"]:
                kept.moved(tx, one.id, phrase("given up, deleted for good"))
    for volume, original in kept_by(step).items():
        if volume in there:
            _add(tx, run, step.id, volume, original, facts.get("kept_bytes"))


def keep_host(tx: Transaction, run: Run, step: Step, aside: Collection[Occupant]) -> None:
    """What was put aside of a host, all of it or what a step came to that did not end well."""
    if aside:
        name, bytes_ = f"{run.site}{step.with_['keeper']}", sum(one.size or 0 for one in aside)
        _add(tx, run, step.id, name, run.site, bytes_, whole_host=True)


def put_aside(run_context: RunContext, step: Step) -> tuple[Occupant, ...]:
    """What a step has put aside of the host by now, also one that failed half-way. Only reads."""
    if step.do != "host.set_aside":
        return ()
    try:
        return run_context.worker_context.target.put_aside(run_context.run.id)
    except DrbotError:  # nobody answers now; what was to be put aside is better listed than forgotten
        return run_context.plan.occupants


def list_as_kept(tx: Transaction, run: Run, step: Step) -> None:
    """Old data that such a step has put aside, without more being known of it."""
    for volume, original in kept_by(step).items():
        _add(tx, run, step.id, volume, original, None)


def unkeep(tx: Transaction, run: Run, step: Step) -> None:
    """In the transaction that records the undo of a swap: what it kept is in place again, what it brought back kept."""
    for volume, original in kept_by(step).items():
        _gone(tx, run, volume, phrase("brought back by the undo of the step"))
        if step.do == "volume.swap_back":
            _add(tx, run, step.id, str(step.with_["keeper"]), original, None)


def forget_gone(worker_context: WorkerContext) -> None:
    """Kept data that somebody deleted by hand is not listed any more. Another engine, or none, says nothing about it.
    Raises TemporaryError.
    """
    with worker_context.database.read() as connection:
        rows = [one for one in kept.list_of(connection, worker_context.site_name) if not one.whole_host]
    gone = [one for one in rows if worker_context.target.kept(one.volume) is None]
    engine = worker_context.target.fingerprint(never).get("engine") if gone else None
    for one in gone:
        with worker_context.database.write() as tx:
            plan = runs.get(tx.connection, one.run).plan
            if plan is not None and plan.fingerprint.get("engine") == engine:
                kept.moved(tx, one.id, phrase("it is not there any more, and drbot did not delete it"))


def _add(
    tx: Transaction, run: Run, step_id: str, volume: str, original: str, size: object, *, whole_host: bool = False
) -> None:
    if any(there.volume == volume for there in kept.list_of(tx.connection, run.site)):
        return
    row = kept.Kept(
        site=run.site,
        incident=run.incident,
        run=run.id,
        volume=volume,
        original=original,
        size_bytes=int(size) if isinstance(size, (int, float)) else None,
        created_at=tx.now,
        whole_host=whole_host,
    )
    kept.add(tx, row, from_step=step_id)


def _gone(tx: Transaction, run: Run, volume: str, why: str) -> None:
    for there in kept.list_of(tx.connection, run.site):
        if there.volume == volume:
            kept.moved(tx, there.id, why)
