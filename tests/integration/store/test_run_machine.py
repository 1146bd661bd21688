"""Search: whatever workers, bots and people do to a run in whatever order, it moves as the model says.

The model knows four things: the state, the epoch, how often it was woken, and whether a step is open.
"""

from collections.abc import Callable
from datetime import timedelta

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import update

from drbot.core.base.errors import FencedError, PermanentError, UserError
from drbot.core.runs.run import RUN_TRANSITIONS, Run, RunState, StepState, StopKind
from drbot.store.base import ledger, waking
from drbot.store.base.database import Database, Transaction
from drbot.store.base.schema import runs as runs_table
from drbot.store.records import leases, steps
from drbot.store.runs import runs
from tests.integration.store import store_fixture

PARKED = (RunState.WAITING, RunState.NEEDS_DECISION, RunState.BLOCKED)
ENDS = (RunState.SUCCEEDED, RunState.FAILED, RunState.STOPPED)


class RunMachine(RuleBasedStateMachine):
    """One run, any number of workers that believe they hold it."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.claims = [store_fixture.running(database)]
        self.id = self.claims[0].id
        self.state, self.epoch, self.wakes, self.step = RunState.RUNNING, 1, 0, StepState.PENDING
        self.stops = False  # somebody asked for it
        self.settled = False  # a person has decided, and no worker has acted on it yet

    def as_worker(self, pick: int, write: Callable[[Transaction, Run], object]) -> bool:
        """Write with one of the claims ever made; only the newest of a running run may get through."""
        claim = self.claims[pick % len(self.claims)]
        holds = self.state is RunState.RUNNING and claim.epoch == self.epoch
        try:
            with self.database.write() as tx:
                write(tx, claim)
        except FencedError:
            assert not holds, "a worker that holds its run was fenced"
            return False
        except PermanentError:
            assert holds
            return False
        assert holds, "a worker that lost its run could write"
        return True

    @rule()
    def claim(self) -> None:
        with self.database.write() as tx:
            run = runs.claim(tx, self.id, "worker", 60)
        assert (run is not None) is (self.state is RunState.QUEUED)
        if run is not None:
            self.epoch += 1
            self.state = RunState.RUNNING
            self.claims.append(run)

    @rule(pick=st.integers(0, 9), state=st.sampled_from(PARKED), behind=st.integers(0, 1))
    def park(self, pick: int, state: RunState, behind: int) -> None:
        seen, parked = self.wakes - behind, []
        wrote = self.as_worker(
            pick, lambda tx, run: parked.append(runs.park(tx, run, state, seen_wakes=seen, step="approval"))
        )
        if wrote:
            assert parked == [behind == 0]
            self.state = state if behind == 0 else self.state

    @rule()
    def wake(self) -> None:
        with self.database.write() as tx:
            waking.wake(tx, self.id, "a vote")
        self.wakes += 1
        self.state = RunState.QUEUED if self.state in PARKED else self.state

    @rule(pick=st.integers(0, 9))
    def hand_over(self, pick: int) -> None:
        if self.as_worker(pick, lambda tx, run: runs.hand_over(tx, run, "worker")):
            self.state = RunState.QUEUED

    @rule(pick=st.integers(0, 9), end=st.sampled_from(ENDS), sure=st.integers(0, 3))
    def finish(self, pick: int, end: RunState, sure: int) -> None:
        # Seldom, or most runs would be over after a few steps.
        if sure == 0 and self.as_worker(pick, lambda tx, run: runs.finish(tx, run, end, "the end")):
            self.state = end

    @rule(pick=st.integers(0, 9))
    def start_step(self, pick: int) -> None:
        if self.as_worker(pick, lambda tx, run: steps.start(tx, run, "copy", title="copy")):
            assert self.step is StepState.PENDING
            self.step, self.settled = StepState.RUNNING, False

    @rule(pick=st.integers(0, 9))
    def finish_step(self, pick: int) -> None:
        if self.as_worker(pick, lambda tx, run: steps.succeed(tx, run, "copy", summary="copied")):
            # An unsure step too: its check may show that it was done.
            assert self.step in {StepState.RUNNING, StepState.UNSURE}
            self.step = StepState.SUCCEEDED

    @rule(sure=st.integers(0, 3))
    def stop(self, sure: int) -> None:
        if sure:
            return
        try:
            with self.database.write() as tx:
                state = runs.request_stop(tx, self.id, "ben", "enough", kind=StopKind.PERSON)
        except UserError:
            assert self.state in ENDS
            return
        self.wakes += 1
        assert state is (RunState.RUNNING if self.state is RunState.RUNNING else RunState.STOPPED)
        self.state, self.stops = state, True

    @rule()
    def nobody_takes_it_up(self) -> None:
        with self.database.write() as tx:
            long_ago = tx.now - timedelta(seconds=runs.UNHEARD_SECONDS + 1)
            tx.connection.execute(update(runs_table).where(runs_table.c.id == self.id).values(queued_at=long_ago))
            ended = runs.end_unheard(tx)
        is_stopped = self.stops and self.state is RunState.QUEUED
        assert (self.id in ended) is is_stopped
        self.state = RunState.STOPPED if is_stopped else self.state

    @rule()
    def worker_dies(self) -> None:
        with self.database.write() as tx:
            past = tx.now - timedelta(seconds=1)
            mine = update(runs_table).where(runs_table.c.id == self.id, runs_table.c.lease_until.is_not(None))
            tx.connection.execute(mine.values(lease_until=past))
            expired = leases.expire_leases(tx)
        assert (self.id in expired) is (self.state is RunState.RUNNING)
        if self.id in expired:
            self.wakes += 1
            unsure = self.step is StepState.RUNNING
            self.step = StepState.UNSURE if unsure else self.step
            self.state = RunState.NEEDS_DECISION if unsure and not self.stops else RunState.QUEUED

    @rule(decision=st.sampled_from(["retry", "done", "undo"]))
    def settle(self, decision: str) -> None:
        try:
            with self.database.write() as tx:
                steps.settle(tx, self.id, "copy", decision, "ben")
        except UserError:
            assert self.step is not StepState.UNSURE or self.state in ENDS or self.settled
            return
        assert self.step is StepState.UNSURE and not self.settled
        self.step = StepState.PENDING if decision == "retry" else self.step
        self.settled = True
        self.wakes += 1
        self.state = RunState.QUEUED if self.state in PARKED else self.state

    @invariant()
    def the_database_agrees(self) -> None:
        with self.database.read() as connection:
            run = runs.get(connection, self.id)
            assert (run.state, run.epoch) == (self.state, self.epoch)
            assert waking.wakes(connection, self.id) == self.wakes
            assert steps.get(connection, self.id, "copy").state is self.step
        assert (run.lease_until is not None) is (self.state is RunState.RUNNING)
        assert run.is_over is (not RUN_TRANSITIONS[self.state])

    def teardown(self) -> None:
        with self.database.read() as connection:
            assert ledger.verify(connection) == []


def test_a_run_moves_as_the_model_says_whatever_happens(database: Database) -> None:
    class Machine(RunMachine):
        def __init__(self) -> None:
            super().__init__(database)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=8, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
