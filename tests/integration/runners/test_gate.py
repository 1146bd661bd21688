"""Denied, expired, changed: each ends with production as it was and a way on."""

from dataclasses import replace
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.runs.plan import seal_of
from drbot.core.runs.run import Leftover, RunState, StepState, StopKind
from drbot.core.site.old_server import OldServer
from drbot.core.site.people import Roster
from drbot.runners.upkeep.chores import Upkeep
from drbot.store.base import ledger
from drbot.store.records import incidents, locks
from drbot.store.runs import chores
from tests.integration.runners.harmless import backup
from tests.integration.runners.worker_fixture import WorkerFixture, worker_fixture_in
from tests.waiting import PATIENCE


def require_blocked_and_untouched(worker_fixture: WorkerFixture, run_id: str) -> dict[str, object]:
    """The payload of the block; services run, nothing was replaced, the site is free, the copy is kept."""
    blocked = [event for event in fixture_events(worker_fixture, run_id) if event[0] == "run.blocked"]
    with worker_fixture.database.read() as connection:
        assert locks.holder(connection, "production") is None
    assert {"auth", "front-user", "postgres"} <= worker_fixture.target.running
    assert worker_fixture.target.volumes["postgres_data"] == "corrupt"
    assert worker_fixture.target.volumes[f"postgres_data_{run_id}"] == "good"
    return dict(blocked[-1][1])


def fixture_events(worker_fixture: WorkerFixture, run_id: str) -> list[tuple[str, dict[str, object]]]:
    with worker_fixture.database.read() as connection:
        return [(event.kind.value, dict(event.payload)) for event in ledger.after(connection, 0) if event.run == run_id]


def test_one_no_blocks_the_run_and_offers_an_older_backup(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run, "ben")

    worker_fixture.vote(run, "chika", "deny")
    run = worker_fixture.go(run)

    assert run.state is RunState.BLOCKED
    payload = require_blocked_and_untouched(worker_fixture, run.id)
    assert payload["choices"] == ["another_backup", "ask_again", "discard"]
    assert payload["next"] == {"name": backup(2).name, "loss_seconds": 7200.0}


def test_a_discarded_run_leaves_no_copy_behind_and_says_so(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.vote(run, "chika", "deny")
    run = worker_fixture.go(run)

    worker_fixture.stop(run, "nobody wants it", StopKind.DISCARDED)
    worker_fixture.worker().handle(run.id)

    assert set(worker_fixture.target.volumes) == {"postgres_data", "redis_data"}
    assert "is not needed: " in worker_fixture.events(run, "incident.note")[-1].payload["text"]
    said = worker_fixture.events(run, "run.stopped")[-1].payload["safe_state"]
    assert "its worker removes it" in said and "is kept" not in said


@pytest.mark.parametrize("why", ["discarded the idea, we wait", "replaced: by nothing", "discarded"])
def test_no_words_of_a_stop_remove_the_proven_copy(worker_fixture: WorkerFixture, why: str) -> None:
    run = worker_fixture.go(worker_fixture.declare())

    worker_fixture.stop(run, why)
    worker_fixture.worker().handle(run.id)

    assert worker_fixture.target.volumes[f"postgres_data_{run.id}"] == "good"


def test_no_words_in_the_timeline_keep_a_discarded_copy(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    said = f"{run.id} is over, so what restore-beside made is not needed: says daiki"
    with worker_fixture.database.write() as tx:
        incidents.note(tx, run.incident, "daiki", said)

    worker_fixture.stop(run, "", StopKind.DISCARDED)
    worker_fixture.worker().handle(run.id)
    worker_fixture.worker().handle(run.id)

    assert f"postgres_data_{run.id}" not in worker_fixture.target.volumes
    assert len(worker_fixture.events(run, "incident.note")) == 2  # daiki's, and drbot's own once


def test_a_copy_that_could_not_be_removed_is_tried_again_and_told_once(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.target.errors["volume.remove"] = [PermanentError("in use"), PermanentError("in use")]
    worker_fixture.stop(run, "", StopKind.DISCARDED)

    worker_fixture.worker().handle(run.id)
    worker_fixture.worker().handle(run.id)
    assert len(worker_fixture.events(run, "incident.note")) == 1
    worker_fixture.worker().handle(run.id)

    assert f"postgres_data_{run.id}" not in worker_fixture.target.volumes
    assert worker_fixture.step(run, "restore-beside").leftover is Leftover.REMOVED


def test_while_a_worker_serves_it_tries_again_to_remove_a_copy_which_is_listed_until_then(
    worker_fixture: WorkerFixture,
) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.target.errors["volume.remove"] = [PermanentError("in use")]
    worker_fixture.stop(run, "", StopKind.DISCARDED)
    upkeep = Upkeep(worker_fixture.worker_context, kept_seconds=0.0)

    upkeep.tick()
    with worker_fixture.database.read() as connection:
        assert [(one.id, record.id) for one, record in chores.remaining(connection)] == [(run.id, "restore-beside")]
    upkeep.tick()
    upkeep.tick()

    assert f"postgres_data_{run.id}" not in worker_fixture.target.volumes
    with worker_fixture.database.read() as connection:
        assert chores.remaining(connection) == []


def test_the_same_question_is_not_asked_again_after_a_no(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.vote(run, "chika", "deny")
    worker_fixture.go(run)

    again = worker_fixture.go(worker_fixture.queue(run.incident, "level2-postgres"))

    assert again.state is RunState.FAILED
    assert "chika denied exactly this" in str(again.outcome)
    (refused,) = worker_fixture.events(again, "run.refused")
    assert refused.payload["todo"].startswith("Name another backup")


def test_a_request_that_nobody_answers_expires(tmp_path: Path) -> None:
    worker_fixture = worker_fixture_in(tmp_path, vote_within="10ms")
    run = worker_fixture.go(worker_fixture.declare())

    worker_fixture.upkeep()
    run = worker_fixture.go(run)

    assert run.state is RunState.BLOCKED
    assert require_blocked_and_untouched(worker_fixture, run.id)["choices"] == [
        "ask_again",
        "another_backup",
        "discard",
    ]


def test_what_no_dump_brings_back_is_sealed_and_told(worker_fixture: WorkerFixture) -> None:
    old = OldServer(
        volume="postgres_data",
        readable=True,
        files={"pg_hba.conf": "1", "postgresql.auto.conf": "2"},
        settings=("work_mem",),
        left=("replication slot standby1",),
    )
    worker_fixture.target.server = old

    run = worker_fixture.go(worker_fixture.declare())

    assert run.plan is not None
    assert run.plan.old_server == old
    assert "Not in a dump, copied from the old volume: ALTER SYSTEM (work_mem), pg_hba.conf." in run.plan.warnings
    assert "Not in a dump, and not carried over: replication slot standby1." in run.plan.warnings
    other = run.plan.model_copy(update={"old_server": old.model_copy(update={"files": {"pg_hba.conf": "9"}})})
    assert seal_of(other) != seal_of(run.plan)


def test_a_strangers_container_on_the_volume_is_told_before_anything_is_done(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.strangers = ["reporting"]

    run = worker_fixture.go(worker_fixture.declare())

    assert run.state is RunState.FAILED
    assert "reporting also uses the volume postgres_data and is no service of dr.yml" in str(run.outcome)
    (refused,) = worker_fixture.events(run, "run.refused")
    assert "docker stop reporting" in refused.payload["todo"]
    assert worker_fixture.target.calls == []


@pytest.mark.parametrize("what", ["engine", "backup", "stranger"])
def test_what_is_no_longer_as_sealed_makes_the_request_void_before_services_are_stopped(
    worker_fixture: WorkerFixture, what: str
) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    if what == "engine":
        worker_fixture.target.engine = "engine-2"
    elif what == "stranger":
        worker_fixture.target.strangers = ["reporting"]
    else:
        worker_fixture.target.backups[0] = backup(1).model_copy(update={"sha256": "f" * 64})

    worker_fixture.approve(run)
    run = worker_fixture.go(run)

    assert run.state is RunState.BLOCKED
    require_blocked_and_untouched(worker_fixture, run.id)
    assert "stop-apps" not in worker_fixture.target.calls
    (void,) = worker_fixture.events(run, "request.void")
    assert ("engine: engine-1 → engine-2" in void.payload["why"]) is (what == "engine")
    assert ("strangers postgres_data: [] → ['reporting']" in void.payload["why"]) is (what == "stranger")


def test_a_change_after_the_services_were_stopped_starts_them_again_and_replaces_nothing(
    worker_fixture: WorkerFixture,
) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    hold = worker_fixture.target.hold("compose.stop")
    worker_fixture.approve(run)
    thread = worker_fixture.begin(run)
    assert hold.reached.wait(PATIENCE)

    worker_fixture.target.engine = "engine-2"
    hold.go_on.set()
    thread.join(PATIENCE)

    assert worker_fixture.run(run).state is RunState.BLOCKED
    require_blocked_and_untouched(worker_fixture, run.id)
    assert "swap" not in worker_fixture.target.calls
    assert worker_fixture.states(run)["stop-apps"] == "undone"


def test_the_worker_counts_the_votes_itself_and_a_person_who_left_the_roster_no_longer_counts(
    worker_fixture: WorkerFixture,
) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    worker_fixture.approve(run, "ben", "chika")
    people = {name: person for name, person in worker_fixture.worker_context.roster.people.items() if name != "chika"}
    worker_fixture.worker_context = replace(worker_fixture.worker_context, roster=Roster(people=people))

    run = worker_fixture.go(run)

    assert run.state is RunState.BLOCKED
    require_blocked_and_untouched(worker_fixture, run.id)
    assert "swap" not in worker_fixture.target.calls


def test_a_no_after_the_grant_and_before_the_swap_wins(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.go(worker_fixture.declare())
    hold = worker_fixture.target.hold("compose.stop")
    worker_fixture.approve(run)
    thread = worker_fixture.begin(run)
    assert hold.reached.wait(PATIENCE)

    assert worker_fixture.vote(run, "daiki", "deny").counted
    hold.go_on.set()
    thread.join(PATIENCE)

    assert worker_fixture.run(run).state is RunState.BLOCKED
    require_blocked_and_untouched(worker_fixture, run.id)


def test_a_bad_backup_is_found_beside_production_and_the_next_one_is_offered(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.bad.add(backup(1).name)

    run = worker_fixture.go(worker_fixture.declare())

    assert run.state is RunState.BLOCKED
    (blocked,) = worker_fixture.events(run, "run.blocked")
    assert "the dump ends in the middle" in blocked.payload["why"]
    assert blocked.payload["next"] == {"name": backup(2).name, "loss_seconds": 7200.0}
    assert worker_fixture.request(run).state.value == "void"
    assert worker_fixture.target.volumes["postgres_data"] == "corrupt"


def test_without_any_backup_the_survey_refuses_and_says_what_to_do(worker_fixture: WorkerFixture) -> None:
    worker_fixture.target.backups = []

    run = worker_fixture.go(worker_fixture.declare())

    assert run.state is RunState.FAILED
    (refused,) = worker_fixture.events(run, "run.refused")
    assert refused.payload["why"] == "There is none."
    assert refused.payload["todo"] == "Put one there."
    assert worker_fixture.target.calls == []


def test_the_declarer_cannot_approve_and_a_named_backup_wins(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.declare()
    named = worker_fixture.queue(run.incident, "level2-postgres", backup=backup(2).name)
    named = worker_fixture.go(named)

    assert named.plan is not None and named.plan.backup == backup(2).model_copy(update={"site": "production"})
    assert worker_fixture.vote(named, "aiko", "approve").code == "requester"
    assert worker_fixture.step(named, "approval").state is StepState.WAITING
