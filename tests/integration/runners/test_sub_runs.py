"""A step that a run at another site does: parked meanwhile, and neither run outlives or outdoes the other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import update

from drbot.core.base.signing import KeyPair
from drbot.core.runs.incident import IncidentState
from drbot.core.runs.run import Run, RunKind, RunState, StepState
from drbot.runners.foundation.own_record import OwnRecord
from drbot.store.base import schema, waking
from drbot.store.runs import runs, sub_runs
from tests.integration.runners.harmless import HarmlessTarget, backup
from tests.integration.runners.worker_fixture import WorkerFixture, worker_fixture_in
from tests.waiting import wait_for

WHOLE = """
runbook: whole
title: {en: Whole}
level: 4
inputs: {backup: {type: backup, of: postgres, choose: newest_checked}}
steps:
  - {id: before, title: {en: Before}, do: evidence.collect, with: {services: auth}, limits: {time: 1m}, drill: run}
  - id: part
    title: {en: Part}
    run: {runbook: part, site: recovery, with: {backup: "${backup}"}}
    drill: run
  - id: after
    title: {en: After}
    do: health.wait
    with: {services: redis}
    limits: {time: 1m}
    check: [{probe: health.services, with: {services: redis}}]
    drill: run
"""
PART = """
runbook: part
title: {en: Part}
level: 3
inputs: {backup: {type: backup, of: postgres, choose: newest_checked}}
steps:
  - id: check
    title: {en: Check}
    do: backup.check
    with: {backup: "${backup}"}
    limits: {time: 1m}
    check: [{probe: health.services, with: {services: redis}}]
    drill: run
  - {id: confirm, title: {en: Confirm}, ask: {text: {en: "Works?"}}}
  - {id: notify, title: {en: Tell}, do: notify.stakeholders, with: {text: Done}, limits: {time: 1m}, drill: skip}
"""


@dataclass(kw_only=True)
class TwoSites:
    """Two workers with targets of their own and one database."""

    here: WorkerFixture
    there: WorkerFixture
    folder: Path

    def declare(self) -> Run:
        """The whole run, queued."""
        first = self.here.declare()
        self.here.stop(first)  # the level-2 run that the fixture declares with; only its incident is wanted
        return self.here.queue(first.incident, "whole")

    def part(self, whole: Run) -> Run:
        """The newest part of the whole run."""
        with self.here.database.read() as connection:
            found = [run for run in runs.of_incident(connection, whole.incident) if sub_runs.is_part(run)]
        return found[-1]

    def begin(self) -> tuple[Run, Run]:
        """The whole run waits, its part is queued."""
        whole = self.here.go(self.declare())
        return whole, self.part(whole)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[TwoSites]:
    worker_fixture = worker_fixture_in(tmp_path)
    folder = tmp_path / "runbooks"
    folder.mkdir()
    (folder / "whole.yml").write_text(WHOLE)
    (folder / "part.yml").write_text(PART)
    site = worker_fixture.worker_context.configuration.site()
    sites = {"production": site, "recovery": site}
    known = worker_fixture.worker_context.configuration.model_copy(update={"runbooks": folder, "sites": sites})
    here = replace(worker_fixture, worker_context=replace(worker_fixture.worker_context, configuration=known))
    target = HarmlessTarget()
    elsewhere = replace(
        here.worker_context, site_name="recovery", target=target, registry=target.registry, owner="there"
    )
    yield TwoSites(here=here, there=replace(here, target=target, worker_context=elsewhere), folder=folder)
    here.ended()
    worker_fixture.database.close()


def test_the_whole_run_is_parked_until_its_part_has_ended(two: TwoSites) -> None:
    whole, part = two.begin()

    assert (whole.state, whole.owner) == (RunState.WAITING, None)
    assert (part.state, part.site) == (RunState.QUEUED, "recovery")
    assert two.there.go(part).state is RunState.SUCCEEDED
    assert two.here.run(whole).state is RunState.QUEUED  # woken by the end of its part
    assert two.here.go(whole).state is RunState.SUCCEEDED
    assert two.here.step(whole, "part").summary == "recovery: Every check passed."


def test_a_part_whose_worker_does_not_sign_its_end_has_not_succeeded(two: TwoSites) -> None:
    whole, part = two.begin()
    with two.here.database.write() as tx:
        row = runs.get(tx.connection, part.id)
        sub_runs.answered(tx, row, RunState.SUCCEEDED)  # what whoever may write the database would write
        waking.wake(tx, whole.id, "its part has ended")

    ended = two.here.go(whole)

    assert ended.state is RunState.FAILED
    assert part.id in (ended.outcome or "")
    assert two.here.states(whole)["after"] == "pending"


def test_the_end_of_another_part_is_not_the_end_of_this_one(two: TwoSites) -> None:
    first, earlier = two.begin()
    assert two.there.go(earlier).state is RunState.SUCCEEDED
    assert two.here.go(first).state is RunState.SUCCEEDED
    whole = two.here.go(two.here.queue(first.incident, "whole"))
    assert two.here.step(whole, "part").part != earlier.id
    forged = update(schema.steps).where(schema.steps.c.run == whole.id, schema.steps.c.id == "part")
    with two.here.database.write() as tx:
        tx.connection.execute(forged.values(part=earlier.id, answer="succeeded"))
        waking.wake(tx, whole.id, "its part has ended")

    ended = two.here.go(whole)

    assert ended.state is RunState.FAILED
    assert "it was planned for something else" in (ended.outcome or "")


@pytest.mark.parametrize("named", [True, False])
def test_a_worker_of_another_host_is_believed_by_the_key_that_dr_yml_names(two: TwoSites, named: bool) -> None:
    key = KeyPair.new()
    there = replace(
        two.there, worker_context=replace(two.there.worker_context, key=key, own=OwnRecord(two.folder / "there"))
    )
    known = two.here.worker_context.configuration
    site = known.sites["recovery"].model_copy(update={"worker_key": key.public if named else None})
    known = known.model_copy(update={"sites": {**known.sites, "recovery": site}})
    here = replace(two.here, worker_context=replace(two.here.worker_context, configuration=known))
    whole, part = replace(two, here=here).begin()

    assert there.go(part).state is RunState.SUCCEEDED
    assert here.go(whole).state is (RunState.SUCCEEDED if named else RunState.FAILED)


def test_clocks_questions_and_words_are_left_to_the_whole_run(two: TwoSites) -> None:
    whole, part = two.begin()
    two.there.go(part)

    assert set(two.there.states(part)) == {"check"}
    assert two.here.incident(whole).state is not IncidentState.RECOVERED
    two.here.go(whole)
    assert two.here.incident(whole).state is IncidentState.RECOVERED


def test_what_fails_there_fails_here_with_the_reason(two: TwoSites) -> None:
    whole, part = two.begin()
    two.folder.joinpath("part.yml").write_text(PART.replace("Check}", "Another}"))
    two.there.go(part)

    assert two.there.run(part).state is RunState.FAILED
    record = two.here.step(two.here.go(whole), "part")
    assert record.state is StepState.FAILED
    assert "The runbook is not the one that was planned with" in str(record.summary)


def test_the_part_works_with_the_very_bytes_of_the_plan(two: TwoSites) -> None:
    _, part = two.begin()
    two.there.target.backups = [backup(1).model_copy(update={"sha256": "f" * 64})]

    ended = two.there.go(part)
    assert ended.state is RunState.FAILED
    assert "its contents differ." in str(ended.outcome)


def test_stopping_the_part_stops_the_whole(two: TwoSites) -> None:
    whole, part = two.begin()
    two.here.stop(part, "wrong place")

    ended = two.here.go(whole)
    assert ended.state is RunState.STOPPED
    assert "wrong place" in str(ended.outcome)


def test_stopping_the_whole_stops_a_part_at_work(two: TwoSites) -> None:
    whole, part = two.begin()
    hold = two.there.target.hold("backup.check")
    two.there.begin(part)
    wait_for(hold.reached.is_set, 20, "the part to be at work")
    two.here.stop(whole)

    two.there.wait_for_state(part, RunState.STOPPED)
    assert two.here.run(whole).state is RunState.STOPPED


def test_a_part_that_failed_is_tried_again_as_a_new_run(two: TwoSites) -> None:
    asking = WHOLE.replace("    drill: run\n  - id: after", "    if_fails: ask\n    drill: run\n  - id: after")
    (two.folder / "whole.yml").write_text(asking)
    whole, first = two.begin()
    good, two.there.target.backups = two.there.target.backups, []
    two.there.go(first)
    assert two.here.go(whole).state is RunState.NEEDS_DECISION
    two.there.target.backups = good
    two.here.settle(whole, "part", "retry")
    two.here.go(whole)
    second = two.part(whole)

    assert second.id != first.id
    two.there.go(second)
    assert two.here.go(whole).state is RunState.SUCCEEDED


def test_a_late_end_of_an_earlier_part_answers_nothing(two: TwoSites) -> None:
    whole, part = two.begin()
    two.there.go(part)
    answered = two.here.step(whole, "part").answer
    with two.here.database.write() as tx:
        sub_runs.answered(tx, part, RunState.FAILED)

    assert two.here.step(whole, "part").answer == answered == "succeeded"


def test_a_part_at_a_site_nobody_knows_is_refused_with_the_plan(two: TwoSites) -> None:
    (two.folder / "whole.yml").write_text(WHOLE.replace("site: recovery", "site: recovry"))
    ended = two.here.go(two.declare())

    assert ended.state is RunState.FAILED
    assert 'There is no site "recovry". Did you mean "recovery"?' in str(ended.outcome)


def test_a_part_of_a_runbook_that_is_not_there_is_refused_with_the_plan(two: TwoSites) -> None:
    (two.folder / "whole.yml").write_text(WHOLE.replace("runbook: part,", "runbook: prat,"))
    ended = two.here.go(two.declare())

    assert ended.state is RunState.FAILED
    assert 'Did you mean "part"?' in str(ended.outcome)


REBUILT = """
runbook: rebuilt
title: {en: Rebuilt}
level: 3
inputs: {backup: {type: backup, of: postgres, choose: newest_checked}}
steps:
  - id: restore
    title: {en: Restore}
    do: postgres.restore
    with: {backup: "${backup}", volume: "${postgres.volume}"}
    effect: change
    limits: {time: 1m}
    check: [{probe: volume.exists, with: {volume: "${postgres.volume}"}}]
    drill: run
  - id: verify
    title: {en: Verify}
    do: data.wait
    limits: {time: 1m}
    check: [{probe: data.answers}]
    drill: run
"""


def test_where_there_is_no_old_volume_the_settings_that_are_in_no_backup_are_named(two: TwoSites) -> None:
    (two.folder / "rebuilt.yml").write_text(REBUILT)
    first = two.here.declare()
    two.here.stop(first)

    run = two.here.go(two.here.queue(first.incident, "rebuilt", RunKind.PLAN))

    assert run.plan is not None, run.outcome
    assert any("ALTER SYSTEM" in warning and "set them anew" in warning for warning in run.plan.warnings)


def test_a_part_that_would_start_what_nobody_agreed_to_is_what_people_are_asked_about(two: TwoSites) -> None:
    """The whole run waits for an approval of its own all the time, and is asked about again once the part goes on."""
    approval = "  - {id: approval, title: {en: Asked}, gate: {people: 2, for: [after], proof: [part]}, after: []}\n"
    start = (
        "  - {id: start, title: {en: Start}, do: compose.start, with: {services: auth}, effect: change, "
        "limits: {time: 1m}, drill: run}\n"
    )
    whole_text = WHOLE.replace("  - id: after\n", f"{approval}  - id: after\n    after: [part, approval]\n")
    (two.folder / "whole.yml").write_text(whole_text)
    (two.folder / "part.yml").write_text(PART.replace("  - {id: confirm", f"{start}  - {{id: confirm"))
    whole, part = two.begin()
    known = two.there.worker_context.configuration
    site = known.sites["recovery"].model_copy(update={"projects": two.folder})
    edited = known.model_copy(update={"sites": {**known.sites, "recovery": site}})
    there = replace(two.there, worker_context=replace(two.there.worker_context, configuration=edited))

    waiting = there.go(part)
    with two.here.database.read() as connection:
        asked = sub_runs.asked_now(connection, waiting)
    there.approve(part)
    ended = there.go(part)
    with two.here.database.read() as connection:
        next_asked = sub_runs.asked_now(connection, ended)

    assert waiting.state is RunState.WAITING and asked is not None and next_asked is not None
    assert (asked.run, asked.gate) == (part.id, "agree-to-dr-yml")
    assert ended.state is RunState.SUCCEEDED, ended.outcome
    assert (next_asked.run, next_asked.gate) == (whole.id, "approval")
