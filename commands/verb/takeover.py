"""`takeover`: another drbot holds the target and is dead; only the commander may say so, and only of that holding."""

from drbot.commands.facts.context import CommandContext, current_run, incident_of
from drbot.commands.facts.runbook_selection import ring
from drbot.commands.speech.messages import Choice, Reply, Request
from drbot.commands.speech.parser import Words
from drbot.commands.speech.refusal import Refusal
from drbot.core.ledger.events import EventKind
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import RunState
from drbot.core.site.people import Person
from drbot.core.text.messages import phrase
from drbot.store.base import waking
from drbot.store.runs import runs


def takeover(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """`takeover <why>`. A drbot that is not dead after all notices before its next change, and waits in turn."""
    why = words.text or request.values.get("reason", "")
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        run = current_run(tx.connection, incident)
        if run is None or run.state is not RunState.WAITING or run.waits_for_drbot is None:
            raise _refusal(
                incident,
                phrase("It does not wait for another drbot."),
                "",
            )
        if not why.strip():
            raise _refusal(
                incident,
                phrase("It takes the target away from the other drbot's run."),
                phrase("Say how you know that it is dead: /dr takeover {name} its host burnt down", name=incident.name),
            )
        runs.give_up_holder(tx, run)
        tx.record(EventKind.SITE_TAKEN_OVER, incident=incident.id, run=run.id, person=person.id, why=why)
        waking.wake(tx, run.id, phrase("The commander took the target over."))
        ring(context, tx, run)
    return Reply(
        text=phrase("{name}: the target is taken over; the recovery goes on.", name=incident.name),
        in_channel=True,
    )


def _refusal(incident: Incident, why: str, todo: str) -> Refusal:
    return Refusal(
        phrase("{name}: you asked to take the target over.", name=incident.name),
        why,
        todo,
        choices=(Choice(label=phrase("Status"), command=f"status {incident.name}"),),
    )
