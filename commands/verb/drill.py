"""`drill` practises a recovery on a copy of the system; `drills` shows how practised we are."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from drbot.commands.facts.context import CommandContext
from drbot.commands.facts.data_named import Data, data_named
from drbot.commands.facts.runbook_selection import Recovery, recovery_for, without_runbook
from drbot.commands.speech.messages import Choice, Picture, Reply, Request, Table
from drbot.commands.speech.parser import Words, level_of, plain, printable
from drbot.commands.speech.refusal import Refusal
from drbot.commands.speech.verbs import VERBS
from drbot.commands.verb.declare import service_of
from drbot.commands.verb.drill_skip import SKIP, skip
from drbot.commands.views.drill_trend import NAME, picture_of
from drbot.core.runs.drill import Drill, DrillState, routine_of, service_for
from drbot.core.site.data_kinds import FILES, first_files, first_kind
from drbot.core.site.level import Level
from drbot.core.site.people import Person
from drbot.core.site.site import Site
from drbot.core.text.messages import duration, listed, phrase, sentences
from drbot.core.text.words import day_and_time
from drbot.store.records import drills, routines
from drbot.store.records.routines import Routine

SHOWN = 12  # drills of the table
REHEARSED = "rehearsed"
NOT_STARTED: str = phrase("No drill was started.")
STATES: Mapping[DrillState, str] = {
    DrillState.ASKED: phrase("waiting for a worker"),
    DrillState.PREPARING: phrase("making the copy"),
    DrillState.RECOVERING: phrase("recovering"),
}


def drill(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Open one; the default site's worker finds it. Or let the next one by the calendar pass."""
    if [plain(word) for word in words.rest[:1]] == [SKIP]:
        return skip(context, [plain(word) for word in words.rest[1:]], person)
    rest = [word for word in words.rest if plain(word) != REHEARSED]
    rehearsed = len(rest) < len(words.rest)
    if not rest:
        return _which(rehearsed)
    level, recovery = _wanted(context, rest)
    with context.database.write() as tx:
        incident = drills.ask(
            tx,
            level,
            site=context.configuration.default_site,
            service=recovery.arguments.get("service"),
            files=recovery.arguments.get(FILES),
            person=person.id,
            rehearsed=rehearsed,
            runbook=recovery.runbook,
        )
    return Reply(
        text=sentences(
            phrase(
                "{name} begins: a copy of the system is made in an engine without a network, broken and recovered. "
                "Production is not touched.",
                name=incident.name,
            ),
            phrase("Nobody is asked: stand-ins vote.")
            if rehearsed
            else phrase("Two people approve, as in an incident."),
        ),
        choices=(Choice(label=phrase("Show {name}", name=incident.name), command=f"status {incident.name}"),),
    )


def _which(rehearsed: bool) -> Reply:
    also = f" {REHEARSED}" if rehearsed else ""
    levels = tuple(
        Choice(label=phrase("Level {level}", level=int(one)), command=f"drill level{int(one)}{also}") for one in Level
    )
    return Reply(text=phrase("Which level? /dr drill level1..level4"), choices=levels, ok=False)


def _wanted(context: CommandContext, rest: Sequence[str]) -> tuple[Level, Recovery]:
    """Level, and how it is recovered. Raises UserError: of a word that is not understood nobody knows whether it asks
    people.
    """
    example, named = VERBS["drill"].example, context.configuration.default_site
    level, site = level_of(rest[0], example), context.site(named)
    service, data, more = _named(site, level, rest[1:])
    if more:
        why = phrase('"{word}" was not understood.', word=printable(more[0]))
        raise Refusal(NOT_STARTED, why, phrase("Example: /dr {example}", example=example))
    recovery = recovery_for(context, named, level, service, data)
    if recovery is None:
        raise Refusal(NOT_STARTED, without_runbook(level))
    return level, recovery


def _named(site: Site, level: Level, rest: Sequence[str]) -> tuple[str | None, Data | None, Sequence[str]]:
    """Level 1 practises a service, level 2 data: what is named, else the first. And the words behind it."""
    if level is Level.SERVICE and rest:
        return service_of(site, rest[0].rstrip(":："), lambda name: f"drill level1 {name}"), None, rest[1:]
    if level is Level.DATABASE:
        data, rest = data_named(site, rest, lambda name: f"drill level2 {name}")
        return None, data or Data(kind=first_kind(site), files=first_files(site) or ""), rest
    return service_for(level, site), None, rest


def list_(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """The newest dozen; `picture`: how the times went, drawn."""
    with context.database.read() as connection:
        known, passed = drills.list_of(connection), drills.passed(connection)
        planned = {level: routines.get(connection, routine_of(level)) for level in Level}
    coming = _coming({level: one for level, one in planned.items() if one is not None})
    if not known:
        never = phrase("No recovery was practised yet. Begin with: /dr drill level2 rehearsed")
        return Reply(text=sentences(never, coming))
    if [plain(word) for word in words.rest[:1]] == ["picture"]:
        return _picture(context, known)
    header = (phrase("Drill"), phrase("Level"), phrase("When"), phrase("How it went"), "RTO", "RPO", phrase("Why"))
    targets = context.configuration.targets
    goals = phrase("Goals: RTO {rto}, RPO {rpo}.", rto=duration(targets.rto), rpo=duration(targets.rpo))
    return Reply(
        text=sentences(_proven(passed, request.at), goals, coming),
        tables=(Table(header=header, rows=tuple(_row(one, request.at) for one in known[:SHOWN])),),
        choices=(Choice(label=phrase("The trend as a picture"), command="drills picture"),),
    )


def _coming(planned: Mapping[Level, Routine]) -> str:
    """What begins by itself, and when; "" = nothing does."""
    said = [
        phrase("level {level} at {due} (put off)", level=int(level), due=day_and_time(one.due_at))
        if one.is_skipped
        else phrase("level {level} at {due}", level=int(level), due=day_and_time(one.due_at))
        for level, one in planned.items()
    ]
    return phrase("By the calendar: {what}.", what=listed(said)) if said else ""


def _picture(context: CommandContext, known: Sequence[Drill]) -> Reply:
    """Raises UserError where it cannot be drawn."""
    picture = Picture(name=NAME, draw=picture_of(known, context.configuration.targets))
    return Reply(text=phrase("How long the recoveries of the last drills took."), picture=picture)


def _proven(passed: Mapping[Level, Drill], now: datetime) -> str:
    """The levels that were recovered in time, each with how long ago."""
    missing = [f"{int(level)}" for level in Level if level not in passed]
    said = [
        phrase("level {level} ({time} ago)", level=int(level), time=duration(one.age(now).total_seconds()))
        for level, one in sorted(passed.items())
    ]
    return sentences(
        phrase("Last proven: {what}.", what=listed(said)) if said else "",
        phrase("Never proven: level {levels}.", levels=listed(missing)) if missing else "",
    )


def _row(one: Drill, now: datetime) -> tuple[str, ...]:
    return (
        one.name,
        one.what,
        phrase("{time} ago", time=duration(one.age(now).total_seconds())),
        one.how or STATES[one.state],
        "-" if one.rto_seconds is None else duration(one.rto_seconds),
        "-" if one.rpo_seconds is None else duration(one.rpo_seconds),
        one.why or listed((*one.production_changes, *one.leftovers)) or "-",
    )
