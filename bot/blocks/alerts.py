"""Alerts as messages. What their senders wrote is shown as plain text, a line each that drbot begins: no bold, no link
and no second line can make it look like drbot's own.
"""

from collections.abc import Iterable
from datetime import datetime

from drbot.bot.blocks.elements import SECTION, Block, choice_buttons, one_line, plain, plain_line, section
from drbot.commands.facts.context import CommandContext
from drbot.commands.speech.messages import Choice
from drbot.commands.views.alert_view import (
    NAMED,
    alert_text,
    answered_text,
    choices_of,
    headline,
    proposal_text,
    shown_names,
    urgency,
)
from drbot.core.site.alert_groups import AlertGroup
from drbot.core.site.alerts import proposal_of
from drbot.core.text.messages import closed, filled, phrase, say, sentences

LINES = 30
LINES_OF_A_SECTION = 10
LINE, NAME, SUMMARY = 280, 100, 300  # letters

GOES_ON: str = phrase("Alert {number} goes on in a newer message below.")
MANY: str = phrase("{count} more alerts fire. All of them: /dr alerts. One of them: /dr alert {number}")
ARE_OVER: str = phrase("The alerts of this message no longer fire.")
OTHERS: str = phrase("… and {count} more: /dr alerts")


def alert_blocks(group: AlertGroup, context: CommandContext, now: datetime) -> tuple[str, list[Block]]:
    """The sentence, and the blocks with what each alert says of itself and what can be done."""
    configuration = context.configuration
    who = context.roster.name_of(group.answered_by) if group.answered_by else ""
    said = say(alert_text(group, configuration, now, who), configuration.language)
    icon = ":rotating_light:" if group.firing else ":white_check_mark:"
    blocks = [_unparsed([f"{icon} {plain_line(said, SECTION - 100)}"])]
    if lines := _details(group):
        blocks.append(_unparsed(lines))
    return one_line(said), [*blocks, *choice_buttons(choices_of(group, configuration), configuration.language)]


def superseded_blocks(group: AlertGroup, language: str) -> tuple[str, list[Block]]:
    """For the message of an earlier ring."""
    said = say(filled(GOES_ON, number=group.id), language)
    return said, [section(said)]


def summary_blocks(groups: Iterable[AlertGroup], context: CommandContext, now: datetime) -> tuple[str, list[Block]]:
    """Many groups in one message: what fires first, and of that what names something of dr.yml."""
    configuration, language = context.configuration, context.configuration.language
    ordered = sorted(groups, key=lambda group: (*urgency(group, configuration), group.id))
    firing = [group for group in ordered if group.firing]
    many = say(filled(MANY, count=len(firing), number=firing[0].id), language) if firing else say(ARE_OVER, language)
    icon = ":rotating_light:" if firing else ":white_check_mark:"
    lines = [f"• {plain_line(say(_short(group, context, now), language), LINE)}" for group in ordered[:LINES]]
    if len(ordered) > LINES:
        lines.append(say(filled(OTHERS, count=len(ordered) - LINES), language))
    sections = [_unparsed(lines[at : at + LINES_OF_A_SECTION]) for at in range(0, len(lines), LINES_OF_A_SECTION)]
    button = choice_buttons([Choice(label=phrase("Alerts"), command="alerts")], language)
    return one_line(many), [_unparsed([f"{icon} {many}"]), *sections, *button]


def _short(group: AlertGroup, context: CommandContext, now: datetime) -> str:
    if not group.firing:
        return phrase("Alert {number} is resolved: {names}", number=group.id, names=shown_names(group))
    if group.incident is not None:
        return phrase("{alert}; declared as DR-{incident}", alert=headline(group, now), incident=group.incident)
    who = context.roster.name_of(group.answered_by) if group.answered_by else ""
    if said := answered_text(group, now, who):
        return sentences(closed(headline(group, now)), said)
    if proposed := proposal_text(proposal_of(context.configuration, group.firing)):
        return phrase("{alert}; drbot proposes {proposal}", alert=headline(group, now), proposal=proposed)
    return headline(group, now)


def _details(group: AlertGroup) -> list[str]:
    shown = (group.firing or group.alerts)[:NAMED]
    said = [f"• {plain_line(one.name, NAME)}: {plain_line(one.summary, SUMMARY)}" for one in shown if one.summary]
    return list(dict.fromkeys(said))


def _unparsed(lines: list[str]) -> Block:
    return {"type": "section", "text": plain("\n".join(lines), SECTION)}
