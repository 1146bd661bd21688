"""Approval requests and votes: the ledger that `core.approvals.approval` decides about (approvals.md).

Order of locks, always: the run's row, then the request's row, then the head of the ledger. So an approval,
a deny and a start that come in the same millisecond happen one after the other.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from drbot.core.approvals.approval import (
    FLOOR,
    HOLD_SECONDS,
    LIVE,
    REQUEST_TRANSITIONS,
    ApprovalRequest,
    Ballot,
    Decision,
    RequestState,
    Vote,
    decide,
    held_long_enough,
    standing,
    start_deadline,
)
from drbot.core.approvals.state_words import REQUEST
from drbot.core.base.errors import PermanentError, UserError
from drbot.core.ledger.events import EventKind
from drbot.core.ledger.policy import stored
from drbot.core.runs.run import Run
from drbot.core.site.people import Roster
from drbot.core.text.messages import phrase
from drbot.store.base.database import Transaction
from drbot.store.base.reading import every, first, left_out_where_unreadable, readable
from drbot.store.base.rows import fence, lock_run, request_of, sources, vote_of
from drbot.store.base.schema import events, requests
from drbot.store.base.schema import votes as votes_table
from drbot.store.base.waking import wake
from drbot.store.records.as_sealed import reads_as_sealed

_END_EVENTS: Mapping[RequestState, EventKind] = {
    RequestState.DENIED: EventKind.REQUEST_DENIED,
    RequestState.WITHDRAWN: EventKind.REQUEST_WITHDRAWN,
    RequestState.EXPIRED: EventKind.REQUEST_EXPIRED,
    RequestState.VOID: EventKind.REQUEST_VOID,
    RequestState.STOPPED: EventKind.REQUEST_STOPPED,
}
_LIVE = [state.value for state in LIVE]


def open(  # noqa: A001 - the word people use; the module is always named at the call
    tx: Transaction,
    run: Run,
    *,
    gate: str,
    guards: Iterable[str],
    seal: str,
    question: str,
    target: str,
    people: int,
    requesters: Iterable[str],
    requester_counts: bool,
    vote_seconds: float,
    start_seconds: float,
) -> ApprovalRequest:
    """A fresh request; one that is still live for the same gate becomes void, because votes do not travel."""
    fence(tx, run)
    before = latest(tx.connection, run.id, gate)
    if before is not None and before.state in LIVE:
        _end(tx, before, RequestState.VOID, person=None, why=phrase("A newer request replaces it."))
    counted = select(func.count()).select_from(requests).where(requests.c.run == run.id)
    number = tx.connection.execute(counted).scalar_one() + 1
    request = ApprovalRequest(
        id=f"{run.id}-q{number}",
        incident=run.incident,
        run=run.id,
        gate=gate,
        guards=tuple(guards),
        seal=seal,
        question=question,
        target=target,
        people=people,
        requesters=tuple(requesters),
        requester_counts=requester_counts,
        state=RequestState.OPEN,
        opened_at=tx.now,
        expires_at=tx.now + timedelta(seconds=vote_seconds),
        start_seconds=start_seconds,
    )
    values = {name: getattr(request, name) for name in request.__dataclass_fields__}
    tx.connection.execute(insert(requests).values(**(values | {"number": number, "state": "open"})))
    _event(
        tx,
        request,
        EventKind.REQUEST_OPENED,
        seal=seal,
        gate=gate,
        target=target,
        people=people,
        requesters=request.requesters,
        expires_at=request.expires_at,
    )
    return request


def get(connection: Connection, request_id: str) -> ApprovalRequest:
    """The request. Raises UserError if there is none."""
    found = first(connection.execute(select(requests).where(requests.c.id == request_id)), requests, request_of)
    if found is None:
        raise UserError(
            phrase("You asked for the request {request}.", request=request_id),
            phrase("There is no such request."),
            phrase("See: /dr status"),
        )
    return found


def of_run(connection: Connection, run_id: str) -> list[ApprovalRequest]:
    """All requests of a run, oldest first."""
    query = select(requests).where(requests.c.run == run_id).order_by(requests.c.number)
    return every(connection.execute(query), requests, request_of)


def latest(connection: Connection, run_id: str, gate: str) -> ApprovalRequest | None:
    of_gate = [request for request in of_run(connection, run_id) if request.gate == gate]
    return of_gate[-1] if of_gate else None


def votes(connection: Connection, request_id: str) -> list[Vote]:
    """The votes that were counted, oldest first."""
    query = select(votes_table).where(votes_table.c.request == request_id).order_by(votes_table.c.id)
    return every(connection.execute(query), votes_table, vote_of)


def overdue(connection: Connection, now: datetime) -> list[ApprovalRequest]:
    """Requests whose time to vote, or whose time to start, is over."""
    late = or_(
        and_(requests.c.state == RequestState.OPEN.value, requests.c.expires_at <= now),
        and_(requests.c.state == RequestState.GRANTED.value, requests.c.start_by <= now),
    )
    return list(readable(connection.execute(select(requests).where(late)), requests, request_of))


def cast(tx: Transaction, request_id: str, ballot: Ballot, roster: Roster) -> Decision:
    """One way for every vote. Refusals are recorded like votes."""
    request = _locked(tx, request_id)
    # The later of the two clocks: a slow clock at the entry point must not lengthen the time to vote.
    ballot = replace(ballot, at=max(ballot.at, tx.now))
    earlier = votes(tx.connection, request_id)
    as_sealed = reads_as_sealed(tx.connection, request, roster.worker_key)
    decision = decide(request, earlier, ballot, roster, as_sealed=as_sealed)
    if not decision.counted or ballot.person is None:
        _event(
            tx,
            request,
            EventKind.VOTE_REFUSED,
            person=ballot.person,
            decision=ballot.decision,
            code=decision.code,
            why=decision.message,
            entry_point=ballot.entry_point.value,
        )
        return decision
    vote = Vote(
        person=ballot.person,
        decision=ballot.decision,
        reason=ballot.reason.strip(),
        seal=ballot.seal,
        at=ballot.at,
        entry_point=ballot.entry_point,
        attestation=ballot.attestation,
        terminal=ballot.terminal,
    )
    if ballot.decision == "break-glass":
        _hold(tx, request, vote, ballot.rule.strip())
        return decision
    told = {name: value for name in ("typed_by", "terminal") if (value := getattr(ballot, name))}
    told |= {"account": ballot.account.id} if ballot.account is not None else {}
    _count(tx, request, vote, have=len(standing(request, [*earlier, vote], roster)), **told)
    if decision.state is RequestState.GRANTED:
        _grant(tx, request)
    elif decision.state is not None:
        _end(tx, request, decision.state, person=vote.person, why=vote.reason)
    if decision.state is not None:
        wake(tx, request.run, phrase("The request is {state}.", state=REQUEST[decision.state]))
    return decision


def _hold(tx: Transaction, request: ApprovalRequest, vote: Vote, rule: str) -> None:
    """Break-glass: recorded and told loudly; the grant comes when the hold is over and nobody said no."""
    _insert(tx, request, vote)
    until = vote.at + timedelta(seconds=HOLD_SECONDS)
    # The time to vote must not end before the hold does.
    expires = max(request.expires_at, until + timedelta(seconds=request.start_seconds))
    statement = update(requests).where(requests.c.id == request.id)
    tx.connection.execute(statement.values(hold_until=until, expires_at=expires))
    _event(
        tx,
        request,
        EventKind.REQUEST_HELD,
        person=vote.person,
        rule=rule,
        reason=vote.reason,
        starts_at=until,
        entry_point=vote.entry_point.value,
    )


def end_holds(tx: Transaction, roster: Roster, has_waited: Callable[[ApprovalRequest], bool]) -> None:
    """Grant what break-glass asked for and nobody vetoed in ten minutes, if the worker `has_waited` for so long."""
    query = select(requests.c.id).where(requests.c.state == RequestState.OPEN.value, requests.c.hold_until <= tx.now)
    for request in left_out_where_unreadable(tx.connection.execute(query).scalars().all(), partial(_locked, tx)):
        with tx.part():
            is_due = request.state is RequestState.OPEN and has_waited(request)
            if is_due and held_long_enough(request, votes(tx.connection, request.id), roster, tx.now):
                _grant(tx, request)
                wake(tx, request.run, phrase("The ten-minute wait of break-glass is over."))


def _insert(tx: Transaction, request: ApprovalRequest, vote: Vote) -> None:
    values = {name: getattr(vote, name) for name in vote.__dataclass_fields__}
    kept = {"request": request.id, "entry_point": vote.entry_point.value, "attestation": stored(vote.attestation)}
    tx.connection.execute(insert(votes_table).values(**(values | kept)))


def _count(tx: Transaction, request: ApprovalRequest, vote: Vote, *, have: int, **told: str) -> None:
    _insert(tx, request, vote)
    _event(
        tx,
        request,
        EventKind.VOTE_COUNTED,
        person=vote.person,
        decision=vote.decision,
        reason=vote.reason,
        entry_point=vote.entry_point.value,
        proof=vote.attestation.proof.value if vote.attestation else None,
        have=have,
        need=max(FLOOR, request.people),
        **told,
    )


def _grant(tx: Transaction, request: ApprovalRequest) -> None:
    start_by = start_deadline(replace(request, granted_at=tx.now))
    _move(tx, request, RequestState.GRANTED, granted_at=tx.now, start_by=start_by)
    _event(tx, request, EventKind.REQUEST_GRANTED, start_by=start_by)


def prove(tx: Transaction, request_id: str, signature: str | None = None) -> ApprovalRequest:
    """All proof steps have succeeded: the start clock may begin. Once only, and only while it is live. `signature`: of
    the worker that saw them.
    """
    request = _locked(tx, request_id)
    if request.state not in LIVE or request.proven_at is not None:
        return request
    start_by = start_deadline(replace(request, proven_at=tx.now))
    statement = update(requests).where(requests.c.id == request_id)
    tx.connection.execute(statement.values(proven_at=tx.now, start_by=start_by, proof_signature=signature))
    _event(tx, request, EventKind.REQUEST_PROVEN, start_by=start_by)
    return get(tx.connection, request_id)


def use(tx: Transaction, run: Run, request_id: str, step_id: str) -> None:
    """Consume the permit in the transaction that starts the destroy step.

    Raises PermanentError if it is not granted, not proven, too late, for another run or for another step.
    """
    fence(tx, run)
    request = get(tx.connection, request_id)
    used_by = f"{run.id}/{step_id}/{run.epoch}"
    statement = (
        update(requests)
        .where(
            requests.c.id == request_id,
            requests.c.run == run.id,
            requests.c.state.in_(sources(REQUEST_TRANSITIONS, RequestState.USED)),
            requests.c.proven_at.is_not(None),
            requests.c.start_by > tx.now,
        )
        .values(state=RequestState.USED.value, used_by=used_by)
    )
    if step_id not in request.guards or tx.connection.execute(statement).rowcount == 0:
        raise PermanentError(
            phrase(
                "The approval {request} does not let {step} start now: {state}.",
                request=request_id,
                step=step_id,
                state=REQUEST[request.state],
            )
        )
    _event(tx, request, EventKind.REQUEST_USED, step=step_id, epoch=run.epoch)


def close(tx: Transaction, request_id: str, state: RequestState, *, why: str = "") -> bool:
    """End a live request and wake its run. False: it had ended already, and nothing was changed."""
    request = _locked(tx, request_id)
    if request.state not in LIVE:
        return False
    # The grant may have come between `overdue` and here; then only the time to start counts.
    may_still_start = request.start_by is None or request.start_by > tx.now
    if state is RequestState.EXPIRED and request.state is RequestState.GRANTED and may_still_start:
        return False
    _end(tx, request, state, person=None, why=why)
    wake(tx, request.run, phrase("The request is {state}.", state=REQUEST[state]))
    return True


def live(connection: Connection) -> list[str]:
    """The ids of those that are being asked, or wait for their start."""
    return list(connection.execute(select(requests.c.id).where(requests.c.state.in_(_LIVE))).scalars())


def accounts_of(connection: Connection, request: ApprovalRequest) -> dict[str, str]:
    """Person → the account of Slack that the vote was cast with, as the ledger has it."""
    query = select(events.c.person, events.c.payload).where(
        events.c.incident == request.incident, events.c.kind == EventKind.VOTE_COUNTED.value
    )
    told = every(connection.execute(query), events, lambda row: (row["person"], dict(row["payload"])))
    return {person: one["account"] for person, one in told if one.get("request") == request.id and "account" in one}


def void_all(tx: Transaction, *, why: str) -> None:
    for request_id in live(tx.connection):
        close(tx, request_id, RequestState.VOID, why=why)


def end_live(tx: Transaction, run: Run, state: RequestState, *, why: str) -> None:
    query = select(requests).where(requests.c.run == run.id, requests.c.state.in_(_LIVE)).with_for_update()
    for request in every(tx.connection.execute(query), requests, request_of):
        _end(tx, request, state, person=None, why=why)


def _locked(tx: Transaction, request_id: str) -> ApprovalRequest:
    lock_run(tx, get(tx.connection, request_id).run)
    query = select(requests).where(requests.c.id == request_id).with_for_update()
    return every(tx.connection.execute(query), requests, request_of)[0]


def _end(tx: Transaction, request: ApprovalRequest, state: RequestState, *, person: str | None, why: str) -> None:
    _move(tx, request, state)
    which = {"which": "start" if request.state is RequestState.GRANTED else "vote"}
    extra = which if state is RequestState.EXPIRED else {}
    _event(tx, request, _END_EVENTS[state], person=person, why=why, reason=why, **extra)


def _move(tx: Transaction, request: ApprovalRequest, target: RequestState, **values: Any) -> None:
    statement = (
        update(requests)
        .where(requests.c.id == request.id, requests.c.state.in_(sources(REQUEST_TRANSITIONS, target)))
        .values(state=target.value, **values)
    )
    if tx.connection.execute(statement).rowcount == 0:
        raise PermanentError(
            phrase(
                "The request {request} is {state} and cannot become {target}.",
                request=request.id,
                state=REQUEST[request.state],
                target=REQUEST[target],
            )
        )


def _event(
    tx: Transaction,
    request: ApprovalRequest,
    kind: EventKind,
    *,
    person: str | None = None,
    step: str | None = None,
    **payload: Any,
) -> None:
    tx.record(
        kind,
        incident=request.incident,
        run=request.run,
        step=step or request.gate,
        person=person,
        request=request.id,
        **payload,
    )
