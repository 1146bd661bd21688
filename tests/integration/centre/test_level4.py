"""Level 4 by its own runbook, with a real cloud, names and gate; only its parts at the new place are played.

Nobody is moved without two people, nor when somebody else moved them meanwhile; and they can be led back.
"""

from dataclasses import replace

from sqlalchemy import update

from drbot.core.approvals.approval import RequestState
from drbot.core.base.signing import KeyPair
from drbot.core.ledger.events import EventKind
from drbot.core.runs.incident import IncidentState
from drbot.core.runs.run import RunState, StepState, StopKind
from drbot.core.runs.stakes import Act, ProofKind
from drbot.lab.cloud import NAME
from drbot.store.base.schema import runs as runs_table
from drbot.store.base.schema import steps
from tests.faulty_proxy import faulty_proxy
from tests.integration.centre.conftest import NEW, OLD, Centre
from tests.integration.centre.moving import SECONDS, leads_to, moved, play_machine, play_part, raised, worker_context
from tests.integration.runners.worker_fixture import WorkerFixture
from tests.waiting import wait_for

REFUSED, NEEDS_DECISION = EventKind.RUN_REFUSED.value, EventKind.RUN_NEEDS_DECISION.value


def test_users_are_moved_when_the_system_is_up_and_two_agree(centre: Centre, control: WorkerFixture) -> None:
    run = raised(centre, control)

    assert run.state is RunState.WAITING
    assert leads_to(centre) == (OLD,)
    plan = run.plan
    assert plan is not None
    assert plan.target == "recovery"
    (what,) = plan.replaces
    assert what == f"where DNS points: to recovery ({NEW}) from now on, for {NAME}"
    assert f"{NAME} → {OLD}" in plan.keeps.names
    assert (plan.stakes.act, plan.stakes.proof) == (Act.CHANGE_DNS, ProofKind.RAISED)
    control.approve(run)
    assert control.go(run).state is RunState.WAITING
    assert leads_to(centre) == (NEW,)
    play_part(control, "level4-certificate")
    control.go(run)
    known = control.worker_context.own.run(run.id)
    assert known is not None and known.lets_users_in  # they write there now: leading them back needs two people again
    assert control.incident(run).state is IncidentState.RECOVERED
    control.answer(run)
    assert control.go(run).state is RunState.SUCCEEDED


def test_when_somebody_else_moved_them_the_approval_is_void(centre: Centre, control: WorkerFixture) -> None:
    run = raised(centre, control)
    centre.cloud.point(NAME, "127.0.0.9")
    control.approve(run)

    assert control.go(run).state is RunState.BLOCKED
    assert control.request(run).state is RequestState.VOID
    wait_for(lambda: leads_to(centre) == ("127.0.0.9",), SECONDS, "the name server to follow")


def test_an_address_that_was_edited_in_dr_yml_after_the_grant_moves_nobody(
    centre: Centre, control: WorkerFixture
) -> None:
    run = raised(centre, control)
    control.approve(run)
    elsewhere = centre.configuration.sites["recovery"].model_copy(update={"address": "127.0.0.66"})
    sites = {**centre.configuration.sites, "recovery": elsewhere}
    centre.configuration = centre.configuration.model_copy(update={"sites": sites})
    restarted = replace(control, worker_context=worker_context(control, centre))

    ended = restarted.go(run)

    assert ended.state is RunState.FAILED and "127.0.0.66" in (ended.outcome or "")
    assert leads_to(centre) == (OLD,)


def test_an_address_that_was_edited_in_the_database_after_the_grant_moves_nobody(
    centre: Centre, control: WorkerFixture
) -> None:
    run = raised(centre, control)
    control.approve(run)
    facts = {**control.step(run, "provision").facts, "address": "127.0.0.66"}
    with control.database.write() as tx:
        edit = update(steps).where(steps.c.run == run.id, steps.c.id == "provision").values(facts=facts)
        assert tx.connection.execute(edit).rowcount == 1

    ended = control.go(run)

    assert ended.state is RunState.FAILED
    assert "what provision found out was changed" in (ended.outcome or "")
    assert leads_to(centre) == (OLD,)


def test_a_new_place_that_only_the_database_says_is_up_is_not_shown_to_approvers(
    centre: Centre, control: WorkerFixture
) -> None:
    run = centre.run
    control.begin(run)
    play_machine(centre)
    control.wait_for_step(run, "recover", StepState.WAITING)
    play_part(control, "level3-host", key=KeyPair.new())
    control.ended()

    ended = control.go(run)

    assert ended.state is RunState.FAILED
    assert "the worker of the site recovery did not sign that" in (ended.outcome or "")
    assert control.events(run, EventKind.REQUEST_PROVEN.value) == []


def test_a_row_that_gives_the_run_up_gives_no_machine_back_that_users_were_moved_to(
    centre: Centre, control: WorkerFixture
) -> None:
    run = moved(centre, control)
    with control.database.write() as tx:
        given_up = {"state": RunState.STOPPED.value, "stop_kind": StopKind.DISCARDED.value}
        tx.connection.execute(update(runs_table).where(runs_table.c.id == run.id).values(**given_up))

    control.worker().handle(run.id)

    assert len(centre.cloud.machines()) == 1


def test_a_later_run_of_the_incident_that_is_given_up_leaves_the_machine_to_its_users(
    centre: Centre, control: WorkerFixture
) -> None:
    run = moved(centre, control)
    play_part(control, "level4-certificate")
    control.go(run)
    control.answer(run)
    assert control.go(run).state is RunState.SUCCEEDED
    again = control.queue(run.incident, "level4-datacentre")
    control.begin(again)
    control.wait_for_step(again, "recover", StepState.WAITING)
    control.ended()
    play_part(control, "level3-host")
    control.go(again)
    control.vote(again, "ben", "deny")
    control.go(again)

    control.stop(again, "discarded", StopKind.DISCARDED)
    control.worker().handle(again.id)

    assert len(centre.cloud.machines()) == 1


def test_users_are_led_back_when_the_new_place_does_not_answer(centre: Centre, control: WorkerFixture) -> None:
    run = raised(centre, control)
    control.approve(run)
    control.go(run)
    play_part(control, "level4-certificate", RunState.FAILED, "the CA is away.")
    assert control.go(run).state is RunState.NEEDS_DECISION
    assert leads_to(centre) == (NEW,)
    assert "undo" in control.events(run, NEEDS_DECISION)[-1].payload["choices"]
    control.settle(run, "certificate", "undo")

    ended = control.go(run)
    assert ended.state is RunState.FAILED
    assert ended.plan is not None
    assert f"Taken back: {ended.plan.step('dns').title}" in str(ended.outcome)
    assert leads_to(centre) == (OLD,)


def test_what_is_not_ours_is_refused_with_the_plan(centre: Centre, control: WorkerFixture) -> None:
    with faulty_proxy(centre.cloud.endpoint) as (url, faults):
        faults.methods, faults.status = ("POST",), 403
        centre.configuration = centre.with_dns(endpoint=url)
        refusing = replace(control, worker_context=worker_context(control, centre))
        ended = refusing.go(centre.run)

    assert ended.state is RunState.FAILED
    refusal = control.events(centre.run, REFUSED)[0].payload
    assert refusal["tried"] == "Planning level4-datacentre."
    assert "route53:ChangeResourceRecordSets" in refusal["why"]
    assert "Give the worker the right to change the zone" in refusal["todo"]
    assert centre.cloud.machines() == []


def test_a_long_ttl_is_a_warning_on_the_card(centre: Centre, control: WorkerFixture) -> None:
    centre.cloud.point(NAME, OLD, ttl_seconds=86_400)
    run = raised(centre, control)

    assert run.plan is not None
    assert any("until their name servers' caches expire:" in warning for warning in run.plan.warnings)
