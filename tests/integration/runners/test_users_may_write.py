"""Users may write from the moment anything is started under them: nothing is moved under them then, nothing goes back
without two people, and no machine is given back that they use. Whoever may write every row and any YAML tries.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete

from drbot.core.base.errors import PermanentError
from drbot.core.runbooks.runbook import names_in
from drbot.core.runs.run import Run, RunState
from drbot.core.site.inventory import Inventory, KnownService
from drbot.core.site.site import Monitoring
from drbot.runners.contract.action import StepContext
from drbot.store.base.schema import locks
from tests.integration.attacks.rows import vote
from tests.integration.runners.test_edited_files import (
    own,
    planned,
    step_of,
    with_services,
    with_site,
)
from tests.integration.runners.test_rows_over_time import approved, of, queued, rows, swapped_and_frozen, with_runbook
from tests.integration.runners.worker_fixture import WorkerFixture, asked, with_registry

OPEN = """
runbook: open
title: {en: Open}
level: 1
steps:
  - id: open
    title: {en: Open}
    do: compose.start
    with: {services: [auth, user, admin]}
    effect: change
    again: safe
    limits: {time: 2m}
    drill: run
"""


HIDDEN = """
runbook: hidden
title: {en: Hidden}
level: 2
steps:
  - id: look
    title: {en: Look}
    do: evidence.collect
    with: {services: "${services.all}"}
    after: []
    effect: change
    again: safe
    limits: {time: 2m}
    undo: {do: compose.start, with: {services: [auth, user, admin]}}
    drill: run
""" + asked("look")


def agreed(worker_fixture: WorkerFixture, run: Run) -> None:
    """Two people agree to the dr.yml by which it starts something."""
    assert worker_fixture.go(run).state is RunState.WAITING, worker_fixture.run(run).outcome
    for person in ("ben", "chika"):
        vote(worker_fixture, run.id, person)
    worker_fixture.go(run)


def put_back_by_a_row(worker_fixture: WorkerFixture, run: Run) -> None:
    """Services are stopped again by hand, and a row settles the swap as undo."""
    worker_fixture.target.running -= {"auth", "user", "admin"}
    rows(
        worker_fixture,
        delete(locks),
        of(run, "swap").values(state="failed", settlement="undo", settled_by="ben"),
        of(run, "start-postgres").values(state="pending", attempt=0),
        queued(run),
    )
    worker_fixture.go(run)


def test_a_service_that_dr_yml_does_not_list_is_stopped_before_data_moves_and_started_again(
    guarded: WorkerFixture,
) -> None:
    collector = KnownService(project="auth", service="collector", image_id="sha256:1", needs=("auth",))
    guarded.target.unnamed = Inventory(services=(collector,))
    guarded.target.running.add("collector")

    run = guarded.go(guarded.declare())

    assert run.plan is not None
    for step in ("stop-apps", "start-apps"):
        assert "collector" in names_in(run.plan.step(step).with_["services"])


def test_users_that_another_run_let_in_under_other_roles_are_known(guarded: WorkerFixture) -> None:
    """dr.yml calls every service a cache while another run starts them, and is put right again afterwards."""
    run = swapped_and_frozen(guarded)
    edited = with_services(with_runbook(guarded, "open.yml", OPEN), every={"role": "cache"})
    rows(guarded, delete(locks))
    edited.go(edited.queue(run.incident, "open"))
    assert "auth" in guarded.target.running  # users write now

    put_back_by_a_row(guarded, run)

    assert guarded.target.moves == 1


def test_users_that_a_run_of_another_site_on_the_same_engine_let_in_are_known(guarded: WorkerFixture) -> None:
    """dr.yml gives the same services another name of a site, which the same worker then serves (`default_site`)."""
    run = swapped_and_frozen(guarded)
    site = guarded.worker_context.site
    known = guarded.worker_context.configuration
    twin = known.model_copy(update={"sites": {**known.sites, "twin": site}, "default_site": "twin"})
    twin_worker_fixture = replace(
        guarded, worker_context=replace(guarded.worker_context, configuration=twin, site_name="twin")
    )
    opened = with_runbook(twin_worker_fixture, "open.yml", OPEN)
    with guarded.database.write() as tx:
        tx.connection.execute(delete(locks))
    queued_run = opened.queue(run.incident, "open")
    agreed(opened, queued_run)
    assert "auth" in guarded.target.running, opened.run(queued_run).outcome

    put_back_by_a_row(guarded, run)

    assert guarded.target.moves == 1


def test_users_that_a_monitoring_of_dr_yml_let_in_are_known(guarded: WorkerFixture) -> None:
    """`monitoring.start` starts whichever project dr.yml calls the monitoring: that of the apps, too."""
    run = swapped_and_frozen(guarded)
    quiet = guarded.worker_context.registry.actions["notify.stakeholders"]

    def up(context: StepContext, given: Mapping[str, Any]) -> Any:  # as the real one: compose up of the whole project
        assert context.site.monitoring is not None and context.site.monitoring.project == given["project"]
        guarded.target.running.add("auth")
        return quiet(context, given)

    text = OPEN.replace("compose.start", "monitoring.start").replace("services: [auth, user, admin]", "project: auth")
    worker_fixture = with_registry(with_runbook(guarded, "open.yml", text), actions={"monitoring.start": up})
    named = Monitoring(project="auth", prometheus="http://x", alertmanager="http://x")
    rows(worker_fixture, delete(locks))
    opened = with_site(worker_fixture, monitoring=named)
    agreed(opened, opened.queue(run.incident, "open"))
    assert "auth" in guarded.target.running

    put_back_by_a_row(guarded, run)

    assert guarded.target.moves == 1


def test_after_a_run_is_over_nothing_is_started_by_what_tidies_up(guarded: WorkerFixture) -> None:
    run = swapped_and_frozen(guarded)
    worker_fixture = with_runbook(guarded, "hidden.yml", HIDDEN)
    rows(worker_fixture, delete(locks))
    hidden = worker_fixture.go(worker_fixture.queue(run.incident, "hidden"))
    assert hidden.state is RunState.WAITING, hidden.outcome
    rows(
        worker_fixture, queued(hidden, stop_requested="x").values(state="stopped", stop_kind="discarded"), delete(locks)
    )
    worker_fixture.worker().handle(hidden.id)

    assert "auth" not in guarded.target.running


def test_users_that_the_undo_of_the_run_itself_let_in_are_known(guarded: WorkerFixture) -> None:
    """Undos in an order of one's own: services are started, users write, they are stopped, the data goes back."""
    quiet = step_of("level2-postgres", "stop-apps", "stop-postgres")
    quiet = quiet.replace("[evidence, restore-beside, approval]", "[start-postgres]")
    opens = quiet.replace("id: stop-apps", "id: opens").replace("[start-postgres]", "[closes]")
    closes = (
        quiet.replace("id: stop-apps", "id: closes")
        .replace(", within: 1m}}", "}}")
        .replace("do: compose.start", "do: compose.stop")
    )
    text = own(
        "level2-postgres",
        ("  - id: verify\n", f"{closes}{opens}  - id: verify\n"),
        ("after: [start-postgres]\n    limits: {time: 10m", "after: [opens]\n    limits: {time: 10m"),
    )
    worker_fixture, run = planned(guarded, text)
    assert run.state is RunState.WAITING, run.outcome
    for person in ("ben", "chika"):
        vote(worker_fixture, run.id, person)
    worker_fixture.target.errors["health.wait"] = [PermanentError("fails on purpose")]
    written: list[int] = []
    act = worker_fixture.target.registry.actions["compose.start"]

    def start(context: StepContext, given: Mapping[str, Any]) -> Any:
        outcome = act(context, given)
        if "auth" in worker_fixture.target.running and "postgres" in worker_fixture.target.running:
            written.append(worker_fixture.target.moves)  # users write into what is in place now
        return outcome

    with_registry(worker_fixture, actions={"compose.start": start}).go(run)

    assert not (written[:1] == [1] and worker_fixture.target.moves == 2), (
        "users wrote after the swap, and it was taken back"
    )


UNLESS = "    after: [evidence, restore-beside, approval]\n"


def watching_swaps(worker_fixture: WorkerFixture) -> tuple[WorkerFixture, list[set[str]]]:
    """The same, and what runs at the beginning of each swap."""
    seen: list[set[str]] = []
    swap = worker_fixture.worker_context.registry.actions["volume.swap"]

    def watch(context: StepContext, given: Mapping[str, Any]) -> Any:
        seen.append(set(worker_fixture.target.running))
        return swap(context, given)

    return with_registry(worker_fixture, actions={"volume.swap": watch}), seen


def test_data_is_not_swapped_while_services_run(guarded: WorkerFixture) -> None:
    """The step that stops them is one that `unless` passes by; the plan counts it as stopping."""
    worker_fixture, run = planned(
        guarded, own("level2-postgres", (UNLESS, f"{UNLESS}    unless: [{{probe: own_checks.http}}]\n"))
    )
    assert run.state is RunState.WAITING, run.outcome
    for person in ("ben", "chika"):
        vote(worker_fixture, run.id, person)
    watching, seen = watching_swaps(worker_fixture)

    watching.go(run)

    assert not any("auth" in running for running in seen)


def test_a_stop_that_two_rows_vouch_for_stops_nothing(guarded: WorkerFixture) -> None:
    """drbot's own level 2. The step that stops the apps is settled as done by two names in a row, against its check."""
    run = approved(guarded)
    rows(
        guarded,
        of(run, "stop-apps").values(state="failed", settlement="done", vouched_by="ben", settled_by="chika", attempt=1),
        queued(run),
    )
    watching, seen = watching_swaps(guarded)

    watching.go(run)

    assert not any("auth" in running for running in seen)


@pytest.mark.parametrize(("service", "lets_in"), [("redis", False), ("auth", True)])
def test_a_level_1_that_needed_nothing_lets_users_in_only_where_they_write(
    guarded: WorkerFixture, service: str, lets_in: bool
) -> None:
    """Anybody may declare one, and an alert may, beside a recovery that has put data in place. Of a cache that runs
    nothing follows; an app that runs was started by somebody, and users may have written through it.
    """
    run = swapped_and_frozen(guarded)
    guarded.target.running |= {service}
    rows(guarded, delete(locks))

    beside = guarded.go(guarded.declare(level=1, service=service))

    assert {guarded.states(beside)[step] for step in ("restart", "recreate")} == {"skipped"}
    known = guarded.worker_context.own.run(run.id)
    assert known is not None and known.lets_users_in is lets_in
