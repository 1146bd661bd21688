"""People who vote for, answer and settle whatever they are asked, in stories where things die at random."""

import random
import threading
from collections.abc import Callable

from drbot.cli.demo_player import DemoPlayer
from drbot.core.approvals.approval import LIVE
from drbot.core.ledger.events import EventKind
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Run, RunState, Settlement, StepState
from drbot.core.runs.settlement import decisions_for, undecided
from drbot.store.base import ledger
from drbot.store.records import requests

SETTLES = 12  # a story that people have to settle more often than this goes round in circles
ASKS = frozenset({RunState.NEEDS_DECISION, RunState.BLOCKED, RunState.SUCCEEDED, RunState.FAILED, RunState.STOPPED})


def vote_or_answer(player: DemoPlayer, incident: Incident, run: Run) -> None:
    """Two people approve what is asked; Aiko says that users can work."""
    confirm = player.records(run.id).get("confirm")
    if confirm is not None and confirm.state is StepState.WAITING:
        player.say("aiko", f"/dr answer {incident.name} confirm yes", incident.channel or "")
        player.wait(lambda: player.records(run.id)["confirm"].state is not StepState.WAITING, "the answer")
        return
    with player.database.read() as connection:
        asked = [one for one in requests.of_run(connection, run.id) if one.state in LIVE]
    if asked:
        for person in ("ben", "chika"):
            player.vote(person, incident, target=asked[-1].target)
        player.wait(lambda: is_closed(player, run, asked[-1].id), "the votes to count")


def is_closed(player: DemoPlayer, run: Run, request: str) -> bool:
    with player.database.read() as connection:
        return all(one.state not in LIVE for one in requests.of_run(connection, run.id) if one.id == request)


def wait_for_the_moment(
    player: DemoPlayer, incident: Incident, step: str, later: float, patience: float | None = None
) -> str:
    """Waits for a step of the incident, and then a little; the people vote meanwhile. Which moment that was."""

    def begun() -> bool:
        run = player.run(incident)
        if run.state is RunState.WAITING:
            vote_or_answer(player, incident, run)
        records = [player.records(one.id).get(step) for one in player.runs(incident) if one.plan]
        return run.is_over or any(one is not None and one.state is not StepState.PENDING for one in records)

    player.wait(begun, f"{step} to begin", patience)
    threading.Event().wait(later)  # the moment itself is what is random
    return f"{later:.2f} s after {step} began"


def next_question(player: DemoPlayer, incident: Incident) -> Run:
    """The run once it wants something else than votes and answers, or is over."""

    def there() -> Run | None:
        run = player.run(incident)
        if run.state is RunState.WAITING:
            vote_or_answer(player, incident, run)
            return None
        if run.state is not RunState.NEEDS_DECISION:
            return run if run.state in ASKS else None
        waiting = undecided(run.plan, player.records(run.id).values())
        told = all(one.finding is not None or one.state is StepState.FAILED for one in waiting)
        return run if waiting and told else None

    found = player.wait(there, f"{incident.name} to want somebody or to end")
    assert found is not None
    return found


def settled(
    player: DemoPlayer, incident: Incident, chance: random.Random, where: str, untrue: Callable[[Run, str], list[str]]
) -> tuple[Run, list[tuple[str, Settlement]]]:
    """How it ends, and what people were asked until then; `untrue`: what does not hold of what drbot says each time."""
    asked: list[tuple[str, Settlement]] = []
    for _ in range(SETTLES):
        run = next_question(player, incident)
        words = said(player, run)
        print(f"{where}: {run.state.value}: {words} {asked}")
        faults = untrue(run, words)
        assert not faults, f"{where}, then {asked}: {words}: {'; '.join(faults)}"
        if run.state is not RunState.NEEDS_DECISION:
            return run, asked
        asked.append(decide(player, incident, run, chance))
    raise AssertionError(f"people were asked {len(asked)} times: {asked}")


def decide(player: DemoPlayer, incident: Incident, run: Run, chance: random.Random) -> tuple[str, Settlement]:
    """Aiko chooses anything that she is offered."""
    record = chance.choice(undecided(run.plan, player.records(run.id).values()))
    decision = chance.choice(decisions_for(run.plan, record))
    player.say("aiko", f"/dr settle {incident.name} {record.id} {decision}", incident.channel or "")

    def is_taken() -> bool:
        now = player.records(run.id)[record.id]
        return now.settlement is not None or now.state is not record.state or player.run(incident).is_over

    player.wait(is_taken, f"the decision to {decision} {record.id}")
    return record.id, decision


def said(player: DemoPlayer, run: Run) -> str:
    """What drbot says of the state of things now: the end of the run, or the findings of what it asks about."""
    if run.state is not RunState.NEEDS_DECISION:
        return run.outcome or blocked_words(player, run)
    return " ".join(one.finding or "" for one in undecided(run.plan, player.records(run.id).values()))


def blocked_words(player: DemoPlayer, run: Run) -> str:
    with player.database.read() as connection:
        events = [event for event in ledger.after(connection, 0, 100_000) if event.run == run.id]
    return next((str(e.payload.get("why")) for e in reversed(events) if e.kind is EventKind.RUN_BLOCKED), "")
