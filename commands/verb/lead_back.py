"""`lead-back` leads the names to where they led before level 4: a sealed run of its own, behind two approvals, at any
time: the old place is often repaired when the incident is long resolved.
"""

from drbot.commands.facts.context import CommandContext, asked_for, incident_of
from drbot.commands.facts.machines import led_by, names_of, names_texts
from drbot.commands.facts.making_way import make_way
from drbot.commands.facts.runbook_selection import LEAD_BACK_RUNBOOK, queue
from drbot.commands.speech.messages import Choice, Reply, Request
from drbot.commands.speech.parser import Words
from drbot.commands.speech.refusal import Refusal
from drbot.core.runs.run import RunKind
from drbot.core.site.people import Person
from drbot.core.text.messages import closed, phrase, sentences
from drbot.store.records import machines


def lead_back(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        look = Choice(label=phrase("Status"), command=f"status {incident.name}")
        if context.configuration.recovery is None or context.configuration.dns is None:
            why = phrase("dr.yml has no `dns` or no `recovery`.")
            todo = phrase("Change the zone by hand.")
            raise Refusal(asked_for("lead-back", incident), why, todo, choices=(look,))
        if led_by(tx.connection, incident.id) is None:
            there = machines.list_of(tx.connection)
            leading = names_texts(names_of(tx.connection, context.configuration), there, context.configuration)
            nothing = phrase("{name} has not changed where DNS points.", name=incident.name)
            said = sentences(nothing, *map(closed, leading))
            raise Refusal(asked_for("lead-back", incident), said, choices=(look,))
        ended = make_way(context, tx, incident, person, "lead-back")
        queue(context, tx, incident, RunKind.LEAD_BACK, LEAD_BACK_RUNBOOK, {}, person)
    return Reply(
        text=sentences(
            phrase(
                "{name}: pointing DNS back is being planned. The request will say where DNS points now, where it "
                "will point and what answers there. What users have written since does not move with it. Nothing "
                "happens before two people approve.",
                name=incident.name,
            ),
            ended,
        ),
        in_channel=True,
    )
