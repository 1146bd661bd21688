"""`give-back` gives a rented machine back: a sealed run of its own, behind two approvals, about exactly one machine."""

from collections.abc import Sequence

from drbot.commands.facts.context import CommandContext, asked_for, incident_of
from drbot.commands.facts.making_way import make_way
from drbot.commands.facts.runbook_selection import GIVE_BACK_RUNBOOK, queue
from drbot.commands.speech.messages import Choice, Reply, Request
from drbot.commands.speech.parser import Words, printable
from drbot.commands.speech.refusal import Refusal
from drbot.core.runs.run import RunKind
from drbot.core.site.people import Person
from drbot.core.text.messages import phrase, sentences
from drbot.store.records import incidents, machines
from drbot.store.records.machines import KnownMachine


def give_back(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Queue it for the worker of the control site; a resolved incident is no hindrance."""
    with context.database.write() as tx:
        one = _meant(words, machines.list_of(tx.connection))
        # One that another drbot rented belongs to no incident here: people say in which it is told.
        number = one.incident
        incident = (
            incident_of(tx.connection, request, words) if number is None else incidents.get(tx.connection, number)
        )
        if context.configuration.recovery is None:
            why = phrase("dr.yml has no `recovery`.")
            todo = phrase("End the machine by hand.")
            raise Refusal(asked_for("give-back", incident), why, todo)
        ended = make_way(context, tx, incident, person, "give-back")
        queue(context, tx, incident, RunKind.GIVE_BACK, GIVE_BACK_RUNBOOK, {"machine": one.machine}, person)
    return Reply(
        text=sentences(
            phrase(
                "{name}: giving {machine} back is being planned. It is kept, with everything on it, until two "
                "people approve, and while DNS points there.",
                name=incident.name,
                machine=one.machine,
            ),
            ended,
        ),
        in_channel=True,
    )


def _meant(words: Words, there: Sequence[KnownMachine]) -> KnownMachine:
    """The machine that is named. Raises UserError: which one is never guessed."""
    named = [one for one in there if one.machine in words.rest]
    if len(named) == 1 and len(words.rest) == 1 and words.incident in (None, named[0].incident or words.incident):
        return named[0]
    typed = printable(words.text, 80)
    why = (
        phrase("No rented machine is named {typed}.", typed=typed)
        if typed
        else phrase("Say which machine: its whole name.")
    )
    raise Refusal(
        asked_for("give-back"),
        why,
        phrase("/dr kept lists them."),
        choices=(Choice(label=phrase("What is kept and rented"), command="kept"),),
    )
