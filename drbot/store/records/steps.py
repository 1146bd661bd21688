"""Steps of a run: two transactions around every act, "started" and "finished", both fenced.

A step that stands as running while nobody holds the run's lease is therefore one that nobody can vouch for.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from statistics import median
from typing import Any

from sqlalchemy import Connection, select, update

from drbot.core.approvals.state_words import word_of
from drbot.core.base.errors import Cause, PermanentError, TemporaryError, UserError
from drbot.core.ledger.events import EventKind
from drbot.core.runs.run import STEP_TRANSITIONS, Leftover, Run, Settlement, StepRecord, StepState, StopKind
from drbot.core.runs.settlement import is_undecided, may_settle, needs_second
from drbot.core.runs.state_words import ENDED, STEP
from drbot.core.text.messages import either, filled, listed, phrase
from drbot.store.base.database import Database, Transaction
from drbot.store.base.reading import every, first
from drbot.store.base.rows import fence, lock_run, sources, step_of
from drbot.store.base.schema import runs, steps
from drbot.store.base.waking import wake

_FRESH: Mapping[str, Any] = {
    "finished_at": None,
    "seconds": None,
    "summary": None,
    "cause": None,
    "taken_back": None,
    "facts": {},
    "log": None,
    "progress_done": None,
    "progress_total": None,
    "progress_unit": None,
    "part": None,
    "answers": None,
    "answer": None,
    "answered_by": None,
    "settlement": None,
    "settled_by": None,
    "vouched_by": None,
    "finding": None,
    "finding_passed": None,
}


ENOUGH_TIMES, LAST_TIMES, LOOKED_BACK = 3, 5, 500
LONGEST_SECONDS = 1e9  # what a row may say of a step: no number at all would be in no plan


def of_run(connection: Connection, run_id: str) -> list[StepRecord]:
    """All steps in the order of the plan."""
    query = select(steps).where(steps.c.run == run_id).order_by(steps.c.position)
    return every(connection.execute(query), steps, step_of)


def usual_seconds(connection: Connection, runbook: str) -> dict[str, float]:
    """Step → what it usually takes: the median of the last few times it succeeded, where there are enough of them."""
    query = (
        select(steps.c.id, steps.c.seconds)
        .join(runs, runs.c.id == steps.c.run)
        .where(
            runs.c.runbook == runbook,
            steps.c.state == StepState.SUCCEEDED.value,
            steps.c.seconds.between(0, LONGEST_SECONDS),
        )
        .order_by(steps.c.finished_at.desc())
        .limit(LOOKED_BACK)
    )
    took: dict[str, list[float]] = {}
    for row in connection.execute(query):
        took.setdefault(row.id, []).append(row.seconds)
    return {step: median(times[:LAST_TIMES]) for step, times in took.items() if len(times) >= ENOUGH_TIMES}


def get(connection: Connection, run_id: str, step_id: str) -> StepRecord:
    """One step. Raises UserError if the run has no such step."""
    query = select(steps).where(steps.c.run == run_id, steps.c.id == step_id)
    found = first(connection.execute(query), steps, step_of)
    if found is None:
        raise UserError(
            phrase("You named the step {step}.", step=step_id),
            phrase("The run {run} has no such step.", run=run_id),
            phrase("See: /dr status"),
        )
    return found


def start(tx: Transaction, run: Run, step_id: str, *, title: str) -> StepRecord:
    """The transaction before the act."""
    fence(tx, run)
    values = {**_FRESH, "attempt": steps.c.attempt + 1, "epoch": run.epoch, "started_at": tx.now}
    _move(tx, run.id, step_id, StepState.RUNNING, **values)
    record = get(tx.connection, run.id, step_id)
    _event(tx, run, step_id, EventKind.STEP_STARTED, attempt=record.attempt, title=title)
    return record


def wait(tx: Transaction, run: Run, step_id: str) -> None:
    """A gate is open for votes; what people see of it are the request's events."""
    fence(tx, run)
    _move(tx, run.id, step_id, StepState.WAITING, epoch=run.epoch, started_at=tx.now)


def hand_over(tx: Transaction, run: Run, step_id: str, part: str) -> int:
    """Another run does this step; it waits for that one's end. Which attempt this is."""
    fence(tx, run)
    values = {**_FRESH, "attempt": steps.c.attempt + 1, "epoch": run.epoch, "started_at": tx.now}
    _move(tx, run.id, step_id, StepState.WAITING, **(values | {"part": part}))
    return get(tx.connection, run.id, step_id).attempt


def succeed(
    tx: Transaction,
    run: Run,
    step_id: str,
    *,
    summary: str,
    facts: Mapping[str, Any] | None = None,
    seconds: float | None = None,
    log: str | None = None,
) -> None:
    """The transaction after an act that worked. `facts`: what its action wrote, and nothing else."""
    fence(tx, run)
    values = {"summary": summary, "facts": dict(facts or {}), "seconds": seconds, "log": log, "finished_at": tx.now}
    _move(tx, run.id, step_id, StepState.SUCCEEDED, **values)
    _event(tx, run, step_id, EventKind.STEP_SUCCEEDED, summary=summary, seconds=seconds)


def fail(
    tx: Transaction,
    run: Run,
    step_id: str,
    *,
    why: str,
    cause: Cause = Cause.OTHER,
    tail: str | Iterable[str] = "",
    seconds: float | None = None,
    log: str | None = None,
) -> None:
    """The transaction after an act that did not work; `tail` is the end of its output, masked."""
    fence(tx, run)
    values = {"summary": why, "cause": cause.value, "seconds": seconds, "log": log, "finished_at": tx.now}
    _move(tx, run.id, step_id, StepState.FAILED, **values)
    tail = tail if isinstance(tail, str) else list(tail)
    _event(tx, run, step_id, EventKind.STEP_FAILED, why=why, cause=cause.value, tail=tail)


def skip(tx: Transaction, run: Run, step_id: str, why: str) -> None:
    """Not needed: it is healthy already, or this is a drill."""
    _end(tx, run, step_id, StepState.SKIPPED, EventKind.STEP_SKIPPED, why=why)


def stopped(tx: Transaction, run: Run, step_id: str, why: str) -> None:
    """Ended by STOP."""
    _end(tx, run, step_id, StepState.STOPPED, EventKind.STEP_STOPPED, why=why)


def undone(tx: Transaction, run: Run, step_id: str, summary: str) -> None:
    """Beside what its act said: why it failed stays."""
    fence(tx, run)
    _move(tx, run.id, step_id, StepState.UNDONE, taken_back=summary, finished_at=tx.now)
    _event(tx, run, step_id, EventKind.STEP_UNDONE, summary=summary)


def unsure(tx: Transaction, run: Run, step_id: str, why: str) -> None:
    """The act ended in a way that says neither yes nor no."""
    _end(tx, run, step_id, StepState.UNSURE, EventKind.STEP_UNSURE, why=why)


def retried(tx: Transaction, run: Run, step_id: str, why: str) -> None:
    """A TemporaryError, and another try; only an event."""
    fence(tx, run)
    attempt = get(tx.connection, run.id, step_id).attempt
    _event(tx, run, step_id, EventKind.STEP_RETRIED, attempt=attempt, why=why)


def progress(database: Database, run: Run, step_id: str, done: float, total: float | None, unit: str) -> None:
    """How far a running step is: a mutable row, no event, and not worth waiting for a busy database."""
    statement = (
        update(steps)
        .where(
            steps.c.run == run.id,
            steps.c.id == step_id,
            steps.c.epoch == run.epoch,
            steps.c.state == StepState.RUNNING.value,
        )
        .values(progress_done=done, progress_total=total, progress_unit=unit)
    )
    with suppress(TemporaryError), database.write() as tx:
        tx.connection.execute(statement)


def settle(tx: Transaction, run_id: str, step_id: str, decision: str, person: str) -> bool:
    """A person says what becomes of an unsure or failed step; the worker that wakes up acts on it.

    "stop" also asks the run to stop. False: it needs a second person, and this one's word is kept until then.
    Raises UserError when there is nothing to settle any more.
    """
    run = lock_run(tx, run_id)
    tried = phrase("You asked to settle {step} as {decision}.", step=step_id, decision=word_of(decision))
    record = get(tx.connection, run_id, step_id)
    if run.is_over:
        raise UserError(tried, filled(ENDED[run.state], run=run.id), phrase("See: /dr status"))
    if not is_undecided(run.plan, record):
        raise UserError(
            tried,
            phrase("It is {state}; there is nothing to settle.", state=STEP[record.state]),
            phrase("See: /dr status"),
        )
    allowed = may_settle(run.plan, record)
    if decision not in allowed:
        raise UserError(
            tried,
            phrase('"{decision}" is not possible here.', decision=decision),
            phrase("Use {words}.", words=listed(allowed)),
        )
    if decision == Settlement.DONE and needs_second(run.plan, record) and record.vouched_by in (None, person):
        _vouch(tx, run, record, person, tried)
        return False
    first = record.vouched_by if decision == Settlement.DONE else None
    values = {"settlement": decision, "settled_by": person, "vouched_by": first}
    if decision == Settlement.RETRY:
        _move(tx, run_id, step_id, StepState.PENDING, **values)
    elif decision == Settlement.STOP:
        _move(tx, run_id, step_id, StepState.STOPPED, **values, finished_at=tx.now)
        stop = {
            "stop_requested": phrase("{person} settled {step} with stop.", person=person, step=step_id),
            "stop_kind": StopKind.SETTLED.value,
        }
        tx.connection.execute(update(runs).where(runs.c.id == run_id).values(**stop))
    else:
        _set(tx, run_id, step_id, **values)
    _event(tx, run, step_id, EventKind.STEP_SETTLED, person=person, decision=decision, first=first)
    wake(tx, run_id, phrase("{step} was settled: {decision}", step=step_id, decision=word_of(decision)))
    return True


def _vouch(tx: Transaction, run: Run, record: StepRecord, person: str, tried: str) -> None:
    if record.vouched_by == person:
        raise UserError(tried, phrase("You have said so already; it needs a second person."), phrase("See: /dr status"))
    _set(tx, run.id, record.id, vouched_by=person)
    _event(tx, run, record.id, EventKind.STEP_VOUCHED, person=person, finding=record.finding)


def found(tx: Transaction, run_id: str, step_id: str, *, passed: bool, sentence: str) -> None:
    """What the check of an unsure or failed step says now; people decide by it."""
    _set(tx, run_id, step_id, finding=sentence, finding_passed=passed)


def believe(tx: Transaction, run: Run, step_id: str, summary: str, facts: Mapping[str, Any]) -> None:
    """A step that a person settled as done counts as done, now that a worker has looked. `facts`: as far as known."""
    fence(tx, run)
    _move(tx, run.id, step_id, StepState.SUCCEEDED, summary=summary, cause=None, facts=dict(facts), finished_at=tx.now)
    _event(tx, run, step_id, EventKind.STEP_SUCCEEDED, summary=summary, seconds=None)


def doubt(tx: Transaction, run: Run, step_id: str, finding: str) -> None:
    """It was settled as done and its own check says otherwise: people are asked again."""
    fence(tx, run)
    _set(tx, run.id, step_id, settlement=None, settled_by=None, vouched_by=None)
    _event(tx, run, step_id, EventKind.STEP_DOUBTED, finding=finding)


def left(tx: Transaction, run_id: str, step_id: str, leftover: Leftover) -> None:
    """What became of the copy that an ended run left."""
    _set(tx, run_id, step_id, leftover=leftover.value)


def ask(tx: Transaction, run: Run, step_id: str, text: str, answers: Iterable[str]) -> None:
    """Put a question to the people of the incident; `started_at` is when it was put."""
    fence(tx, run)
    choices = list(answers)
    values = {**_FRESH, "epoch": run.epoch, "started_at": tx.now, "answers": choices}
    _move(tx, run.id, step_id, StepState.WAITING, **values)
    _event(tx, run, step_id, EventKind.STEP_ASKED, text=text, answers=choices)


def _answered(record: StepRecord) -> str:
    word = word_of(str(record.answer))
    if record.answered_by is None:
        return phrase("Nobody answered in time: {answer}.", answer=word)
    return phrase("{who} already answered {answer}.", who=record.answered_by, answer=word)


def answer(tx: Transaction, run_id: str, step_id: str, answer: str, person: str | None) -> None:
    """The first answer counts. `person` None: nobody answered in time."""
    run = lock_run(tx, run_id)
    record = get(tx.connection, run_id, step_id)
    tried = phrase("You answered {answer}.", answer=word_of(answer))
    if record.state is not StepState.WAITING or not record.answers:
        raise UserError(tried, phrase("The question is not open."), phrase("See: /dr status"))
    if record.answer is not None:
        raise UserError(tried, _answered(record))
    if person is not None and answer not in record.answers:
        raise UserError(
            tried,
            phrase("It is not one of the answers."),
            phrase("Use {words}.", words=either(record.answers)),
        )
    _set(tx, run_id, step_id, answer=answer, answered_by=person)
    _event(tx, run, step_id, EventKind.STEP_ANSWERED, person=person, answer=answer)
    wake(tx, run_id, phrase("{step} was answered: {answer}", step=step_id, answer=word_of(answer)))


def stop_waiting(tx: Transaction, run: Run, why: str) -> None:
    """Of a run that ends without a worker: nothing waits any more. What is unsure stays so."""
    waiting = steps.c.run == run.id, steps.c.state == StepState.WAITING.value
    stopped = update(steps).where(*waiting).values(state=StepState.STOPPED.value, finished_at=tx.now)
    for step_id in tx.connection.execute(stopped.returning(steps.c.id)).scalars().all():
        _event(tx, run, step_id, EventKind.STEP_STOPPED, why=why)


def _end(tx: Transaction, run: Run, step_id: str, state: StepState, kind: EventKind, **payload: str) -> None:
    fence(tx, run)
    sentence = next(iter(payload.values()))
    _move(tx, run.id, step_id, state, summary=sentence, finished_at=tx.now)
    _event(tx, run, step_id, kind, **payload)


def _move(tx: Transaction, run_id: str, step_id: str, target: StepState, **values: Any) -> None:
    statement = (
        update(steps)
        .where(steps.c.run == run_id, steps.c.id == step_id, steps.c.state.in_(sources(STEP_TRANSITIONS, target)))
        .values(state=target.value, **values)
    )
    if tx.connection.execute(statement).rowcount == 0:
        state = get(tx.connection, run_id, step_id).state
        raise PermanentError(
            phrase(
                "The step {step} is {state} and cannot become {target}.",
                step=step_id,
                state=STEP[state],
                target=STEP[target],
            )
        )


def _set(tx: Transaction, run_id: str, step_id: str, **values: Any) -> None:
    tx.connection.execute(update(steps).where(steps.c.run == run_id, steps.c.id == step_id).values(**values))


def _event(
    tx: Transaction, run: Run, step_id: str, kind: EventKind, *, person: str | None = None, **payload: Any
) -> None:
    tx.record(kind, incident=run.incident, run=run.id, step=step_id, person=person, **payload)
