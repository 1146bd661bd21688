"""Steps that several stories share."""

from cli.player import Player
from core.approval import ApprovalRequest
from core.incident import Incident
from core.run import Run, RunState, StepState
from lab.breakage import break_it
from store import requests
from tests.story.conftest import Story

WORDS = "level2 PostgreSQL does not start"


def broken(story: Story) -> Incident:
    """A backup exists, PostgreSQL is corrupted, Aiko has declared."""
    story.backup()
    break_it(story.lab, "postgres-corrupt")
    return story.player.declare("aiko", WORDS)


def approve_by_two(player: Player, incident: Incident) -> None:
    """Ben and Chika agree."""
    player.vote("ben", incident)
    player.vote("chika", incident)


def finish(player: Player, incident: Incident) -> Run:
    """Aiko confirms that users can work again."""
    player.press("aiko", incident, f"answer {incident.name} confirm yes")
    return player.wait_for_run(incident, RunState.SUCCEEDED)


def wait_for_step(player: Player, incident: Incident, step: str, *states: StepState, seconds: float = 180) -> Run:
    """The run once the step is in one of these states."""

    def there() -> Run | None:
        run = player.run(incident)
        record = player.records(run.id).get(step)
        return run if record is not None and record.state in states else None

    found = player.wait(there, f"{step} of {incident.name} to be {' or '.join(states)}", seconds)
    assert found is not None
    return found


def latest_request(player: Player, incident: Incident) -> ApprovalRequest:
    """The newest request of the incident's run."""
    with player.database.read() as connection:
        return requests.of_run(connection, player.run(incident).id)[-1]
