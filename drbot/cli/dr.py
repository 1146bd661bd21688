"""`drbot dr …`: every verb of /dr in a terminal, also when Slack is down. Same parser, same dispatch, same ledger."""

import copy
import getpass
import os
import re
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable
from typer.core import TyperGroup

from drbot.cli.completions import choices_of
from drbot.cli.keys import key_app, key_path, read_key
from drbot.cli.processes import configuration_path, home_path, open_database, settle_roster
from drbot.cli.terminal import WRONG, Config, Home, complain, spoken, table_of, terminal_language, terminal_name, typed
from drbot.commands.dispatch import TABLE, dispatch
from drbot.commands.facts.context import CommandContext, context_of
from drbot.commands.speech.messages import Picture, Reply, Request, Signers, Table
from drbot.commands.speech.parser import parse
from drbot.commands.speech.verbs import VERBS, WHEN, VerbWords, When
from drbot.commands.views.drill_trend import NAME
from drbot.commands.views.markdown_text import unescaped
from drbot.core.approvals.approval import EntryPoint
from drbot.core.base.errors import DrbotError, UserError
from drbot.core.base.yaml_file import did_you_mean
from drbot.core.ledger.attestation import Proof
from drbot.core.site.configuration import load_configuration
from drbot.core.site.people import Person, Roster
from drbot.core.text.messages import listed, phrase, say, sentences
from drbot.core.text.visible import visible
from drbot.runners.second_factor.totp_secrets import key_in
from drbot.store.base.database import Database
from drbot.store.base.doorbell import doorbell_of
from drbot.store.base.settings import StoreSettings
from drbot.store.records import incidents
from drbot.store.records.known_workers import KnownWorkers


class VerbGroup(TyperGroup):
    """Lets an unknown word through to the parser, which knows the nearest verb; "DR-7 status" works as well."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """No word at all is the menu, as in Slack; the shell that completes one wants them all."""
        return super().parse_args(ctx, args or ([] if ctx.resilient_parsing else ["menu"]))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # typer brings its own copy of click's classes
        """The command of a verb, else one that hands the word on."""
        known = super().get_command(ctx, cmd_name)
        if known is not None:
            return known
        anything = copy.copy(super().get_command(ctx, "status"))
        if anything is not None:
            anything.name = cmd_name
        return anything


def offered(context: typer.Context, incomplete: str) -> list[str]:
    """What the shell completes a verb with: words of its usage, and incidents that are open."""
    words = VERBS.get(context.info_name or "")
    before = [word for word in context.params.get("words") or [] if not word.upper().startswith("DR-")]
    places = choices_of(words.usage.partition(" ")[2]) if words else ()
    known = places[len(before)] if len(before) < len(places) else ()
    return [word for word in (*known, *_open_incidents()) if word.lower().startswith(incomplete.lower())]


def _open_incidents() -> list[str]:
    """Their names; none where there is no state yet, or none that can be read now."""
    folder = home_path(None)
    if not folder.is_dir():
        return []
    with suppress(DrbotError), closing(open_database(folder)) as database, database.read() as connection:
        return [incident.name for incident in incidents.recent(connection, open_only=True)]
    return []


Words = Annotated[
    list[str] | None, typer.Argument(help="The words of the verb; DR-7 names an incident", autocompletion=offered)
]
Who = Annotated[str, typer.Option("--as", help="Who you are in dr.yml (default: DRBOT_PERSON, else your login)")]
Target = Annotated[str, typer.Option(help="approve, break-glass: the site that is changed, typed out")]
Reason = Annotated[str, typer.Option(help="approve, deny, stop, break-glass: why; it goes into the report")]
Seal = Annotated[str, typer.Option(help="approve, break-glass: the short seal of the plan you read")]
Code = Annotated[str, typer.Option(help="approve, roster accept: a one-time code of your authenticator")]
Rule = Annotated[str, typer.Option(help="break-glass: the rule that you override")]
Key = Annotated[Path | None, typer.Option(help="Your own key (default: DRBOT_KEY, else ~/.drbot-key)")]
PictureFile = Annotated[Path, typer.Option("--file", help="drills picture: the file it is written to")]
Since = Annotated[
    str, typer.Option(help="declare: when the outage began: 20m, 02:10 (time_zone of dr.yml), 02:10Z or an ISO time")
]


def say_verb(
    context: typer.Context,
    words: Words = None,
    person: Who = "",
    config: Config = None,
    home: Home = None,
    target: Target = "",
    reason: Reason = "",
    seal: Seal = "",
    since: Since = "",
    code: Code = "",
    rule: Rule = "",
    key: Key = None,
    file: PictureFile = Path(NAME),
) -> None:
    """Do what the verb says."""
    verb = context.info_name or ""
    typed = " ".join([verb if verb != "menu" else "", *(words or [])]).strip()
    values = {"target": target, "reason": reason, "seal": seal, "since": since, "code": code, "rule": rule}
    given = {name: value for name, value in values.items() if value}
    raise typer.Exit(run(typed, given, person=person, config=config, home=home, key=key, file=file))


def run(
    typed: str,
    values: dict[str, str],
    *,
    person: str,
    config: Path | None,
    home: Path | None,
    key: Path | None = None,
    file: Path = Path(NAME),
) -> int:
    """One command; the exit code."""
    language = terminal_language()
    try:
        commands, close = _context(config, home)
        try:
            who = person_named(person, commands.roster)
            language = who.language if who is not None else commands.configuration.language
            sign = signers(typed, who, key_path(key), home_path(home))
            reply = _ask(commands, typed, values, who, sign)
            if _may_prompt(reply, values):
                show(reply, language)
                reply = _ask(commands, typed, values | _prompted(reply, language), who, sign)
            if reply.picture is not None:
                reply = _written(reply, reply.picture, file, language)
        finally:
            close.close()
    except DrbotError as error:
        complain(error, language)
        return WRONG
    show(reply, language)
    return 0 if reply.ok else WRONG


def person_named(given: str, roster: Roster, login: str | None = None) -> Person | None:
    """--as, else DRBOT_PERSON, else the login of this machine. Raises UserError for a name that nobody has."""
    name = given or os.environ.get("DRBOT_PERSON", "")
    if not name:
        return roster.person(login if login is not None else getpass.getuser())
    called = [one for one in roster.people.values() if one.name == name]
    person = roster.person(name) or (called[0] if len(called) == 1 else None)
    if person is None and roster.people:
        raise UserError(
            phrase('You asked to act as "{name}".', name=name),
            sentences(phrase("Nobody of that name is in dr.yml, people."), did_you_mean(name, list(roster.people))),
            phrase("There are: {names}.", names=listed(f"{one.id} ({one.name})" for one in roster.people.values())),
        )
    return person


def _written(reply: Reply, picture: Picture, file: Path, language: str) -> Reply:
    """The reply, with where the picture lies. Raises UserError."""
    try:
        file.write_bytes(picture.draw(language))
    except OSError as error:
        tried = phrase("The picture could not be written to {file}.", file=file)
        raise UserError(tried, str(error), phrase("Name another file with --file.")) from error
    return replace(reply, text=sentences(reply.text, phrase("The picture is {file}.", file=file)), picture=None)


def show(reply: Reply, language: str) -> None:
    """Sentence, tables and what can be done next; a refusal goes to stderr. No letter may move the cursor."""
    console = Console(stderr=not reply.ok, highlight=False)
    console.print(
        visible(typed(say(reply.text, language))), style=None if reply.ok else "yellow", markup=False, soft_wrap=True
    )
    for table in reply.tables:
        console.print(_rich(table, language))
    if reply.markdown is not None:
        print(visible(unescaped(reply.markdown) if sys.stdout.isatty() else reply.markdown))
    if reply.qrs:
        import segno  # nothing else needs it

        for qr in reply.qrs:
            segno.make(qr).terminal(compact=True)
    for choice in reply.choices:
        console.print(f"  drbot dr {visible(choice.command)}", style="dim", markup=False, soft_wrap=True)


def _context(config: Path | None, home: Path | None) -> tuple[CommandContext, Database]:
    folder = home_path(home)
    loaded = load_configuration(configuration_path(config))
    database = open_database(folder)
    with suppress(UserError):  # whoever only looks may, also while another program holds the state
        settle_roster(database, loaded, folder)
    doorbell = doorbell_of(StoreSettings.from_environment(folder).redis_url)
    return context_of(database, doorbell, loaded, KnownWorkers(folder)), database


WITHOUT_KEY = frozenset({"stop", "deny", "approve"})
"""STOP and a veto need none; that an approval lacks it is refused, and recorded, where votes are decided."""


def signers(typed: str, who: Person | None, key: Path, home: Path) -> Signers:
    """What can be signed here. Raises UserError for somebody who has a key of their own and does not bring it."""
    sign: dict[Proof, Callable[[bytes], str]] = {}
    verb = ""
    with suppress(UserError):  # `dispatch` answers what is no verb
        verb = parse(typed).verb
    if verb == "break-glass":
        with suppress(UserError):
            sign[Proof.HOST] = key_in(home / "worker" / "key").sign
    if who is None or who.key is None:
        return sign
    with suppress(UserError):
        own = read_key(key)
        if own.pair.public == who.key:
            sign[Proof.KEY] = own.pair.sign
    if Proof.KEY not in sign and verb and TABLE[verb].access and verb not in WITHOUT_KEY:
        raise UserError(
            phrase("You asked for {verb} as {name}.", verb=verb, name=who.name),
            phrase("{name} has a key of their own, and it is not in {file}.", name=who.name, file=key),
            phrase("Name its file with --key or DRBOT_KEY."),
        )
    return sign


def _ask(commands: CommandContext, typed: str, values: dict[str, str], who: Person | None, sign: Signers) -> Reply:
    request = Request(
        verb_text=typed,
        person=who,
        account=None,
        channel=None,
        entry_point=EntryPoint.TERMINAL,
        at=datetime.now(UTC),
        values=values,
        sign=sign,
        terminal=terminal_name(),
    )
    return dispatch(commands, request)


def _may_prompt(reply: Reply, values: dict[str, str]) -> bool:
    """Somebody sits there and is asked to vote: target and reason may be typed in after reading."""
    is_vote = reply.dialog is not None and reply.dialog.kind == "vote"
    return is_vote and sys.stdin.isatty() and not {"target", "reason"} <= values.keys()


def _prompted(reply: Reply, language: str) -> dict[str, str]:
    target = typer.prompt(say(phrase("To approve, type the target's name"), language))
    reason = typer.prompt(say(phrase("Reason"), language))
    # The seal of what was shown: a plan that changed while somebody was reading is not approved.
    kept = dict(reply.dialog.values) if reply.dialog else {}
    code = {"code": typer.prompt(say(phrase("One-time code"), language))} if kept.pop("needs_code", "") else {}
    return {**kept, **code, "target": target, "reason": reason}


def _rich(table: Table, language: str) -> RichTable:
    def cell(value: str) -> str:
        return visible(typed(say(value, language))).replace("[", "\\[")

    width = len(table.header) or max((len(row) for row in table.rows), default=0)
    headers = [cell(value) for value in table.header] or [""] * width
    shown = table_of(*headers, title=cell(table.title) if table.title else None)
    shown.title_justify, shown.show_header = "left", bool(table.header)
    for row in table.rows:
        shown.add_row(*(cell(value) for value in row))
    return shown


def _build() -> typer.Typer:
    app = typer.Typer(
        cls=VerbGroup, add_completion=False, help="Every verb of /dr in a terminal.", no_args_is_help=False
    )
    settings = {"ignore_unknown_options": False}
    for verb, words in VERBS.items():
        app.command(
            verb,
            help=help_of(words),
            short_help=breakable(spoken(words.help)),
            rich_help_panel=spoken(WHEN[words.when]),
            context_settings=settings,
        )(say_verb)
    return app


def breakable(sentence: str) -> str:
    """With blanks where a line may end: the list breaks it there only and cuts what is longer, as Japanese is."""
    return re.sub("([、。])(?=.)", r"\1 ", sentence)


def help_of(words: VerbWords) -> str:
    """Sentence, usage and example of a verb, for its --help; each in a line of its own."""
    usage = f"drbot dr {words.usage}".strip()
    example = spoken(phrase("Example: drbot dr {example}", example=words.example)) if words.example else ""
    return "\n\n".join([spoken(words.help), *(escape(line) for line in (usage, example) if line)])


dr_app = _build()
dr_app.add_typer(key_app, name="key", rich_help_panel=spoken(WHEN[When.ANY_DAY]))
