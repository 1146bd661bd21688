"""`undo` brings the kept old data back: a sealed run of its own, behind two approvals."""

from sqlalchemy import Connection

from drbot.commands.facts import runbook_selection
from drbot.commands.facts.context import CommandContext, current_run, incident_of, must_be_open
from drbot.commands.facts.machines import led_by
from drbot.commands.facts.making_way import gives_way, in_progress
from drbot.commands.facts.returnable import returnable
from drbot.commands.facts.runbook_selection import UNDO_HOST_RUNBOOK, UNDO_RUNBOOK, queue
from drbot.commands.speech.messages import Choice, Reply, Request, text
from drbot.commands.speech.parser import Words
from drbot.commands.speech.refusal import Refusal
from drbot.core.incident import Incident
from drbot.core.people import Person
from drbot.core.run import RunKind, StopKind
from drbot.core.words import Text
from drbot.store.records import kept
from drbot.store.records.kept import Kept


def undo(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Queue the undo of the newest kept data of this incident."""
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        must_be_open(incident, "undo")
        run = current_run(tx.connection, incident)
        there = _kept(context, tx.connection, incident)
        if run is not None and not run.is_over and not gives_way(incident, run):
            raise in_progress(incident, run, "undo")
        if run is not None and not run.is_over:
            runbook_selection.stop(context, tx, run, person, "undo", StopKind.UNDO)
        newest = max(there, key=lambda one: (one.created_at, one.id))
        runbook, arguments = _runbook(newest)
        queue(context, tx, incident, RunKind.UNDO, runbook, arguments, person, site=newest.site)
    return _host_planned(incident, newest) if newest.whole_host else _planned(incident, newest)


def _runbook(one: Kept) -> tuple[str, dict[str, str]]:
    """What brings this back."""
    return (UNDO_HOST_RUNBOOK, {"aside": one.run}) if one.whole_host else (UNDO_RUNBOOK, {"keeper": one.volume})


def _host_planned(incident: Incident, one: Kept) -> Reply:
    return Reply(
        text=text(
            f"{incident.name}: undo is being planned: the host {one.site} comes back as {one.run} put it aside. "
            "What is on it now is put aside first, and nothing is deleted. Nothing of it is touched before two people "
            "approve.",
            f"{incident.name}: ホスト {one.site} を {one.run} が退避する前の状態に戻す計画を作っています。現在の内容は"
            "先に退避し、何も削除しません。二人が承認するまで現在の内容には触れません。",
        ),
        in_channel=True,
    )


def _planned(incident: Incident, newest: Kept) -> Reply:
    return Reply(
        text=text(
            f"{incident.name}: undo is being planned: {newest.volume} goes back to {newest.original}. "
            "What was written since the swap is set aside. Nothing happens before two people approve.",
            f"{incident.name}: 元のデータに戻す計画を作っています。{newest.volume} を {newest.original} に戻します。"
            "入れ替え後の書き込みは別に保管されます。二人が承認するまで何も起こりません。",
        ),
        in_channel=True,
    )


def _kept(context: CommandContext, connection: Connection, incident: Incident) -> list[Kept]:
    """What can be brought back. Raises UserError when there is none."""
    of_incident = [one for one in kept.list_of(connection) if one.incident == incident.id]
    there = returnable(context.configuration, incident, of_incident)
    if there:
        return there
    look = Choice(label=text("What is kept", "保管一覧"), command="kept")
    if not of_incident:
        why = text(
            "Nothing of this incident is kept, so there is nothing to go back to.",
            "このインシデントで保管したデータがないため、戻せません。",
        )
        if led_by(connection, incident.id) is None:
            raise _refusal(incident, why, text("", ""), look)
        todo = text("Where the names lead is another question: /dr lead-back", "DNS の向き先を戻すには: /dr lead-back")
        back = Choice(
            label=text("Lead the names back…", "DNS を以前の向き先へ戻す…"), command=f"lead-back {incident.name}"
        )
        raise _refusal(incident, why, todo, back)
    others = ", ".join(one.volume for one in of_incident)
    why = text(f"What is kept is not PostgreSQL's data: {others}.", f"PostgreSQL の保管データがありません: {others}。")
    raise _refusal(incident, why, text("It has to be put back by hand.", "手作業で戻す必要があります。"), look)


def _refusal(incident: Incident, why: Text, todo: Text, choice: Choice) -> Refusal:
    tried = text(f"{incident.name}: you asked to undo.", f"{incident.name}: 元に戻す処理は開始していません。")
    return Refusal(tried, why, todo, choices=(choice,))
