"""Which buttons make sense now: one function from a situation to what people could type instead."""

from collections.abc import Mapping

from drbot.bot.situation import Situation
from drbot.commands.messages import Choice
from drbot.commands.next_actions import next_actions
from drbot.commands.recovery import by_hand
from drbot.commands.ways_on import settlements, ways_out
from drbot.core.deciding import undecided
from drbot.core.incident import IncidentState, UsersSay
from drbot.core.run import Run, RunState, StepState
from drbot.core.words import Text

ANSWERS: Mapping[str, Text] = {"yes": {"en": "Yes", "ja": "はい"}, "no": {"en": "No", "ja": "いいえ"}}
STOP: Text = {"en": "STOP", "ja": "停止"}
RESOLVE: Text = {"en": "Resolve and write the report", "ja": "解決して報告書を作成"}
UPDATE: Text = {"en": "Tell the stakeholders", "ja": "関係者へ連絡"}

ACTIVE = frozenset({RunState.QUEUED, RunState.RUNNING, RunState.WAITING})


def choices_of(situation: Situation) -> tuple[Choice, ...]:
    """What can be done now, most urgent first; approving has buttons of its own (approval_card.py)."""
    run = situation.run
    if not situation.incident.is_open and (run is None or run.is_over):
        return ()
    choices: list[Choice] = []
    if run is not None and run.state in ACTIVE:
        choices += _answers(situation)
        choices.append(_choice(situation, STOP, "stop", "danger"))
    elif run is not None and run.state is RunState.NEEDS_DECISION:
        choices += _settlements(situation, run)
    elif run is not None and run.state is RunState.BLOCKED:
        choices += ways_out(situation.incident, run)
    else:
        choices += next_actions(situation.configuration, situation.runbooks, situation.incident, run, situation.kept)
    said_yes = situation.incident.users_say is UsersSay.YES
    is_done = situation.incident.state is IncidentState.RECOVERED or said_yes or _is_by_hand(situation)
    if is_done and (run is None or run.is_over):
        choices.append(_choice(situation, RESOLVE, "resolve", "primary"))
    if situation.incident.is_open:
        choices.append(_choice(situation, UPDATE, "update"))
    return tuple(choices)


def _is_by_hand(situation: Situation) -> bool:
    """Its runbook was missing or refused when it was declared, so people follow the document's steps."""
    return situation.run is None and bool(by_hand(situation.incident.level))


def _choice(situation: Situation, label: Text, verb: str, style: str = "default", rest: str = "") -> Choice:
    command = f"{verb} {situation.incident.name} {rest}".strip()
    return Choice(label=label, command=command, style=style)  # type: ignore[arg-type]


def _answers(situation: Situation) -> list[Choice]:
    """Buttons for the question of a step that is open."""
    run = situation.run
    if run is None or run.plan is None:
        return []
    waiting = {record.id for record in situation.steps if record.state is StepState.WAITING and record.answer is None}
    asked = [step for step in run.plan.steps if step.ask is not None and step.id in waiting]
    return [
        _choice(
            situation,
            ANSWERS.get(answer, _as_typed(answer)),
            "answer",
            rest=f"{step.id} {answer}",
        )
        for step in asked
        if step.ask is not None
        for answer in step.ask.answers
    ]


def _as_typed(answer: str) -> Text:
    """An answer of a runbook of one's own."""
    return {"en": answer.capitalize(), "ja": answer}


def _settlements(situation: Situation, run: Run) -> list[Choice]:
    waiting = undecided(run.plan, situation.steps)
    return settlements(situation.incident, run, waiting) or [_choice(situation, STOP, "stop", "danger")]
