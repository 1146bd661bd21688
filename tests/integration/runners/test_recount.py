"""Each reason for which the worker gives no permit, by itself: everything else about the request is in order."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import update

from drbot.core.base.errors import PermanentError, UntrustedError
from drbot.core.base.signing import KeyPair
from drbot.core.runs.plan import Plan, seal_of
from drbot.core.runs.run import Run, StepState
from drbot.runners.execution.issuing import NoPermitError, issue, issue_for_undo, own_work
from drbot.runners.execution.run_context import RunContext, idle_run_context
from drbot.runners.execution.sealed_plans import own_run_of, require_own, signature_of
from drbot.runners.execution.starting import start
from drbot.runners.foundation.own_record import OwnRun, OwnStep
from drbot.runners.foundation.permit import Permit, volume
from drbot.runners.own_state.adopting import adopt_open_runs
from drbot.store.base import schema
from drbot.store.records import requests
from drbot.store.runs import runs
from tests.integration.runners.test_permits import asked, changed, without_chika
from tests.integration.runners.worker_fixture import WorkerFixture

Change = Callable[[OwnRun], OwnRun]


@dataclass(kw_only=True)
class Claimed:
    """A level-2 run that two people have approved, taken up by a worker that has started nothing of it since."""

    worker_fixture: WorkerFixture
    run_context: RunContext

    def permit(self, step: str) -> Permit:
        """What the worker asks for right before this step."""
        with self.worker_fixture.database.write() as tx:
            return issue(tx, self.run_context, self.run_context.plan.step(step))

    def remember(self, how: Change) -> None:
        """What the worker's own host knows of it becomes something else."""
        self.worker_fixture.worker_context.own.change(self.run_context.run.id, how)

    def planned_anew(self, plan: Plan) -> None:
        """As if the worker itself had sealed this plan, and people had agreed to it."""
        known = self.worker_fixture.worker_context.own.run(self.run_context.run.id)
        assert known is not None
        seal = seal_of(plan)
        asked = {name: one.model_copy(update={"seal": seal}) for name, one in known.requests.items()}
        self.worker_fixture.worker_context.own.adopt(
            self.run_context.run.id, known.model_copy(update={"seal": seal, "requests": asked})
        )
        signed = signature_of(self.worker_fixture.worker_context.key, plan)
        run = replace(self.run_context.run, plan=plan, plan_signature=signed)
        self.run_context = replace(self.run_context, run=run, plan=plan)


@pytest.fixture
def claimed(worker_fixture: WorkerFixture) -> Claimed:
    run = asked(worker_fixture)
    worker_fixture.approve(run)
    return Claimed(worker_fixture=worker_fixture, run_context=run_context_of(worker_fixture, run))


def run_context_of(worker_fixture: WorkerFixture, run: Run) -> RunContext:
    with worker_fixture.database.write() as tx:
        taken = runs.claim(tx, run.id, "worker", 60.0)
    assert taken is not None and taken.plan is not None
    return idle_run_context(worker_fixture.worker_context, taken, taken.plan)


def test_with_everything_in_order_there_is_a_permit_for_exactly_that(claimed: Claimed) -> None:
    assert claimed.permit("stop-apps").step == "stop-apps"
    permit = claimed.permit("swap")

    permit.require(volume("postgres_data"))
    with pytest.raises(PermanentError):
        permit.require(volume("redis_data"))


def test_an_approval_is_used_once_whatever_its_row_says(claimed: Claimed) -> None:
    used = claimed.permit("swap")
    with claimed.worker_fixture.database.write() as tx:
        again = update(schema.requests).where(schema.requests.c.id == used.request)
        assert tx.connection.execute(again.values(state="granted", used_by=None)).rowcount == 1

    with pytest.raises(NoPermitError, match="was used before"):
        claimed.permit("swap")


def test_what_the_host_remembers_outlives_an_older_copy_of_the_state(claimed: Claimed) -> None:
    used = claimed.permit("swap")
    claimed.worker_fixture.worker_context.own.let_users_in(claimed.run_context.run.id)
    with claimed.worker_fixture.database.write() as tx:
        again = update(schema.requests).where(schema.requests.c.id == used.request)
        tx.connection.execute(again.values(state="granted", used_by=None))

        adopt_open_runs(tx, claimed.worker_fixture.worker_context.home)

    with pytest.raises(NoPermitError, match="was used before"):
        claimed.permit("swap")
    known = claimed.worker_fixture.worker_context.own.run(claimed.run_context.run.id)
    assert known is not None
    assert known.lets_users_in


@pytest.mark.parametrize("step", ["stop-apps", "stop-postgres", "swap"])
def test_who_lost_the_vote_stops_each_step_behind_the_gate(claimed: Claimed, step: str) -> None:
    roster = without_chika(claimed.worker_fixture.worker_context.roster, "removed")
    claimed.run_context = replace(
        claimed.run_context, worker_context=replace(claimed.worker_fixture.worker_context, roster=roster)
    )

    with pytest.raises(NoPermitError, match="Fewer than 2"):
        claimed.permit(step)


@pytest.mark.parametrize("step", ["stop-apps", "swap"])
def test_under_another_roster_nothing_that_was_agreed_to_before_starts(claimed: Claimed, step: str) -> None:
    roster = replace(claimed.worker_fixture.worker_context.roster, number=7)
    claimed.run_context = replace(
        claimed.run_context, worker_context=replace(claimed.worker_fixture.worker_context, roster=roster)
    )

    with pytest.raises(NoPermitError, match="Another roster"):
        claimed.permit(step)


def test_a_proof_that_only_the_row_knows_is_none(claimed: Claimed) -> None:
    failed = OwnStep(state=StepState.FAILED, ended_at=claimed.worker_fixture.worker_context.own.now())
    claimed.remember(lambda run: run.with_step("restore-beside", failed))

    with pytest.raises(NoPermitError, match="has not seen the proof"):
        claimed.permit("swap")


def test_a_request_for_another_gate_or_of_nobody_is_none(claimed: Claimed) -> None:
    name = requests_of(claimed)
    mine = (claimed.worker_fixture.worker_context.own.run(claimed.run_context.run.id) or OwnRun(seal="")).requests[name]

    claimed.remember(lambda run: run.with_request(name, mine.model_copy(update={"gate": "another"})))
    with pytest.raises(NoPermitError, match="not one that this worker opened"):
        claimed.permit("swap")


def requests_of(claimed: Claimed) -> str:
    with claimed.worker_fixture.database.read() as connection:
        (request,) = requests.of_run(connection, claimed.run_context.run.id)
    return request.id


def test_users_who_work_again_are_not_interrupted(claimed: Claimed) -> None:
    claimed.remember(lambda run: run.model_copy(update={"lets_users_in": True}))

    with pytest.raises(NoPermitError, match="Users are working with the system again,"):
        claimed.permit("stop-apps")


def test_nothing_that_users_work_with_is_the_runs_own_any_more(claimed: Claimed) -> None:
    assert own_work(claimed.run_context) is not None
    claimed.remember(lambda run: run.model_copy(update={"lets_users_in": True}))

    assert own_work(claimed.run_context) is None


@pytest.mark.parametrize(("step", "why"), [("stop-apps", "No gate stands before"), ("swap", "No gate")])
def test_a_step_that_no_gate_stands_before_gets_none(claimed: Claimed, step: str, why: str) -> None:
    claimed.planned_anew(changed(claimed.run_context.plan, step, after=()))

    with pytest.raises(NoPermitError, match=why):
        claimed.permit(step)


def test_a_run_that_ended_on_this_host_is_not_begun_again(claimed: Claimed) -> None:
    require_own(claimed.worker_fixture.worker_context, claimed.run_context.run)
    claimed.remember(lambda run: run.model_copy(update={"ended": True}))

    with pytest.raises(UntrustedError, match="has ended on this host"):
        require_own(claimed.worker_fixture.worker_context, claimed.run_context.run)
    with pytest.raises(NoPermitError, match="has ended on this host"):
        claimed.permit("swap")


@pytest.mark.parametrize("edit", [{"site": "staging"}, {"arguments": {"service": "auth"}}, {"id": "r9"}])
def test_a_row_that_is_about_something_else_than_its_plan_is_not_believed(
    claimed: Claimed, edit: dict[str, Any]
) -> None:
    row = replace(claimed.run_context.run, **edit)
    if "id" in edit:
        known = own_run_of(claimed.worker_fixture.worker_context, claimed.run_context.run)
        claimed.worker_fixture.worker_context.own.adopt("r9", known)

    with pytest.raises(UntrustedError, match="is not the one that was planned"):
        own_run_of(claimed.worker_fixture.worker_context, row)


def test_votes_are_verified_with_this_workers_own_key_whatever_the_roster_says(claimed: Claimed) -> None:
    worker_context = claimed.worker_fixture.worker_context
    stranger = replace(worker_context, roster=replace(worker_context.roster, worker_key=KeyPair.new().public))

    with claimed.worker_fixture.database.read() as connection:
        assert stranger.roster_now(connection).worker_key == worker_context.key.public


def test_from_the_start_of_apps_or_fronts_on_people_may_have_written(claimed: Claimed) -> None:
    claimed.worker_fixture.target.running.clear()
    with ExitStack() as place:
        assert start(claimed.run_context, claimed.run_context.plan.step("start-postgres"), place).record
    assert not own_run_of(claimed.worker_fixture.worker_context, claimed.run_context.run).lets_users_in

    with ExitStack() as place:
        assert start(claimed.run_context, claimed.run_context.plan.step("start-apps"), place).record
    assert own_run_of(claimed.worker_fixture.worker_context, claimed.run_context.run).lets_users_in


def taken_back_after(claimed: Claimed, gate: str) -> tuple[str, Permit | None]:
    """The swap's undo, where its request was used for this gate: that request, and what its undo is permitted by."""
    used = claimed.permit("swap").request
    claimed.worker_fixture.target.running.clear()
    claimed.remember(lambda known: known.with_request(used, known.requests[used].model_copy(update={"gate": gate})))
    return used, issue_for_undo(claimed.run_context, claimed.run_context.plan.step("swap"))


def test_a_step_is_taken_back_under_the_request_of_its_own_gate(claimed: Claimed) -> None:
    used, permit = taken_back_after(claimed, "approval")

    assert permit is not None
    assert permit.request == used


def test_and_under_the_request_of_no_other_gate(claimed: Claimed) -> None:
    with pytest.raises(NoPermitError, match="No approval covers taking back"):
        taken_back_after(claimed, "another gate")


def test_a_plan_without_a_gate_leaves_no_service_stopped(claimed: Claimed) -> None:
    """As through a hole of the linter: it destroys nothing, and nobody was asked."""
    stop = claimed.run_context.plan.step("stop-apps").model_copy(update={"after": ()})
    claimed.planned_anew(claimed.run_context.plan.model_copy(update={"steps": (stop,)}))

    with pytest.raises(NoPermitError, match="No gate stands before"):
        claimed.permit("stop-apps")
