"""Each reason for which the worker gives no permit, by itself: everything else about the request is in order."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import update

from drbot.core.errors import PermanentError, UntrustedError
from drbot.core.plan import Plan, seal_of
from drbot.core.run import Run, StepState
from drbot.core.signing import KeyPair
from drbot.runners.adopting import adopt_open_runs
from drbot.runners.issuing import NoPermitError, issue, own_work
from drbot.runners.own_record import OwnRun, OwnStep
from drbot.runners.permit import Permit, volume
from drbot.runners.sealed_plans import own_run_of, require_own, signature_of
from drbot.runners.starting import start
from drbot.runners.walk import Walk, idle_walk
from drbot.store import requests, runs, schema
from tests.integration.runners.bench import Bench
from tests.integration.runners.test_permits import asked, changed, without_chika

Change = Callable[[OwnRun], OwnRun]


@dataclass(kw_only=True)
class Claimed:
    """A level-2 run that two people have approved, taken up by a worker that has started nothing of it since."""

    bench: Bench
    walk: Walk

    def permit(self, step: str) -> Permit:
        """What the worker asks for right before this step."""
        with self.bench.database.write() as tx:
            return issue(tx, self.walk, self.walk.plan.step(step))

    def remember(self, how: Change) -> None:
        """What the worker's own host knows of it becomes something else."""
        self.bench.equipment.own.change(self.walk.run.id, how)

    def planned_anew(self, plan: Plan) -> None:
        """As if the worker itself had sealed this plan, and people had agreed to it."""
        known = self.bench.equipment.own.run(self.walk.run.id)
        assert known is not None
        seal = seal_of(plan)
        asked = {name: one.model_copy(update={"seal": seal}) for name, one in known.requests.items()}
        self.bench.equipment.own.adopt(self.walk.run.id, known.model_copy(update={"seal": seal, "requests": asked}))
        signed = signature_of(self.bench.equipment.key, plan)
        run = replace(self.walk.run, plan=plan, plan_signature=signed)
        self.walk = replace(self.walk, run=run, plan=plan)


@pytest.fixture
def claimed(bench: Bench) -> Claimed:
    run = asked(bench)
    bench.approve(run)
    return Claimed(bench=bench, walk=walk_of(bench, run))


def walk_of(bench: Bench, run: Run) -> Walk:
    with bench.database.write() as tx:
        taken = runs.claim(tx, run.id, "worker", 60.0)
    assert taken is not None and taken.plan is not None
    return idle_walk(bench.equipment, taken, taken.plan)


def test_with_everything_in_order_there_is_a_permit_for_exactly_that(claimed: Claimed) -> None:
    assert claimed.permit("stop-apps").step == "stop-apps"
    permit = claimed.permit("swap")

    permit.require(volume("postgres_data"))
    with pytest.raises(PermanentError):
        permit.require(volume("redis_data"))


def test_an_approval_is_used_once_whatever_its_row_says(claimed: Claimed) -> None:
    used = claimed.permit("swap")
    with claimed.bench.database.write() as tx:
        again = update(schema.requests).where(schema.requests.c.id == used.request)
        assert tx.connection.execute(again.values(state="granted", used_by=None)).rowcount == 1

    with pytest.raises(NoPermitError, match="was used before"):
        claimed.permit("swap")


def test_what_the_host_remembers_outlives_an_older_copy_of_the_state(claimed: Claimed) -> None:
    used = claimed.permit("swap")
    claimed.bench.equipment.own.let_users_in(claimed.walk.run.id)
    with claimed.bench.database.write() as tx:
        again = update(schema.requests).where(schema.requests.c.id == used.request)
        tx.connection.execute(again.values(state="granted", used_by=None))

        adopt_open_runs(tx, claimed.bench.equipment.home)

    with pytest.raises(NoPermitError, match="was used before"):
        claimed.permit("swap")
    known = claimed.bench.equipment.own.run(claimed.walk.run.id)
    assert known is not None
    assert known.lets_users_in


@pytest.mark.parametrize("step", ["stop-apps", "stop-postgres", "swap"])
def test_who_lost_the_vote_stops_each_step_behind_the_gate(claimed: Claimed, step: str) -> None:
    roster = without_chika(claimed.bench.equipment.roster, "removed")
    claimed.walk = replace(claimed.walk, equipment=replace(claimed.bench.equipment, roster=roster))

    with pytest.raises(NoPermitError, match="Fewer than 2"):
        claimed.permit(step)


@pytest.mark.parametrize("step", ["stop-apps", "swap"])
def test_under_another_roster_nothing_that_was_agreed_to_before_starts(claimed: Claimed, step: str) -> None:
    roster = replace(claimed.bench.equipment.roster, number=7)
    claimed.walk = replace(claimed.walk, equipment=replace(claimed.bench.equipment, roster=roster))

    with pytest.raises(NoPermitError, match="Another roster"):
        claimed.permit(step)


def test_a_proof_that_only_the_row_knows_is_none(claimed: Claimed) -> None:
    failed = OwnStep(state=StepState.FAILED, ended_at=claimed.bench.equipment.own.now())
    claimed.remember(lambda run: run.with_step("restore-beside", failed))

    with pytest.raises(NoPermitError, match="has not seen the proof"):
        claimed.permit("swap")


def test_a_request_for_another_gate_or_of_nobody_is_none(claimed: Claimed) -> None:
    name = requests_of(claimed)
    mine = (claimed.bench.equipment.own.run(claimed.walk.run.id) or OwnRun(seal="")).requests[name]

    claimed.remember(lambda run: run.with_request(name, mine.model_copy(update={"gate": "another"})))
    with pytest.raises(NoPermitError, match="not one that this worker opened"):
        claimed.permit("swap")


def requests_of(claimed: Claimed) -> str:
    with claimed.bench.database.read() as connection:
        (request,) = requests.of_run(connection, claimed.walk.run.id)
    return request.id


def test_users_who_work_again_are_not_interrupted(claimed: Claimed) -> None:
    claimed.remember(lambda run: run.model_copy(update={"lets_users_in": True}))

    with pytest.raises(NoPermitError, match="Users work with the system again"):
        claimed.permit("stop-apps")


def test_nothing_that_users_work_with_is_the_runs_own_any_more(claimed: Claimed) -> None:
    assert own_work(claimed.walk) is not None
    claimed.remember(lambda run: run.model_copy(update={"lets_users_in": True}))

    assert own_work(claimed.walk) is None


@pytest.mark.parametrize(("step", "why"), [("stop-apps", "No gate stands before"), ("swap", "No gate")])
def test_a_step_that_no_gate_stands_before_gets_none(claimed: Claimed, step: str, why: str) -> None:
    claimed.planned_anew(changed(claimed.walk.plan, step, after=()))

    with pytest.raises(NoPermitError, match=why):
        claimed.permit(step)


def test_a_run_that_ended_on_this_host_is_not_begun_again(claimed: Claimed) -> None:
    require_own(claimed.bench.equipment, claimed.walk.run)
    claimed.remember(lambda run: run.model_copy(update={"ended": True}))

    with pytest.raises(UntrustedError, match="has ended on this host"):
        require_own(claimed.bench.equipment, claimed.walk.run)
    with pytest.raises(NoPermitError, match="has ended on this host"):
        claimed.permit("swap")


@pytest.mark.parametrize("edit", [{"site": "staging"}, {"arguments": {"service": "auth"}}, {"id": "r9"}])
def test_a_row_that_is_about_something_else_than_its_plan_is_not_believed(
    claimed: Claimed, edit: dict[str, Any]
) -> None:
    row = replace(claimed.walk.run, **edit)
    if "id" in edit:
        known = own_run_of(claimed.bench.equipment, claimed.walk.run)
        claimed.bench.equipment.own.adopt("r9", known)

    with pytest.raises(UntrustedError, match="is not the one that was planned"):
        own_run_of(claimed.bench.equipment, row)


def test_votes_are_verified_with_this_workers_own_key_whatever_the_roster_says(claimed: Claimed) -> None:
    equipment = claimed.bench.equipment
    stranger = replace(equipment, roster=replace(equipment.roster, worker_key=KeyPair.new().public))

    with claimed.bench.database.read() as connection:
        assert stranger.roster_now(connection).worker_key == equipment.key.public


def test_from_the_start_of_apps_or_fronts_on_people_may_have_written(claimed: Claimed) -> None:
    claimed.bench.target.running.clear()
    with ExitStack() as place:
        assert start(claimed.walk, claimed.walk.plan.step("start-postgres"), place).record
    assert not own_run_of(claimed.bench.equipment, claimed.walk.run).lets_users_in

    with ExitStack() as place:
        assert start(claimed.walk, claimed.walk.plan.step("start-apps"), place).record
    assert own_run_of(claimed.bench.equipment, claimed.walk.run).lets_users_in
