"""`update` tells the stakeholders something in a person's own words."""

from drbot.commands.facts.context import CommandContext, incident_of, must_be_open
from drbot.commands.facts.unheard import untold
from drbot.commands.speech.messages import DialogRequest, Reply, Request
from drbot.commands.speech.parser import Words, clean
from drbot.core.approvals.approval import EntryPoint
from drbot.core.ledger.events import EventKind
from drbot.core.site.people import Person
from drbot.core.text.messages import phrase, sentences


def update(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Record the words; the publisher posts them. Without words: the dialog."""
    said = (clean(request.values.get("text", "")).strip() or words.text).strip()
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        must_be_open(incident, "update")
        if not said:
            return Reply(
                text=phrase(
                    "{name}: what should the stakeholders read? Example: /dr update {name} We expect "
                    "to be back at 15:00",
                    name=incident.name,
                ),
                dialog=DialogRequest(kind="update", incident=incident.id)
                if request.entry_point is EntryPoint.COMMAND
                else None,
                ok=False,
            )
        silence = untold(tx.connection, tx.now)
        tx.record(EventKind.STATUS_UPDATE, incident=incident.id, person=person.id, text=said)
    if silence:
        return Reply(text=sentences(phrase("{name}: noted for the stakeholders.", name=incident.name), silence))
    return Reply(text=phrase("{name}: the stakeholders are told.", name=incident.name))
