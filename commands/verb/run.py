"""`run` starts any runbook, drbot's or one's own: in an incident it is queued there, anywhere else it opens one."""

import re
from collections.abc import Mapping

from drbot.commands.facts.context import CommandContext, asked_for, incident_of, is_of_incident, must_be_open
from drbot.commands.facts.making_way import make_way
from drbot.commands.facts.runbook_selection import (
    GIVE_BACK_RUNBOOK,
    GIVE_UP_HOST_RUNBOOK,
    GIVE_UP_RUNBOOK,
    LEAD_BACK_RUNBOOK,
    UNDO_FILES_RUNBOOK,
    UNDO_HOST_RUNBOOK,
    UNDO_RUNBOOK,
    queue,
)
from drbot.commands.speech.messages import Choice, Reply, Request
from drbot.commands.speech.parser import Words, printable
from drbot.commands.speech.refusal import Refusal
from drbot.commands.verb.declare import joined, service_of, site_named
from drbot.core.base.yaml_file import did_you_mean
from drbot.core.runbooks.runbook import Runbook
from drbot.core.runs.drill import COPY_RUNBOOKS
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import RunKind
from drbot.core.site.level import Level
from drbot.core.site.people import Person
from drbot.core.text.messages import listed, phrase, say, sentences
from drbot.store.base.database import Transaction
from drbot.store.records import incidents
from drbot.store.runs import runs

OF_A_VERB: Mapping[str, str] = {
    UNDO_RUNBOOK: "undo",
    UNDO_FILES_RUNBOOK: "undo",
    UNDO_HOST_RUNBOOK: "undo",
    GIVE_UP_RUNBOOK: "kept",
    GIVE_UP_HOST_RUNBOOK: "kept",
    LEAD_BACK_RUNBOOK: "lead-back",
    GIVE_BACK_RUNBOOK: "kept",
    **dict.fromkeys(COPY_RUNBOOKS.values(), "drill"),
}
"""What is about something of an earlier run, or a part of a drill, has a command, which knows what that is."""

SERVICE = "service"


def run(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    runbook = _runbook(context, words)
    site, arguments = _arguments(context, runbook, words)
    with context.database.write() as tx:
        if is_of_incident(tx.connection, request, words):
            incident = incident_of(tx.connection, request, words)
            must_be_open(incident, "run")
            ended = make_way(context, tx, incident, person, "run")
        elif (same := _going_on(tx, runbook, site, arguments)) is not None:
            return joined(same)
        else:
            incident, ended = _opened(context, tx, runbook, site, arguments, person), ""
        queue(context, tx, incident, RunKind.RECOVER, runbook.runbook, arguments, person)
    started = phrase(
        "{name}: {runbook} is being planned. What destroys something waits for two people.",
        name=incident.name,
        runbook=runbook.runbook,
    )
    return Reply(
        text=sentences(started, ended),
        choices=(Choice(label=phrase("Status"), command=f"status {incident.name}"),),
        in_channel=True,
    )


def _runbook(context: CommandContext, words: Words) -> Runbook:
    """Raises Refusal with the nearest name, and for what has a command of its own."""
    known = sorted(name for name in context.runbooks if name not in OF_A_VERB)
    name = words.rest[0] if words.rest else ""
    if name in OF_A_VERB:
        verb = OF_A_VERB[name]
        raise Refusal(
            asked_for("run"),
            phrase("{runbook} is not started by itself.", runbook=name),
            phrase("Use: /dr {verb}", verb=verb),
            choices=(Choice(label=f"/dr {verb}", command=verb),),
        )
    if name in context.runbooks:
        return context.runbooks[name]
    why = phrase('There is no runbook "{name}".', name=printable(name)) if name else phrase("Say which runbook.")
    raise Refusal(
        asked_for("run"),
        sentences(why, did_you_mean(name, known) if name else ""),
        phrase("There are: {names}.", names=listed(known)),
    )


def _arguments(context: CommandContext, runbook: Runbook, words: Words) -> tuple[str, dict[str, str]]:
    """The site and the inputs. Raises Refusal for an input that it does not take, and for one that is missing."""
    given: dict[str, str] = {}
    for word in words.rest[1:]:
        found = re.fullmatch(r"([\w.-]+)[=＝](.+)", word)
        if not found:
            raise _refusal(runbook, phrase('"{word}" is not written as input=value.', word=printable(word)))
        name = found[1].lower()
        if name in given:
            raise _refusal(runbook, phrase("{input} is given twice.", input=printable(name)))
        given[name] = found[2]
    site = site_named(context, given.pop("site", ""))
    takes = [*runbook.inputs, *([SERVICE] if runbook.level == Level.SERVICE else [])]
    unknown = [name for name in given if name not in takes]
    if unknown:
        none = phrase("{runbook} takes no {input}.", runbook=runbook.runbook, input=printable(unknown[0]))
        raise _refusal(runbook, sentences(none, did_you_mean(unknown[0], takes)))
    missing = [name for name, one in runbook.inputs.items() if one.choose == "given" and name not in given]
    if missing:
        raise _refusal(runbook, phrase("It needs {inputs}.", inputs=listed(missing)))
    if SERVICE in given:
        here = context.configuration.site(site)
        given[SERVICE] = service_of(here, given[SERVICE], lambda name: f"run {runbook.runbook} service={name}")
    return site, given


def _refusal(runbook: Runbook, why: str) -> Refusal:
    takes = [f"{name}=…" for name in runbook.inputs]
    example = " ".join(["run", runbook.runbook, *takes])
    return Refusal(asked_for("run"), why, phrase("Example: /dr {example}", example=example))


def _going_on(tx: Transaction, runbook: Runbook, site: str, arguments: Mapping[str, str]) -> Incident | None:
    """The open incident in which this very runbook is already about this: a second one would be about the same."""
    for incident in incidents.recent(tx.connection, open_only=True):
        for one in runs.of_incident(tx.connection, incident.id):
            is_same = (one.site, one.runbook) == (site, runbook.runbook) and arguments.items() <= one.arguments.items()
            if is_same and one.kind is RunKind.RECOVER and not one.is_over:
                return incident
    return None


def _opened(
    context: CommandContext, tx: Transaction, runbook: Runbook, site: str, arguments: Mapping[str, str], person: Person
) -> Incident:
    return incidents.declare(
        tx,
        site=site,
        level=Level(runbook.level),
        title=say(runbook.title, context.configuration.language),
        person=person.id,
        started_at=None,
        service=arguments.get(SERVICE),
    )
