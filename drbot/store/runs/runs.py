"""Runs: queued by a command, claimed by one worker, parked, woken, finished.

A claim raises `epoch`; every later write of the worker is fenced with it, so a worker that was believed dead
can change nothing when it comes back.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from drbot.core.approvals.approval import RequestState
from drbot.core.base.errors import FencedError, UserError
from drbot.core.ledger.events import EventKind
from drbot.core.runs.plan import Plan, document_of, seal_of
from drbot.core.runs.run import RUN_TRANSITIONS, Offer, Run, RunKind, RunState, StepState, StopKind
from drbot.core.runs.state_words import ENDED
from drbot.core.text.messages import closed, filled, phrase, sentences
from drbot.store.base import waking
from drbot.store.base.database import Transaction
from drbot.store.base.reading import readable
from drbot.store.base.rows import fence, load_run, lock_run, run_of, sources
from drbot.store.base.schema import incidents, runs
from drbot.store.base.schema import steps as steps_table
from drbot.store.records import steps
from drbot.store.records.leases import is_free
from drbot.store.records.requests import end_live
from drbot.store.runs import sub_runs

get = load_run
UNHEARD_SECONDS = 10.0  # so long a worker has to take up a run that is to stop, and to see what is so

_PARKED_EVENTS: Mapping[RunState, EventKind] = {
    RunState.WAITING: EventKind.RUN_WAITING,
    RunState.NEEDS_DECISION: EventKind.RUN_NEEDS_DECISION,
    RunState.BLOCKED: EventKind.RUN_BLOCKED,
}
_END_EVENTS: Mapping[RunState, EventKind] = {
    RunState.SUCCEEDED: EventKind.RUN_SUCCEEDED,
    RunState.FAILED: EventKind.RUN_FAILED,
    RunState.STOPPED: EventKind.RUN_STOPPED,
}


def queue(
    tx: Transaction,
    *,
    incident: int,
    site: str,
    kind: RunKind,
    runbook: str,
    arguments: Mapping[str, str],
    person: str,
) -> Run:
    values = {
        "id": _free_id(tx, incident),
        "incident": incident,
        "site": site,
        "kind": kind.value,
        "runbook": runbook,
        "arguments": dict(arguments),
        "state": RunState.QUEUED.value,
        "epoch": 0,
        "wakes": 0,
        "requested_by": person,
        "created_at": tx.now,
        "queued_at": tx.now,
    }
    tx.connection.execute(insert(runs).values(**values))
    run = get(tx.connection, str(values["id"]))
    tx.record(
        EventKind.RUN_QUEUED,
        incident=incident,
        run=run.id,
        person=person,
        kind=kind.value,
        runbook=runbook,
        arguments=dict(arguments),
    )
    return run


def _free_id(tx: Transaction, incident: int) -> str:
    # Locked, so that two runs of one incident that are queued in the same second get two names.
    tx.connection.execute(select(incidents.c.id).where(incidents.c.id == incident).with_for_update())
    # Two drbots on one engine may count the same incident in the same second, and what they start there carries this.
    base = f"r{incident}-{tx.now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    taken = set(tx.connection.execute(select(runs.c.id).where(runs.c.incident == incident)).scalars())
    names = [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def of_incident(connection: Connection, incident: int) -> list[Run]:
    """All runs of an incident, oldest first."""
    query = select(runs).where(runs.c.incident == incident).order_by(runs.c.created_at, runs.c.id)
    return list(readable(connection.execute(query), runs, run_of))


def current(connection: Connection, incident: int) -> Run | None:
    """The newest run that is not over; else the newest, where a part of another run does not count."""
    newest_first = of_incident(connection, incident)[::-1]
    going = [run for run in newest_first if not run.is_over]
    return next(iter(going or [run for run in newest_first if not sub_runs.is_part(run)]), None)


def going_on(connection: Connection, site: str) -> bool:
    query = select(runs.c.id).where(runs.c.site == site, runs.c.state.notin_([state.value for state in _END_EVENTS]))
    return connection.execute(query.limit(1)).first() is not None


def claimable(connection: Connection, site: str) -> dict[str, datetime]:
    """The runs that wait for a worker of this site, oldest first, and since when."""
    query = (
        select(runs.c.id, runs.c.queued_at)
        .where(runs.c.site == site, runs.c.state == RunState.QUEUED.value)
        .order_by(runs.c.created_at, runs.c.id)
    )
    return dict(readable(connection.execute(query), runs, lambda row: (row["id"], row["queued_at"])))


def claim(tx: Transaction, run_id: str, owner: str, lease_seconds: float) -> Run | None:
    """The run, ours for `lease_seconds`; None if somebody else was faster, looks at it, or it is not queued."""
    statement = (
        update(runs)
        .where(runs.c.id == run_id, runs.c.state.in_(sources(RUN_TRANSITIONS, RunState.RUNNING)), is_free(tx))
        .values(
            state=RunState.RUNNING.value,
            epoch=runs.c.epoch + 1,
            owner=owner,
            lease_until=tx.now + timedelta(seconds=lease_seconds),
            waits_for=None,
            waits_for_drbot=None,
            offers=None,
        )
    )
    if tx.connection.execute(statement).rowcount == 0:
        return None
    first = update(runs).where(runs.c.id == run_id, runs.c.started_at.is_(None)).values(started_at=tx.now)
    tx.connection.execute(first)
    run = get(tx.connection, run_id)
    tx.record(EventKind.RUN_CLAIMED, incident=run.incident, run=run.id, owner=owner, epoch=run.epoch)
    return run


def renew(tx: Transaction, run_id: str, epoch: int, lease_seconds: float) -> None:
    """Hold the run for another `lease_seconds`. Raises FencedError."""
    statement = (
        update(runs)
        .where(runs.c.id == run_id, runs.c.epoch == epoch, runs.c.state == RunState.RUNNING.value)
        .values(lease_until=tx.now + timedelta(seconds=lease_seconds))
    )
    if tx.connection.execute(statement).rowcount == 0:
        raise FencedError(f"The run {run_id} is no longer ours (epoch {epoch}).")


def planned(tx: Transaction, run: Run, plan: Plan, signature: str | None = None) -> Run:
    """Keep the plan and one pending row per step; a second plan of the same run replaces the first."""
    fence(tx, run)
    tx.connection.execute(delete(steps_table).where(steps_table.c.run == run.id))
    tx.connection.execute(
        update(runs).where(runs.c.id == run.id).values(plan=document_of(plan), plan_signature=signature)
    )
    rows = [
        {
            "run": run.id,
            "id": step.id,
            "position": position,
            "state": StepState.PENDING.value,
            "attempt": 0,
            "facts": {},
        }
        for position, step in enumerate(plan.steps)
    ]
    if rows:
        tx.connection.execute(insert(steps_table), rows)
    tx.record(
        EventKind.RUN_PLANNED,
        incident=run.incident,
        run=run.id,
        seal=seal_of(plan),
        signature=signature,
        headline=plan.headline,
        warnings=plan.warnings,
    )
    return get(tx.connection, run.id)


def chosen(tx: Transaction, run: Run, runbook: str, arguments: Mapping[str, str]) -> Run:
    """The worker found out what the run is about, before there is a plan. Raises FencedError."""
    fence(tx, run)
    tx.connection.execute(update(runs).where(runs.c.id == run.id).values(runbook=runbook, arguments=dict(arguments)))
    return get(tx.connection, run.id)


def park(
    tx: Transaction,
    run: Run,
    state: RunState,
    *,
    seen_wakes: int,
    holder: str | None = None,
    drbot: str | None = None,
    offers: Sequence[Offer] = (),
    **payload: Any,
) -> bool:
    """Give the run back until something wakes it. `holder`: the run that holds the site, when this one waits for that;
    `drbot`: the holding of another drbot.
    False: it was woken meanwhile, so look again.
    """
    fence(tx, run)
    statement = (
        update(runs)
        .where(
            runs.c.id == run.id,
            runs.c.epoch == run.epoch,
            runs.c.state == RunState.RUNNING.value,
            runs.c.wakes == seen_wakes,
        )
        .values(
            state=state.value,
            owner=None,
            lease_until=None,
            waits_for=holder,
            waits_for_drbot=drbot,
            offers=list(offers),
        )
    )
    if tx.connection.execute(statement).rowcount == 0:
        return False
    said: dict[str, Any] = {"choices": list(offers)} if offers else {}
    kind = _PARKED_EVENTS[state]
    if holder is not None:
        there = tx.connection.execute(select(runs.c.incident).where(runs.c.id == holder)).scalar()
        kind, said = EventKind.SITE_BUSY, {"holder": holder, "there": f"DR-{there}"}
    tx.record(kind, incident=run.incident, run=run.id, **(said | payload))
    return True


def signed(tx: Transaction, run_id: str, signature: str) -> None:
    """The worker that has a run now vouches for its plan, as after the loss of the one that made it."""
    tx.connection.execute(update(runs).where(runs.c.id == run_id).values(plan_signature=signature))


def give_up_holder(tx: Transaction, run: Run) -> None:
    """The other drbot that this run waits for is dead: exactly that holding may be taken over."""
    tx.connection.execute(update(runs).where(runs.c.id == run.id).values(given_up=run.waits_for_drbot))


def next_backup(tx: Transaction, run: Run, name: str | None) -> None:
    """The backup that would be taken instead, as the worker found it; None: there is no other good one."""
    fence(tx, run)
    tx.connection.execute(update(runs).where(runs.c.id == run.id).values(next_backup=name))


def fault_told(tx: Transaction, run_id: str) -> bool:
    """Whether a fault of drbot itself with this run was told before; from now on it was."""
    statement = update(runs).where(runs.c.id == run_id, runs.c.fault_told_at.is_(None)).values(fault_told_at=tx.now)
    return tx.connection.execute(statement).rowcount == 0


def finish(
    tx: Transaction,
    run: Run,
    state: RunState,
    outcome: str,
    *,
    offers: Sequence[Offer] = (),
    missed: Sequence[str] = (),
    signature: str | None = None,
    **payload: Any,
) -> None:
    """The end of a run, which its worker may sign; a request that is still open ends with it."""
    fence(tx, run)
    _end(tx, run, state, outcome, run.stop_kind, offers)
    ended = update(runs).where(runs.c.id == run.id)
    tx.connection.execute(ended.values(end_signature=signature, missed=list(missed)))
    said = {"why": outcome, "offers": list(offers), "missed": list(missed)} | payload
    tx.record(_END_EVENTS[state], incident=run.incident, run=run.id, **said)
    _answer(tx, run, state, outcome)


def _end(
    tx: Transaction, run: Run, state: RunState, outcome: str, kind: StopKind | None, offers: Sequence[Offer]
) -> None:
    values: dict[str, Any] = {"state": state.value, "outcome": outcome, "finished_at": tx.now, "lease_until": None}
    if state is RunState.STOPPED:  # nobody asked in the database: the stop file did
        values["stop_kind"] = func.coalesce(runs.c.stop_kind, StopKind.FILE.value)
    statement = update(runs).where(runs.c.id == run.id, runs.c.state.in_(sources(RUN_TRANSITIONS, state)))
    tx.connection.execute(statement.values(**values, offers=list(offers)))
    end_live(tx, run, RequestState.STOPPED if state is RunState.STOPPED else RequestState.VOID, why=outcome)
    for part in sub_runs.parts_of(tx.connection, run):
        of_part = kind if kind is not None and kind.gives_up else StopKind.WHOLE
        request_stop(tx, part.id, run.requested_by, outcome, kind=of_part)


def _answer(tx: Transaction, part: Run, state: RunState, outcome: str) -> None:
    """Who stops a part means the whole: it is what people see while it runs."""
    whole = sub_runs.answered(tx, part, state)
    if whole is None or whole.is_over:
        return
    if whole.stop_requested is None and state is RunState.STOPPED:
        why = waking.stop_reason(tx.connection, part.id) or outcome
        request_stop(tx, whole.id, whole.requested_by, why, kind=StopKind.PART)
    elif whole.stop_requested is None:
        waking.wake(tx, whole.id, filled(ENDED[state], run=part.id))
    end_if_unheld(tx, whole.id)


def hand_over(tx: Transaction, run: Run, owner: str) -> None:
    """Put the run back so that another worker goes on with the next step."""
    fence(tx, run)
    statement = (
        update(runs)
        .where(runs.c.id == run.id)
        .values(state=RunState.QUEUED.value, owner=None, lease_until=None, queued_at=tx.now)
    )
    tx.connection.execute(statement)
    tx.record(EventKind.RUN_HANDED_OVER, incident=run.incident, run=run.id, owner=owner)


def request_stop(tx: Transaction, run_id: str, person: str, why: str, *, kind: StopKind) -> RunState:
    """One person stops, the parts of the run too; at once what nobody is running. Raises UserError when it is over."""
    run = lock_run(tx, run_id)
    if run.is_over:
        raise UserError(
            phrase("You asked to stop {run}.", run=run_id),
            filled(ENDED[run.state], run=run_id),
            phrase("See: /dr status"),
        )
    said = {"why": why, "stop": kind.value}
    tx.record(EventKind.RUN_STOP_REQUESTED, incident=run.incident, run=run.id, person=person, **said)
    values = {
        "stop_requested": why or phrase("stopped by {person}", person=person),
        "stop_kind": kind.value,
        "wakes": runs.c.wakes + 1,
    }
    tx.connection.execute(update(runs).where(runs.c.id == run_id).values(**values))
    for part in sub_runs.parts_of(tx.connection, run):
        request_stop(tx, part.id, person, why, kind=kind if kind.gives_up else StopKind.WHOLE)
    return end_if_unheld(tx, run_id)


def end_unheard(tx: Transaction) -> list[str]:
    """Stop what was to stop and waits for a worker that does not come. The ids of these runs."""
    unheard = (
        select(runs.c.id)
        .where(
            runs.c.state == RunState.QUEUED.value,
            runs.c.stop_requested.is_not(None),
            runs.c.queued_at < tx.now - timedelta(seconds=UNHEARD_SECONDS),
        )
        .order_by(runs.c.created_at.desc())
    )
    found = [str(name) for name in tx.connection.execute(unheard).scalars()]
    ended = []
    for name in found:
        with tx.part():
            ended += [name] if end_if_unheld(tx, name, unheard=True) is RunState.STOPPED else []
    return ended


def end_if_unheld(tx: Transaction, run_id: str, *, unheard: bool = False) -> RunState:
    """Ends a run that is to stop, unless a worker has it or one of its parts is not over. Where nobody knows how far
    data was moved, a worker looks and ends it; `unheard`: none came. The state it is in now.
    """
    run = lock_run(tx, run_id)
    reason = run.stop_requested
    if reason is None or run.is_over or run.state is RunState.RUNNING or sub_runs.parts_of(tx.connection, run):
        return run.state
    if not unheard and not sub_runs.left_by(tx.connection, run).is_known:
        waking.wake(tx, run_id, phrase("How far it came is looked at before it ends."))
        return get(tx.connection, run_id).state
    _stopped(tx, run, reason, run.stop_kind)
    return RunState.STOPPED


def end_for_good(tx: Transaction, run_id: str, why: str) -> None:
    """Ends a run whose target is gone, whoever the row says has it: nobody may go on with it anywhere else."""
    run = lock_run(tx, run_id)
    if run.is_over:
        return
    nobodys: dict[str, Any] = {"epoch": runs.c.epoch + 1, "owner": None}  # whoever still writes for it is fenced
    tx.connection.execute(update(runs).where(runs.c.id == run_id).values(**nobodys))
    _stopped(tx, run, run.stop_requested or why, run.stop_kind or StopKind.PERSON)


def _stopped(tx: Transaction, run: Run, reason: str, kind: StopKind | None) -> None:
    left = sub_runs.left_by(tx.connection, run)
    outcome = sentences(closed(reason), left.sentence)
    _end(tx, run, RunState.STOPPED, outcome, kind, left.offers)
    steps.stop_waiting(tx, run, reason)
    said: dict[str, Any] = {"why": reason, "safe_state": left.sentence, "offers": left.offers}
    tx.record(EventKind.RUN_STOPPED, incident=run.incident, run=run.id, **said)
    _answer(tx, run, RunState.STOPPED, outcome)
