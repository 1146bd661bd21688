"""`settle`: a person says how to go on after a step that is unsure or failed; drbot never guesses."""

from sqlalchemy import Connection

from drbot.commands.facts.context import CommandContext, current_run, incident_of
from drbot.commands.facts.runbook_selection import ring
from drbot.commands.speech.messages import Choice, Reply, Request
from drbot.commands.speech.parser import Words, plain, printable
from drbot.commands.speech.refusal import Refusal
from drbot.commands.views.available_actions import settlement, settlements
from drbot.core.approvals.state_words import word_of
from drbot.core.runs.incident import Incident
from drbot.core.runs.plan import is_beside
from drbot.core.runs.run import Run, Settlement, StepRecord
from drbot.core.runs.settlement import check_decides, may_settle, undecided
from drbot.core.site.people import Person
from drbot.core.text.messages import listed, phrase
from drbot.store.records import steps

RETRY = phrase("It will be tried again.")
RETRY_ASKED = phrase("Two people are asked for approval again, then it is tried again.")
DONE = phrase("Its check runs once more; it counts as done if the check still agrees.")
DONE_CHECKED = phrase(
    "A person's word cannot replace its own check, which runs again now: it counts as done only if the check agrees."
)
DONE_BY_TWO = phrase("Two people say so; its check runs once more, and it goes on.")
SECOND = phrase("Noted, and nothing goes on yet: its check does not agree, so a second person must say so too.")
UNDO = phrase("What was changed in production since the approval is taken back, newest first; the run ends.")
UNDO_BESIDE = phrase("What it made outside production is removed; production is not touched.")
STOP = phrase("The recovery stops here.")


def settle(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """`settle swap done`, or `settle done` when only one step waits for somebody."""
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        run, waiting = unsettled(tx.connection, incident)
        step, decision = _understood(incident, run, words, waiting)
        is_settled = steps.settle(tx, run.id, step.id, decision, person.id)
        ring(context, tx, run)
    follows = _follows(run, step, decision) if is_settled else SECOND
    title = run.plan.title_of(step.id) if run.plan else step.id
    heading = phrase('"{step}" is settled: {decision}.', step=title, decision=word_of(decision))
    if not is_settled:
        heading = phrase('{person} says that "{step}" is done.', person=person.name, step=title)
    return Reply(
        text=phrase("{name}: {heading} {follows}", name=incident.name, heading=heading, follows=follows),
        choices=() if is_settled else (settlement(incident, run, step, decision),),
        in_channel=True,
    )


def _follows(run: Run, record: StepRecord, decision: Settlement) -> str:
    """What happens now, as the worker will do it."""
    step = run.plan.step(record.id) if run.plan else None
    if decision is Settlement.STOP:
        return STOP
    if decision is Settlement.RETRY:
        return RETRY_ASKED if step is not None and step.effect == "destroy" else RETRY
    if decision is Settlement.UNDO:
        beside = step is not None and run.plan is not None and is_beside(run.plan, step)
        return UNDO_BESIDE if beside else UNDO
    if record.finding_passed:
        return DONE
    return DONE_CHECKED if check_decides(run.plan, record) else DONE_BY_TWO


def unsettled(conn: Connection, incident: Incident) -> tuple[Run, list[StepRecord]]:
    """The run and its steps that wait for a decision. Raises UserError when there are none."""
    run = current_run(conn, incident)
    waiting = undecided(run.plan, steps.of_run(conn, run.id)) if run else []
    if run is None or run.is_over or not waiting:
        raise Refusal(
            phrase("{name}: you asked to settle a step.", name=incident.name),
            phrase("No step waits for a decision."),
            choices=(Choice(label=phrase("Status"), command=f"status {incident.name}"),),
        )
    return run, waiting


def _understood(incident: Incident, run: Run, words: Words, waiting: list[StepRecord]) -> tuple[StepRecord, Settlement]:
    typed = [plain(word) for word in words.rest]
    decision = next((Settlement(word) for word in reversed(typed) if word in list(Settlement)), None)
    names = {step.id: step for step in waiting}
    others = [word for word in typed if word != decision]
    named = next((names[word] for word in others if word in names), None)
    step = named or (waiting[0] if len(waiting) == 1 and not others else None)
    if step is not None and decision is not None:
        return step, decision
    example = step or waiting[0]
    asked = printable(words.text) or "-"
    known = listed(may_settle(run.plan, example))
    raise Refusal(
        phrase("{name}: settle {asked} was not understood.", name=incident.name, asked=asked),
        phrase("Waiting for a decision: {names}.", names=listed(names)),
        phrase("Say the step and one of {known}: /dr settle {id} retry", known=known, id=example.id),
        choices=tuple(settlements(incident, run, [example])),
    )
