"""`help`, `whoami` and the menu of a bare `/dr`: what is open and what can be done now."""

from collections.abc import Sequence

from drbot.commands.facts.context import CommandContext
from drbot.commands.facts.faults import fault_tables
from drbot.commands.speech.messages import Choice, Reply, Request, Table
from drbot.commands.speech.parser import Words, verb_of
from drbot.commands.speech.verbs import VERBS
from drbot.commands.verb.status import row_of, status_choices
from drbot.commands.views.incident_view import IncidentView, views_of
from drbot.commands.views.shown_actions import Place, actions_at
from drbot.core.approvals.approval import EntryPoint
from drbot.core.site.people import ACCESS, Person
from drbot.core.text.messages import listed, phrase, sentences
from drbot.store.records import incidents


def help_(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    if words.rest:
        return _one(verb_of(words.rest[0]))
    rows: tuple[tuple[str, ...], ...] = tuple((one.usage, one.help) for verb, one in VERBS.items() if one.usage)
    return Reply(
        text=phrase(
            "Every command takes an incident such as DR-7; without one it means the channel's incident, else the "
            "only open one."
        ),
        tables=(Table(rows=rows, header=("/dr …", phrase("What it does"))),),
        choices=(Choice(label=phrase("Declare"), command="declare", style="danger"),),
    )


def _one(verb: str) -> Reply:
    words = VERBS[verb]
    if not words.usage:
        return Reply(text=phrase("/dr: {help}.", help=words.help))
    said = phrase("/dr {usage}: {help}.", usage=words.usage, help=words.help)
    example = phrase("Example: /dr {example}", example=words.example) if words.example else ""
    return Reply(text=sentences(said, example))


UNKNOWN_ACCOUNT: str = phrase(
    "drbot does not know you: this account belongs to nobody on the roster in force. Give your Slack id to whoever "
    "keeps dr.yml; two approvers accept it."
)
UNKNOWN_LOGIN: str = phrase(
    "drbot does not know you: your login is no name in dr.yml, people. Say who you are with --as or DRBOT_PERSON."
)


def whoami(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Who somebody is to drbot, and what they may do."""
    if request.person is None:
        unknown = UNKNOWN_LOGIN if request.entry_point is EntryPoint.TERMINAL else UNKNOWN_ACCOUNT
        return Reply(
            text=unknown,
            tables=(Table(rows=((phrase("Account"), person.id),)),),
            ok=False,
        )
    may = listed(verb for verb, roles in ACCESS.items() if person.roles & roles)
    return Reply(
        text=phrase("You are {name} ({id}).", name=person.name, id=person.id),
        tables=(
            Table(
                rows=(
                    (phrase("Roles"), listed(sorted(person.roles)) or "-"),
                    (phrase("May"), may or "-"),
                    (phrase("Slack"), listed(person.slack) or "-"),
                )
            ),
        ),
    )


def menu(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Open incidents with what makes sense now; with none, how to declare one."""
    with context.database.read() as conn:
        open_ones = incidents.recent(conn, open_only=True)
        views = views_of(conn, context, open_ones, request.at)
    return menu_reply(views, fault_tables(context))


def menu_reply(views: Sequence[IncidentView], faults: tuple[Table, ...] = ()) -> Reply:
    """The answer about these open incidents; with one of them, what can be done about it."""
    declare = Choice(label=phrase("Declare an incident"), command="declare", style="danger")
    show_help = Choice(label=phrase("Help"), command="help")
    if not views:
        return Reply(
            text=phrase("No incident is open. If something is broken: /dr declare level2 PostgreSQL does not start"),
            tables=faults,
            choices=(declare, show_help),
        )
    rows = tuple(row_of(view) for view in views)
    here = actions_at(views[0], Place.REPLY) if len(views) == 1 else status_choices(views)
    return Reply(
        text=phrase("Open incidents: {count}.", count=len(views)),
        tables=(Table(rows=rows), *faults),
        choices=(*here, declare, show_help),
    )
