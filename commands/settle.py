"""`settle`: a person says how to go on after a step that is unsure or failed; drbot never guesses."""

from collections.abc import Mapping

from sqlalchemy import Connection

from commands.context import CommandContext, current_run, incident_of
from commands.grammar import Words, plain, printable
from commands.messages import Choice, Reply, Request, text
from commands.recovery import ring
from commands.refusal import Refusal
from core.deciding import undecided
from core.incident import Incident
from core.people import Person
from core.run import Run, StepRecord
from core.words import Text
from store import steps

DECISIONS: Mapping[str, Text] = {
    "retry": text("It will be tried again.", "再試行します。"),
    "done": text("It counts as done; its checks are looked at again.", "完了とみなし、検査をやり直します。"),
    "undo": text("It will be taken back.", "取り消します。"),
    "stop": text("The recovery stops here.", "復旧をここで停止します。"),
}


def settle(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """`settle swap done`, or `settle done` when only one step waits for somebody."""
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        run, waiting = unsettled(tx.connection, incident)
        step, decision = _understood(incident, words, waiting)
        steps.settle(tx, run.id, step.id, decision, person.id)
        ring(context, tx, run)
    return Reply(
        text=text(
            f"{incident.name}: {step.id} is settled: {decision}. {DECISIONS[decision]['en']}",
            f"{incident.name}: {step.id} は {decision} と決まりました。{DECISIONS[decision]['ja']}",
        ),
        incident=incident.id,
        in_channel=True,
    )


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


def _understood(incident: Incident, words: Words, waiting: list[StepRecord]) -> tuple[StepRecord, str]:
    typed = [plain(word) for word in words.rest]
    decision = next((word for word in reversed(typed) if word in DECISIONS), None)
    names = {step.id: step for step in waiting}
    others = [word for word in typed if word != decision]
    named = next((names[word] for word in others if word in names), None)
    step = named or (waiting[0] if len(waiting) == 1 and not others else None)
    if step is not None and decision is not None:
        return step, decision
    example = step or waiting[0]
    asked = printable(words.text) or "-"
    raise Refusal(
        text(
            f"{incident.name}: settle {asked} was not understood.",
            f"{incident.name}: settle {asked} を解釈できません。",
        ),
        text(f"Waiting for a decision: {', '.join(names)}.", f"判断待ち: {', '.join(names)}。"),
        text(
            f"Say the step and one of {', '.join(DECISIONS)}: settle {example.id} retry",
            f"手順名と {', '.join(DECISIONS)} のどれかを指定してください: settle {example.id} retry",
        ),
        choices=tuple(
            Choice(
                label=text(f"{example.id}: {word}", f"{example.id}: {word}"),
                command=f"settle {incident.name} {example.id} {word}",
            )
            for word in DECISIONS
        ),
    )
