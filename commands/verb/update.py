"""`update` tells the stakeholders something in a person's own words."""

from drbot.commands.facts.context import CommandContext, incident_of, must_be_open
from drbot.commands.speech.messages import DialogRequest, Reply, Request, text
from drbot.commands.speech.parser import Words, clean
from drbot.core.approval import EntryPoint
from drbot.core.events import EventKind
from drbot.core.people import Person


def update(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Record the words; the publisher posts them. Without words: the dialog."""
    said = (clean(request.values.get("text", "")).strip() or words.text).strip()
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        must_be_open(incident, "update")
        if not said:
            return Reply(
                text=text(
                    f"{incident.name}: what shall the stakeholders read? "
                    f'Example: update {incident.name} "We expect to be back at 15:00"',
                    f"{incident.name}: 関係者へ何を伝えますか? 例: update {incident.name} 15:00 の復旧を見込んでいます",
                ),
                dialog=DialogRequest(kind="update", incident=incident.id)
                if request.entry_point is EntryPoint.COMMAND
                else None,
                ok=False,
            )
        tx.record(EventKind.STATUS_UPDATE, incident=incident.id, person=person.id, text=said)
    return Reply(
        text=text(f"{incident.name}: the stakeholders are told.", f"{incident.name}: 関係者に知らせます。"),
    )
