"""App Home: what is open, what waits for me, who I am to drbot."""

from collections.abc import Sequence
from typing import Any

from drbot.bot.blocks.elements import Block, button, choice_buttons, context, divider, escape, header, one_line, section
from drbot.commands.views.incident_view import IncidentView
from drbot.commands.views.shown_actions import Place, actions_at
from drbot.core.runs.state_words import now_text
from drbot.core.site.level import LEVEL_TEXTS
from drbot.core.site.people import Person
from drbot.core.text.messages import filled, listed, phrase, say

MOST = 20

TITLE: str = phrase("Disaster recovery of {system}")
NONE: str = phrase("No open incident.")
MINE: str = phrase("Waiting for your approval")
DECLARE: str = phrase("Declare an incident…")
YOU: str = phrase("You are {name}: {roles}.")
SHUT: str = phrase("drbot shows what is open to the people of dr.yml and to members of #{channel}.")
STRANGER: str = phrase("You are not on the roster (dr.yml, people): you can look, but not declare or approve.")


def home(
    system: str,
    person: Person | None,
    situations: Sequence[IncidentView],
    faults: Sequence[str],
    language: str,
    ready: str = "",
) -> dict[str, Any]:
    """The Home of one person. `ready`: whether a recovery would work tonight."""
    blocks: list[Block] = [header(say(filled(TITLE, system=system), language))]
    blocks += [section(f":red_circle: {escape(say(fault, language))}") for fault in faults[:5]]
    if person is not None:
        declare = button(say(DECLARE, language), "open:declare", {}, "danger")
        blocks.append({"type": "actions", "elements": [declare]})
    for situation in situations[:MOST]:
        blocks += [divider(), *_incident(situation, person, language)]
    if not situations:
        blocks.append(section(say(NONE, language)))
    if ready:
        blocks += [divider(), section(escape(say(ready, language)))]
    return {"type": "home", "blocks": [*blocks, context(_you(person, language))]}


def shut(system: str, channel: str, language: str) -> dict[str, Any]:
    """The Home of somebody who is neither on the roster nor in the home channel."""
    blocks = [
        header(say(filled(TITLE, system=system), language)),
        section(say(filled(SHUT, channel=channel), language)),
    ]
    return {"type": "home", "blocks": blocks}


def _you(person: Person | None, language: str) -> str:
    if person is None:
        return say(STRANGER, language)
    return say(filled(YOU, name=escape(person.name), roles=listed(sorted(person.roles))), language)


def _incident(situation: IncidentView, person: Person | None, language: str) -> list[Block]:
    incident = situation.incident
    level = say(LEVEL_TEXTS[incident.level], language)
    where = f"<#{incident.channel}>" if incident.channel else ""
    state = say(now_text(incident, situation.run), language)
    blocks = [section(f"*{incident.name}* · {level} · {state} {where}\n{one_line(say(incident.title, language))}")]
    mine = actions_at(situation, Place.HOME) if person is not None and _may_vote(situation, person) else ()
    return [*blocks, context(f":bell: {say(MINE, language)}"), *choice_buttons(mine, language)] if mine else blocks


def _may_vote(situation: IncidentView, person: Person) -> bool:
    request = situation.request
    if request is None or "approver" not in person.roles:
        return False
    voted = {vote.person for vote in situation.votes}
    return person.id not in voted and (request.requester_counts or person.id not in request.requesters)
