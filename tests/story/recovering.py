"""Steps that several stories share."""

from collections.abc import Iterable

from drbot.cli.demo_player import DemoPlayer, StoryError
from drbot.cli.demo_story import count
from drbot.core.approvals.approval import ApprovalRequest
from drbot.core.ledger.events import Event, EventKind
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Run, RunState, StepState
from drbot.core.site.configuration import load_configuration
from drbot.lab.breakage import break_it
from drbot.lab.system import Lab
from drbot.store.base import ledger
from drbot.store.records import kept, requests
from tests.story.conftest import Story

WORDS = "level2 PostgreSQL does not start"


def damage(story: Story) -> None:
    """A backup exists, PostgreSQL is corrupted."""
    story.backup()
    break_it(story.lab, "postgres-corrupt")


def broken(story: Story) -> Incident:
    """That, and Aiko has declared."""
    damage(story)
    return story.player.declare("aiko", WORDS)


def approve_by_two(player: DemoPlayer, incident: Incident) -> None:
    """Ben and Chika agree."""
    player.vote("ben", incident)
    player.vote("chika", incident)


def finish(player: DemoPlayer, incident: Incident, seconds: float = 180) -> Run:
    """Aiko confirms that users can work again."""
    wait_for_step(player, incident, "confirm", StepState.WAITING, seconds=seconds)
    player.press("aiko", incident, f"answer {incident.name} confirm yes")
    return player.wait_for_run(incident, RunState.SUCCEEDED)


def wait_for_step(player: DemoPlayer, incident: Incident, step: str, *states: StepState, seconds: float = 180) -> Run:
    """The run once the step is in one of these states."""

    def there() -> Run | None:
        run = player.run(incident)
        record = player.records(run.id).get(step)
        return run if record is not None and record.state in states else None

    try:
        found = player.wait(there, f"{step} of {incident.name} to be {' or '.join(states)}", seconds)
    except StoryError as error:
        raise StoryError(f"{error} {player.describe(incident)}") from None
    assert found is not None
    return found


def latest_request(player: DemoPlayer, incident: Incident) -> ApprovalRequest:
    """The newest request of the incident's run."""
    with player.database.read() as connection:
        return requests.of_run(connection, player.run(incident).id)[-1]


def production(story: Story) -> str:
    """Name of the volume that production's PostgreSQL lies in."""
    postgres = load_configuration(story.stack.configuration).configuration.site("production").postgres
    assert postgres is not None
    return postgres.volume


def rows_of(lab: Lab, names: Iterable[str]) -> dict[str, int]:
    """How many rows these tables ("database.table") hold now."""
    found = {}
    for name in names:
        database, _, table = name.partition(".")
        found[name] = count(lab, database, table)
    return found


def kept_volumes(story: Story) -> list[str]:
    """Names of what was put aside, by the state."""
    with story.player.database.read() as connection:
        return [one.volume for one in kept.list_of(connection, "production")]


def stops(player: DemoPlayer, incident: Incident) -> list[str | None]:
    """Who asked for a stop, by the ledger."""
    with player.database.read() as connection:
        events = ledger.of_incident(connection, incident.id)
    return [event.person for event in events if event.kind is EventKind.RUN_STOP_REQUESTED]


def refused(player: DemoPlayer, incident: Incident, person: str) -> list[Event]:
    """What this person asked for and did not get, by the ledger."""
    with player.database.read() as connection:
        events = ledger.of_incident(connection, incident.id)
    return [event for event in events if event.kind is EventKind.COMMAND_REFUSED and event.person == person]


def granted_at(player: DemoPlayer, incident: Incident) -> float:
    """When the last request was granted, as Unix seconds."""
    with player.database.read() as connection:
        events = ledger.of_incident(connection, incident.id)
    return [event.at.timestamp() for event in events if event.kind is EventKind.REQUEST_GRANTED][-1]
