"""`give-up` deletes kept data for good: a sealed run of its own, behind two approvals, about exactly one volume."""

from collections.abc import Sequence

from drbot.commands.facts import runbook_selection
from drbot.commands.facts.context import CommandContext, current_run
from drbot.commands.facts.making_way import in_progress
from drbot.commands.facts.runbook_selection import GIVE_UP_HOST_RUNBOOK, GIVE_UP_RUNBOOK, queue
from drbot.commands.speech.messages import Choice, Reply, Request
from drbot.commands.speech.parser import Words, printable
from drbot.commands.speech.refusal import Refusal
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import RunKind, RunState, StopKind
from drbot.core.site.people import Person
from drbot.core.text.messages import phrase, sentences
from drbot.store.base.database import Transaction
from drbot.store.records import incidents, kept
from drbot.store.records.kept import Kept


def give_up(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Queue it for the worker of the site where the kept data lies; a resolved incident is no hindrance."""
    with context.database.write() as tx:
        one = _meant(words, kept.list_of(tx.connection))
        incident = incidents.get(tx.connection, one.incident)
        ended = _make_way(context, tx, incident, person)
        runbook, arguments = (
            (GIVE_UP_HOST_RUNBOOK, {"aside": one.run}) if one.whole_host else (GIVE_UP_RUNBOOK, {"keeper": one.volume})
        )
        queue(context, tx, incident, RunKind.GIVE_UP, runbook, arguments, person, site=one.site)
    return Reply(
        text=sentences(
            phrase(
                "{name}: deleting {volume} is being planned. Nothing is deleted before two people approve.",
                name=incident.name,
                volume=one.volume,
            ),
            ended,
        ),
        in_channel=True,
    )


def _meant(words: Words, there: Sequence[Kept]) -> Kept:
    """The kept volume that is named. Raises UserError: which one is never guessed."""
    named = [one for one in there if one.volume in words.rest or (one.whole_host and one.run in words.rest)]
    if len(named) == 1 and len(words.rest) == 1 and words.incident in (None, named[0].incident):
        return named[0]
    typed = printable(words.text, 80)
    why = (
        phrase("No kept data is named {typed}.", typed=typed)
        if typed
        else phrase("Say which kept data: its whole name.")
    )
    raise Refusal(
        phrase("{what}: you asked to delete kept data.", what="give-up"),
        why,
        phrase("/dr kept lists them."),
        choices=(Choice(label=phrase("What is kept"), command="kept"),),
    )


def _make_way(context: CommandContext, tx: Transaction, incident: Incident, person: Person) -> str:
    """One thing at a time: only what is blocked is pushed aside. What is to be told of that."""
    run = current_run(tx.connection, incident)
    if run is None or run.is_over:
        return ""
    if run.state is not RunState.BLOCKED:
        raise in_progress(incident, run, "give-up")
    why = phrase("replaced: {verb}", verb="give-up")
    runbook_selection.stop(context, tx, run, person, why, StopKind.REPLACED)
    return phrase("{run}, which was blocked, is ended; its worker removes what it had prepared.", run=run.id)
