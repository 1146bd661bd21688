"""Which runbook a level has, how its run is queued, and what to do by hand where it cannot be used."""

from collections.abc import Mapping
from dataclasses import dataclass

from drbot.commands.facts.context import CommandContext
from drbot.commands.facts.data_named import Data
from drbot.commands.speech.messages import Table
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Offer, Run, RunKind, RunState, StopKind
from drbot.core.site.data_kinds import FILES, LOOK, RUNBOOKS, runbook_of
from drbot.core.site.level import RUNBOOK_OF as RUNBOOK_OF
from drbot.core.site.level import Level
from drbot.core.site.people import Person
from drbot.core.site.site import DRILL_SITE
from drbot.core.text.messages import phrase, sentences
from drbot.store.base.database import Transaction
from drbot.store.runs import runs, sub_runs

UNDO_RUNBOOK = "level2-undo"
UNDO_FILES_RUNBOOK = "level2-undo-files"
UNDO_HOST_RUNBOOK = "level3-undo"
GIVE_UP_RUNBOOK = "kept-give-up"
LEAD_BACK_RUNBOOK = "names-lead-back"
GIVE_BACK_RUNBOOK = "machine-give-back"
GIVE_UP_HOST_RUNBOOK = "kept-give-up-host"
RESTART_RUNBOOK = "restart-services"

_HOST: tuple[tuple[str, ...], ...] = (
    ("1", phrase("Prepare a new server; install Docker and compose")),
    ("2", phrase("Clone the repository of the system")),
    ("3", phrase("Download the latest full backup and unpack it")),
    ("4", phrase("Put the configuration files back")),
    ("5", phrase("Start PostgreSQL, then Redis")),
    ("6", phrase("Restore the databases and read psql's errors")),
    (
        "7",
        phrase("Stop Redis, copy its RDB file in, start it (appendonly off for this start)"),
    ),
    ("8", phrase("Put the uploaded files back")),
    ("9", phrase("Start the three APIs, then the two fronts")),
    (
        "10",
        phrase("Check /health of 8001-8003 and the fronts on 3002, 3003"),
    ),
    ("11", phrase("Count users, profiles, documents")),
    ("12", phrase("Rebuild the monitoring")),
    (
        "13",
        phrase("/dr update tells the stakeholders, /dr resolve writes the report"),
    ),
)

BY_HAND: Mapping[Level, tuple[tuple[str, ...], ...]] = {
    Level.HOST: _HOST,
    Level.DATACENTRE: (
        ("1", phrase("Provision a new environment")),
        ("2", phrase("Download the newest off-site full backup")),
        (
            "3",
            phrase("Follow the 13 steps of level 3 with exactly that backup"),
        ),
        ("4", phrase("Point DNS at the new address")),
        ("5", phrase("Obtain TLS certificates")),
        ("6", phrase("Check from outside that users can work")),
    ),
}


def runbook_for(context: CommandContext, level: Level) -> str | None:
    """The runbook of a level; None while there is none that the linter lets through."""
    name = RUNBOOK_OF[level]
    return name if name in context.runbooks else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovery:
    """What is queued: a runbook and what it is given."""

    runbook: str
    arguments: Mapping[str, str]


def recovery_for(
    context: CommandContext, site: str, level: Level, service: str | None, data: Data | None
) -> Recovery | None:
    """Of a level at a site; None while the linter lets its runbook not through. Where nobody says what of level 2 is
    meant, the survey looks what is broken.
    """
    arguments = {"service": service} if service else {}
    runbook = runbook_of(level, context.configuration.site(site))
    if data is not None:
        runbook, arguments = RUNBOOKS[data.kind], arguments | ({FILES: data.files} if data.files else {})
    elif level is Level.DATABASE:
        arguments[LOOK] = "yes"
    return Recovery(runbook=runbook, arguments=arguments) if runbook in context.runbooks else None


def without_runbook(level: Level) -> str:
    """Why a level cannot be recovered by itself, and what to do meanwhile."""
    name = RUNBOOK_OF[level]
    meanwhile = (
        phrase("Until then follow the steps of the recovery document by hand; drbot keeps clocks, timeline and report.")
        if level in BY_HAND
        else ""
    )
    missing = phrase(
        "The runbook {name} is missing or was refused, so nothing was started. `drbot runbook check` says why.",
        name=name,
    )
    return sentences(missing, meanwhile)


def by_hand(level: Level) -> tuple[Table, ...]:
    """The document's steps, for when the runbook cannot be used."""
    rows = BY_HAND.get(level)
    return (Table(rows=rows, title=phrase("Steps by hand")),) if rows else ()


def queue(
    context: CommandContext,
    tx: Transaction,
    incident: Incident,
    kind: RunKind,
    runbook: str,
    arguments: Mapping[str, str],
    person: Person,
    *,
    site: str = "",
) -> Run:
    """A run for the site's worker; the doorbell rings once it is committed."""
    run = runs.queue(
        tx,
        incident=incident.id,
        site=site or site_of(context, incident.site, runbook),
        kind=kind,
        runbook=runbook,
        arguments=arguments,
        person=person.id,
    )
    ring(context, tx, run)
    return run


def site_of(context: CommandContext, lost: str, runbook: str) -> str:
    """Whose worker does it: a lost host has none, so level 3 is done on the new one, and level 4 from outside."""
    recovery = context.configuration.recovery
    if recovery is None or lost == DRILL_SITE:
        return lost
    outside = (RUNBOOK_OF[Level.DATACENTRE], LEAD_BACK_RUNBOOK, GIVE_BACK_RUNBOOK)
    elsewhere = {RUNBOOK_OF[Level.HOST]: recovery.site} | dict.fromkeys(outside, recovery.control or lost)
    return elsewhere.get(runbook, lost)


def again(incident: Incident, run: Run) -> str:
    """The verb text that asks for the same once more: an undo that expired is no reason to restore a backup."""
    if run.kind is RunKind.UNDO:
        return f"undo {incident.name}"
    if run.kind is RunKind.LEAD_BACK:
        return f"lead-back {incident.name}"
    if run.kind is RunKind.GIVE_UP:
        return f"give-up {incident.name} {run.arguments.get('keeper') or run.arguments.get('aside', '')}".strip()
    if run.kind is RunKind.GIVE_BACK:
        return f"give-back {incident.name} {run.arguments.get('machine', '')}".strip()
    named = run.arguments.get("backup") or named_again(run)
    return f"recover {incident.name} backup {named}" if named else f"recover {incident.name}"


def named_again(run: Run) -> str:
    """The backup, where another one is the better way on: the same one is taken by its name alone. Else ""."""
    backup = run.plan.backup if run.plan is not None else None
    prefers_another = run.state is RunState.BLOCKED and run.offers[:1] == (Offer.ANOTHER_BACKUP,)
    return backup.name if backup is not None and prefers_another else ""


def stop(context: CommandContext, tx: Transaction, run: Run, person: Person, why: str, kind: StopKind) -> RunState:
    """Stop the recovery that this run belongs to: a part goes with the whole. The state that is in now."""
    top = sub_runs.top_of(tx.connection, run)
    parts = sub_runs.parts_of(tx.connection, top)
    state = runs.request_stop(tx, top.id, person.id, why, kind=kind)
    for one in (top, *parts):
        ring(context, tx, one)  # who has it ends it; where nobody had it a worker tidies up
    return state


def ring(context: CommandContext, tx: Transaction, run: Run) -> None:
    """Commit first, then wake a worker: a run that is called up must be there to be found."""
    tx.after_commit(lambda: context.doorbell.ring(run.site, run.id))
