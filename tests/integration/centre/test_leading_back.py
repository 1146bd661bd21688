"""After level 4 the names are led back at any time, by two people who read where they lead now, where they will lead,
what answers there and what does not come along. What somebody else changed meanwhile is said, and asked for exactly.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from drbot.core.approvals.approval import RequestState
from drbot.core.runs.incident import IncidentState
from drbot.core.runs.run import Run, RunKind, RunState, StepState
from drbot.core.runs.stakes import Act, KeepKind, LossKind, ProofKind
from drbot.lab.cloud import NAME
from drbot.runners.own_state.adopting import adopt_open_runs
from drbot.runners.planning.leading_back import back_of
from drbot.runners.second_factor.totp_secrets import TotpSecrets
from drbot.store.base.schema import runs as runs_table
from drbot.store.records import incidents
from tests.integration.centre.conftest import NEW, OLD, Centre
from tests.integration.centre.moving import (
    SECONDS,
    leads_to,
    moved,
    play_part,
    raised,
    worker_context,
)
from tests.integration.runners.test_words_of_a_card import card
from tests.integration.runners.worker_fixture import WorkerFixture
from tests.waiting import wait_for

ELSEWHERE = "127.0.0.9"


def recovered(centre: Centre, control: WorkerFixture) -> Run:
    """Level 4 is through: users work at the new place."""
    run = moved(centre, control)
    play_part(control, "level4-certificate")
    control.go(run)
    control.answer(run)
    assert control.go(run).state is RunState.SUCCEEDED
    return run


def ask_back(control: WorkerFixture, run: Run) -> Run:
    """Somebody asks for the names to be led back; the plan waits for two people, or there is none."""
    return control.go(control.queue(run.incident, "names-lead-back", RunKind.LEAD_BACK))


@pytest.mark.usefixtures("old_front")
def test_names_are_led_back_by_two_people_who_read_what_is_so(centre: Centre, control: WorkerFixture) -> None:
    run = recovered(centre, control)
    before = control.incident(run)
    asked = ask_back(control, run)

    assert asked.state is RunState.WAITING and asked.plan is not None
    assert asked.plan.keeps.kind is KeepKind.RECORDS
    assert f"{NAME} → {NEW}" in asked.plan.keeps.names
    stakes = asked.plan.stakes
    assert (stakes.act, stakes.proof, stakes.loss.kind) == (Act.LEAD_BACK, ProofKind.ASKED, LossKind.LEFT_BEHIND)
    assert stakes.loss.since is not None
    (move,) = stakes.moves
    assert (move.name, move.now, move.told, move.led, move.to) == (NAME, (NEW,), (NEW,), (NEW,), (OLD,))
    assert {one.address: one.answers for one in stakes.answers} == {NEW: True, OLD: True}
    words = card(control, asked)
    assert f"{NAME}: from {NEW} (recovery) to {OLD} (production)" in words
    assert "does NOT move with them:" in words and "✅ 127.0.0.1 (where users will go)" in words
    assert "移りません" in card(control, asked, "ja")
    assert leads_to(centre) == (NEW,)
    control.approve(asked)

    ended = control.go(asked)

    assert ended.state is RunState.SUCCEEDED
    assert leads_to(centre) == (OLD,)
    assert before.state is IncidentState.RECOVERED
    assert control.incident(run) == before  # it turns no clock


@pytest.mark.usefixtures("old_front")
def test_a_resolved_incident_is_no_hindrance_and_stays_as_it_was(centre: Centre, control: WorkerFixture) -> None:
    run = recovered(centre, control)
    with control.database.write() as tx:
        incidents.resolve(tx, run.incident, "aiko", "moved")
    before = control.incident(run)
    asked = ask_back(control, run)
    control.approve(asked)

    assert control.go(asked).state is RunState.SUCCEEDED
    assert leads_to(centre) == (OLD,)
    assert control.incident(run) == before


@pytest.mark.long
def test_where_nothing_answers_the_card_says_so_and_people_may_go_on_again(
    centre: Centre, control: WorkerFixture
) -> None:
    """The old data centre is still lost: whoever agrees all the same is asked again, and the names can be led on."""
    control = replace(control, worker_context=replace(control.worker_context, configuration=centre.configuration))
    asked = ask_back(control, recovered(centre, control))

    assert "⚠ 127.0.0.1 (where users will go): nothing answers users there" in card(control, asked)
    control.approve(asked)
    control.begin(asked)
    control.wait_for_step(asked, "outside", StepState.RUNNING)
    assert leads_to(centre) == (OLD,)
    control.stop(asked)
    control.ended()
    assert "Users were moved back. /dr lead-back" in str(control.run(asked).outcome)

    again = ask_back(control, asked)

    assert again.plan is not None
    (move,) = again.plan.stakes.moves
    assert (move.now, move.to) == ((OLD,), (NEW,))


def test_a_zone_that_somebody_else_changed_is_said_and_asked_for_exactly(
    centre: Centre, control: WorkerFixture
) -> None:
    run = recovered(centre, control)
    centre.cloud.point(NAME, ELSEWHERE)
    wait_for(lambda: leads_to(centre) == (ELSEWHERE,), SECONDS, "the name server to follow")

    asked = ask_back(control, run)

    words = card(control, asked)
    assert f"from {ELSEWHERE} to {OLD} (production). SOMEBODY ELSE CHANGED IT: drbot had pointed it at {NEW}" in words
    centre.cloud.point(NAME, "127.0.0.8")  # and again, while people read
    control.approve(asked)
    assert control.go(asked).state is RunState.BLOCKED
    assert control.request(asked).state is RequestState.VOID
    wait_for(lambda: leads_to(centre) == ("127.0.0.8",), SECONDS, "the name server to follow")


@pytest.mark.more
def test_names_that_lead_there_already_are_not_led_back(centre: Centre, control: WorkerFixture) -> None:
    run = recovered(centre, control)
    centre.cloud.point(NAME, OLD)

    asked = ask_back(control, run)

    assert (asked.state, asked.plan) == (RunState.FAILED, None)
    assert f"DNS already points there: {NAME} points to {OLD}" in str(asked.outcome)


@pytest.mark.more
def test_a_run_that_died_before_dns_has_led_nobody_and_it_is_said_where_the_names_lead(
    centre: Centre, control: WorkerFixture
) -> None:
    run = raised(centre, control)
    control.stop(run)
    control.worker().handle(run.id)

    asked = ask_back(control, run)

    assert (asked.state, asked.plan) == (RunState.FAILED, None)
    assert f"has no record of a run of DR-{run.incident} that changed DNS. Now {NAME} points to {OLD}" in str(
        asked.outcome
    )


@pytest.mark.more
def test_after_a_run_that_was_stopped_behind_dns_the_names_can_be_led_back(
    centre: Centre, control: WorkerFixture
) -> None:
    run = moved(centre, control)
    control.stop(run)
    control.worker().handle(run.id)
    assert control.run(run).state is RunState.STOPPED

    asked = ask_back(control, run)

    assert asked.plan is not None
    (move,) = asked.plan.stakes.moves
    assert (move.now, move.led, move.to) == ((NEW,), (NEW,), (OLD,))


@pytest.mark.long
def test_level_4_twice_leads_back_to_where_the_first_found_the_names(centre: Centre, control: WorkerFixture) -> None:
    """The second finds users on the machine of the first, and moves nobody: that is no change to take back."""
    run = recovered(centre, control)
    second = control.queue(run.incident, "level4-datacentre")
    control.begin(second)
    control.wait_for_step(second, "recover", StepState.WAITING)
    control.ended()
    play_part(control, "level3-host")
    control.go(second)
    control.approve(second)
    control.go(second)
    play_part(control, "level4-certificate")
    control.go(second)
    control.answer(second)
    assert control.go(second).state is RunState.SUCCEEDED

    asked = ask_back(control, second)

    assert asked.plan is not None
    (move,) = asked.plan.stakes.moves
    assert (move.now, move.to) == ((NEW,), (OLD,))


def test_after_drbots_own_host_was_lost_the_names_can_still_be_led_back(
    centre: Centre, control: WorkerFixture, tmp_path: Path
) -> None:
    """Its worker on the new host believes, once, what the verified ledger vouches for."""
    run = recovered(centre, control)
    home = tmp_path / "new host"
    home.mkdir()
    with control.database.write() as tx:
        adopt_open_runs(tx, home)
    centre.home = home
    moved_on = replace(control, worker_context=replace(worker_context(control, centre), key=TotpSecrets(home).key()))

    asked = ask_back(moved_on, run)

    assert asked.plan is not None
    (move,) = asked.plan.stakes.moves
    assert (move.now, move.led, move.to) == ((NEW,), (NEW,), (OLD,))
    known = moved_on.worker_context.own.run(run.id)
    assert known is not None and known.ended and known.moved_users


@pytest.mark.more
def test_a_row_says_nothing_about_where_the_names_led(centre: Centre, control: WorkerFixture) -> None:
    """Whoever may write the database puts another address into the plan of the run that moved users."""
    run = recovered(centre, control)
    plan = control.run(run).plan
    assert plan is not None
    records = {NAME: {"addresses": ["127.0.0.66"], "ttl": 5}}
    edited = plan.model_copy(update={"fingerprint": {**plan.fingerprint, "records": records}})
    with control.database.write() as tx:
        document = edited.model_dump(mode="json", by_alias=True)
        tx.connection.execute(update(runs_table).where(runs_table.c.id == run.id).values(plan=document))

    asked = ask_back(control, run)

    assert asked.plan is None
    assert leads_to(centre) == (NEW,)


def test_names_that_dr_yml_does_not_name_any_more_are_refused(centre: Centre, control: WorkerFixture) -> None:
    run = recovered(centre, control)
    centre.configuration = centre.with_dns(names=("other.ai-micro.test",))
    changed = replace(control, worker_context=worker_context(control, centre))

    asked = ask_back(changed, run)

    assert asked.plan is None
    assert f"the names {NAME}, which `dns` in dr.yml no longer names." in str(asked.outcome)


def test_only_who_led_the_names_in_this_incident_is_asked(centre: Centre, control: WorkerFixture) -> None:
    run = recovered(centre, control)
    fingerprint = control.worker_context.target.fingerprint(lambda: False)

    assert back_of(control.worker_context, run.incident, fingerprint).moves[0].to == (OLD,)
    asked = ask_back(control, replace(run, incident=_another(control)))
    assert "has no record of a run of DR-2 that changed DNS. Now" in str(asked.outcome)


def _another(control: WorkerFixture) -> int:
    with control.database.write() as tx:
        first = incidents.get(tx.connection, 1)
        return incidents.declare(tx, site="production", level=first.level, title="Again", person="aiko").id
