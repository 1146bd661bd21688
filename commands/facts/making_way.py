"""One thing at a time: before something else of an incident is planned, only what is blocked is pushed aside."""

from drbot.commands.facts.context import CommandContext, asked_for, current_run
from drbot.commands.facts.runbook_selection import stop
from drbot.commands.speech.messages import Choice
from drbot.commands.speech.refusal import Refusal
from drbot.core.runs.incident import Incident, IncidentState
from drbot.core.runs.run import Run, RunState, StopKind
from drbot.core.runs.state_words import run_text, sentence_of
from drbot.core.site.people import Person
from drbot.core.text.messages import phrase
from drbot.store.base.database import Transaction


def gives_way(incident: Incident, run: Run) -> bool:
    """Only the question whether users can work again is left, or it is blocked."""
    return only_asks(incident, run) or run.state is RunState.BLOCKED


def only_asks(incident: Incident, run: Run) -> bool:
    """Whether all is done but that somebody says whether users can work."""
    return incident.state is IncidentState.RECOVERED and run.state is RunState.WAITING


def in_progress(incident: Incident, run: Run, verb: str) -> Refusal:
    """What is in the way of the verb, and what to do first."""
    now = run_text(run)
    if run.state is RunState.BLOCKED:
        return Refusal(
            asked_for(verb, incident),
            sentence_of(now),
            phrase("It does not go on by itself. End it first: /dr discard {name}", name=incident.name),
            choices=(
                Choice(label=phrase("Status"), command=f"status {incident.name}"),
                Choice(label=phrase("Discard"), command=f"discard {incident.name}", style="danger"),
            ),
        )
    return Refusal(
        asked_for(verb, incident),
        phrase("A run is in progress ({now}).", now=now),
        phrase("Let it end, or stop it first."),
        choices=(
            Choice(label=phrase("Status"), command=f"status {incident.name}"),
            Choice(label=phrase("Stop"), command=f"stop {incident.name}", style="danger"),
        ),
    )


def make_way(context: CommandContext, tx: Transaction, incident: Incident, person: Person, verb: str) -> str:
    """What is to be told of the run that is ended for it. Raises UserError while one is in progress; one that only asks
    whether users can work has done all it could.
    """
    run = current_run(tx.connection, incident)
    if run is None or run.is_over:
        return ""
    if not gives_way(incident, run):
        raise in_progress(incident, run, verb)
    # It gives up nothing that it has prepared: what becomes of a machine two people say.
    stop(context, tx, run, person, verb, StopKind.UNDO)
    return phrase("{run} is ended to make way.", run=run.id)
