"""`declare` opens an incident and queues its recovery in one transaction; nothing is ever half-created."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from drbot.commands.facts.context import CommandContext
from drbot.commands.facts.data_named import Data, data_choices, data_named
from drbot.commands.facts.faults import fault_tables
from drbot.commands.facts.moment_named import backup_at, of_moment, to_option, understood
from drbot.commands.facts.moment_read import WallClock, moment_of, spoken, wall_clock, whole
from drbot.commands.facts.runbook_selection import by_hand, queue, recovery_for, runbook_for, site_of, without_runbook
from drbot.commands.facts.unheard import unheard, untold
from drbot.commands.speech.messages import Choice, DialogRequest, Reply, Request
from drbot.commands.speech.parser import Words, clean, level_of, plain, printable
from drbot.commands.speech.refusal import Refusal
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import RunKind
from drbot.core.site.data_kinds import WORDS
from drbot.core.site.level import RUNBOOK_OF, Level
from drbot.core.site.people import Person
from drbot.core.site.site import Site
from drbot.core.text.messages import duration, filled, listed, phrase, say, sentences
from drbot.core.text.words import clock as time_of_day
from drbot.core.text.words import cut
from drbot.store.base.database import Transaction
from drbot.store.records import incidents

SAME_INTENT = timedelta(minutes=10)
"""People retype a command that seemed lost: the same level and service within this time is the same incident."""

LONG_AGO = timedelta(days=2)
"""An outage that nobody saw for so long is more likely a slip of the pen: RTO and MTTR count from it."""

TITLE_LONGEST = 200
NAMED = "service:"  # as the list of commands writes it, before the name or in its place
CARRIED = ("site", "since", "service", "data", "to", "title", "anyway")
"""What was typed goes along into the dialog and onto every button: an incident never opens on another site."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Declaration:
    site: str
    level: Level
    service: str | None
    title: str
    started_at: datetime | None
    anyway: bool
    data: Data | None = None  # of level 2; None: the survey looks what is broken
    backup: str = ""  # the moment that PostgreSQL goes back to; "": the newest good backup


def declare(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Open an incident, or ask for the words that are missing."""
    clock = wall_clock(context.configuration, request.at)
    known = _given(context, request, words, clock)
    if isinstance(known, Reply):
        return known
    if not known.anyway and known.started_at is not None and request.at - known.started_at > LONG_AGO:
        return _is_it_so_long_ago(context, known, known.started_at, clock)
    with context.database.write() as tx:
        if not known.anyway and (same := similar(tx, known)) is not None:
            return _already_open(context, same, known)
        incident = open_incident(context, tx, known, person)
    reply = opened(context, incident, known.data)
    return replace(reply, text=sentences(reply.text, *_meant(known, incident, clock)))


def _meant(known: Declaration, incident: Incident, clock: WallClock) -> Iterator[str]:
    """The moments that were typed, as they were understood."""
    if known.started_at is not None:
        yield phrase("The outage began on {day}.", day=clock.told(incident.started_at))
    yield understood(known.backup, clock)


def similar(tx: Transaction, known: Declaration) -> Incident | None:
    """What somebody declared a moment ago and is the same."""
    return incidents.similar(
        tx.connection, site=known.site, level=known.level, service=known.service, since=tx.now - SAME_INTENT
    )


def joined(same: Incident) -> Reply:
    """It is open already."""
    return Reply(
        text=phrase("{name} was declared for it: {title}.", name=same.name, title=printable(same.title, 100)),
        choices=(Choice(label=phrase("Show {name}", name=same.name), command=f"status {same.name}", style="primary"),),
    )


def open_incident(context: CommandContext, tx: Transaction, known: Declaration, person: Person) -> Incident:
    """With its recovery queued."""
    incident = incidents.declare(
        tx,
        site=known.site,
        level=known.level,
        title=known.title,
        person=person.id,
        started_at=min(known.started_at, tx.now) if known.started_at else None,
        service=known.service,
    )
    recovery = recovery_for(context, known.site, known.level, known.service, known.data)
    if recovery is not None:
        arguments = {**recovery.arguments, **({"backup": known.backup} if known.backup else {})}
        queue(context, tx, incident, RunKind.RECOVER, recovery.runbook, arguments, person)
    return incident


def _given(context: CommandContext, request: Request, words: Words, clock: WallClock) -> Declaration | Reply:
    """The declaration in the words or the dialog; a Reply that opens the dialog when something is missing."""
    options, rest = _options(words.rest, clock)
    values = {**options, **{key: value for key, value in request.values.items() if value}}
    started_at = moment_of(values.get("since", ""), clock, filled(SINCE, zone=clock.zone.key))
    if started_at is not None:
        values["since"] = whole(started_at)
    level_word = values.get("level") or (rest.pop(0) if rest else "")
    site_name = site_named(context, values.get("site", ""))
    site = context.site(site_name)
    if not level_word:
        return _ask(site, None, values)
    level_word, *said = level_word.split()  # a dialog says "2 redis"
    level = level_of(level_word, phrase("declare level2 PostgreSQL does not start"))
    if rest and plain(rest[-1]) == "anyway":
        values["anyway"], rest = "yes", rest[:-1]
    backup, rest = _moment_meant(site, level, values, rest, clock)
    data, rest = _data(site, level, values, said, rest)
    data = of_moment(data, backup)
    service, rest = (None, rest) if data is not None else _service(site, level, values, rest)
    values["title"] = cut(clean(values.get("title", "")).strip() or " ".join(rest), TITLE_LONGEST)
    if level is Level.SERVICE and service is None:
        return _ask(site, level, values)
    return Declaration(
        site=site_name,
        level=level,
        service=service,
        title=cut(values["title"] or _plain_title(context, level, service, data), TITLE_LONGEST),
        data=data,
        started_at=started_at,
        anyway=values.get("anyway") == "yes",
        backup=backup,
    )


def _moment_meant(
    site: Site, level: Level, values: dict[str, str], rest: list[str], clock: WallClock
) -> tuple[str, list[str]]:
    """The moment of level 2, as the name of a backup. Raises Refusal where nothing of it is received."""
    if level is not Level.DATABASE:
        return "", rest
    option = [f"to={values['to']}"] if values.get("to") else []
    backup, left = backup_at(site, [*option, *rest], clock)
    if not backup and rest and WORDS.get(plain(rest[0])) is not None:  # "redis to 02:13", which is refused
        backup, left = backup_at(site, rest[1:], clock)
        left = [rest[0], *left]
    if backup:
        values["to"] = to_option(backup)
    return backup, left


def _options(words: tuple[str, ...], clock: WallClock) -> tuple[dict[str, str], list[str]]:
    """`service=auth site=staging since=20m` apart from the other words; the first of a kind counts."""
    options: dict[str, str] = {}
    rest: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        found = re.fullmatch(r"(service|site|since|level|data|to)[=＝](.+)", word, re.IGNORECASE)
        if found:
            name, value = found.group(1).lower(), found.group(2)
            if name in ("since", "to"):
                value, left = spoken([value, *left], clock)
            options.setdefault(name, value)
        else:
            rest.append(word)
    return options, rest


def site_named(context: CommandContext, word: str) -> str:
    """The site of dr.yml that is meant; "" = the default one. Raises Refusal with those there are."""
    sites = context.configuration.sites
    name = plain(word) or context.configuration.default_site
    if name in sites:
        return name
    raise Refusal(
        phrase('There is no site "{word}".', word=printable(word)),
        phrase("Sites: {sites}.", sites=listed(sites)),
    )


def _service(site: Site, level: Level, values: Mapping[str, str], rest: list[str]) -> tuple[str | None, list[str]]:
    """The service that is named and the words behind it. Raises UserError with the list of services."""
    if len(rest) > 1 and plain(rest[0]) == NAMED and find_service(site, "service") is None:
        rest = rest[1:]
    first = rest[0] if rest else ""

    def meant(word: str, behind: list[str]) -> str:
        title = values.get("title") or " ".join(behind)
        return service_of(site, word, lambda name: _again(level, {**values, "service": name, "title": title}))

    if option := values.get("service"):
        return meant(option, rest), rest
    if first and first[-1] in ":：" and len(first) > 1:
        known = find_service(site, first[:-1])
        if known is not None or level is Level.SERVICE:
            return known or meant(first[:-1], rest[1:]), rest[1:]
        return None, rest
    if level is not Level.SERVICE or not first:
        return None, rest
    return meant(first, rest[1:]), rest[1:]


def _data(
    site: Site, level: Level, values: dict[str, str], said: list[str], rest: list[str]
) -> tuple[Data | None, list[str]]:
    """What of level 2 is lost, and the words of a title, which may begin with it. Raises Refusal with the choice."""
    if level is not Level.DATABASE:
        return None, rest
    title = values.get("title") or " ".join(rest)
    words = values["data"].replace(",", " ").split() if values.get("data") else (said or rest)
    data, left = data_named(site, words, lambda name: _again(level, {**values, "data": name, "title": title}))
    if data is not None:
        values["data"] = data.words
    return data, rest if words is not rest or left else []


def service_of(site: Site, word: str, again: Callable[[str], str]) -> str:
    """The service that is meant. Raises UserError with the list of services and the nearest one.

    `again`: the command with another service instead.
    """
    known = find_service(site, word)
    if known is not None:
        return known
    names = listed(site.services)
    near = difflib.get_close_matches(plain(word), site.services, 1, 0.6)
    raise Refusal(
        phrase('There is no service "{word}".', word=printable(word)),
        phrase("Services: {names}.", names=names),
        phrase('Did you mean "{near}"?', near=near[0]) if near else "",
        choices=tuple(Choice(label=name, command=again(name)) for name in near),
        code="no_service",
    )


def find_service(site: Site, word: str) -> str | None:
    wanted = plain(word).removeprefix(NAMED)
    for name, service in site.services.items():
        if wanted in {name.lower(), service.project.lower(), service.title.lower()} - {""}:
            return name
    return None


SINCE = phrase("Write since=20m, since=02:10 ({zone}), since=02:10Z or an ISO time.")


def _again(level: Level, values: Mapping[str, str]) -> str:
    known = {**values, "data": values.get("data", "").replace(" ", ",")}
    options = [f"{name}={known[name]}" for name in ("site", "since", "service", "data", "to") if known.get(name)]
    anyway = "anyway" if values.get("anyway") else ""
    words = ["declare", f"level{level.value}", *options, values.get("title", ""), anyway]
    return " ".join(word for word in words if word)


def _plain_title(context: CommandContext, level: Level, service: str | None, data: Data | None) -> str:
    """In the language of channels: from here on it is like somebody's own words."""
    words = level.text if service is None else phrase("{service} is down", service=service)
    words = words if data is None else data.text
    return say(words, context.configuration.language)


def _ask(site: Site, level: Level | None, values: dict[str, str]) -> Reply:
    """Something is missing: a dialog in Slack, the sentence in a terminal."""
    filled = {key: value for key, value in values.items() if value and key in CARRIED}
    if level is None:
        wanted = phrase(
            "Which level? level1 a service, level2 data (postgres, redis, files, settings), level3 "
            "the host, level4 the data centre. Example: /dr declare level2 PostgreSQL does not start"
        )
        choices = tuple(Choice(label=one.text, command=_again(one, filled)) for one in Level)
        return Reply(text=wanted, choices=choices, dialog=DialogRequest(kind="declare", values=filled), ok=False)
    names = listed(site.services)
    example = f"declare level1 {next(iter(site.services))}:"
    return Reply(
        text=phrase(
            "Which service is down? Services: {names}. Example: /dr {example} login fails", names=names, example=example
        ),
        choices=tuple(Choice(label=name, command=_again(level, {**filled, "service": name})) for name in site.services),
        dialog=DialogRequest(kind="declare", values={**filled, "level": str(level.value)}),
        ok=False,
        code="no_service",
    )


OPEN = phrase("{name} is already open, declared at {declared_at}: {title}. Join it? Nothing new was opened.")
OPEN_IN_CHANNEL = phrase(
    "{name} is already open (#{channel}), declared at {declared_at}: {title}. Join it? Nothing new was opened."
)


def _anyway(context: CommandContext, known: Declaration) -> str:
    """The command that opens it without a further question."""
    values = {
        "site": known.site if len(context.configuration.sites) > 1 else "",
        "since": whole(known.started_at) if known.started_at else "",
        "service": known.service or "",
        "data": known.data.words if known.data else "",
        "to": to_option(known.backup),
        "title": known.title,
        "anyway": "yes",
    }
    return _again(known.level, values)


def _is_it_so_long_ago(context: CommandContext, known: Declaration, since: datetime, clock: WallClock) -> Reply:
    return Reply(
        text=phrase(
            "Did the outage begin on {day}, {time} ago? RTO counts from then. Nothing was opened yet. Otherwise say it "
            "again, with since=20m, since=02:10 ({zone}) or without.",
            day=clock.told(since),
            time=duration((clock.now - since).total_seconds()),
            zone=clock.zone.key,
        ),
        choices=(Choice(label=phrase("Yes, open it"), command=_anyway(context, known)),),
        ok=False,
    )


def _already_open(context: CommandContext, same: Incident, known: Declaration) -> Reply:
    return Reply(
        text=filled(
            OPEN_IN_CHANNEL if same.channel_name else OPEN,
            name=same.name,
            channel=same.channel_name,
            declared_at=time_of_day(same.declared_at),
            title=printable(same.title, 80),
        ),
        choices=(
            Choice(label=phrase("Show {name}", name=same.name), command=f"status {same.name}", style="primary"),
            Choice(label=phrase("Open another one"), command=_anyway(context, known)),
        ),
        ok=False,
    )


OPENED = phrase("{name} (level {level}, {title}) is open. Its channel is being opened and the stakeholders are told.")
OPENED_UNTOLD = phrase("{name} (level {level}, {title}) is open.")
SURVEYED: str = phrase("The survey has started; it changes nothing.")
LOOKED_INTO: str = phrase("The survey finds out what is broken and changes nothing. If you know what it is, choose it.")


def opened(context: CommandContext, incident: Incident, data: Data | None = None) -> Reply:
    is_alone = runbook_for(context, incident.level) is None
    with context.database.read() as connection:
        missing = unheard(connection, context.database, site_of(context, incident.site, RUNBOOK_OF[incident.level]))
        silence = untold(connection, context.database.now(connection))
    title, shown = printable(incident.title, 100), OPENED_UNTOLD if silence else OPENED
    opened = filled(shown, name=incident.name, level=incident.level.value, title=title)
    started = without_runbook(incident.level) if is_alone else SURVEYED
    named: tuple[Choice, ...] = ()
    if incident.level is Level.DATABASE and data is None and not is_alone:
        started = LOOKED_INTO
        site = context.configuration.site(incident.site)
        named = data_choices(site, lambda words: f"recover {incident.name} {words}")
    return Reply(
        text=sentences(opened, silence, missing if missing and not is_alone else started),
        tables=(*fault_tables(context), *(by_hand(incident.level) if is_alone else ())),
        choices=(Choice(label=phrase("Status"), command=f"status {incident.name}"), *named),
    )
