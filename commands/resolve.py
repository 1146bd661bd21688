"""`resolve` closes the incident; the report is written from the journal."""

from drbot.commands.context import CommandContext, current_run, incident_of, must_be_open
from drbot.commands.grammar import Words, clean
from drbot.commands.machines import give_back_choices, machines_table, names_of
from drbot.commands.messages import Choice, DialogRequest, Reply, Request, text
from drbot.commands.refusal import Refusal
from drbot.core.approval import Door
from drbot.core.people import Person
from drbot.core.state_words import word_of
from drbot.store import incidents, machines, schedules


def resolve(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Close it with a summary; without one Slack asks for it in a dialog."""
    summary = (clean(request.values.get("summary", "")).strip() or words.text).strip()
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        must_be_open(incident, "resolve")
        run = current_run(tx.connection, incident)
        if run is not None and not run.is_over:
            raise Refusal(
                text(f"{incident.name} was not resolved.", f"{incident.name} は解決済みにしていません。"),
                text(
                    f"A recovery is still in progress ({run.state.value}).",
                    f"復旧が進行中です ({word_of(run.state)})。",
                ),
                text("Let it end, or stop it first.", "終わるのを待つか、先に停止してください。"),
                choices=(
                    Choice(label=text("Status", "状況"), command=f"status {incident.name}"),
                    Choice(label=text("Stop", "停止"), command=f"stop {incident.name}", style="danger"),
                ),
            )
        if not summary and request.door is Door.COMMAND:
            return Reply(
                text=text(
                    f"{incident.name}: say in a sentence what happened: resolve {incident.name} <summary>",
                    f"{incident.name}: 何が起きたかを一文で: resolve {incident.name} <要約>",
                ),
                dialog=DialogRequest(kind="resolve", incident=incident.id),
                ok=False,
            )
        incidents.resolve(tx, incident.id, person.id, summary)
        schedules.drop(tx, incident.id)
        rented, names = machines.list_of(tx.connection, incident.id), names_of(tx.connection, context.configuration)
    said = text(
        f"{incident.name} is resolved. The report is posted in its channel; /dr report {incident.name} shows it again.",
        f"{incident.name} を解決済みにしました。報告書をチャンネルに投稿します。"
        f"/dr report {incident.name} でも表示できます。",
    )
    if not rented:
        return Reply(text=said)
    reminder = text(
        f" STILL RENTED, and paid for: {len(rented)}. What is not needed any more goes back by two: /dr give-back",
        f"まだ借りているマシンが {len(rented)} 台あり、課金が続きます。"
        f"不要なら返却してください (二人の承認が必要): /dr give-back",
    )
    return Reply(
        text={language: words + reminder[language] for language, words in said.items()},
        tables=(machines_table(rented, context.configuration, names, request.at),),
        choices=give_back_choices(rented, context.configuration, names),
    )
