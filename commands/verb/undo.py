"""`undo` brings the kept old data back: a sealed run of its own, behind two approvals."""

from collections.abc import Sequence

from sqlalchemy import Connection

from drbot.commands.facts import runbook_selection
from drbot.commands.facts.context import CommandContext, current_run, incident_of, must_be_open
from drbot.commands.facts.machines import led_by
from drbot.commands.facts.making_way import gives_way, in_progress
from drbot.commands.facts.returnable import in_order, is_files, returnable
from drbot.commands.facts.runbook_selection import UNDO_FILES_RUNBOOK, UNDO_HOST_RUNBOOK, UNDO_RUNBOOK, queue
from drbot.commands.speech.messages import Choice, Reply, Request
from drbot.commands.speech.parser import Words, printable
from drbot.commands.speech.refusal import Refusal
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import RunKind, StopKind
from drbot.core.site.people import Person
from drbot.core.text.messages import listed, phrase
from drbot.store.records import kept
from drbot.store.records.kept import Kept


def undo(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Queue the undo of the kept data of this incident that is named, else of the newest."""
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        must_be_open(incident, "undo")
        run = current_run(tx.connection, incident)
        there = _kept(context, tx.connection, incident)
        if run is not None and not run.is_over and not gives_way(incident, run):
            raise in_progress(incident, run, "undo")
        meant = _meant(incident, words, there)
        if run is not None and not run.is_over:
            runbook_selection.stop(context, tx, run, person, "undo", StopKind.UNDO)
        runbook, arguments = _runbook(context, meant)
        queue(context, tx, incident, RunKind.UNDO, runbook, arguments, person, site=meant.site)
    return Reply(text=_planned(incident, meant), in_channel=True)


def _meant(incident: Incident, words: Words, there: Sequence[Kept]) -> Kept:
    """Raises UserError when what is named cannot be brought back."""
    named = [one for one in there if words.text in ("", one.volume) or (one.whole_host and one.run == words.text)]
    if named:
        return named[-1]
    why = phrase("Nothing that can be brought back is named {typed}.", typed=printable(words.text, 80))
    look = Choice(label=phrase("What is kept"), command="kept")
    raise _refusal(incident, why, phrase("/dr kept lists them."), look)


def _runbook(context: CommandContext, one: Kept) -> tuple[str, dict[str, str]]:
    if one.whole_host:
        return UNDO_HOST_RUNBOOK, {"aside": one.run}
    site = context.configuration.site(one.site)
    return UNDO_FILES_RUNBOOK if is_files(one, site) else UNDO_RUNBOOK, {"keeper": one.volume}


def _planned(incident: Incident, one: Kept) -> str:
    if one.whole_host:
        return phrase(
            "{name}: undo is being planned: the host {site} comes back as {run} put it aside. What is on it now is "
            "put aside first, and nothing is deleted. Nothing of it is touched before two people approve.",
            name=incident.name,
            site=one.site,
            run=one.run,
        )
    return phrase(
        "{name}: undo is being planned: {volume} goes back to {original}. What was written since the swap is "
        "put aside. Nothing happens before two people approve.",
        name=incident.name,
        volume=one.volume,
        original=one.original,
    )


def _kept(context: CommandContext, connection: Connection, incident: Incident) -> list[Kept]:
    """What can be brought back. Raises UserError when there is none."""
    of_incident = [one for one in kept.list_of(connection) if one.incident == incident.id]
    there = returnable(context.configuration, incident, in_order(connection, of_incident))
    if there:
        return there
    look = Choice(label=phrase("What is kept"), command="kept")
    if not of_incident:
        why = phrase("Nothing of this incident is kept, so there is nothing to go back to.")
        if led_by(connection, incident.id) is None:
            raise _refusal(incident, why, "", look)
        todo = phrase("To point DNS back: /dr lead-back")
        back = Choice(label=phrase("Point DNS back…"), command=f"lead-back {incident.name}")
        raise _refusal(incident, why, todo, back)
    others = listed(one.volume for one in of_incident)
    why = phrase("What is kept is not data that level 2 replaces here: {others}.", others=others)
    raise _refusal(incident, why, phrase("It has to be put back by hand."), look)


def _refusal(incident: Incident, why: str, todo: str, choice: Choice) -> Refusal:
    tried = phrase("{name}: you asked to undo.", name=incident.name)
    return Refusal(tried, why, todo, choices=(choice,))
