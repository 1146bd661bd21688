"""The ledger of approvals: one order of events, one vote each, one permit for one start."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from drbot.core.approvals.approval import LIVE, ApprovalRequest, RequestState
from drbot.core.base.errors import PermanentError, UserError
from drbot.core.runs.run import Run, RunState
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.records import denials, requests, steps
from drbot.store.runs import runs
from tests.integration.store import store_fixture


def state_of(database: Database, request_id: str) -> RequestState:
    with database.read() as connection:
        return requests.get(connection, request_id).state


def test_two_others_grant_and_the_requester_does_not_count(database: Database) -> None:
    run = store_fixture.running(database)
    request = store_fixture.opened(database, run)
    with database.write() as tx:
        runs.park(tx, run, RunState.WAITING, seen_wakes=0, step="approval")

    codes = [store_fixture.vote(database, request, person).code for person in ("aiko", "ben", "ben", "nobody", "chika")]

    assert codes == ["requester", "approved", "twice", "unknown_person", "granted"]
    with database.read() as connection:
        assert [vote.person for vote in requests.votes(connection, request.id)] == ["ben", "chika"]
        assert runs.get(connection, run.id).state is RunState.QUEUED
        refused = [event for event in ledger.after(connection, 0) if event.kind.value == "vote.refused"]
    assert [event.payload["code"] for event in refused] == ["requester", "twice", "unknown_person"]
    assert state_of(database, request.id) is RequestState.GRANTED


def test_the_same_vote_delivered_four_times_at_once_counts_once(database: Database) -> None:
    request = store_fixture.opened(database, store_fixture.running(database))

    codes = store_fixture.at_once(*[lambda: store_fixture.vote(database, request, "ben").code] * 4)

    assert sorted(codes) == ["approved", "twice", "twice", "twice"]
    with database.read() as connection:
        assert len(requests.votes(connection, request.id)) == 1


def test_deny_and_the_second_approval_at_once_end_denied_in_either_order(database: Database) -> None:
    for _ in range(4):
        run = store_fixture.running(database)
        request = store_fixture.opened(database, run)
        store_fixture.vote(database, request, "ben")

        approval, denial = store_fixture.at_once(
            partial(store_fixture.vote, database, request, "chika"),
            partial(store_fixture.vote, database, request, "daiki", "deny"),
        )

        assert denial.code == "denied"
        assert approval.code in {"granted", "not_live"}
        assert state_of(database, request.id) is RequestState.DENIED
        with database.read() as connection:
            mine = [event for event in ledger.of_incident(connection, run.incident) if "request" in event.payload]
            assert mine[-1].kind.value == ("request.denied" if approval.counted else "vote.refused")
            assert denials.denied(connection, run.incident) == {request.question: {"daiki"}}


def test_a_deny_and_the_start_at_once_never_both_win(database: Database) -> None:
    for _ in range(4):
        run = store_fixture.running(database)
        request = store_fixture.granted(database, run)

        def start(run: Run = run, request_id: str = request.id) -> bool:
            try:
                with database.write() as tx:
                    requests.use(tx, run, request_id, "swap")
                    steps.start(tx, run, "swap", title="swap")
            except PermanentError:
                return False
            return True

        def deny(request: ApprovalRequest = request) -> bool:
            return store_fixture.vote(database, request, "daiki", "deny").counted

        started, denied = store_fixture.at_once(start, deny)

        assert started is not denied
        assert state_of(database, request.id) is (RequestState.USED if started else RequestState.DENIED)
        with database.read() as connection:
            assert steps.get(connection, run.id, "swap").state.value == ("running" if started else "pending")


def test_a_permit_starts_one_step_once(database: Database) -> None:
    run = store_fixture.running(database)
    request = store_fixture.granted(database, run)
    with pytest.raises(PermanentError), database.write() as tx:
        requests.use(tx, run, request.id, "copy")

    with database.write() as tx:
        requests.use(tx, run, request.id, "swap")

    with pytest.raises(PermanentError, match="approved and begun"), database.write() as tx:
        requests.use(tx, run, request.id, "swap")
    with database.read() as connection:
        assert requests.get(connection, request.id).used_by == f"{run.id}/swap/{run.epoch}"


def test_a_permit_whose_time_to_start_is_over_starts_nothing(database: Database) -> None:
    run = store_fixture.running(database)
    request = store_fixture.granted(database, run, start_seconds=-3600)

    with pytest.raises(PermanentError), database.write() as tx:
        requests.use(tx, run, request.id, "swap")

    with database.read() as connection:
        assert [item.id for item in requests.overdue(connection, request.opened_at)] == [request.id]


def test_a_permit_is_for_the_run_that_asked(database: Database) -> None:
    request = store_fixture.granted(database, store_fixture.running(database))
    other = store_fixture.running(database)

    with pytest.raises(PermanentError), database.write() as tx:
        requests.use(tx, other, request.id, "swap")


def test_a_permit_without_proof_starts_nothing_and_its_clock_begins_with_the_proof(database: Database) -> None:
    run = store_fixture.running(database)
    request = store_fixture.opened(database, run)
    store_fixture.vote(database, request, "ben")
    store_fixture.vote(database, request, "chika")
    with pytest.raises(PermanentError), database.write() as tx:
        requests.use(tx, run, request.id, "swap")

    with database.write() as tx:
        proven = requests.prove(tx, request.id)
        again = requests.prove(tx, request.id)

    assert proven.proven_at is not None
    assert proven.start_by == proven.proven_at + timedelta(seconds=600)
    assert again == proven
    assert store_fixture.kinds(database).count("request.proven") == 1


def test_what_ran_out_is_overdue_and_expires_once(database: Database) -> None:
    run = store_fixture.running(database)
    late = store_fixture.opened(database, run, vote_seconds=-1)
    assert store_fixture.vote(database, late, "ben").code == "expired"
    assert store_fixture.vote(database, late, "ben", slow_seconds=3600).code == "expired", "a slow clock gave more time"
    with database.read() as connection:
        assert [request.id for request in requests.overdue(connection, late.opened_at)] == [late.id]

    with database.write() as tx:
        assert requests.close(tx, late.id, RequestState.EXPIRED)
        assert not requests.close(tx, late.id, RequestState.EXPIRED)
        assert requests.overdue(tx.connection, tx.now) == []

    assert store_fixture.kinds(database).count("request.expired") == 1


def test_a_fresh_grant_does_not_expire_with_its_time_to_vote(database: Database) -> None:
    request = store_fixture.granted(database, store_fixture.running(database))

    with database.write() as tx:
        assert not requests.close(tx, request.id, RequestState.EXPIRED)
        later = tx.now + timedelta(seconds=601)
        assert [item.id for item in requests.overdue(tx.connection, later)] == [request.id]

    assert state_of(database, request.id) is RequestState.GRANTED


@pytest.mark.parametrize("final", [state for state in RequestState if state not in LIVE | {RequestState.USED}])
def test_a_request_that_ended_stays_ended(database: Database, final: RequestState) -> None:
    run = store_fixture.running(database)
    request = store_fixture.opened(database, run)
    store_fixture.vote(database, request, "ben")
    with database.write() as tx:
        assert requests.close(tx, request.id, final, why="because")

    tries: tuple[Callable[[], object], ...] = (
        lambda: store_fixture.vote(database, request, "chika").code == "not_live",
        lambda: store_fixture.vote(database, request, "daiki", "deny").code == "not_live",
    )

    assert all(attempt() for attempt in tries)
    with database.write() as tx:
        assert not requests.close(tx, request.id, RequestState.VOID)
    with pytest.raises(PermanentError), database.write() as tx:
        requests.use(tx, run, request.id, "swap")
    assert state_of(database, request.id) is final


def test_a_newer_request_of_the_gate_makes_the_older_one_void(database: Database) -> None:
    run = store_fixture.running(database)
    first = store_fixture.opened(database, run)
    store_fixture.vote(database, first, "ben")

    second = store_fixture.opened(database, run)

    assert (first.id, second.id) == (f"{run.id}-q1", f"{run.id}-q2")
    assert state_of(database, first.id) is RequestState.VOID
    with database.read() as connection:
        assert requests.votes(connection, second.id) == []
        assert requests.latest(connection, run.id, "approval") == second
        assert requests.of_run(connection, run.id)[1] == second


def test_a_request_that_does_not_exist_is_said_so(database: Database) -> None:
    with pytest.raises(UserError, match="no such request"), database.read() as connection:
        requests.get(connection, "r1-q9")
