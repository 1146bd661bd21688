"""Level 2, whole: PostgreSQL is really corrupted, two people approve, all rows are back, the old data is kept."""

import pytest

from cli.demo_story import count
from cli.player import Player
from core.incident import Incident, IncidentState
from core.run import Run, RunState, StepState
from lab.seed import seed
from lab.system import Lab
from store import journal, kept
from tests.story.conftest import Story
from tests.story.docker_events import EventRecorder
from tests.story.recovering import damage, granted_at
from tests.strain import Strain
from tests.waiting import wait_for

pytestmark = pytest.mark.docker


def rows_of(lab: Lab, names: list[str]) -> dict[str, int]:
    found = {}
    for name in names:
        database, _, table = name.partition(".")
        found[name] = count(lab, database, table)
    return found


def recover(player: Player, words: str = "level2 PostgreSQL does not start") -> tuple[Incident, Run]:
    """The whole story up to the confirmation."""
    incident = player.declare("aiko", words)
    player.vote("ben", incident)
    player.vote("chika", incident)
    player.press("aiko", incident, f"answer {incident.name} confirm yes")
    return incident, player.wait_for_run(incident, RunState.SUCCEEDED)


def test_a_corrupt_postgres_is_recovered_by_two_approvals(story: Story) -> None:
    damage(story)
    recorder = EventRecorder(story.lab)

    incident, run = recover(story.player)
    recorder.stop()

    assert run.plan is not None
    assert run.plan.backup is not None
    records = story.player.records(run.id)
    assert {record.state for record in records.values()} <= {StepState.SUCCEEDED, StepState.SKIPPED}
    assert run.plan.backup.rows
    assert rows_of(story.lab, list(run.plan.backup.rows)) == run.plan.backup.rows
    assert story.lab.faults() == {}
    assert recorder.on_production(before=granted_at(story.player, incident)) == []
    assert recorder.on_production(before=float("inf")) != []  # the recorder does see production
    with story.player.database.read() as connection:
        assert [one.incident for one in kept.list_of(connection, "production")] == [incident.id]
        assert journal.verify(connection) == []
    recovered = story.player.incident(incident.id)
    assert recovered.state is IncidentState.RECOVERED
    assert recovered.rto_seconds is not None
    assert recovered.outage_seconds is not None
    assert 0 < recovered.outage_seconds <= recovered.rto_seconds

    story.player.say("aiko", f"/dr resolve {incident.name} all good", incident.channel or "")
    people = story.house.people
    report = people.wait_for_message(incident.channel or "", lambda message: message["files"])
    text = people.file(report["files"][0]).decode().replace("\\_", "_")  # Markdown's own escape
    for word in ("RTO", "RPO", "Ben", "Chika", "swap", run.plan.backup.name):
        assert word in text
    wait_for(lambda: len(people.messages("dr-status")) >= 4, 60, "the stakeholder posts")
    for message in people.messages("dr-status"):
        assert "postgres_data" not in message["text"]  # no jargon for stakeholders


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
