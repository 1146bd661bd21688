"""`readiness` says whether a recovery would work tonight, as workers saw it last, with what to do about the rest."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from drbot.commands.facts.context import CommandContext
from drbot.commands.speech.messages import Choice, Reply, Request, Table
from drbot.commands.speech.parser import Words, plain
from drbot.core.site.people import Person
from drbot.core.site.readiness import EVERY_SECONDS, Colour, Line, bad
from drbot.core.text.messages import duration, listed, phrase, sentences
from drbot.core.text.words import ago
from drbot.store.records import readiness as kept
from drbot.store.records.readiness import Seen

ICONS: Mapping[Colour, str] = {Colour.RED: "🔴", Colour.AMBER: "🟡", Colour.GREEN: "🟢"}
LATE_SECONDS = 2 * EVERY_SECONDS + 60
HERE = "drbot"
BOT: tuple[str, str] = (phrase("bot"), phrase("Start it: drbot bot"))
UNREAD: str = phrase("some of what was seen cannot be read: something else than drbot has written it")
WAIT: str = phrase("Workers and bots write it anew every five minutes; find out who else writes drbot's database.")
CORRECT: str = phrase("Correct the file and start drbot again: what is wrong in it is left out, and gates stay closed.")


def readiness(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """The worst first; what would do is counted, and listed with `all`."""
    seen = everything(context, request.at)
    colours = [one.line.colour for one in seen]
    everything_asked = bool(words.rest) and plain(words.rest[0]) == "all"
    shown = [one for one in worst_first(seen) if everything_asked or one.line.colour is not Colour.GREEN]
    header = (phrase("State"), phrase("What"), phrase("Found"), phrase("For"), phrase("To do"))
    tables = (Table(header=header, rows=tuple(_row(one, request.at) for one in shown)),) if shown else ()
    more = () if everything_asked else (Choice(label=phrase("Show everything"), command="readiness all"),)
    return Reply(
        text=sentences(verdict(colours), _when(seen, request.at)),
        tables=tables,
        choices=more,
    )


def worst_first(seen: Sequence[Seen]) -> list[Seen]:
    """What is red comes before what can wait."""
    return sorted(seen, key=lambda one: list(Colour).index(one.line.colour))


def everything(context: CommandContext, now: datetime) -> list[Seen]:
    """What workers and bots saw, whose looking is overdue, and what is wrong with dr.yml, such as a person who is left
    out; an old word of whom nobody expects is none.
    """
    with context.database.read() as connection:
        seen, are_all = kept.list_of(connection), kept.are_readable(connection)
    looked, expected = {one.source: one.looked_at for one in seen}, _with_workers(context)
    mine = [line for site in expected if (line := _overdue(_worker(site), looked.get(site), now)) is not None]
    if kept.SLACK in looked and (line := _overdue(BOT, looked[kept.SLACK], now)) is not None:
        mine.append(line)
    mine += [bad(phrase("dr.yml"), fault, CORRECT) for fault in context.faults]
    mine += [] if are_all else [bad(phrase("readiness"), UNREAD, WAIT)]
    counted = [one for one in seen if one.source in (*expected, kept.SLACK) or not _is_late(one.looked_at, now)]
    return [*(Seen(source=HERE, line=line, since=now, looked_at=now) for line in mine), *counted]


def _with_workers(context: CommandContext) -> list[str]:
    """Sites whose worker should be there tonight: not where the machine is still to be rented."""
    return [name for name, site in context.configuration.sites.items() if site.provision is None]


def _worker(site: str) -> tuple[str, str]:
    """What a line about it is called, and what to do."""
    return phrase("worker of {site}", site=site), phrase("Start it there: drbot worker --site {site}", site=site)


def _is_late(looked_at: datetime, now: datetime) -> bool:
    return ago(looked_at, now).total_seconds() > LATE_SECONDS


def _overdue(whose: tuple[str, str], looked_at: datetime | None, now: datetime) -> Line | None:
    what, remedy = whose
    if looked_at is None:
        return bad(what, phrase("it has not looked at anything yet"), remedy)
    if not _is_late(looked_at, now):
        return None
    return bad(what, phrase("it last looked {time} ago", time=duration(ago(looked_at, now).total_seconds())), remedy)


def verdict(colours: Sequence[Colour]) -> str:
    red, amber = colours.count(Colour.RED), colours.count(Colour.AMBER)
    if red:
        return phrase("🔴 Not ready: {count} of {total} are in the way of a recovery.", count=red, total=len(colours))
    if amber:
        return phrase("🟡 Ready, with {count} of {total} to see to soon.", count=amber, total=len(colours))
    return phrase("🟢 Ready: all {total} would do tonight.", total=len(colours))


def _when(seen: Sequence[Seen], now: datetime) -> str:
    """How old all that is: what broke since then is not in it."""
    looked = [one.looked_at for one in seen if one.source != HERE]
    if not looked:
        return ""
    return phrase(
        "Looked at {time} ago; they look every {every}.",
        time=duration(max(1.0, ago(min(looked), now).total_seconds())),
        every=duration(EVERY_SECONDS),
    )


def _row(one: Seen, now: datetime) -> tuple[str, ...]:
    since = ago(one.since, now).total_seconds()
    return (
        ICONS[one.line.colour],
        one.line.what,
        listed([one.line.reason]),
        duration(since) if since >= 60 else phrase("just now"),
        one.line.remedy or "-",
    )
