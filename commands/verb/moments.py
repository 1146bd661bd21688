"""`moments`: when PostgreSQL committed what, as its site's worker reads it, and the moment before a big delete."""

from drbot.commands.facts.context import CommandContext
from drbot.commands.facts.surveying import answered
from drbot.commands.speech.messages import Choice, Reply, Request
from drbot.commands.speech.parser import Words, plain, printable
from drbot.commands.speech.refusal import Refusal
from drbot.commands.verb.plan import of_site
from drbot.commands.views.timeline_view import timeline_reply
from drbot.core.site.people import Person
from drbot.core.site.wal import NOT_RECEIVED, RECEIVE
from drbot.core.text.messages import phrase
from drbot.core.text.words import seconds_of
from drbot.store.records.surveys import MOMENTS

HOURS = "6h"


def moments(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """For whoever asks alone; nothing is changed."""
    site, said, behind = of_site(context, words.rest)
    settings = context.configuration.site(site).postgres
    if settings is None or settings.continuous is None:
        raise Refusal(phrase("You asked for the moments of PostgreSQL."), NOT_RECEIVED, RECEIVE)
    since = plain(said[0]) if said else HOURS
    try:
        seconds = seconds_of(since)
    except ValueError as error:
        raise Refusal(
            phrase('"{word}" is not a time.', word=printable(since)),
            phrase("Write how far back to look: /dr moments 6h"),
            code="no_time",
        ) from error
    found = answered(
        context, site=site, lost=site, runbook=MOMENTS, arguments={"since": f"{seconds:.0f}"}, person=person,
        again=Choice(label=phrase("Look again"), command=f"moments {behind}{since}"),
    )  # fmt: skip
    if isinstance(found, Reply):
        return found
    if found.timeline is None:
        return Reply(text=found.refusal, ok=False)
    return timeline_reply(found.timeline, behind)
