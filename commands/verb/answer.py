"""`answer`: a person answers a question of the recovery, such as "can you sign in again?"."""

from drbot.commands.facts.context import CommandContext, current_run, incident_of
from drbot.commands.facts.runbook_selection import ring
from drbot.commands.speech.messages import Choice, Reply, Request
from drbot.commands.speech.parser import Words, plain, printable
from drbot.commands.speech.refusal import Refusal
from drbot.core.approvals.state_words import word_of
from drbot.core.runbooks.runbook import Ask
from drbot.core.runs.incident import Incident, IncidentState, UsersSay
from drbot.core.runs.run import Run, StepRecord, StepState
from drbot.core.site.people import Person
from drbot.core.text.messages import listed, phrase
from drbot.store.records import incidents, steps


def answer(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """`answer confirm yes`, or `answer yes` when one question is open."""
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        run = current_run(tx.connection, incident)
        records = steps.of_run(tx.connection, run.id) if run and not run.is_over else []
        questions = _questions(run, records) if run else {}
        if run is None or not questions:
            late = _late(words)
            if late is not None and incident.state is IncidentState.RECOVERED:
                incidents.users_say(tx, incident.id, late, person.id)
                return _heard(incident, late)
            raise Refusal(
                phrase("{name}: you gave an answer.", name=incident.name),
                phrase("No question is open."),
            )
        step, word = _understood(incident, words, questions)
        steps.answer(tx, run.id, step, word, person.id)
        ring(context, tx, run)
        title = run.plan.title_of(step) if run.plan is not None else step
    return Reply(
        text=phrase("{name}: noted, {step}: {answer}.", name=incident.name, step=title, answer=word_of(word)),
        in_channel=True,
    )


def _late(words: Words) -> UsersSay | None:
    """After the question is over: whether users can work is news at any time until the incident is resolved."""
    typed = [plain(word) for word in words.rest]
    return {"yes": UsersSay.YES, "no": UsersSay.NO}.get(typed[-1]) if typed else None


def _heard(incident: Incident, say: UsersSay) -> Reply:
    said = phrase("{name}: noted, users can work.", name=incident.name)
    if say is UsersSay.NO:
        said = phrase(
            "{name}: noted. It is not recovered, and the RTO clock runs on. /dr status {name} shows what can be done.",
            name=incident.name,
        )
    return Reply(text=said, in_channel=True)


def _questions(run: Run, records: list[StepRecord]) -> dict[str, Ask]:
    if run.plan is None:
        return {}
    waiting = {record.id for record in records if record.state is StepState.WAITING and record.answer is None}
    return {step.id: step.ask for step in run.plan.steps if step.ask is not None and step.id in waiting}


def _understood(incident: Incident, words: Words, questions: dict[str, Ask]) -> tuple[str, str]:
    typed = [plain(word) for word in words.rest]
    step = next((word for word in typed if word in questions), None)
    rest = [word for word in typed if word != step]
    if step is None and len(questions) == 1:
        step = next(iter(questions))
    if step is not None and len(rest) == 1 and rest[0] in questions[step].answers:
        return step, rest[0]
    example = step or next(iter(questions))
    answers = questions[example].answers
    raise Refusal(
        phrase(
            "{name}: the answer {answer} was not understood.",
            name=incident.name,
            answer=printable(words.text) or "-",
        ),
        phrase("Open questions: {questions}.", questions=listed(questions)),
        phrase("Answers to {example}: {answers}.", example=example, answers=listed(answers)),
        choices=tuple(
            Choice(label=word_of(word), command=f"answer {incident.name} {example} {word}") for word in answers
        ),
    )
