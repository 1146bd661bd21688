"""`help`, `whoami` and the menu of a bare `/dr`: what is open and what can be done now."""

from collections.abc import Sequence

from drbot.commands.facts.context import CommandContext
from drbot.commands.facts.faults import fault_tables
from drbot.commands.speech.messages import Cell, Choice, Reply, Request, Table, both, text
from drbot.commands.speech.parser import Words, verb_of
from drbot.commands.speech.verbs import VERBS
from drbot.commands.verb.status import row_of, status_choices
from drbot.commands.views.incident_view import IncidentView, view_of
from drbot.commands.views.shown_actions import Place, actions_at
from drbot.core.approval import EntryPoint
from drbot.core.people import ACCESS, Person
from drbot.core.words import Text
from drbot.store.records import incidents


def help_(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """All verbs, or one with its example."""
    if words.rest:
        return _one(verb_of(words.rest[0]))
    rows: tuple[tuple[Cell, ...], ...] = tuple((one.usage, one.help) for verb, one in VERBS.items() if one.usage)
    return Reply(
        text=text(
            "Every verb takes an incident such as DR-7; without one the channel's incident is meant, "
            "else the only open one.",
            "どのコマンドにも DR-7 のようにインシデントを付けられます。"
            "省略するとチャンネルのもの、または唯一の未解決のものを指します。",
        ),
        tables=(Table(rows=rows, header=(both("/dr …"), text("What it does", "説明"))),),
        choices=(Choice(label=text("Declare", "宣言する"), command="declare", style="danger"),),
    )


def _one(verb: str) -> Reply:
    words = VERBS[verb]
    if not words.usage:
        return Reply(text=text(f"/dr: {words.help['en']}.", f"/dr: {words.help['ja']}。"))
    example = f" Example: /dr {words.example}" if words.example else ""
    japanese = f" 例: /dr {words.example}" if words.example else ""
    return Reply(
        text=text(
            f"/dr {words.usage}: {words.help['en']}.{example}", f"/dr {words.usage}: {words.help['ja']}。{japanese}"
        )
    )


UNKNOWN_ACCOUNT: Text = text(
    "drbot does not know you: this account belongs to nobody in dr.yml, people. Give your Slack id to whoever keeps "
    "dr.yml.",
    "このアカウントは dr.yml の people に登録されていません。Slack ID を管理者に伝えてください。",
)
UNKNOWN_LOGIN: Text = text(
    "drbot does not know you: your login is no name in dr.yml, people. Say who you are with --as or DRBOT_PERSON.",
    "このログイン名は dr.yml の people にありません。--as または DRBOT_PERSON で名前を指定してください。",
)


def whoami(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Who somebody is to drbot, and what they may do."""
    if request.person is None:
        unknown = UNKNOWN_LOGIN if request.entry_point is EntryPoint.TERMINAL else UNKNOWN_ACCOUNT
        return Reply(
            text=unknown,
            tables=(Table(rows=((text("Account", "アカウント"), person.id),)),),
            ok=False,
        )
    may = ", ".join(verb for verb, roles in ACCESS.items() if person.roles & roles)
    return Reply(
        text=text(f"You are {person.name} ({person.id}).", f"あなたは {person.name} ({person.id}) です。"),
        tables=(
            Table(
                rows=(
                    (text("Roles", "役割"), ", ".join(sorted(person.roles)) or "-"),
                    (text("May", "できること"), may or "-"),
                    (text("Slack", "Slack"), ", ".join(person.slack) or "-"),
                )
            ),
        ),
    )


def menu(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Open incidents with what makes sense now; with none, how to declare one."""
    with context.database.read() as conn:
        open_ones = incidents.recent(conn, open_only=True)
        views = [view_of(conn, context, incident, request.at) for incident in open_ones]
    return menu_reply(views, fault_tables(context))


def menu_reply(views: Sequence[IncidentView], faults: tuple[Table, ...] = ()) -> Reply:
    """The answer about these open incidents; with one of them, what can be done about it."""
    declare = Choice(label=text("Declare an incident", "インシデントを宣言"), command="declare", style="danger")
    show_help = Choice(label=text("Help", "使い方"), command="help")
    if not views:
        return Reply(
            text=text(
                "No incident is open. If something is broken: /dr declare level2 PostgreSQL does not start",
                "未解決のインシデントはありません。障害時は: /dr declare level2 PostgreSQL が起動しない",
            ),
            tables=faults,
            choices=(declare, show_help),
        )
    rows = tuple(row_of(view) for view in views)
    here = actions_at(views[0], Place.REPLY) if len(views) == 1 else status_choices(views)
    return Reply(
        text=text(f"Open incidents: {len(views)}.", f"未解決のインシデント: {len(views)} 件。"),
        tables=(Table(rows=rows), *faults),
        choices=(*here, declare, show_help),
    )
