"""`plan` surveys the system and shows what a recovery would do; it changes nothing."""

from drbot.commands.facts.context import CommandContext, incident_of, must_be_open
from drbot.commands.facts.runbook_selection import queue, runbook_for, without_runbook
from drbot.commands.speech.messages import Reply, Request
from drbot.commands.speech.parser import Words, level_of
from drbot.commands.speech.refusal import Refusal
from drbot.commands.verb.declare import service_of
from drbot.core.runs.run import RunKind
from drbot.core.site.level import Level
from drbot.core.site.people import Person
from drbot.core.text.messages import phrase


def plan(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Queue a run that only surveys; the plan appears in the incident's channel."""
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        must_be_open(incident, "plan")
        level = level_of(words.rest[0]) if words.rest else incident.level
        arguments = {}
        if level is Level.SERVICE:
            site = context.configuration.site(incident.site)
            named = words.rest[1] if len(words.rest) > 1 else incident.service or ""
            again = f"plan {incident.name} level1"
            arguments = {"service": service_of(site, named, lambda name: f"{again} {name}")}
        runbook = runbook_for(context, level)
        if runbook is None:
            raise Refusal(
                phrase("{name}: no plan was made.", name=incident.name),
                without_runbook(level),
            )
        queue(context, tx, incident, RunKind.PLAN, runbook, arguments, person)
    return Reply(
        text=phrase(
            "{name}: surveying for level {level}. The plan will be shown here; nothing is changed.",
            name=incident.name,
            level=level.value,
        ),
    )
