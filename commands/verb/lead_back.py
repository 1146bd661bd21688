"""`lead-back` leads the names to where they led before level 4: a sealed run of its own, behind two approvals, at any
time: the old place is often repaired when the incident is long resolved.
"""

from drbot.commands.facts.context import CommandContext, asked_for, incident_of
from drbot.commands.facts.machines import led_by, names_of, names_texts
from drbot.commands.facts.making_way import make_way
from drbot.commands.facts.runbook_selection import LEAD_BACK_RUNBOOK, queue
from drbot.commands.speech.messages import Choice, Reply, Request, text
from drbot.commands.speech.parser import Words
from drbot.commands.speech.refusal import Refusal
from drbot.core.people import Person
from drbot.core.run import RunKind
from drbot.core.words import Text
from drbot.store.records import machines


def lead_back(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Queue it for the worker of the control site."""
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        look = Choice(label=text("Status", "状況"), command=f"status {incident.name}")
        if context.configuration.recovery is None or context.configuration.dns is None:
            why = text("dr.yml has no `dns` or no `recovery`.", "dr.yml に `dns` または `recovery` がありません。")
            raise Refusal(asked_for("lead-back", incident), why, _by_hand(), choices=(look,))
        if led_by(tx.connection, incident.id) is None:
            there = machines.list_of(tx.connection)
            lines = names_texts(names_of(tx.connection, context.configuration), there, context.configuration)
            why = text(
                f"Nothing of {incident.name} has led names anywhere. {_joined(lines, 'en')}".strip(),
                f"{incident.name} では DNS の向き先を変えていません。{_joined(lines, 'ja')}",
            )
            raise Refusal(asked_for("lead-back", incident), why, choices=(look,))
        ended = make_way(context, tx, incident, person, "lead-back")
        queue(context, tx, incident, RunKind.LEAD_BACK, LEAD_BACK_RUNBOOK, {}, person)
    return Reply(
        text=text(
            f"{incident.name}: leading the names back is being planned. The request will say where they lead now, "
            "where they will lead and what answers there. What users wrote since does not come along. Nothing happens "
            f"before two people approve.{ended['en']}",
            f"{incident.name}: DNS を以前の向き先へ戻す計画を作っています。現在と変更後の向き先、"
            "そこでの応答は承認依頼に表示されます。変更後の書き込みは移りません。"
            f"二人が承認するまで何も起こりません。{ended['ja']}",
        ),
        in_channel=True,
    )


def _by_hand() -> Text:
    return text("Change the zone by hand.", "DNS ゾーンを手作業で変更してください。")


def _joined(lines: list[Text], language: str) -> str:
    return " ".join(f"{line[language]}." if language == "en" else f"{line[language]}。" for line in lines)
