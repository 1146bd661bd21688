"""`plan` surveys the system and shows what a recovery would do; it changes nothing. In an incident everybody sees it;
anywhere else it is an answer to whoever asked, and opens nothing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from drbot.commands.facts.context import CommandContext, incident_of, is_of_incident, must_be_open
from drbot.commands.facts.data_named import data_choices
from drbot.commands.facts.moment_named import data_at, settled, understood
from drbot.commands.facts.moment_read import WallClock, wall_clock
from drbot.commands.facts.runbook_selection import Recovery, queue, recovery_for, site_of, without_runbook
from drbot.commands.facts.surveying import answered
from drbot.commands.speech.messages import Choice, Reply, Request
from drbot.commands.speech.parser import Words, level_of, plain
from drbot.commands.speech.refusal import Refusal
from drbot.commands.speech.verbs import VERBS
from drbot.commands.verb.declare import service_of, site_named
from drbot.commands.views.plan_view import plan_reply
from drbot.core.runs.run import RunKind
from drbot.core.site.data_kinds import LOOK, WORDS
from drbot.core.site.level import Level
from drbot.core.site.people import Person
from drbot.core.site.site import Site
from drbot.core.text.messages import phrase, sentences
from drbot.store.records import incidents

LEVELS: tuple[Level, ...] = (Level.HOST, Level.DATACENTRE)
EXAMPLE = VERBS["plan"].example


def plan(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """In an incident, or for whoever asks alone; without any words the one that is open is meant."""
    clock = wall_clock(context.configuration, request.at)
    words = settled(words, clock)
    with context.database.read() as connection:
        is_meant = not words.rest and bool(incidents.recent(connection, open_only=True))
        of_incident = is_meant or is_of_incident(connection, request, words)
    return (
        _in_incident(context, request, clock, words, person) if of_incident else _alone(context, clock, words, person)
    )


def _in_incident(context: CommandContext, request: Request, clock: WallClock, words: Words, person: Person) -> Reply:
    """Queue a run that only surveys; the plan appears in the incident's channel."""
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        must_be_open(incident, "plan")
        level, rest = _level(words.rest, incident.level)
        name = f"plan {incident.name}"
        asked = _Asked(site=incident.site, level=level, rest=rest, clock=clock, service=incident.service or "")
        recovery = _recovery(context, asked, lambda said: f"{name} {said}")
        queue(context, tx, incident, RunKind.PLAN, recovery.runbook, recovery.arguments, person)
    surveying = phrase(
        "{name}: surveying for level {level}. The plan will be shown here; nothing is changed.",
        name=incident.name,
        level=level.value,
    )
    return Reply(text=sentences(surveying, understood(recovery.arguments.get("backup", ""), clock)))


def _alone(context: CommandContext, clock: WallClock, words: Words, person: Person) -> Reply:
    """Wait for the worker, as long as somebody does."""
    lost, said, behind = of_site(context, words.rest)
    site = context.configuration.site(lost)
    if not said:
        raise _which(site, behind)
    level, rest = _level(said, Level.DATABASE)
    wanted = _Asked(site=lost, level=level, rest=rest, clock=clock)
    recovery = _recovery(context, wanted, lambda more: f"plan {behind}{more}")
    asks = site_of(context, lost, recovery.runbook)
    found = answered(
        context, site=asks, lost=lost, runbook=recovery.runbook, arguments=recovery.arguments, person=person,
        again=Choice(label=phrase("Look again"), command=f"plan {' '.join(words.rest)}"),
    )  # fmt: skip
    if isinstance(found, Reply):
        return found
    if found.plan is not None:
        return plan_reply(found.plan, sentences(understood(recovery.arguments.get("backup", ""), clock), found.found))
    choices = data_choices(site, lambda more: f"plan {behind}level2 {more}") if LOOK in found.arguments else ()
    return Reply(text=found.refusal, choices=choices, ok=False)


def of_site(context: CommandContext, words: tuple[str, ...]) -> tuple[str, tuple[str, ...], str]:
    """The site that is meant, the other words, and "site=west " to ask for it again."""
    named = [found[1] for word in words if (found := re.fullmatch(r"site[=＝](.+)", word, re.IGNORECASE))]
    site = site_named(context, named[0] if named else "")
    said = tuple(word for word in words if not re.match(r"site[=＝]", word, re.IGNORECASE))
    return site, said, f"site={site} " if named else ""


def _level(said: tuple[str, ...], default: Level) -> tuple[Level, tuple[str, ...]]:
    """A level, or data of level 2 by its name alone."""
    if said and WORDS.get(plain(said[0])) is not None:
        return Level.DATABASE, said
    return (level_of(said[0], EXAMPLE), said[1:]) if said else (default, ())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    site: str
    level: Level
    rest: tuple[str, ...]  # the words behind the level
    clock: WallClock
    service: str = ""  # of the incident


def _recovery(context: CommandContext, asked: _Asked, again: Callable[[str], str]) -> Recovery:
    """Raises UserError where there is no runbook, or a choice has to be made."""
    data, backup, service, site = None, "", "", context.site(asked.site)
    if asked.level is Level.SERVICE:
        named = asked.rest[0] if asked.rest else asked.service
        service = service_of(site, named, lambda name: again(f"level1 {name}"))
    elif asked.level is Level.DATABASE:
        data, backup, _ = data_at(site, asked.rest, lambda name: again(f"level2 {name}"), asked.clock)
    recovery = recovery_for(context, asked.site, asked.level, service or None, data)
    if recovery is None:
        raise Refusal(phrase("No plan was made."), without_runbook(asked.level))
    return replace(recovery, arguments={**recovery.arguments, "backup": backup}) if backup else recovery


def _which(site: Site, behind: str) -> Refusal:
    data = data_choices(site, lambda words: f"plan {behind}level2 {words}")
    others = tuple(Choice(label=level.text, command=f"plan {behind}level{level.value}") for level in LEVELS)
    return Refusal(
        phrase("Which plan? Outside of an incident say the level."),
        phrase("Example: /dr {example}", example=EXAMPLE),
        choices=(*data, *others),
    )
