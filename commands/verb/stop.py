"""`stop`: one person stops, from anywhere, without a code."""

from drbot.commands.facts import runbook_selection
from drbot.commands.facts.context import CommandContext, incident_of
from drbot.commands.speech.messages import Choice, Reply, Request
from drbot.commands.speech.parser import Words
from drbot.commands.speech.refusal import Refusal
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import RunState, StopKind
from drbot.core.site.people import Person
from drbot.core.text.messages import phrase
from drbot.store.base.database import Transaction
from drbot.store.records import drills, incidents, schedules
from drbot.store.runs import runs, sub_runs


def stop(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Ask every run of the incident that is not over to stop; one that nobody runs is stopped at once."""
    why = words.text or request.values.get("reason", "")
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        going = [run for run in runs.of_incident(tx.connection, incident.id) if not run.is_over]
        if not going and incident.is_open and (drill := drills.get(tx.connection, incident.id)) and not drill.is_over:
            return _end_drill(tx, incident, person, why)
        if not going:
            raise Refusal(
                phrase("{name}: you asked to stop.", name=incident.name),
                phrase("No recovery is running, so nothing had to be stopped."),
                choices=(Choice(label=phrase("Status"), command=f"status {incident.name}"),),
            )
        tops = {top.id: top for top in (sub_runs.top_of(tx.connection, run) for run in going)}
        states = [runbook_selection.stop(context, tx, top, person, why, StopKind.PERSON) for top in tops.values()]
    if all(state is RunState.STOPPED for state in states):
        said = phrase(
            "{name}: stopped. Nothing more is started; the channel says what state things are in.", name=incident.name
        )
    elif RunState.RUNNING not in states and RunState.QUEUED in states:
        said = phrase("{name}: stopping. A worker looks first how far data was moved, and says it.", name=incident.name)
    else:
        said = phrase(
            "{name}: stopping. The step that is running ends safely first, then nothing more is started.",
            name=incident.name,
        )
    return Reply(text=said, in_channel=True)


def _end_drill(tx: Transaction, incident: Incident, person: Person, why: str) -> Reply:
    """While its copy is being made no run is going on; its worker sees that it is resolved, and removes the copy."""
    incidents.resolve(tx, incident.id, person.id, why or phrase("Stopped before its copy was recovered."))
    schedules.drop(tx, incident.id)
    return Reply(text=phrase("{name}: stopping. Its worker removes the copy.", name=incident.name), in_channel=True)
