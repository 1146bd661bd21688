"""`stop`: one person stops, from anywhere, without a code."""

from drbot.commands.facts import runbook_selection
from drbot.commands.facts.context import CommandContext, incident_of
from drbot.commands.speech.messages import Choice, Reply, Request, text
from drbot.commands.speech.parser import Words
from drbot.commands.speech.refusal import Refusal
from drbot.core.people import Person
from drbot.core.run import RunState, StopKind
from drbot.store.runs import runs, sub_runs


def stop(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Ask every run of the incident that is not over to stop; one that nobody runs is stopped at once."""
    why = words.text or request.values.get("reason", "")
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        going = [run for run in runs.of_incident(tx.connection, incident.id) if not run.is_over]
        if not going:
            raise Refusal(
                text(f"{incident.name}: you asked to stop.", f"{incident.name}: 停止するものがありません。"),
                text("No recovery is running, so nothing had to be stopped.", "実行中の復旧はありません。"),
                choices=(Choice(label=text("Status", "状況"), command=f"status {incident.name}"),),
            )
        tops = {top.id: top for top in (sub_runs.top_of(tx.connection, run) for run in going)}
        states = [runbook_selection.stop(context, tx, top, person, why, StopKind.PERSON) for top in tops.values()]
    if all(state is RunState.STOPPED for state in states):
        said = text(
            f"{incident.name}: stopped. Nothing more is started; the channel says what state things are in.",
            f"{incident.name}: 停止しました。これ以上は何も開始しません。現在の状態はチャンネルに表示されます。",
        )
    else:
        said = text(
            f"{incident.name}: stopping. The step that is running ends safely first, then nothing more is started.",
            f"{incident.name}: 停止処理中で、まだ止まっていません。実行中の手順を安全に終え、以降は何も開始しません。",
        )
    return Reply(text=said, in_channel=True)
