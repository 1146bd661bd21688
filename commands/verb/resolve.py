"""`resolve` closes the incident; the report is written from the ledger."""

from drbot.commands.facts.context import CommandContext, current_run, incident_of, must_be_open
from drbot.commands.facts.machines import machines_table
from drbot.commands.facts.making_way import in_progress
from drbot.commands.speech.messages import DialogRequest, Reply, Request
from drbot.commands.speech.parser import Words, clean
from drbot.commands.views.available_actions import available_actions
from drbot.commands.views.incident_view import view_of
from drbot.core.approvals.approval import EntryPoint
from drbot.core.site.people import Person
from drbot.core.text.messages import phrase, sentences
from drbot.store.records import incidents, schedules


def resolve(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Close it with a summary; without one Slack asks for it in a dialog."""
    summary = (clean(request.values.get("summary", "")).strip() or words.text).strip()
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        must_be_open(incident, "resolve")
        run = current_run(tx.connection, incident)
        if run is not None and not run.is_over:
            raise in_progress(incident, run, "resolve")
        if not summary and request.entry_point is EntryPoint.COMMAND:
            return Reply(
                text=phrase(
                    "{name}: say in a sentence what happened: /dr resolve {name} <summary>", name=incident.name
                ),
                dialog=DialogRequest(kind="resolve", incident=incident.id),
                ok=False,
            )
        incidents.resolve(tx, incident.id, person.id, summary)
        schedules.drop(tx, incident.id)
        view = view_of(tx.connection, context, incidents.get(tx.connection, incident.id), request.at)
    said = phrase(
        "{name} is resolved. The report is posted in its channel; /dr report {name} shows it again.", name=incident.name
    )
    if not view.rented:
        return Reply(text=said)
    reminder = phrase(
        "STILL RENTED and billed: {count}. Give back what is no longer needed (needs two approvals): /dr give-back",
        count=len(view.rented),
    )
    return Reply(
        text=sentences(said, reminder),
        tables=(machines_table(view.rented, context.configuration, view.names, request.at),),
        choices=tuple(action for action in available_actions(view) if action.verb == "give-back"),
    )
