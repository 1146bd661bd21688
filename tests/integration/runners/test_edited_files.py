"""Whoever may write every row and any YAML: dr.yml between two steps, and runbooks of one's own. What they do is what
two people read, nothing is swapped back over what users may have written, and nobody else's service is stopped.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from drbot.core.base.errors import PermanentError
from drbot.core.files.runbook_file import PACKAGED
from drbot.core.runs.run import Run, RunKind, RunState
from drbot.core.runs.stakes import Act, ProofKind
from drbot.core.runs.stakes_words import loss_text
from drbot.core.site.site import Repository
from drbot.store.base.schema import incidents, kept, locks
from tests.integration.runners.harmless import NOON
from tests.integration.runners.test_rows_over_time import approved, of, queued, rows, swapped_and_frozen, with_runbook
from tests.integration.runners.worker_fixture import SECONDS, WorkerFixture

NEVER_STOPPED = (
    'with: {services: ["${services.apps}", "${services.fronts}"]}\n    after: [evidence',
    "with: {services: auth}\n    after: [evidence",
)
ANSWERS = ('{probe: volume.exists, with: {volume: "${keeper}"}}', "{probe: own_checks.http}")
REDIS_ANSWERS = ('{probe: health.services, with: {services: "${services.all}"}}', "{probe: own_checks.http}")
ASKS_ALL = ('{probe: data.answers, with: {volume: "${postgres.volume}"}}', "{probe: data.answers}")
BEFORE_START = "  - id: start-postgres\n"


def own(packaged: str, *changes: tuple[str, str], name: str = "own") -> str:
    """A packaged runbook with other words in some places, under a name of its own."""
    text = (PACKAGED / f"{packaged}.yml").read_text()
    for old, new in ((f"runbook: {packaged}", f"runbook: {name}"), *changes):
        assert old in text
        text = text.replace(old, new)
    return text


def step_of(packaged: str, step: str, end: str = "") -> str:
    """One step of a packaged runbook, as it stands there."""
    text = (PACKAGED / f"{packaged}.yml").read_text()
    body = text.split(f"  - id: {step}\n")[1]
    return f"  - id: {step}\n{body.split(f'  - id: {end}', 1)[0] if end else body}"


def planned(
    worker_fixture: WorkerFixture, text: str, kind: RunKind = RunKind.RECOVER, **arguments: str
) -> tuple[WorkerFixture, Run]:
    """The fixture with this runbook, and a run of it that waits for its approvers or was refused."""
    worker_fixture = with_runbook(worker_fixture, "own.yml", text)
    return worker_fixture, worker_fixture.go(
        worker_fixture.queue(worker_fixture.declare().incident, "own", kind, **arguments)
    )


def with_services(worker_fixture: WorkerFixture, **changed: dict[str, str]) -> WorkerFixture:
    """A worker that was started again with other services in dr.yml."""
    site = worker_fixture.worker_context.site
    services = {
        name: service.model_copy(update=changed.get(name, changed.get("every", {})))
        for name, service in site.services.items()
    }
    sites = {"production": site.model_copy(update={"services": services})}
    known = worker_fixture.worker_context.configuration.model_copy(update={"sites": sites})
    return replace(worker_fixture, worker_context=replace(worker_fixture.worker_context, configuration=known))


def with_repository(worker_fixture: WorkerFixture, letter: str) -> WorkerFixture:
    repository = Repository(url=f"https://{letter}.example/x.git", commit=letter * 40)
    known = worker_fixture.worker_context.configuration.model_copy(update={"repository": repository})
    return replace(worker_fixture, worker_context=replace(worker_fixture.worker_context, configuration=known))


def with_site(worker_fixture: WorkerFixture, **changed: Any) -> WorkerFixture:
    """A worker that was started again with another section `sites: production` in dr.yml."""
    sites = {
        **worker_fixture.worker_context.configuration.sites,
        "production": worker_fixture.worker_context.site.model_copy(update=changed),
    }
    known = worker_fixture.worker_context.configuration.model_copy(update={"sites": sites})
    return replace(worker_fixture, worker_context=replace(worker_fixture.worker_context, configuration=known))


def said(run: Run) -> list[str]:
    """What the card says will be replaced."""
    assert run.plan is not None
    return list(run.plan.replaces)


def test_data_is_not_swapped_under_services_that_no_step_stops(guarded: WorkerFixture) -> None:
    _, run = planned(guarded, own("level2-postgres", NEVER_STOPPED))

    assert run.state is RunState.FAILED
    assert '"swap" moves data while user, admin, front-user, front-admin may write' in str(run.outcome)


def test_a_database_that_starts_under_running_services_is_not_swapped_back(guarded: WorkerFixture) -> None:
    """Somebody starts them by hand while the swap runs, so users write; that they are stopped again helps nobody."""
    run = approved(guarded)
    swapping, looking = guarded.target.hold("volume.swap"), guarded.target.hold("health.wait")
    guarded.target.errors["health.wait"] = [PermanentError("fails on purpose")]
    guarded.begin(run)
    assert swapping.reached.wait(SECONDS)
    guarded.target.running.add("auth")
    swapping.go_on.set()
    assert looking.reached.wait(SECONDS)
    guarded.target.running.discard("auth")
    looking.go_on.set()
    guarded.ended()

    assert guarded.target.moves == 1
    assert "bringing the old back needs two people" in str(guarded.run(run).outcome)


def test_nothing_is_swapped_back_under_services_that_run_now(guarded: WorkerFixture) -> None:
    run = approved(guarded)
    hold = guarded.target.hold("health.wait")
    guarded.target.errors["health.wait"] = [PermanentError("fails on purpose")]
    guarded.begin(run)
    assert hold.reached.wait(SECONDS)
    guarded.target.running.add("auth")
    hold.go_on.set()
    guarded.ended()

    assert guarded.target.moves == 1
    assert "bringing the old back needs two people" in str(guarded.run(run).outcome)


def test_roles_that_were_edited_in_dr_yml_bring_nothing_back_under_users(guarded: WorkerFixture) -> None:
    run = swapped_and_frozen(guarded)
    worker_fixture = with_services(guarded, every={"role": "cache"})
    rows(worker_fixture, delete(locks), queued(run))

    ended = worker_fixture.go(run)
    rows(worker_fixture, of(run, "swap").values(state="failed", settlement="undo", settled_by="ben"), queued(run))
    worker_fixture.go(run)

    assert ended.state is RunState.FAILED
    assert "services auth role: app → cache" in str(ended.outcome)
    assert worker_fixture.target.moves == 1


@pytest.mark.parametrize("what", [{"project": "billing"}, {"service": "ledger"}])
def test_a_service_that_dr_yml_calls_by_that_name_since_the_approval_is_not_stopped(
    guarded: WorkerFixture, what: dict[str, str]
) -> None:
    run = approved(guarded)
    worker_fixture = with_services(guarded, auth=what)
    rows(worker_fixture, queued(run))

    ended = worker_fixture.go(run)

    assert ended.state is RunState.FAILED
    assert "compose.stop" not in worker_fixture.target.calls and worker_fixture.target.moves == 0


def test_what_will_be_replaced_is_said_by_the_action_not_by_the_file(guarded: WorkerFixture) -> None:
    to_redis = ('with:\n      volume: "${postgres.volume}"', 'with:\n      volume: "${redis.volume}"')
    back = ('with:\n        volume: "${postgres.volume}"', 'with:\n        volume: "${redis.volume}"')
    looks = ('swapped, with: {volume: "${postgres.volume}"', 'swapped, with: {volume: "${redis.volume}"')
    _, run = planned(guarded, own("level2-postgres", to_redis, back, looks, ASKS_ALL))

    assert run.plan is not None
    assert said(run) == ["volume redis_data of redis"]


def test_every_volume_that_is_replaced_and_kept_is_on_the_card(guarded: WorkerFixture) -> None:
    second = step_of("level2-postgres", "swap", "start-postgres").replace("id: swap", "id: swap-redis")
    second = second.replace('volume: "${postgres.volume}"', 'volume: "${redis.volume}"')
    second = second.replace("_before_${run.id}", "_redis_${run.id}").replace("[stop-postgres]", "[swap]")
    gate = ("for: [swap]", "for: [swap, swap-redis]")
    after = ("after: [swap]", "after: [swap-redis]")
    text = own("level2-postgres", gate, after, ASKS_ALL, (BEFORE_START, f"{second}{BEFORE_START}"))
    _, run = planned(guarded, text)

    assert run.plan is not None
    assert said(run) == ["volume postgres_data of postgres", "volume redis_data of redis"]
    assert run.plan.keeps.names == (f"postgres_data_before_{run.id}", f"postgres_data_redis_{run.id}")


def test_an_argument_that_is_no_input_of_the_runbook_is_refused(guarded: WorkerFixture) -> None:
    first, keeper = recovered_by_code(guarded)

    run = guarded.go(guarded.queue(first.incident, "level2-postgres", keeper=keeper))

    assert run.state is RunState.FAILED
    assert "level2-postgres takes no keeper" in str(run.outcome)


def recovered_by_code(worker_fixture: WorkerFixture) -> tuple[Run, str]:
    """A recovery that is over, and where the old data is kept."""
    run = approved(worker_fixture)
    worker_fixture.go(run)
    worker_fixture.answer(run)
    return worker_fixture.go(run), f"postgres_data_before_{run.id}"


def test_which_kept_data_comes_back_is_said_by_the_step_not_by_an_argument(guarded: WorkerFixture) -> None:
    first, keeper = recovered_by_code(guarded)
    guarded.target.keep("postgres_data_of_may", original="postgres_data", incident=1, run="r1-may")
    other = "postgres_data_of_may"
    steps = (('keeper: "${keeper}"', f"keeper: {other}"), ('replacement: "${keeper}"', f"replacement: {other}"))
    text = own("level2-undo", *steps)
    worker_fixture = with_runbook(guarded, "own.yml", text)

    run = worker_fixture.go(worker_fixture.queue(first.incident, "own", RunKind.UNDO, keeper=keeper))

    assert run.plan is not None and run.plan.stakes.kept is not None
    assert (run.plan.stakes.act, run.plan.stakes.kept.volume) == (Act.UNDO, "postgres_data_of_may")


def test_whose_kept_data_it_is_is_said_by_the_engine_and_not_by_a_row(guarded: WorkerFixture) -> None:
    first, keeper = recovered_by_code(guarded)
    other = guarded.declare()
    later = NOON + timedelta(days=300)
    rows(guarded, delete(locks), update(kept).values(run=other.id, incident=other.incident, created_at=later))

    run = guarded.go(guarded.queue(first.incident, "level2-undo", RunKind.UNDO, keeper=keeper))

    assert run.plan is not None and run.plan.stakes.kept is not None
    assert run.plan.stakes.kept.incident == first.incident
    assert run.plan.stakes.kept.since != later and run.plan.stakes.kept.size == 7


def test_who_gives_up_kept_data_reads_how_old_it_is_and_whose(guarded: WorkerFixture) -> None:
    first, keeper = recovered_by_code(guarded)

    run = guarded.go(guarded.queue(first.incident, "kept-give-up", RunKind.GIVE_UP, keeper=keeper))

    assert run.plan is not None
    moment = f"{guarded.worker_context.own.now():%Y-%m-%d}"
    (what,) = said(run)
    assert what.startswith(f"the data kept in {keeper} since {moment}")
    assert what.endswith(f"(DR-{first.incident}), put aside from postgres_data, 7 B")


def test_what_nothing_brings_back_stands_alone_in_its_runbook(guarded: WorkerFixture) -> None:
    removing = step_of("kept-give-up", "remove").replace("${keeper}", "redis_old")
    removing = removing.replace("[look-kept, approval]", "[swap]")
    gate = ("for: [swap]", "for: [swap, remove]")
    text = own("level2-postgres", gate, (BEFORE_START, f"{removing}\n{BEFORE_START}"))
    _, run = planned(guarded, text)

    assert run.state is RunState.FAILED
    assert "kept.remove is another kind of act than volume.swap; make a runbook for each" in str(run.outcome)


@pytest.mark.parametrize(
    ("packaged", "change", "kind"),
    [("kept-give-up", REDIS_ANSWERS, RunKind.GIVE_UP), ("level2-undo", ANSWERS, RunKind.UNDO)],
)
def test_a_proof_is_what_its_checks_look_at(
    guarded: WorkerFixture, packaged: str, change: tuple[str, str], kind: RunKind
) -> None:
    first, keeper = recovered_by_code(guarded)
    worker_fixture = with_runbook(guarded, "own.yml", own(packaged, change))

    run = worker_fixture.go(worker_fixture.queue(first.incident, "own", kind, keeper=keeper))

    assert run.plan is not None
    assert run.plan.stakes.proof is ProofKind.CHECKED


def test_a_plan_by_a_runbook_of_ones_own_says_so(guarded: WorkerFixture) -> None:
    _, run = planned(guarded, own("level2-postgres"))

    assert run.plan is not None
    assert any("own.yml" in warning for warning in run.plan.warnings)


def test_a_run_whose_plan_was_taken_away_ends_and_is_not_called_harmless(guarded: WorkerFixture) -> None:
    run = swapped_and_frozen(guarded)
    rows(guarded, delete(locks), queued(run, plan=None, plan_signature=None))

    ended = guarded.go(run)

    assert ended.state is RunState.FAILED
    assert "when its plan was deleted from the database." in str(ended.outcome)
    assert "Nothing in production was changed" not in str(ended.outcome)


def test_how_much_is_lost_does_not_follow_a_row(guarded: WorkerFixture) -> None:
    first = guarded.declare()
    rows(guarded, update(incidents).values(started_at=NOON - timedelta(minutes=59)))

    run = guarded.go(first)

    assert run.plan is not None
    loss = loss_text(run.plan.stakes.loss)
    assert "before the outage" not in loss and "2026-11-26 11:00:00 UTC" in loss


@pytest.mark.parametrize("folder", ["/etc", "${projects}/", "${projects}/../elsewhere"])
def test_only_folders_that_dr_yml_names_change_places(worker_fixture: WorkerFixture, folder: str) -> None:
    """By the very name that stands on the card: another path to the settings would replace the data in them, too."""
    text = own("level2-postgres", ('volume: "${postgres.volume}"', f'volume: "{folder}"'))

    worker_fixture, run = planned(worker_fixture, text)

    assert run.plan is None
    assert "is no folder that dr.yml names" in (run.outcome or "")
