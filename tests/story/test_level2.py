"""Level 2, whole: PostgreSQL is really corrupted, two people approve, all rows are back, the old data is kept."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from drbot.cli.demo_player import DemoPlayer
from drbot.core.runs.incident import Incident, IncidentState
from drbot.core.runs.run import Run, RunState, StepState
from drbot.lab.seed import seed
from drbot.lab.system import Lab
from drbot.store.base import ledger
from drbot.store.records import kept
from tests.labs import wait_until_faultless
from tests.story.conftest import Story, begin, heal, make_backup, story_in
from tests.story.docker_events import EventRecorder
from tests.story.recovering import WORDS, damage, granted_at, rows_of
from tests.strain import Strain
from tests.waiting import wait_for

pytestmark = pytest.mark.docker


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovered:
    """What is there after the confirmation."""

    story: Story
    incident: Incident
    run: Run
    recorder: EventRecorder


def recover(player: DemoPlayer) -> tuple[Incident, Run]:
    """The whole story up to the confirmation."""
    incident = player.declare("aiko", WORDS)
    player.vote("ben", incident)
    player.vote("chika", incident)
    player.press("aiko", incident, f"answer {incident.name} confirm yes")
    return incident, player.wait_for_run(incident, RunState.SUCCEEDED)


@contextmanager
def open_umask() -> Iterator[None]:
    """Everything that this process and its children make without a mode of its own is everybody's."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture(scope="module")
def recovered(story_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recovered]:
    """One recovery that all tests of it look at."""
    heal(story_lab)
    with story_in(story_lab, tmp_path_factory.mktemp("recovered")) as story:
        with open_umask():
            leave_files_of_an_older_drbot(story)
            damage(begin(story))
            recorder = EventRecorder(story_lab)
            incident, run = recover(story.player)
            recorder.stop()
        yield Recovered(story=story, incident=incident, run=run, recorder=recorder)


def leave_files_of_an_older_drbot(story: Story) -> None:
    """Which everybody may read."""
    for path in ("home/logs/r0/old.log", "home/evidence/r0/old.log", "backups/x.manifest.json"):
        left = story.stack.home.parent / path
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_text("of an older drbot")


def test_all_rows_are_back_and_the_old_data_is_kept(recovered: Recovered) -> None:
    story, incident, run = recovered.story, recovered.incident, recovered.run

    assert run.plan is not None
    assert run.plan.backup is not None
    records = story.player.records(run.id)
    assert {record.state for record in records.values()} <= {StepState.SUCCEEDED, StepState.SKIPPED}
    assert run.plan.backup.rows
    assert rows_of(story.lab, run.plan.backup.rows) == run.plan.backup.rows
    wait_until_faultless(story.lab)
    with story.player.database.read() as connection:
        assert [one.incident for one in kept.list_of(connection, "production")] == [incident.id]
        assert ledger.verify(connection) == []


def test_production_was_first_touched_after_both_votes(recovered: Recovered) -> None:
    granted = granted_at(recovered.story.player, recovered.incident)

    assert recovered.recorder.on_production(before=granted) == []
    assert recovered.recorder.on_production(before=float("inf")) != []  # the recorder does see production


def test_the_clocks_the_report_and_what_stakeholders_read(recovered: Recovered) -> None:
    story, incident, run = recovered.story, recovered.incident, recovered.run
    found = story.player.incident(incident.id)
    assert found.state is IncidentState.RECOVERED
    assert found.rto_seconds is not None
    assert found.outage_seconds is not None
    assert 0 < found.outage_seconds <= found.rto_seconds

    story.player.say("aiko", f"/dr resolve {incident.name} all good", incident.channel or "")

    people = story.stack.people
    report = people.wait_for_message(incident.channel or "", lambda message: message["files"])
    text = people.file(report["files"][0]).decode().replace("\\_", "_")  # Markdown's own escape
    assert run.plan is not None and run.plan.backup is not None
    for word in ("RTO", "RPO", "Ben", "Chika", run.plan.step("swap").title, run.plan.backup.name):
        assert word in text
    wait_for(lambda: len(people.messages("dr-status")) >= 4, 60, "the stakeholder posts")
    for message in people.messages("dr-status"):
        assert "postgres_data" not in message["text"]  # no jargon for stakeholders


def open_to_others(*folders: Path) -> dict[str, str]:
    """Files that group or others may read, and folders below these that they may enter."""
    found = [path for folder in folders for path in folder.rglob("*")]
    modes = {str(path): stat.S_IMODE(path.lstat().st_mode) for path in found if not path.is_symlink()}
    return {path: oct(mode) for path, mode in modes.items() if mode & 0o077}


@pytest.mark.long
def test_every_file_of_it_is_its_owners_alone_whatever_the_umask(recovered: Recovered) -> None:
    story, home = recovered.story, recovered.story.stack.home

    with open_umask():
        make_backup(story.stack.configuration, "full")

    kinds = {path.name.partition(".")[2] for folder in (home, story.backups) for path in folder.rglob("*.*")}
    assert {"db", "db-wal", "db-shm", "log", "sql.gz", "manifest.json", "inspect.json"} <= kinds
    assert (home / "worker" / "key").exists()
    assert open_to_others(home, story.backups) == {}


@pytest.mark.long
def test_at_50_megabytes_the_services_are_away_for_at_most_15_seconds(story: Story) -> None:
    seed(story.lab, 50)
    damage(story)

    with Strain() as strain:
        incident, _ = recover(story.player)

    outage = story.player.incident(incident.id).outage_seconds
    print(f"outage {outage:.1f} s")
    assert outage is not None
    assert outage <= strain.allows(15)
