"""Several edits of the database over time, at moments that a random search does not find: each was once enough."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Executable, delete, insert, update

from drbot.core.approvals.approval import HOLD_SECONDS, EntryPoint, claim_of
from drbot.core.base.errors import PermanentError
from drbot.core.files.runbook_file import PACKAGED
from drbot.core.ledger.attestation import Attestation, Proof, statement
from drbot.core.ledger.policy import stored
from drbot.core.runs.plan import BackupIdentity
from drbot.core.runs.run import Run, RunKind, RunState
from drbot.core.runs.stakes_words import loss_text
from drbot.core.site.site import Monitoring, Repository
from drbot.runners.actions.fetching import clone
from drbot.runners.actions.monitoring import start
from drbot.runners.actions.postgres import compared
from drbot.runners.actions.restoring import configuration
from drbot.runners.clients.postgres_written import Written
from drbot.runners.execution.run_context import idle_run_context
from drbot.store.base.schema import kept, locks, requests, runs, steps, votes
from tests.integration.attacks.rows import vote
from tests.integration.runners.harmless import NOON
from tests.integration.runners.worker_fixture import WorkerFixture

BEHIND_THE_GATE = ("stop-apps", "stop-postgres", "swap", "start-postgres")


def rows(worker_fixture: WorkerFixture, *statements: Executable) -> None:
    with worker_fixture.database.write() as tx:
        for statement in statements:
            tx.connection.execute(statement)


def of(run: Run, *names: str) -> Any:
    changed = update(steps).where(steps.c.run == run.id)
    return changed.where(steps.c.id.in_(names)) if names else changed


def queued(run: Run, **values: Any) -> Any:
    return update(runs).where(runs.c.id == run.id).values(state="queued", **values)


def granted(**values: Any) -> Any:
    now = datetime.now(UTC)
    start = {"granted_at": now, "proven_at": now, "start_by": now + timedelta(seconds=800)}
    return update(requests).values(state="granted", **(start | values))


def approved(worker_fixture: WorkerFixture) -> Run:
    run = worker_fixture.go(worker_fixture.declare())
    for person in ("ben", "chika"):
        vote(worker_fixture, run.id, person)
    return run


def with_runbook(worker_fixture: WorkerFixture, name: str, text: str) -> WorkerFixture:
    """The same with a file in the folder of own runbooks."""
    folder = worker_fixture.worker_context.home / "runbooks"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    known = worker_fixture.worker_context.configuration.model_copy(update={"runbooks": folder})
    return replace(worker_fixture, worker_context=replace(worker_fixture.worker_context, configuration=known))


def test_a_request_whose_row_was_taken_away_is_not_opened_again(guarded: WorkerFixture) -> None:
    """Its old votes would count for the new one of the same name."""
    run = approved(guarded)
    rows(guarded, delete(votes), delete(requests), queued(run), of(run, "approval").values(state="waiting"))

    ended = guarded.go(run)

    assert ended.state is RunState.FAILED and "was opened before" in (ended.outcome or "")
    assert guarded.target.moves == 0


def test_a_request_that_ended_grants_nothing_when_its_row_comes_back(guarded: WorkerFixture) -> None:
    run = approved(guarded)
    guarded.target.engine = "another"
    assert guarded.go(run).state is RunState.BLOCKED
    guarded.target.engine = "engine-1"
    rows(guarded, granted(), queued(run))

    guarded.go(run)

    assert guarded.target.moves == 0


def forged_vote(worker_fixture: WorkerFixture, run: Run, person: str, decision: str, at: datetime) -> Any:
    """A genuine proof, with a time that nobody has signed."""
    request, key = worker_fixture.request(run), worker_fixture.worker_context.key
    claim = claim_of(request, worker_fixture.worker_context.roster, person=person, seal=request.seal, decision=decision)
    proof = Proof.HOST if decision == "break-glass" else Proof.CODE
    entry_point = EntryPoint.TERMINAL if decision == "break-glass" else EntryPoint.DIALOG
    signed = Attestation(proof=proof, signature=key.sign(statement(proof, claim)))
    return insert(votes).values(
        request=request.id,
        person=person,
        decision=decision,
        reason="x",
        seal=request.seal,
        at=at,
        entry_point=entry_point.value,
        attestation=stored(signed),
        terminal="",
    )


def test_a_vote_of_the_future_counts_for_nobody_who_does_not_count_yet(guarded: WorkerFixture) -> None:
    roster = guarded.worker_context.roster
    new = replace(roster.people["chika"], counts_from=datetime.now(UTC) + timedelta(hours=23))
    people = {**roster.people, "chika": new}
    worker_fixture = replace(
        guarded, worker_context=replace(guarded.worker_context, roster=replace(roster, people=people))
    )
    run = worker_fixture.go(worker_fixture.declare())
    vote(worker_fixture, run.id, "ben")
    rows(
        worker_fixture,
        forged_vote(worker_fixture, run, "chika", "approve", datetime.now(UTC) + timedelta(days=2)),
        granted(),
        queued(run),
    )

    worker_fixture.go(run)

    assert worker_fixture.target.moves == 0


def test_break_glass_waits_ten_minutes_from_when_the_worker_saw_it(guarded: WorkerFixture) -> None:
    roster = replace(guarded.worker_context.roster, break_glass=True)
    worker_fixture = replace(guarded, worker_context=replace(guarded.worker_context, roster=roster))
    run = worker_fixture.go(worker_fixture.declare())
    earlier = datetime.now(UTC) - timedelta(seconds=HOLD_SECONDS + 1)
    rows(
        worker_fixture,
        forged_vote(worker_fixture, run, "ben", "break-glass", earlier),
        granted(hold_until=earlier + timedelta(seconds=HOLD_SECONDS)),
        queued(run),
    )

    worker_fixture.go(run)

    assert worker_fixture.target.moves == 0


def test_a_swap_that_only_the_database_skipped_is_no_success(guarded: WorkerFixture) -> None:
    run = guarded.go(guarded.declare())
    guarded.target.volumes["postgres_data"] = "good"
    rows(guarded, of(run, "approval", *BEHIND_THE_GATE, "verify", "start-apps").values(state="skipped"), queued(run))

    ended = guarded.go(run)

    assert ended.state is RunState.FAILED and "did not skip it" in (ended.outcome or "")


def swapped_and_frozen(worker_fixture: WorkerFixture) -> Run:
    """Both votes, swapped; right then a row takes the run away from its worker."""
    run = approved(worker_fixture)
    hold = worker_fixture.target.hold("compose.start")
    thread = worker_fixture.begin(run)
    assert hold.reached.wait(60)
    rows(
        worker_fixture,
        queued(run, epoch=runs.c.epoch + 1, owner=None, lease_until=None),
        update(runs).values(state="waiting"),
    )
    hold.go_on.set()
    thread.join(60)
    assert worker_fixture.target.moves == 1
    return run


def test_what_the_worker_has_begun_is_not_said_to_be_untouched(guarded: WorkerFixture) -> None:
    run = swapped_and_frozen(guarded)
    stop = {"stop_requested": "stop", "stop_kind": "person"}
    rows(guarded, of(run, *BEHIND_THE_GATE).values(state="pending", attempt=0), queued(run, **stop))

    ended = guarded.go(run)

    assert "Nothing in production was changed" not in (ended.outcome or "")
    assert "It is not known how far swap got" in (ended.outcome or "")


def test_nothing_is_taken_back_once_another_run_has_let_users_in(guarded: WorkerFixture) -> None:
    run = swapped_and_frozen(guarded)
    rows(guarded, delete(locks))
    guarded.go(guarded.queue(run.incident, "restart-services"))
    assert "auth" in guarded.target.running
    rows(
        guarded,
        delete(locks),
        of(run, "swap").values(state="failed", settlement="undo", settled_by="ben"),
        of(run, "start-postgres").values(state="pending", attempt=0),
        queued(run),
    )

    guarded.go(run)

    assert guarded.target.moves == 1


EARLY = """  - id: start-early
    title: {en: Restart}
    do: compose.restart
    with: {services: ["${services.apps}", "${services.fronts}"]}
    after: [start-postgres]
    effect: change
    again: safe
    limits: {time: 5m}
    drill: redirect

  - id: verify
"""


def test_services_that_come_by_another_action_let_users_in_too(guarded: WorkerFixture) -> None:
    text = (PACKAGED / "level2-postgres.yml").read_text().replace("  - id: verify\n", EARLY)
    text = text.replace("after: [start-postgres]\n    limits", "after: [start-early]\n    limits")
    worker_fixture = with_runbook(guarded, "level2-postgres.yml", text)
    run = approved(worker_fixture)
    worker_fixture.target.errors["health.wait"] = [PermanentError("hours later")]

    worker_fixture.go(run)

    assert worker_fixture.target.moves == 1  # what users have written since is not swapped away under the old approval


def test_who_asked_counts_by_the_policy_alone(guarded: WorkerFixture) -> None:
    text = (
        (PACKAGED / "level2-postgres.yml")
        .read_text()
        .replace("{people: 2, for", "{people: 2, requester_counts: true, for")
    )
    worker_fixture = with_runbook(guarded, "level2-postgres.yml", text)

    refused = worker_fixture.go(worker_fixture.declare())

    assert (
        refused.state is RunState.FAILED
        and "`approvals` in dr.yml decides whether the requester's vote counts," in (refused.outcome or "")
    )


def test_what_an_undo_loses_is_counted_from_what_the_worker_itself_noted(guarded: WorkerFixture) -> None:
    run = approved(guarded)
    guarded.go(run)
    guarded.answer(run)
    first = guarded.go(run)
    seen: list[int] = []

    def written_since(transaction: int, _cancelled: object) -> Written:
        seen.append(transaction)
        return Written(rows=5000, bytes=0)

    guarded.target.written_since = written_since  # type: ignore[assignment, method-assign]
    rows(
        guarded,
        update(kept).values(created_at=datetime.now(UTC)),
        of(run, "swap").values(facts={"next_transaction": 2_000_000_000}),
    )
    with guarded.database.read() as connection:
        (volume,) = connection.execute(kept.select()).mappings().all()

    undo = guarded.go(guarded.queue(first.incident, "level2-undo", RunKind.UNDO, keeper=volume["volume"]))

    assert undo.plan is not None
    assert "5,000 rows" in loss_text(undo.plan.stakes.loss)
    assert seen == [740]


@pytest.mark.parametrize("copied", [{}, {"authdb.users": 5000}])
def test_half_a_copy_of_a_backup_without_manifest_proves_nothing(copied: Mapping[str, int]) -> None:
    backup = BackupIdentity(place="x", name="all.sql.gz", size=1, sha256="0", snapshot_at=NOON, manifest=False)

    assert not compared(backup, copied, {"authdb.users": 1}).passed


def test_a_runbook_of_ones_own_fetches_and_starts_only_what_dr_yml_names(guarded: WorkerFixture) -> None:
    run = guarded.go(guarded.declare())
    assert run.plan is not None
    repository = Repository(url="https://example.com/system.git", commit="a" * 40)
    monitoring = Monitoring(project="monitoring", prometheus="http://127.0.0.1:9", alertmanager="http://127.0.0.1:9")
    site = guarded.worker_context.site.model_copy(update={"monitoring": monitoring})
    known = guarded.worker_context.configuration.model_copy(
        update={"repository": repository, "sites": {"production": site}}
    )
    run_context = idle_run_context(replace(guarded.worker_context, configuration=known), run, run.plan)
    context = run_context.looking(run.plan.steps[0])

    for url, folder in (("https://evil.example/x.git", site.projects), (repository.url, site.projects / ".docker")):
        with pytest.raises(PermanentError, match=r"only dr\.yml's repository"):
            clone(context, {"url": url, "commit": repository.commit, "folder": str(folder)})
    with pytest.raises(PermanentError, match=r"not the monitoring that dr\.yml names"):
        start(context, {"project": "evil"})
    with pytest.raises(PermanentError, match="only to the site's projects"):
        configuration(context, {"backup": "x", "folder": "/etc"})


def test_a_run_whose_name_is_a_path_is_not_taken_up(guarded: WorkerFixture) -> None:
    run = guarded.declare()
    rows(guarded, update(runs).where(runs.c.id == run.id).values(id="../worker/x"))

    guarded.worker().handle("../worker/x")

    assert guarded.run("../worker/x").state is RunState.QUEUED
    assert not list((guarded.worker_context.home / "worker").glob("x*"))


def test_a_row_that_takes_the_name_of_a_run_of_before_owns_nothing_of_what_that_one_made(
    guarded: WorkerFixture,
) -> None:
    """Production lies in volumes of the run that raised it; a worker that lost its folder does not remember that run.
    By its name they would be "this run's own", and be emptied without being put aside.
    """
    guarded.target.bearing["r1-20260101-030000-ab12"] = ("postgres_data", "/srv/x")
    run = guarded.declare()
    rows(guarded, update(runs).where(runs.c.id == run.id).values(id="r1-20260101-030000-ab12"))

    ended = guarded.go(guarded.run("r1-20260101-030000-ab12"))

    assert (ended.state, ended.plan) == (RunState.FAILED, None)
    assert "postgres_data, /srv/x: on this host under the name of this run" in str(ended.outcome)


def test_a_plan_that_was_only_shown_is_never_done(guarded: WorkerFixture) -> None:
    """It counts on no machine, so another run may give back the one that it names."""
    run = guarded.go(guarded.queue(guarded.declare().incident, "restart-services", RunKind.PLAN))
    assert run.state is RunState.SUCCEEDED
    before = [*guarded.target.calls]

    rows(guarded, queued(run, kind=RunKind.RECOVER.value))
    ended = guarded.go(run)

    assert guarded.target.calls == before
    assert "has ended on this host" in (ended.outcome or "")
