"""`level` changes how bad it is. Work in progress is never killed: once confirmed, it stops between two steps."""

from collections.abc import Sequence
from dataclasses import replace

from drbot.commands.facts import runbook_selection
from drbot.commands.facts.context import CommandContext, current_run, incident_of, must_be_open
from drbot.commands.facts.data_named import Data, data_named
from drbot.commands.facts.runbook_selection import by_hand, queue, recovery_for, runbook_for, without_runbook
from drbot.commands.speech.messages import Choice, Reply, Request
from drbot.commands.speech.parser import Words, level_of, plain
from drbot.commands.speech.refusal import Refusal
from drbot.commands.verb.declare import find_service
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import RunKind, StopKind
from drbot.core.site.level import Level
from drbot.core.site.people import Person
from drbot.core.text.messages import phrase, sentences
from drbot.store.records import incidents

CONFIRM = "confirm"
EXAMPLE: str = phrase("level 2 PostgreSQL is the culprit")


def level(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Change the level; the runbook of the new level starts, behind the one that is stopping."""
    new = _wanted(words)
    confirmed = len(words.rest) > 1 and plain(words.rest[1]) == CONFIRM
    said = words.rest[2 if confirmed else 1 :]
    why = words.after(2 if confirmed else 1)
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        must_be_open(incident, "level")
        if incident.level is new:
            raise Refusal(
                phrase("{name}: the level is unchanged.", name=incident.name),
                phrase("It is level {level} already.", level=new.value),
            )
        run = current_run(tx.connection, incident)
        going = run is not None and not run.is_over
        if run is not None and going and not confirmed:
            return _confirm(incident.name, new, why)
        if run is not None and going:
            runbook_selection.stop(
                context, tx, run, person, phrase("level changed to {level}", level=new.value), StopKind.LEVEL
            )
        service = _service(context, incident, new, said)
        incidents.change_level(tx, incident.id, new, person.id, why, service=service)
        incident = replace(incident, service=service)
        recovery = recovery_for(context, incident.site, new, service, _data(context, incident, new, said))
        # Without a service level 1 has nothing to restart; `declare level1 <service>` names one.
        if recovery is not None and (new is not Level.SERVICE or service):
            queue(context, tx, incident, RunKind.RECOVER, recovery.runbook, recovery.arguments, person)
    return _changed(context, incident, new)


def _service(context: CommandContext, incident: Incident, new: Level, said: Sequence[str]) -> str | None:
    """Of level 1 the one that the first word names; else the one that was declared."""
    site = context.site(incident.site)
    named = find_service(site, said[0].rstrip(":：")) if said and new is Level.SERVICE else None
    return named or incident.service


def _data(context: CommandContext, incident: Incident, new: Level, said: Sequence[str]) -> Data | None:
    if new is not Level.DATABASE:
        return None
    site = context.configuration.site(incident.site)
    return data_named(site, said, lambda name: f"level {incident.name} 2 {name}")[0]


def _wanted(words: Words) -> Level:
    if not words.rest:
        raise Refusal(
            phrase("Which level?"),
            phrase(
                "level1 a service, level2 data (postgres, redis, files, settings), level3 the host, level4 the data "
                "centre."
            ),
            phrase("Example: /dr {example}", example=EXAMPLE),
        )
    return level_of(words.rest[0], EXAMPLE)


def _confirm(name: str, new: Level, why: str) -> Reply:
    command = f"level {name} {new.value} {CONFIRM} {why}".strip()
    return Reply(
        text=phrase(
            "{name}: a recovery is in progress. Changing to level {level} stops it at the next step boundary and its "
            "approval request ends. The level is not changed yet: confirm.",
            name=name,
            level=new.value,
        ),
        choices=(
            Choice(
                label=phrase("Change to level {level}", level=new.value),
                command=command,
                style="danger",
            ),
        ),
        ok=False,
    )


def _changed(context: CommandContext, incident: Incident, new: Level) -> Reply:
    name, old = incident.name, incident.level.value
    head = phrase("{name}: level {old} → {new}.", name=name, old=old, new=new.value)
    if runbook_for(context, new) is None:
        then, tables = without_runbook(new), by_hand(new)
    elif new is Level.SERVICE and not incident.service:
        then = phrase("No service is named, so nothing was started. Use: /dr declare level1 <service>")
        tables = ()
    else:
        then = phrase("The survey for it starts; it changes nothing.")
        tables = ()
    return Reply(
        text=sentences(head, then),
        tables=tables,
        in_channel=True,
    )
