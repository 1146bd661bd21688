"""What people are offered about a run that waits for a decision or is blocked: the same words at every door."""

from collections.abc import Iterable, Mapping

from drbot.commands.messages import Choice, text
from drbot.commands.recovery import again
from drbot.core.deciding import decisions_for, needs_second
from drbot.core.incident import Incident
from drbot.core.plan import is_beside
from drbot.core.run import Offer, Run, Settlement, StepRecord
from drbot.core.words import Text

SETTLE: Mapping[Settlement, Text] = {
    Settlement.RETRY: text("Try again", "もう一度実行"),
    Settlement.DONE: text("It is done, go on", "完了済みとして続行"),
    Settlement.UNDO: text("Take back all changes since the approval", "承認後の変更をすべて取り消す"),
    Settlement.STOP: text("Stop here", "ここで停止"),
}
UNDO_BESIDE = text("Remove what this step made", "この手順で作ったものを削除")
SECOND = text("I too say it is done", "自分も完了を確認した")

AGAIN = text("Ask again", "もう一度承認を依頼")
OVER = text("Start over (the copy is removed)", "最初からやり直す (コピーは削除)")
ANOTHER = text("Another backup…", "別のバックアップ…")
DISCARD = text("Discard", "取りやめる")
DISCARD_COPY = text("Discard the copy and end", "コピーを破棄して終える")
WAYS_OUT = frozenset({Offer.ASK_AGAIN, Offer.ANOTHER_BACKUP, Offer.DISCARD})


def settlement(incident: Incident, run: Run, record: StepRecord, word: Settlement) -> Choice:
    """One decision about a step, in words that say what follows from it."""
    label = SETTLE[word]
    if word is Settlement.DONE and needs_second(run.plan, record):
        label = SECOND
    if word is Settlement.UNDO and run.plan is not None and is_beside(run.plan, run.plan.step(record.id)):
        label = UNDO_BESIDE
    command = f"settle {incident.name} {record.id} {word}"
    return Choice(label=label, command=command, style="danger" if word is Settlement.STOP else "default")


def settlements(incident: Incident, run: Run, waiting: Iterable[StepRecord]) -> list[Choice]:
    """Every decision about the first step that waits for one."""
    first = next(iter(waiting), None)
    return [] if first is None else [settlement(incident, run, first, word) for word in decisions_for(run.plan, first)]


def ways_out(incident: Incident, run: Run) -> list[Choice]:
    """Of a blocked run."""
    return [_way_out(incident, run, offer) for offer in run.offers if offer in WAYS_OUT]


def ask_again(incident: Incident, run: Run) -> Choice:
    """The same once more, in words that say what becomes of the copy."""
    return Choice(label=OVER if _copies(run) else AGAIN, command=again(incident, run))


def _copies(run: Run) -> bool:
    return run.plan is not None and any(step.do == "postgres.restore_beside" for step in run.plan.steps)


def _way_out(incident: Incident, run: Run, offer: Offer) -> Choice:
    if offer is Offer.ASK_AGAIN:
        return ask_again(incident, run)
    if offer is Offer.ANOTHER_BACKUP:
        return Choice(label=ANOTHER, command=f"recover {incident.name} backup")
    return Choice(label=DISCARD_COPY if _copies(run) else DISCARD, command=f"discard {incident.name}", style="danger")
