"""`alerts`: what monitoring says, what fires first; page by page, so that nothing is left out without a way to it."""

from datetime import datetime

from drbot.commands.facts.context import CommandContext
from drbot.commands.speech.messages import Choice, Reply, Request, Table
from drbot.commands.speech.parser import Words, plain
from drbot.commands.views.alert_view import choices_of, proposal_text, urgency
from drbot.core.site.alert_groups import AlertGroup, Answer
from drbot.core.site.alerts import proposal_of
from drbot.core.site.people import Person
from drbot.core.text.messages import duration, listed, phrase, sentences
from drbot.core.text.words import ago
from drbot.store.records import alerts

PAGE = 15


def list_(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """What fires now, and what was resolved lately: a page of them, the first or the one that is asked for. What nobody
    has answered comes first, the highest level before all; of these the newest.
    """
    with context.database.read() as connection:
        there = sorted(alerts.list_of(connection), key=lambda group: urgency(group, context.configuration))
    if not there:
        return Reply(text=phrase("No alert has come in yet. How alerts get here: drbot docs watching"))
    pages = -(-len(there) // PAGE)
    page = min(_page(words), pages)
    shown = there[(page - 1) * PAGE : page * PAGE]
    firing = [group for group in there if group.firing]
    header = (phrase("Alert"), phrase("Names"), phrase("Began"), phrase("State"), phrase("Proposes"))
    asked = [group for group in shown if group.firing and group.answer is Answer.NONE]
    choices = [choice for group in asked[:2] for choice in choices_of(group, context.configuration, named=True)]
    if page < pages:
        choices.append(Choice(label=phrase("More alerts"), command=f"alerts {page + 1}"))
    where = phrase("Page {page} of {pages}; the next one: /dr alerts {next}", page=page, pages=pages, next=page + 1)
    return Reply(
        text=sentences(phrase("Alerts that fire: {count}.", count=len(firing)), where if page < pages else ""),
        tables=(Table(header=header, rows=tuple(_row(context, group, request.at) for group in shown)),),
        choices=tuple(choices),
    )


def _page(words: Words) -> int:
    word = plain(words.rest[0]) if words.rest else ""
    return max(1, int(word)) if word.isascii() and word.isdigit() and len(word) < 6 else 1


def _row(context: CommandContext, group: AlertGroup, now: datetime) -> tuple[str, ...]:
    shown = group.firing or group.alerts
    state = phrase("fires") if group.firing else phrase("no longer fires")
    if group.incident is not None:
        state = phrase("{state}; declared as DR-{incident}", state=state, incident=group.incident)
    elif group.answer is Answer.SEEN:
        state = phrase("{state}, seen", state=state)
    elif group.is_silent(now):
        state = phrase("{state}, silent", state=state)
    return (
        str(group.id),
        listed(sorted({alert.name for alert in shown})),
        phrase("{time} ago", time=duration(ago(group.began, now).total_seconds())),
        state,
        proposal_text(proposal_of(context.configuration, shown)) or "-",
    )
