"""Which buttons make sense now: one function from a situation to what people could type instead."""

from collections.abc import Mapping

from bot.situation import Situation
from commands.messages import Choice
from commands.next_actions import next_actions
from commands.recovery import again, by_hand
from core.deciding import decisions_for, needs_second, undecided
from core.incident import IncidentState, UsersSay
from core.run import Offer, RunState, Settlement, StepRecord, StepState
from core.words import Text

SETTLE: Mapping[Settlement, Text] = {
    Settlement.RETRY: {"en": "Try again", "ja": "もう一度実行"},
    Settlement.DONE: {"en": "It is done, go on", "ja": "完了済みとして続行"},
    Settlement.UNDO: {"en": "Undo this step", "ja": "この手順を取り消す"},
    Settlement.STOP: {"en": "Stop here", "ja": "ここで停止"},
}
BLOCKED: Mapping[Offer, tuple[Text, str]] = {
    Offer.ASK_AGAIN: ({"en": "Ask again", "ja": "もう一度承認を依頼"}, "recover"),
    Offer.ANOTHER_BACKUP: ({"en": "Another backup…", "ja": "別のバックアップ…"}, "recover backup"),
    Offer.DISCARD: ({"en": "Discard", "ja": "取りやめる"}, "discard"),
}
ANSWERS: Mapping[str, Text] = {"yes": {"en": "Yes", "ja": "はい"}, "no": {"en": "No", "ja": "いいえ"}}
SECOND: Text = {"en": "I too say it is done", "ja": "自分も完了を確認した"}
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
        choices += _settlements(situation)
    elif run is not None and run.state is RunState.BLOCKED:
        choices += _ways_out(situation)
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


def _settlements(situation: Situation) -> list[Choice]:
    plan = situation.run.plan if situation.run else None
    waiting = undecided(plan, situation.steps)
    if plan is None or not waiting:
        return [_choice(situation, STOP, "stop", "danger")]
    return [_settlement(situation, waiting[0], word) for word in decisions_for(plan, waiting[0])]


def _settlement(situation: Situation, record: StepRecord, word: Settlement) -> Choice:
    second = word is Settlement.DONE and needs_second(situation.run.plan if situation.run else None, record)
    label = SECOND if second else SETTLE[word]
    style = "danger" if word is Settlement.STOP else "default"
    return _choice(situation, label, "settle", style, f"{record.id} {word}")


def _ways_out(situation: Situation) -> list[Choice]:
    offers = situation.run.offers if situation.run else ()
    return [_way_out(situation, offer) for offer in offers if offer in BLOCKED]


def _way_out(situation: Situation, offer: Offer) -> Choice:
    label, command = BLOCKED[offer]
    if offer is Offer.ASK_AGAIN and situation.run is not None:
        return Choice(label=label, command=again(situation.incident, situation.run))
    verb, _, rest = command.partition(" ")
    return _choice(situation, label, verb, "danger" if verb == "discard" else "default", rest)
