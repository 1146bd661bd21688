"""`give-up` deletes kept data for good: a sealed run of its own, behind two approvals, about exactly one volume."""

from collections.abc import Sequence

from drbot.commands.facts import runbook_selection
from drbot.commands.facts.context import CommandContext, current_run
from drbot.commands.facts.making_way import in_progress
from drbot.commands.facts.runbook_selection import GIVE_UP_HOST_RUNBOOK, GIVE_UP_RUNBOOK, queue
from drbot.commands.speech.messages import Choice, Reply, Request, both, text
from drbot.commands.speech.parser import Words, printable
from drbot.commands.speech.refusal import Refusal
from drbot.core.incident import Incident
from drbot.core.people import Person
from drbot.core.run import RunKind, RunState, StopKind
from drbot.core.words import Text
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
        text=text(
            f"{incident.name}: giving up {one.volume} is being planned. It is not deleted before two people approve."
            f"{ended['en']}",
            f"{incident.name}: {one.volume} の削除を計画しています。二人が承認するまで削除しません。{ended['ja']}",
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
        text(f"No kept data is named {typed}.", f"{typed} という保管データはありません。")
        if typed
        else text("Say which kept data: its whole name.", "保管データの名前をすべて指定してください。")
    )
    raise _refusal(
        both("give-up"),
        why,
        text("/dr kept lists them.", "/dr kept で一覧を表示します。"),
        Choice(label=text("What is kept", "保管一覧"), command="kept"),
    )


def _make_way(context: CommandContext, tx: Transaction, incident: Incident, person: Person) -> Text:
    """One thing at a time: only what is blocked is pushed aside. What is to be told of that."""
    run = current_run(tx.connection, incident)
    if run is None or run.is_over:
        return both("")
    if run.state is not RunState.BLOCKED:
        raise in_progress(incident, run, "give-up")
    runbook_selection.stop(context, tx, run, person, "replaced: give-up", StopKind.REPLACED)
    return text(
        f" {run.id}, which was blocked, is ended, and what it had prepared is removed.",
        f"中断中だった {run.id} は終了し、準備したものは削除します。",
    )


def _refusal(what: Text, why: Text, todo: Text, choice: Choice) -> Refusal:
    tried = text(f"{what['en']}: you asked to delete kept data.", f"{what['ja']}: 保管データの削除は開始していません。")
    return Refusal(tried, why, todo, choices=(choice,))
