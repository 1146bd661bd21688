"""Levels 3 and 4 are declared for the site that was lost and done by the worker of another one, perhaps in parts."""

import pytest

from drbot.core.runs.run import Run, RunKind, RunState, StopKind
from drbot.store.runs import runs, sub_runs
from tests.integration.commands.conftest import Build
from tests.integration.commands.verb_fixture import DR_YML, VerbFixture

ELSEWHERE = "recovery: {site: recovery, control: control}\n"
SITES = "  recovery: {projects: ., services: {}}\n  control: {title: Outside}\n"


def with_part(verb_fixture: VerbFixture) -> tuple[Run, Run]:
    """A run that waits for its request and for its part, which is at work."""
    whole, _ = verb_fixture.asked()
    verb_fixture.park(whole, RunState.WAITING)
    with verb_fixture.database.write() as tx:
        part = runs.queue(
            tx,
            incident=whole.incident,
            site="production",
            kind=RunKind.RECOVER,
            runbook="level3-host",
            arguments={sub_runs.PART_OF: whole.id, sub_runs.STEP: "restore-beside"},
            person="aiko",
        )
        claimed = runs.claim(tx, part.id, "elsewhere", 600)
    assert claimed is not None
    return whole, claimed


@pytest.mark.parametrize(("level", "site"), [(2, "production"), (3, "recovery"), (4, "control")])
def test_the_run_is_queued_where_its_worker_is(built: Build, level: int, site: str) -> None:
    verb_fixture = built(DR_YML.replace("\nbackups:", f"\n{SITES}backups:", 1) + ELSEWHERE)
    verb_fixture.say("ben", f"declare level{level} it burns")

    assert verb_fixture.incident().site == "production"
    assert verb_fixture.runs()[0].site == site


def test_people_approve_the_whole_while_a_part_is_at_work(verb_fixture: VerbFixture) -> None:
    whole, _ = with_part(verb_fixture)
    dialog = verb_fixture.say("ben", "approve").dialog

    assert dialog is not None
    assert str(dialog.request).startswith(whole.id)


def test_stop_reaches_the_part_that_is_at_work(verb_fixture: VerbFixture) -> None:
    _, part = with_part(verb_fixture)
    verb_fixture.say("ben", "stop wrong place")

    with verb_fixture.database.read() as connection:
        assert runs.get(connection, part.id).stop_requested == "wrong place"


def test_what_has_ended_is_told_by_the_whole(verb_fixture: VerbFixture) -> None:
    whole, part = with_part(verb_fixture)
    with verb_fixture.database.write() as tx:
        runs.finish(tx, part, RunState.SUCCEEDED, "Every check passed.")
        runs.request_stop(tx, whole.id, "ben", "enough", kind=StopKind.PERSON)

    with verb_fixture.database.read() as connection:
        current = runs.current(connection, whole.incident)
    assert current is not None
    assert current.id == whole.id
