"""`settle`: a person says how to go on after a step that is unsure or failed; drbot never guesses."""

from sqlalchemy import Connection

from drbot.commands.facts.context import CommandContext, current_run, incident_of
from drbot.commands.facts.runbook_selection import ring
from drbot.commands.speech.messages import Choice, Reply, Request, text
from drbot.commands.speech.parser import Words, plain, printable
from drbot.commands.speech.refusal import Refusal
from drbot.commands.views.available_actions import settlement, settlements
from drbot.core.incident import Incident
from drbot.core.japanese import titles_of
from drbot.core.people import Person
from drbot.core.plan import is_beside
from drbot.core.run import Run, Settlement, StepRecord
from drbot.core.settlement import check_decides, may_settle, undecided
from drbot.core.state_words import word_of
from drbot.core.words import Text
from drbot.store.records import steps

RETRY = text("It will be tried again.", "再試行します。")
RETRY_ASKED = text("Two people are asked anew, then it is tried again.", "改めて二人の承認を得てから再試行します。")
DONE = text(
    "Its check is asked once more; it counts as done if that still agrees.",
    "検査をもう一度行い、合格すれば完了とします。",
)
DONE_CHECKED = text(
    "Nobody's word replaces its own check, which is asked again now: it counts as done only if that agrees.",
    "この手順は本人の判断では完了になりません。検査をもう一度行い、合格した場合だけ完了とみなします。",
)
DONE_BY_TWO = text(
    "Two people say so; its check is asked once more, and it goes on.",
    "二人が確認しました。検査をもう一度行い、続行します。",
)
SECOND = text(
    "Noted, and nothing goes on yet: its check does not agree, so a second person must say so too.",
    "記録しました。検査が合格していないため、もう一人の確認があるまで続行しません。",
)
UNDO = text(
    "What was changed in production since the approval is taken back, newest first; the run ends.",
    "承認後の本番の変更を新しい順に取り消し、実行を終えます。",
)
UNDO_BESIDE = text(
    "What it made beside production is removed; production is not touched.",
    "本番とは別に作ったものを削除します。本番は変更しません。",
)
STOP = text("The recovery stops here.", "復旧をここで停止します。")


def settle(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """`settle swap done`, or `settle done` when only one step waits for somebody."""
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        run, waiting = unsettled(tx.connection, incident)
        step, decision = _understood(incident, run, words, waiting)
        is_settled = steps.settle(tx, run.id, step.id, decision, person.id)
        ring(context, tx, run)
    follows = _follows(run, step, decision) if is_settled else SECOND
    heading = text(
        f"{step.id} is settled: {decision}.", f"「{_title(run, step)}」は「{word_of(decision)}」に決まりました。"
    )
    if not is_settled:
        heading = text(
            f"{person.name} says that {step.id} is done.",
            f"{person.name} は「{_title(run, step)}」が完了していると判断しました。",
        )
    return Reply(
        text=text(
            f"{incident.name}: {heading['en']} {follows['en']}", f"{incident.name}: {heading['ja']}{follows['ja']}"
        ),
        choices=() if is_settled else (settlement(incident, run, step, decision),),
        in_channel=True,
    )


def _follows(run: Run, record: StepRecord, decision: Settlement) -> Text:
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


def _title(run: Run, record: StepRecord) -> str:
    return titles_of(run.plan).get(record.id, record.id)


def unsettled(conn: Connection, incident: Incident) -> tuple[Run, list[StepRecord]]:
    """The run and its steps that wait for a decision. Raises UserError when there are none."""
    run = current_run(conn, incident)
    waiting = undecided(run.plan, steps.of_run(conn, run.id)) if run else []
    if run is None or run.is_over or not waiting:
        raise Refusal(
            text(f"{incident.name}: you asked to settle a step.", f"{incident.name}: 手順の扱いを決めようとしました。"),
            text("No step waits for a decision.", "判断待ちの手順はありません。"),
            choices=(Choice(label=text("Status", "状況"), command=f"status {incident.name}"),),
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
    known = ", ".join(may_settle(run.plan, example))
    raise Refusal(
        text(
            f"{incident.name}: settle {asked} was not understood.",
            f"{incident.name}: settle {asked} を解釈できません。",
        ),
        text(f"Waiting for a decision: {', '.join(names)}.", f"判断待ち: {', '.join(names)}。"),
        text(
            f"Say the step and one of {known}: settle {example.id} retry",
            f"手順名と {known} のどれかを指定してください: settle {example.id} retry",
        ),
        choices=tuple(settlements(incident, run, [example])),
    )
