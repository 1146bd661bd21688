"""`since` corrects when an outage began: RTO, RPO and MTTR count from there, and a slip of the pen poisons them."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from drbot.commands.facts.context import CommandContext, incident_of
from drbot.commands.facts.moment_read import WallClock, moment_of, spoken, wall_clock, whole
from drbot.commands.speech.messages import Choice, Reply, Request
from drbot.commands.speech.parser import Words, plain
from drbot.commands.speech.refusal import Refusal
from drbot.commands.verb.declare import LONG_AGO
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import RunState
from drbot.core.runs.stakes import Act
from drbot.core.site.people import Person
from drbot.core.text.messages import duration, phrase, sentences
from drbot.store.records import incidents
from drbot.store.runs import runs

CONFIRM = "confirm"


def since(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """`since <time> [why]`, also of an incident that is resolved. What people are voting on tells its loss by the time
    it was planned with, so nothing is corrected while a recovery is going on.
    """
    clock = wall_clock(context.configuration, request.at)
    began, words = _said(words, clock)
    confirmed = len(words.rest) > 1 and plain(words.rest[1]) == CONFIRM
    why = words.after(2 if confirmed else 1)
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        began = _wanted(tx.connection, incident, began, clock)
        if not confirmed and incident.declared_at - began > LONG_AGO:
            return _is_it_so_long_ago(incident, began, why, clock)
        snapshot = _snapshot(tx.connection, incident)
        incidents.correct_start(tx, incident.id, began, person.id, why, snapshot_at=snapshot)
        now = incidents.get(tx.connection, incident.id)
    day = _told(clock, now.started_at)
    corrected = phrase("{name}: corrected, the outage began on {day}.", name=now.name, day=day)
    return Reply(text=sentences(corrected, _figures(now)), in_channel=True)


def _said(words: Words, clock: WallClock) -> tuple[datetime | None, Words]:
    """The moment, and the same words with the whole of it, for the buttons that say them again."""
    if not words.rest:
        return None, words
    said, why = spoken(words.rest, clock)
    address = f" DR-{words.incident}" if words.incident is not None else ""
    began = moment_of(said, clock, _how(f"/dr since{address}", clock))
    return began, replace(words, rest=(whole(began), *why)) if began is not None else words


def _told(clock: WallClock, moment: datetime) -> str:
    return clock.told(moment.replace(microsecond=0))


def _how(command: str, clock: WallClock) -> str:
    return phrase("Write: {command} 20m, 02:10 ({zone}), 02:10Z or an ISO time.", command=command, zone=clock.zone.key)


def _wanted(connection: Connection, incident: Incident, began: datetime | None, clock: WallClock) -> datetime:
    """The moment that is meant. Raises Refusal with what can be typed, or what is in the way."""
    todo = _how(f"/dr since {incident.name}", clock)
    if began is None:
        day = _told(clock, incident.started_at)
        raise Refusal(phrase("{name}: the outage began on {day}.", name=incident.name, day=day), todo)
    unchanged = phrase("{name}: nothing was changed.", name=incident.name)
    if incident.is_drill:
        raise Refusal(unchanged, phrase("A drill knows when its copy was broken."))
    end = incident.recovered_at or incident.resolved_at
    if end is not None and began > end:
        raise Refusal(
            unchanged,
            phrase("{day} is later than its end, {end}.", day=_told(clock, began), end=_told(clock, end)),
            todo,
        )
    if began > clock.now:
        raise Refusal(unchanged, phrase("{day} has not come yet.", day=_told(clock, began)), todo)
    if began > incident.declared_at:  # it had begun by then; a later time would make a target met that was missed
        declared = _told(clock, incident.declared_at)
        said = phrase("{day} is later than its declaration, {declared}.", day=_told(clock, began), declared=declared)
        raise Refusal(unchanged, said, todo)
    is_going_on = any(not run.is_over for run in runs.of_incident(connection, incident.id))
    if is_going_on and incident.recovered_at is None:
        raise Refusal(
            unchanged,
            phrase("A recovery is going on, and its plan counts what would be lost by the time as it was."),
            phrase("Correct it when the recovery is over."),
        )
    return began


def _is_it_so_long_ago(incident: Incident, began: datetime, why: str, clock: WallClock) -> Reply:
    command = f"since {incident.name} {whole(began)} {CONFIRM} {why}".strip()
    return Reply(
        text=phrase(
            "{name}: did the outage begin on {day}, {time} before it was declared? Nothing was changed yet: confirm.",
            name=incident.name,
            day=_told(clock, began),
            time=duration((incident.declared_at - began).total_seconds()),
        ),
        choices=(Choice(label=phrase("Yes, it began then"), command=command),),
        ok=False,
    )


def _snapshot(connection: Connection, incident: Incident) -> datetime | None:
    """Of the backup whose data the last recovery has put in place; None: of none, or what was kept is back."""
    for run in reversed(runs.of_incident(connection, incident.id)):
        plan = run.plan
        if plan is None or run.state is not RunState.SUCCEEDED:
            continue
        if plan.stakes.act is Act.UNDO:
            return None
        if plan.backup is not None and plan.loss_seconds is not None:
            return plan.backup.snapshot_at
    return None


def _figures(incident: Incident) -> str:
    if incident.rto_seconds is None:
        return ""
    return phrase("RTO is {time} now.", time=duration(incident.rto_seconds))
