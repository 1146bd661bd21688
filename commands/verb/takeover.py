"""`takeover`: another drbot holds the target and is dead; only the commander may say so, and only of that holding."""

from drbot.commands.facts.context import CommandContext, current_run, incident_of
from drbot.commands.facts.runbook_selection import ring
from drbot.commands.speech.messages import Choice, Reply, Request, text
from drbot.commands.speech.parser import Words
from drbot.commands.speech.refusal import Refusal
from drbot.core.events import EventKind
from drbot.core.incident import Incident
from drbot.core.people import Person
from drbot.core.run import RunState
from drbot.core.words import Text
from drbot.store.base import waking
from drbot.store.runs import runs


def takeover(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """`takeover <why>`. A drbot that is not dead after all notices before its next change, and waits in turn."""
    why = words.text or request.values.get("reason", "")
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        run = current_run(tx.connection, incident)
        if run is None or run.state is not RunState.WAITING or run.waits_for_drbot is None:
            raise _refusal(
                incident,
                text("It does not wait for another drbot.", "別の drbot を待っている状態ではありません。"),
                text("", ""),
            )
        if not why.strip():
            raise _refusal(
                incident,
                text(
                    "It takes the target away from the other drbot's run.",
                    "相手の drbot の実行から復旧対象を取り上げることになります。",
                ),
                text(
                    f"Say how you know that it is dead: takeover {incident.name} its host burnt down",
                    f"相手がもう動いていないと分かる根拠を書いてください: takeover {incident.name} ホストが焼失した",
                ),
            )
        runs.give_up_holder(tx, run)
        tx.record(EventKind.SITE_TAKEN_OVER, incident=incident.id, run=run.id, person=person.id, why=why)
        waking.wake(tx, run.id, "The commander took the target over.")
        ring(context, tx, run)
    return Reply(
        text=text(
            f"{incident.name}: the target is taken over; the recovery goes on.",
            f"{incident.name}: 復旧対象を引き継ぎ、復旧を再開します。",
        ),
        in_channel=True,
    )


def _refusal(incident: Incident, why: Text, todo: Text) -> Refusal:
    return Refusal(
        text(f"{incident.name}: you asked to take the target over.", f"{incident.name}: 引き継ぎは行っていません。"),
        why,
        todo,
        choices=(Choice(label=text("Status", "状況"), command=f"status {incident.name}"),),
    )
