"""App Home: what is open, what waits for me, who I am to drbot."""

from collections.abc import Sequence
from typing import Any

from drbot.bot.blocks.elements import Block, button, choice_buttons, context, divider, escape, header, one_line, section
from drbot.commands.speech.state_texts import now_text
from drbot.commands.views.incident_view import IncidentView
from drbot.commands.views.shown_actions import Place, actions_at
from drbot.core.japanese import said_in
from drbot.core.level import LEVEL_TEXTS
from drbot.core.people import Person
from drbot.core.words import Text, say

MOST = 20

TITLE: Text = {"en": "Disaster recovery of {system}", "ja": "{system} の災害復旧"}
NONE: Text = {"en": "No open incident.", "ja": "未解決のインシデントはありません。"}
MINE: Text = {"en": "Waits for your approval", "ja": "あなたの承認待ち"}
DECLARE: Text = {"en": "Declare an incident…", "ja": "インシデントを宣言…"}
YOU: Text = {"en": "You are {name}: {roles}.", "ja": "{name} さん: {roles}"}
STRANGER: Text = {
    "en": "You are not on the roster (dr.yml, people): you can look, but not declare or approve.",
    "ja": "名簿 (dr.yml の people) に登録がないため、閲覧のみ可能です。",
}


def home(
    system: str, person: Person | None, situations: Sequence[IncidentView], faults: Sequence[str], language: str
) -> dict[str, Any]:
    """The Home of one person."""
    blocks: list[Block] = [header(say(TITLE, language, system=system))]
    blocks += [section(f":red_circle: {escape(said_in(language, fault))}") for fault in faults[:5]]
    if person is not None:
        declare = button(say(DECLARE, language), "open:declare", {}, "danger")
        blocks.append({"type": "actions", "elements": [declare]})
    for situation in situations[:MOST]:
        blocks += [divider(), *_incident(situation, person, language)]
    if not situations:
        blocks.append(section(say(NONE, language)))
    return {"type": "home", "blocks": [*blocks, context(_you(person, language))]}


def _you(person: Person | None, language: str) -> str:
    if person is None:
        return say(STRANGER, language)
    return say(YOU, language, name=escape(person.name), roles=", ".join(sorted(person.roles)))


def _incident(situation: IncidentView, person: Person | None, language: str) -> list[Block]:
    incident = situation.incident
    level = say(LEVEL_TEXTS[incident.level], language)
    where = f"<#{incident.channel}>" if incident.channel else ""
    state = say(now_text(incident, situation.run), language)
    blocks = [section(f"*{incident.name}* · {level} · {state} {where}\n{one_line(incident.title)}")]
    mine = actions_at(situation, Place.HOME) if person is not None and _may_vote(situation, person) else ()
    return [*blocks, context(f":bell: {say(MINE, language)}"), *choice_buttons(mine, language)] if mine else blocks


def _may_vote(situation: IncidentView, person: Person) -> bool:
    request = situation.request
    if request is None or "approver" not in person.roles:
        return False
    voted = {vote.person for vote in situation.votes}
    return person.id not in voted and (request.requester_counts or person.id not in request.requesters)
