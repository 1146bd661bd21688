"""A run inside another one: a step of the first hands over to a worker of another site and waits, parked.

The second one says in its `arguments` which run and step it is part of; its end is that step's answer.
"""

from collections.abc import Iterable, Iterator
from itertools import takewhile

from sqlalchemy import Connection, select, update

from drbot.core.approvals.approval import LIVE, ApprovalRequest
from drbot.core.base.errors import UserError
from drbot.core.ledger.events import EventKind
from drbot.core.runbooks.runbook import Step, SubRun
from drbot.core.runs.run import Run, RunState, StepRecord, StepState
from drbot.core.runs.safe_state import NOTHING_DONE, Parts, SafeState, safe_state
from drbot.store.base.database import Transaction
from drbot.store.base.reading import every, readable
from drbot.store.base.rows import load_run, run_of
from drbot.store.base.schema import runs
from drbot.store.base.schema import steps as steps_table
from drbot.store.records import requests, steps

PART_OF, STEP = "part_of", "part_of_step"
RUNBOOK = "sealed_runbook"  # SHA-256 of the runbook's file, as it was when people saw the plan
BACKUP = "sealed_backup"  # SHA-256 of the backup in that plan

OF_PARTS = frozenset({PART_OF, STEP, RUNBOOK, BACKUP})


def arguments_of(run: Run, step: Step, part: SubRun) -> dict[str, str]:
    """What the second run is queued with."""
    backup = run.plan.backup if run.plan else None
    sealed = {BACKUP: backup.sha256} if backup and part.with_.get("backup") == backup.name else {}
    return {**part.with_, **sealed, PART_OF: run.id, STEP: step.id, RUNBOOK: part.sha256}


def is_part(run: Run) -> bool:
    """Whether another run waits for this one: clocks, questions and words to stakeholders are left to that one."""
    return PART_OF in run.arguments


def whole_of(connection: Connection, run: Run) -> Run:
    """The run that people agree to: the one that waits for this one, else this one."""
    return next(reversed([run, *_above(connection, run)]))


def top_of(connection: Connection, run: Run) -> Run:
    """The run with which this one stops: the one that waits for it, as long as that is not over."""
    return next(reversed([run, *takewhile(lambda whole: not whole.is_over, _above(connection, run))]))


def _above(connection: Connection, run: Run) -> Iterator[Run]:
    """The run that waits for this one, the one that waits for that, and so on; each once, whatever rows say."""
    seen = {run.id}
    while is_part(run) and run.arguments[PART_OF] not in seen:
        run = load_run(connection, run.arguments[PART_OF])
        seen.add(run.id)
        yield run


def asked_now(connection: Connection, run: Run) -> ApprovalRequest | None:
    """What people are asked now, or were last: by a part while it asks something itself, else by the whole."""
    of_part = [asked for asked in requests.of_run(connection, run.id) if asked.state in LIVE]
    asked = of_part or requests.of_run(connection, whole_of(connection, run).id)
    return asked[-1] if asked else None


def parts_of(connection: Connection, run: Run) -> list[Run]:
    """The runs that are part of this one and not over; none that this one is itself a part of."""
    query = select(runs).where(runs.c.incident == run.incident).order_by(runs.c.created_at)
    found = list(readable(connection.execute(query), runs, run_of))
    wholes, above, name = {one.id: one.arguments.get(PART_OF) for one in found}, set[str](), run.id
    while name in wholes and name not in above:
        above.add(name)
        name = str(wholes[name])
    parts = (other for other in found if other.arguments.get(PART_OF) == run.id and other.id not in above)
    return [other for other in parts if not other.is_over]


def left_by(connection: Connection, run: Run, above: frozenset[str] = frozenset()) -> SafeState:
    """How a run that ends now leaves the system, with all that its parts did. `above`: what it is a part of."""
    if run.plan is None:
        return NOTHING_DONE
    records = {record.id: record for record in steps.of_run(connection, run.id)}
    given_up = run.stop_kind is not None and run.stop_kind.gives_up
    parts = left_by_parts(connection, records.values(), above | {run.id})
    return safe_state(run.plan, records, parts, given_up=given_up)


def left_by_parts(connection: Connection, records: Iterable[StepRecord], above: frozenset[str] = frozenset()) -> Parts:
    """The same of each part that does one of these steps."""
    begun = {record.part for record in records if record.part is not None and record.may_have_acted} - above
    query = select(runs).where(runs.c.id.in_(begun)).order_by(runs.c.created_at)
    found = every(connection.execute(query), runs, run_of)
    return [(part.site, left_by(connection, part, above)) for part in found]


def answered(tx: Transaction, run: Run, state: RunState) -> Run | None:
    """In the transaction that ends a run: answers the step that waits for it. The run of that step, if there is one."""
    if not is_part(run):
        return None
    whole, step_id = run.arguments[PART_OF], run.arguments[STEP]
    try:
        record = steps.get(tx.connection, whole, step_id)
    except UserError:
        return None  # planned anew meanwhile, without such a step
    if record.state is not StepState.WAITING or record.part != run.id or record.answer is not None:
        return None
    statement = update(steps_table).where(steps_table.c.run == whole, steps_table.c.id == step_id)
    tx.connection.execute(statement.values(answer=state.value))
    return load_run(tx.connection, whole)


def wait_for(tx: Transaction, run: Run, step_id: str, part: Run, title: str) -> None:
    """The step waits from now on for the end of `part`, which was queued in the same transaction."""
    attempt = steps.hand_over(tx, run, step_id, part.id)
    tx.record(
        EventKind.STEP_STARTED,
        incident=run.incident,
        run=run.id,
        step=step_id,
        attempt=attempt,
        title=title,
        part=part.id,
        site=part.site,
    )
