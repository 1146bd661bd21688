"""What brings to a host what dr.yml names (a repository, images, containers, a machine) waits until two people have
agreed to that dr.yml; whoever may write every row and any YAML finds no way around it, and nobody else is asked more.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from drbot.core.approvals.approval import HOLD_SECONDS
from drbot.core.base.errors import PermanentError
from drbot.core.runbooks.actions import ACTIONS
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.run import Run, RunState
from drbot.core.runs.stakes import Act
from drbot.core.runs.stakes_words import ACTS
from drbot.core.site.level import Level
from drbot.core.site.own_alerts import Alerts
from drbot.core.site.site import Drills, DrillSchedule, Targets
from drbot.runners.contract.action import Outcome, StepContext
from drbot.runners.execution.settings_seen import is_agreed
from drbot.store.base.schema import locks
from drbot.store.base.schema import requests as request_rows
from tests.integration.attacks.rows import vote
from tests.integration.runners.test_edited_files import (
    recovered_by_code,
    with_repository,
    with_services,
    with_site,
)
from tests.integration.runners.test_rows_over_time import forged_vote, granted, of, queued, rows, with_runbook
from tests.integration.runners.test_words_of_a_card import DNS, SET_ASIDE, card, with_dns
from tests.integration.runners.worker_fixture import WorkerFixture, title, with_registry

FETCH_AND_START = """
runbook: own
title: {en: Fetch and start}
level: 3
steps:
  - id: clone
    title: {en: Clone}
    do: repository.clone
    with: {url: "${repository.url}", commit: "${repository.commit}", folder: "${projects}"}
    after: []
    effect: change
    limits: {time: 1h}
    drill: run
  - id: start
    title: {en: Start}
    do: compose.start
    with: {services: "${services.apps}"}
    after: [clone]
    effect: change
    limits: {time: 1h}
    drill: run
"""
STARTS_BY_AN_UNDO = """
runbook: own
title: {en: Look}
level: 1
steps:
  - id: look
    title: {en: Look}
    do: evidence.collect
    with: {services: auth}
    effect: change
    limits: {time: 1m}
    undo: {do: compose.start, with: {services: auth}}
    drill: run
  - id: look-again
    title: {en: Look again}
    do: health.wait
    with: {services: auth}
    limits: {time: 1m}
    if_fails: undo
    drill: run
"""
GATE = "agree-to-dr-yml"


def noting(worker_fixture: WorkerFixture, done: list[str], runbook: str = FETCH_AND_START) -> WorkerFixture:
    """The fixture with a runbook of its own, and what of it was done."""

    def note(context: StepContext, given: Mapping[str, Any]) -> Outcome:
        done.append(str(context.step.do))
        return Outcome(summary="Done.")

    names = ("repository.clone", "compose.start", "backup.fetch", "host.provision")
    return with_registry(with_runbook(worker_fixture, "own.yml", runbook), actions=dict.fromkeys(names, note))


def edited(worker_fixture: WorkerFixture, folder: Path) -> WorkerFixture:
    """Two people have agreed under one dr.yml; now it names another repository, folder and service."""
    recovered_by_code(with_repository(worker_fixture, "a"))
    evil = worker_fixture.worker_context.site.services["auth"].model_copy(
        update={"project": "evil", "service": "evil", "needs": ()}
    )
    services = {**worker_fixture.worker_context.site.services, "auth": evil}
    return with_repository(with_site(worker_fixture, services=services, projects=folder / "elsewhere"), "b")


def asked(worker_fixture: WorkerFixture, incident: int | None = None) -> Run:
    return worker_fixture.go(worker_fixture.queue(incident or worker_fixture.declare().incident, "own"))


def agree(worker_fixture: WorkerFixture, run: Run) -> Run:
    for person in ("ben", "chika"):
        vote(worker_fixture, run.id, person)
    return worker_fixture.go(run)


def test_what_two_people_never_agreed_to_is_not_fetched_and_started(guarded: WorkerFixture, tmp_path: Path) -> None:
    """A compose file is whatever a container may do with any volume of the engine."""
    done: list[str] = []
    worker_fixture = noting(edited(guarded, tmp_path), done)

    run = asked(worker_fixture)

    assert (run.state, done) == (RunState.WAITING, [])
    words = card(worker_fixture, run)
    assert "repository url: https://a.example/x.git → https://b.example/x.git" in words
    assert "sites production services auth project: auth → evil" in words
    assert f"→ {tmp_path / 'elsewhere'}" in words


def test_a_change_is_not_hidden_behind_others(guarded: WorkerFixture, tmp_path: Path) -> None:
    worker_fixture = noting(with_services(edited(guarded, tmp_path), every={"title": "x", "health": "http://x"}), [])

    run = asked(worker_fixture)

    words = card(worker_fixture, run)
    assert "more differences" not in words
    assert 'sites production services user title: "" → x' in words
    assert "sites production services auth project: auth → evil" in words


def test_two_people_agree_once_to_a_changed_dr_yml(guarded: WorkerFixture, tmp_path: Path) -> None:
    done: list[str] = []
    worker_fixture = noting(edited(guarded, tmp_path), done)
    run = asked(worker_fixture)

    first = agree(worker_fixture, run)
    again = asked(worker_fixture, run.incident)

    assert (first.state, again.state) == (RunState.SUCCEEDED, RunState.SUCCEEDED), (first.outcome, again.outcome)
    assert done == ["repository.clone", "compose.start"] * 2
    assert again.plan is not None and GATE not in {step.id for step in again.plan.steps}


def test_the_card_says_that_it_is_about_dr_yml_and_replaces_nothing(guarded: WorkerFixture, tmp_path: Path) -> None:
    """A host that is put aside later in the plan is asked for by a request of its own, with its proof."""
    worker_fixture = noting(edited(guarded, tmp_path), [], SET_ASIDE)

    run = asked(worker_fixture)

    words = card(worker_fixture, run)
    assert run.plan is not None and run.plan.stakes.act is Act.REPLACE_HOST
    assert f"What is asked: {ACTS[Act.SETTINGS]}" in words
    assert "Will be replaced: nothing by this approval" in words and "Data that will be LOST: none" in words
    assert "NOT PROVEN" not in words


@pytest.mark.parametrize("how", ["the gate", "the gate and its request"])
def test_a_gate_that_only_the_database_opened_starts_nothing(guarded: WorkerFixture, tmp_path: Path, how: str) -> None:
    done: list[str] = []
    worker_fixture = noting(edited(guarded, tmp_path), done)
    run = asked(worker_fixture)
    if how != "the gate":
        rows(worker_fixture, update(request_rows).where(request_rows.c.run == run.id).values(state="used"))
    rows(worker_fixture, of(run, GATE).values(state="succeeded"), queued(run))

    ended = worker_fixture.go(run)

    assert (ended.state, done) == (RunState.FAILED, [])
    assert "dr.yml was changed, and nobody approved what repository.clone takes from it" in str(ended.outcome)


def test_one_vote_is_not_enough(guarded: WorkerFixture, tmp_path: Path) -> None:
    done: list[str] = []
    worker_fixture = noting(edited(guarded, tmp_path), done)
    run = asked(worker_fixture)
    vote(worker_fixture, run.id, "ben")
    rows(worker_fixture, update(request_rows).where(request_rows.c.run == run.id).values(state="granted", people=1))

    worker_fixture.go(run)

    assert done == []


def test_a_no_to_a_changed_dr_yml_is_none_to_a_corrected_one(guarded: WorkerFixture, tmp_path: Path) -> None:
    done: list[str] = []
    worker_fixture = noting(edited(guarded, tmp_path), done)
    run = asked(worker_fixture)
    worker_fixture.vote(run, "ben", "deny")
    assert worker_fixture.go(run).state is RunState.BLOCKED
    rows(worker_fixture, delete(locks))

    same = asked(worker_fixture, run.incident)
    corrected = asked(with_repository(worker_fixture, "c"), run.incident)

    assert "denied exactly this" in str(same.outcome)
    (refused,) = worker_fixture.events(same, "run.refused")
    assert refused.payload["todo"] == "Let ben ask for it."  # it restores no backup
    assert (corrected.state, done) == (RunState.WAITING, []), corrected.outcome


def test_what_an_undo_starts_is_asked_for_too(guarded: WorkerFixture, tmp_path: Path) -> None:
    done: list[str] = []
    worker_fixture = noting(edited(guarded, tmp_path), done, STARTS_BY_AN_UNDO)
    worker_fixture.target.errors["health.wait"] = [PermanentError("fails on purpose")]

    run = asked(worker_fixture)
    rows(worker_fixture, of(run, GATE).values(state="succeeded"), queued(run))
    ended = worker_fixture.go(run)

    assert run.state is RunState.WAITING
    assert done == []
    assert "dr.yml was changed, and nobody approved what compose.start takes from it" in str(ended.outcome)


def test_a_machine_is_not_rented_by_what_two_people_never_agreed_to(guarded: WorkerFixture) -> None:
    recovered_by_code(guarded)
    done: list[str] = []
    rents = DNS.replace("run: {runbook: restart-services, site: production}", "do: host.provision").replace(
        "    after: []\n    limits", "    with: {site: elsewhere}\n    effect: change\n    after: []\n    limits"
    )
    worker_fixture = noting(with_dns(guarded), done, rents)

    run = asked(worker_fixture)

    assert (run.state, done) == (RunState.WAITING, []), run.outcome
    assert "sites elsewhere" in card(worker_fixture, run)


def test_services_that_are_where_they_were_are_started_without_a_vote(guarded: WorkerFixture) -> None:
    """dr.yml was edited last month, and nobody has voted since."""
    recovered_by_code(guarded)
    known = guarded.worker_context.configuration
    backups = known.backups.model_copy(update={"max_age": 60.0})
    other = known.model_copy(update={"backups": backups})
    worker_fixture = with_services(
        replace(guarded, worker_context=replace(guarded.worker_context, configuration=other)), admin={"title": "Admin"}
    )
    worker_fixture.target.running.clear()

    run = worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "restart-services"))

    assert run.state is RunState.SUCCEEDED, run.outcome
    assert {"postgres", "auth"} <= worker_fixture.target.running


@pytest.mark.parametrize("runbook", ["restart-services", "level1-service"])
def test_another_compose_file_is_not_started_in_their_place(
    guarded: WorkerFixture, tmp_path: Path, runbook: str
) -> None:
    worker_fixture = edited(guarded, tmp_path)
    worker_fixture.target.running.clear()

    run = worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, runbook))

    assert run.state is RunState.WAITING, run.outcome
    assert worker_fixture.target.running == set()


def test_services_that_were_stopped_under_an_approval_come_back_whatever_fails(
    guarded: WorkerFixture, tmp_path: Path
) -> None:
    worker_fixture = edited(guarded, tmp_path)
    run = worker_fixture.go(worker_fixture.declare())
    assert run.plan is not None and GATE not in {step.id for step in run.plan.steps}  # its own gate tells and asks
    worker_fixture.target.errors["compose.stop"] = [PermanentError("fails on purpose")]
    worker_fixture.target.running.discard("auth")

    ended = agree(worker_fixture, run)

    assert f"Taken back: {title(run, 'stop-apps')}" in str(ended.outcome)
    assert "auth" in worker_fixture.target.running


def test_no_step_of_a_file_is_called_like_the_gate_about_dr_yml(guarded: WorkerFixture) -> None:
    text = FETCH_AND_START.replace("id: clone", f"id: {GATE}").replace("[clone]", f"[{GATE}]")

    run = asked(with_runbook(guarded, "own.yml", text))

    assert "this id is drbot's own" in str(run.outcome)


@pytest.mark.parametrize("section", ["system", "default_site"])
def test_whose_backups_are_used_stands_on_the_card_too(guarded: WorkerFixture, section: str) -> None:
    """All that dr.yml says of what is touched is compared, not a list of sections that somebody has to think of."""
    recovered_by_code(guarded)
    known = guarded.worker_context.configuration.model_copy(update={section: "billing"})
    worker_fixture = replace(guarded, worker_context=replace(guarded.worker_context, configuration=known))

    run = worker_fixture.go(worker_fixture.declare())

    assert f"{section}: {getattr(guarded.worker_context.configuration, section)} → billing" in card(worker_fixture, run)


def test_habits_of_dr_yml_are_nobodys_question(guarded: WorkerFixture) -> None:
    recovered_by_code(guarded)
    habits = {
        "language": "ja", "targets": Targets(rto=60.0), "alerts": Alerts(declare={"PostgreSQLDown": Level.DATABASE}),
        "drills": Drills(schedule=DrillSchedule(level2="0 9 1 * *")),
    }  # fmt: skip
    known = guarded.worker_context.configuration.model_copy(update=habits)
    worker_fixture = replace(guarded, worker_context=replace(guarded.worker_context, configuration=known))

    run = worker_fixture.go(worker_fixture.declare())

    assert run.plan is not None
    assert not run.plan.changed


def test_what_one_person_did_by_break_glass_is_nothing_that_two_people_agreed_to(
    guarded: WorkerFixture, tmp_path: Path
) -> None:
    roster = replace(guarded.worker_context.roster, break_glass=True)
    worker_fixture = edited(guarded, tmp_path)
    worker_fixture = replace(worker_fixture, worker_context=replace(worker_fixture.worker_context, roster=roster))
    run = worker_fixture.go(worker_fixture.declare())
    earlier = datetime.now(UTC) - timedelta(seconds=HOLD_SECONDS + 1)
    worker_fixture.worker_context.own.note_glass(run.id, worker_fixture.request(run).id)
    seen = {"glass_at": earlier}
    worker_fixture.worker_context.own.change(
        run.id,
        lambda own: own.with_request(
            name := worker_fixture.request(run).id, own.requests[name].model_copy(update=seen)
        ),
    )
    held = granted(hold_until=earlier + timedelta(seconds=HOLD_SECONDS))
    rows(
        worker_fixture,
        forged_vote(worker_fixture, run, "ben", "break-glass", earlier),
        held.where(request_rows.c.run == run.id),
        queued(run),
    )
    moves = worker_fixture.target.moves
    worker_fixture.go(run)
    assert worker_fixture.target.moves == moves + 1, worker_fixture.run(run).outcome  # under this plan's own approval
    rows(worker_fixture, delete(locks))
    done: list[str] = []
    worker_fixture = noting(worker_fixture, done)

    later = asked(worker_fixture, run.incident)

    assert (later.state, done) == (RunState.WAITING, []), later.outcome
    assert "repository url: https://a.example/x.git →" in card(worker_fixture, later)


FETCHES = sorted(
    name for name, action in ACTIONS.items() if action.brings and name not in ("compose.start", "compose.recreate")
)


@pytest.mark.parametrize("action", FETCHES)
def test_only_services_whose_files_lie_there_start_again_without_a_vote(guarded: WorkerFixture, action: str) -> None:
    """What clones, builds, fetches or rents goes by all of dr.yml, whichever service it is said to be for."""
    recovered_by_code(with_repository(guarded, "a"))
    worker_context = with_repository(guarded, "b").worker_context
    given = {"services": ["auth"]}

    fetches = Step.model_validate(
        {"id": "fetch", "title": {"en": "Fetch"}, "do": action, "with": given, "drill": "run"}
    )
    starts = fetches.model_copy(update={"do": "compose.start"})

    assert not is_agreed(worker_context, fetches)
    assert is_agreed(worker_context, starts)
