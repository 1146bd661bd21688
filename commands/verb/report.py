"""`report` and `timeline`: what happened, read from the ledger; nothing in a report is written by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime

from drbot.commands.facts.context import CommandContext, incident_of
from drbot.commands.facts.machines import machine_text
from drbot.commands.facts.unheard import untold
from drbot.commands.speech.messages import Reply, Request, Table
from drbot.commands.speech.parser import Words
from drbot.commands.views.event_lines import line_of, voice_of
from drbot.commands.views.incident_view import view_of
from drbot.commands.views.report_text import report_of
from drbot.core.site.people import Person
from drbot.core.text.messages import phrase, sentences
from drbot.store.base import ledger
from drbot.store.records import action_items, drills, incidents, requests, steps, surfaces
from drbot.store.records.surfaces import STATUS_POST, Surface
from drbot.store.runs import runs


def report(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    with context.database.read() as conn:
        incident, silence = incident_of(conn, request, words), untold(conn, request.at)
    return Reply(
        text=sentences(phrase("{name}: the report.", name=incident.name), silence),
        markdown=report_for(context, incident.id, request.language),
    )


def report_for(context: CommandContext, number: int, language: str) -> str:
    with context.database.read() as conn:
        view = view_of(conn, context, incidents.get(conn, number), datetime.now(UTC))
        of_incident = runs.of_incident(conn, number)
        asked = [one for run in of_incident for one in requests.of_run(conn, run.id)]
        return report_of(
            incident=view.incident,
            events=ledger.of_incident(conn, number),
            voice=voice_of(view, of_incident, language),
            runs=of_incident,
            steps=[step for run in of_incident for step in steps.of_run(conn, run.id)],
            requests=asked,
            votes={one.id: requests.votes(conn, one.id) for one in asked},
            repair_times=incidents.repair_times(conn, view.incident.level),
            kept=view.kept,
            rented=[machine_text(one, view.configuration, view.names, view.now) for one in view.rented],
            configuration=context.configuration,
            today=context.configuration.day(view.now),
            drill=drills.get(conn, number),
            actions=action_items.of_incident(conn, number),
            told_at=_told_at(surfaces.of_incident(conn, number)),
        )


def _told_at(shown: Sequence[Surface]) -> list[datetime]:
    """When Slack took the posts to stakeholders, by its own clock; in several channels at the same time once."""
    keys = (one.key.partition("@")[0] for one in shown)
    first = {key: one for key, one in zip(keys, shown, strict=True) if key.startswith(STATUS_POST) and one.ts}
    return sorted(datetime.fromtimestamp(float(one.ts), UTC) for one in first.values())


def timeline(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Line by line, oldest first."""
    with context.database.read() as conn:
        view = view_of(conn, context, incident_of(conn, request, words), datetime.now(UTC))
        events = ledger.of_incident(conn, view.incident.id)
        voice = voice_of(view, runs.of_incident(conn, view.incident.id), request.language)
    rows = tuple((f"{event.at:%H:%M:%S}", line_of(event, voice)) for event in events)
    return Reply(
        text=phrase("{name}: {count} entries, times in UTC.", name=view.incident.name, count=len(rows)),
        tables=(Table(rows=rows),),
        ends_last=True,
    )
