"""Denied, expired, changed: each ends with production as it was and a way on."""

from dataclasses import replace
from pathlib import Path

import pytest

from drbot.core.errors import PermanentError
from drbot.core.old_server import OldServer
from drbot.core.people import Roster
from drbot.core.plan import seal_of
from drbot.core.run import Leftover, RunState, StepState, StopKind
from drbot.store import incidents, journal, locks
from tests.integration.runners.bench import Bench, bench_in
from tests.integration.runners.harmless import backup
from tests.waiting import PATIENCE


def require_blocked_and_untouched(bench: Bench, run_id: str) -> dict[str, object]:
    """The payload of the block; services run, nothing was replaced, the site is free, the copy is kept."""
    blocked = [event for event in bench_events(bench, run_id) if event[0] == "run.blocked"]
    with bench.database.read() as connection:
        assert locks.holder(connection, "production") is None
    assert {"auth", "front-user", "postgres"} <= bench.target.running
    assert bench.target.volumes["postgres_data"] == "corrupt"
    assert bench.target.volumes[f"postgres_data_{run_id}"] == "good"
    return dict(blocked[-1][1])


def bench_events(bench: Bench, run_id: str) -> list[tuple[str, dict[str, object]]]:
    with bench.database.read() as connection:
        return [
            (event.kind.value, dict(event.payload)) for event in journal.after(connection, 0) if event.run == run_id
        ]


def test_one_no_blocks_the_run_and_offers_an_older_backup(bench: Bench) -> None:
    run = bench.go(bench.declare())
    bench.approve(run, "ben")

    bench.vote(run, "chika", "deny")
    run = bench.go(run)

    assert run.state is RunState.BLOCKED
    payload = require_blocked_and_untouched(bench, run.id)
    assert payload["choices"] == ["another_backup", "discard"]
    assert payload["next"] == {"name": backup(2).name, "loss_seconds": 7200.0}


def test_a_discarded_run_leaves_no_copy_behind_and_says_so(bench: Bench) -> None:
    run = bench.go(bench.declare())
    bench.vote(run, "chika", "deny")
    run = bench.go(run)

    bench.stop(run, "nobody wants it", StopKind.DISCARDED)
    bench.worker().handle(run.id)

    assert set(bench.target.volumes) == {"postgres_data", "redis_data"}
    assert "is not needed: " in bench.events(run, "incident.note")[-1].payload["text"]


@pytest.mark.parametrize("why", ["discarded the idea, we wait", "replaced: by nothing", "discarded"])
def test_no_words_of_a_stop_remove_the_proven_copy(bench: Bench, why: str) -> None:
    run = bench.go(bench.declare())

    bench.stop(run, why)
    bench.worker().handle(run.id)

    assert bench.target.volumes[f"postgres_data_{run.id}"] == "good"


def test_no_words_in_the_timeline_keep_a_discarded_copy(bench: Bench) -> None:
    run = bench.go(bench.declare())
    said = f"{run.id} is over, so what restore-beside made is not needed: says daiki"
    with bench.database.write() as tx:
        incidents.note(tx, run.incident, "daiki", said)

    bench.stop(run, "", StopKind.DISCARDED)
    bench.worker().handle(run.id)
    bench.worker().handle(run.id)

    assert f"postgres_data_{run.id}" not in bench.target.volumes
    assert len(bench.events(run, "incident.note")) == 2  # daiki's, and drbot's own once


def test_a_copy_that_could_not_be_removed_is_tried_again_and_told_once(bench: Bench) -> None:
    run = bench.go(bench.declare())
    bench.target.errors["volume.remove"] = [PermanentError("in use"), PermanentError("in use")]
    bench.stop(run, "", StopKind.DISCARDED)

    bench.worker().handle(run.id)
    bench.worker().handle(run.id)
    assert len(bench.events(run, "incident.note")) == 1
    bench.worker().handle(run.id)

    assert f"postgres_data_{run.id}" not in bench.target.volumes
    assert bench.step(run, "restore-beside").leftover is Leftover.REMOVED


def test_the_same_question_is_not_asked_again_after_a_no(bench: Bench) -> None:
    run = bench.go(bench.declare())
    bench.vote(run, "chika", "deny")
    bench.go(run)

    again = bench.go(bench.queue(run.incident, "level2-postgres"))

    assert again.state is RunState.FAILED
    assert "chika denied exactly this" in str(again.outcome)
    (refused,) = bench.events(again, "run.refused")
    assert refused.payload["todo"].startswith("Name another backup")


def test_a_request_that_nobody_answers_expires(tmp_path: Path) -> None:
    bench = bench_in(tmp_path, vote_within="10ms")
    run = bench.go(bench.declare())

    bench.upkeep()
    run = bench.go(run)

    assert run.state is RunState.BLOCKED
    assert require_blocked_and_untouched(bench, run.id)["choices"] == ["ask_again", "another_backup", "discard"]


def test_what_no_dump_brings_back_is_sealed_and_told(bench: Bench) -> None:
    old = OldServer(
        volume="postgres_data",
        readable=True,
        files={"pg_hba.conf": "1", "postgresql.auto.conf": "2"},
        settings=("work_mem",),
        left=("replication slot standby1",),
    )
    bench.target.server = old

    run = bench.go(bench.declare())

    assert run.plan is not None
    assert run.plan.old_server == old
    assert "Not in a dump, copied from the old volume: ALTER SYSTEM (work_mem), pg_hba.conf." in run.plan.warnings
    assert "Not in a dump, and not carried over: replication slot standby1." in run.plan.warnings
    other = run.plan.model_copy(update={"old_server": old.model_copy(update={"files": {"pg_hba.conf": "9"}})})
    assert seal_of(other) != seal_of(run.plan)


def test_a_strangers_container_on_the_volume_is_told_before_anything_is_done(bench: Bench) -> None:
    bench.target.strangers = ["reporting"]

    run = bench.go(bench.declare())

    assert run.state is RunState.FAILED
    assert "reporting also uses the volume postgres_data and is no service of dr.yml" in str(run.outcome)
    (refused,) = bench.events(run, "run.refused")
    assert "docker stop reporting" in refused.payload["todo"]
    assert bench.target.calls == []


@pytest.mark.parametrize("what", ["engine", "backup", "stranger"])
def test_what_is_no_longer_as_sealed_makes_the_request_void_before_services_are_stopped(
    bench: Bench, what: str
) -> None:
    run = bench.go(bench.declare())
    if what == "engine":
        bench.target.engine = "engine-2"
    elif what == "stranger":
        bench.target.strangers = ["reporting"]
    else:
        bench.target.backups[0] = backup(1).model_copy(update={"sha256": "f" * 64})

    bench.approve(run)
    run = bench.go(run)

    assert run.state is RunState.BLOCKED
    require_blocked_and_untouched(bench, run.id)
    assert "stop-apps" not in bench.target.calls
    (void,) = bench.events(run, "request.void")
    assert ("engine: engine-1 → engine-2" in void.payload["why"]) is (what == "engine")
    assert ("strangers postgres_data: [] → ['reporting']" in void.payload["why"]) is (what == "stranger")


def test_a_change_after_the_services_were_stopped_starts_them_again_and_replaces_nothing(bench: Bench) -> None:
    run = bench.go(bench.declare())
    hold = bench.target.hold("compose.stop")
    bench.approve(run)
    thread = bench.begin(run)
    assert hold.reached.wait(PATIENCE)

    bench.target.engine = "engine-2"
    hold.go_on.set()
    thread.join(PATIENCE)

    assert bench.run(run).state is RunState.BLOCKED
    require_blocked_and_untouched(bench, run.id)
    assert "swap" not in bench.target.calls
    assert bench.states(run)["stop-apps"] == "undone"


def test_the_worker_counts_the_votes_itself_and_a_person_who_left_the_roster_no_longer_counts(bench: Bench) -> None:
    run = bench.go(bench.declare())
    bench.approve(run, "ben", "chika")
    people = {name: person for name, person in bench.equipment.roster.people.items() if name != "chika"}
    bench.equipment = replace(bench.equipment, roster=Roster(people=people))

    run = bench.go(run)

    assert run.state is RunState.BLOCKED
    require_blocked_and_untouched(bench, run.id)
    assert "swap" not in bench.target.calls


def test_a_no_after_the_grant_and_before_the_swap_wins(bench: Bench) -> None:
    run = bench.go(bench.declare())
    hold = bench.target.hold("compose.stop")
    bench.approve(run)
    thread = bench.begin(run)
    assert hold.reached.wait(PATIENCE)

    assert bench.vote(run, "daiki", "deny").counted
    hold.go_on.set()
    thread.join(PATIENCE)

    assert bench.run(run).state is RunState.BLOCKED
    require_blocked_and_untouched(bench, run.id)


def test_a_bad_backup_is_found_beside_production_and_the_next_one_is_offered(bench: Bench) -> None:
    bench.target.bad.add(backup(1).name)

    run = bench.go(bench.declare())

    assert run.state is RunState.BLOCKED
    (blocked,) = bench.events(run, "run.blocked")
    assert "the dump ends in the middle" in blocked.payload["why"]
    assert blocked.payload["next"] == {"name": backup(2).name, "loss_seconds": 7200.0}
    assert bench.request(run).state.value == "void"
    assert bench.target.volumes["postgres_data"] == "corrupt"


def test_without_any_backup_the_survey_refuses_and_says_what_to_do(bench: Bench) -> None:
    bench.target.backups = []

    run = bench.go(bench.declare())

    assert run.state is RunState.FAILED
    (refused,) = bench.events(run, "run.refused")
    assert refused.payload["why"] == "There is none."
    assert refused.payload["todo"] == "Put one there."
    assert bench.target.calls == []


def test_the_declarer_cannot_approve_and_a_named_backup_wins(bench: Bench) -> None:
    run = bench.declare()
    named = bench.queue(run.incident, "level2-postgres", backup=backup(2).name)
    named = bench.go(named)

    assert named.plan is not None and named.plan.backup == backup(2).model_copy(update={"site": "production"})
    assert bench.vote(named, "aiko", "approve").code == "requester"
    assert bench.step(named, "approval").state is StepState.WAITING
