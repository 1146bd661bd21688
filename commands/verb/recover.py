"""What can be done after a recovery stopped short: ask again, another backup, give up, start the services again."""

from dataclasses import replace

from sqlalchemy import Connection

from drbot.commands.facts import runbook_selection
from drbot.commands.facts.context import CommandContext, asked_for, current_run, incident_of, must_be_open
from drbot.commands.facts.data_named import Data
from drbot.commands.facts.making_way import in_progress
from drbot.commands.facts.moment_named import data_at, of_moment, settled, understood
from drbot.commands.facts.moment_read import wall_clock
from drbot.commands.facts.runbook_selection import (
    RESTART_RUNBOOK,
    Recovery,
    again,
    queue,
    recovery_for,
    without_runbook,
)
from drbot.commands.speech.messages import Reply, Request
from drbot.commands.speech.parser import Words, plain, printable
from drbot.commands.speech.refusal import Refusal
from drbot.core.runs.incident import Incident
from drbot.core.runs.plan import Plan, question_of, touches_production
from drbot.core.runs.run import Run, RunKind, RunState, StopKind
from drbot.core.site.data_kinds import FILES, LOOK
from drbot.core.site.level import Level
from drbot.core.site.people import Person
from drbot.core.site.wal import ANOTHER_MOMENT, is_moment_name
from drbot.core.text.messages import filled, listed, phrase, sentences
from drbot.store.base.database import Transaction
from drbot.store.records import denials, steps
from drbot.store.runs import runs, sub_runs

_NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


STARTING = phrase("{name}: starting again. A new plan comes first, then a new request; earlier votes do not count.")
STARTING_WITH = phrase(
    "{name}: starting again with the backup {backup}. A new plan comes first, then a new request; earlier votes do "
    "not count."
)


def recover(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """A fresh run with a fresh request. What one person denied is not asked again unless they ask themselves."""
    clock = wall_clock(context.configuration, request.at)
    words = settled(words, clock)
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        must_be_open(incident, "recover")
        site = context.configuration.site(incident.site)
        data, moment, left = data_at(site, words.rest, lambda name: f"recover {incident.name} {name}", clock)
        backup = moment or _backup(tx.connection, incident, replace(words, rest=tuple(left)))
        if is_moment_name(backup):
            data = of_moment(data, backup)
        recovery = _recovery(context, tx.connection, incident, data)
        arguments = {**recovery.arguments, **({"backup": backup} if backup else {})}
        before = current_run(tx.connection, incident)
        if before is not None:
            is_same = (before.runbook, before.arguments.get(FILES)) == (recovery.runbook, arguments.get(FILES))
            if is_same:
                _not_denied(tx.connection, context, incident, before, backup, person)
            is_other = data is not None and not is_same and _is_beside(tx.connection, before)
            _make_way(context, tx, incident, before, person, "recover", at_work=is_other)
        queue(context, tx, incident, RunKind.RECOVER, recovery.runbook, arguments, person)
    meant = understood(backup, clock)
    starting = filled(STARTING_WITH if backup and not meant else STARTING, name=incident.name, backup=backup)
    return Reply(text=sentences(starting, meant), in_channel=True)


def discard(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """End a run that is blocked, or has touched nothing yet: what was prepared beside production is given up."""
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        run = current_run(tx.connection, incident)
        if run is None or run.is_over:
            raise _refusal(incident, "discard", phrase("Nothing is prepared."))
        if run.state is not RunState.BLOCKED and not _is_beside(tx.connection, run):
            raise in_progress(incident, run, "discard")
        runbook_selection.stop(context, tx, run, person, phrase("discarded"), StopKind.DISCARDED)
    same = f"/dr {again(incident, run)}"
    return Reply(
        text=phrase(
            "{name}: discarded. Its worker removes what was prepared; /dr kept lists what it could not remove. To do "
            "the same again: {same}",
            name=incident.name,
            same=same,
        ),
        in_channel=True,
    )


def _is_beside(conn: Connection, run: Run) -> bool:
    """Whether nothing of production was touched yet, by no step of the recovery that this run belongs to."""
    top = sub_runs.top_of(conn, run)
    if top.plan is None:
        return True
    begun = {record.id for record in steps.of_run(conn, top.id) if record.may_have_acted}
    done = [step for step in top.plan.steps if step.id in begun]
    return not any(step.effect == "destroy" or touches_production(top.plan, step) for step in done)


def restart(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """After STOP with the services down and nothing replaced: start them as they are."""
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        must_be_open(incident, "restart")
        if incident.level >= Level.HOST:
            why = phrase("The host is lost; nothing of it can be started.")
            todo = phrase("Start the recovery again: /dr recover. To bring back a host that was put aside: /dr undo")
            raise _refusal(incident, "restart", why, todo)
        _know_the_data(tx.connection, incident)
        before = current_run(tx.connection, incident)
        if before is not None:
            _make_way(context, tx, incident, before, person, "restart")
        queue(context, tx, incident, RunKind.RECOVER, RESTART_RUNBOOK, {}, person)
    return Reply(
        text=phrase("{name}: the services are being started, with the data that is in place now.", name=incident.name),
        in_channel=True,
    )


def _know_the_data(conn: Connection, incident: Incident) -> None:
    """Nothing is started on data of which nobody knows how far it was replaced. Raises UserError."""
    planned = [run for run in runs.of_incident(conn, incident.id) if run.plan and run.runbook != RESTART_RUNBOOK]
    last = planned[-1] if planned else None
    if last is None:
        return
    left = sub_runs.left_by(conn, last)
    if not left.is_known:
        said = left.sentence
        todo = phrase("Look at the volumes, then: /dr recover")
        raise _refusal(incident, "restart", said, todo)


def _backup(conn: Connection, incident: Incident, words: Words) -> str:
    """The name behind `backup`; without a name the one that was offered. Raises UserError unless it is a file name."""
    named = [word for word in words.rest if plain(word) != "backup"]
    if not named:
        return _offered(conn, incident) if words.rest else ""
    name = named[0].removeprefix("backup=") if len(named) == 1 else ""
    if name and not name.startswith((".", "-")) and set(name) <= _NAME_LETTERS and len(name) <= 200:
        return name
    raise Refusal(
        phrase('You asked to recover "{words}".', words=printable(words.text)),
        phrase("That is not the name of a backup."),
        phrase("Example: /dr recover backup all_databases_20261126_020000.sql.gz"),
    )


def _offered(conn: Connection, incident: Incident) -> str:
    """The next good backup, as the worker found it when the last recovery was blocked or ended early."""
    recoveries = [
        run
        for run in runs.of_incident(conn, incident.id)
        if run.kind is RunKind.RECOVER and run.runbook != RESTART_RUNBOOK
    ]
    if recoveries and recoveries[-1].next_backup:
        return recoveries[-1].next_backup
    raise _refusal(
        incident,
        "recover",
        phrase("No other good backup is known."),
        phrase("If there is one, name it: /dr recover {name} backup NAME", name=incident.name),
    )


def _recovery(context: CommandContext, conn: Connection, incident: Incident, data: Data | None) -> Recovery:
    """The data that is named, or that the last recovery was about."""
    if data is not None and incident.level is not Level.DATABASE:
        todo = phrase("Change the level first: /dr level 2 {data}", data=data.words)
        raise _refusal(incident, "recover", phrase("Data alone is restored by level 2."), todo)
    before = _before(context, conn, incident) if data is None else None
    recovery = before or recovery_for(context, incident.site, incident.level, incident.service, data)
    if recovery is None:
        raise _refusal(incident, "recover", without_runbook(incident.level))
    if incident.level is Level.SERVICE and not incident.service:
        raise _refusal(
            incident,
            "recover",
            phrase("No service is named."),
            phrase("Use: /dr declare level1 <service>"),
        )
    return recovery


def _before(context: CommandContext, conn: Connection, incident: Incident) -> Recovery | None:
    """As the last recovery of this level; None: there was none, or its survey has not found out what it is about."""
    for run in reversed(runs.of_incident(conn, incident.id)):
        known = context.runbooks.get(run.runbook)
        is_one = run.kind is RunKind.RECOVER and run.runbook != RESTART_RUNBOOK and not sub_runs.is_part(run)
        if is_one and known is not None and known.level == incident.level:
            arguments = {name: value for name, value in run.arguments.items() if name != "backup"}
            return None if LOOK in arguments else Recovery(runbook=run.runbook, arguments=arguments)
    return None


def _make_way(
    context: CommandContext, tx: Transaction, incident: Incident, run: Run, person: Person, verb: str,
    *, at_work: bool = False,
) -> None:  # fmt: skip
    """A blocked run ends so that the next one can start; one that is at work is never pushed aside, but where somebody
    says that other data is lost (`at_work`). What is being stopped gives way by itself: the next one waits.
    """
    if run.is_over or run.stop_requested is not None:
        return
    if run.state is not RunState.BLOCKED and not at_work:
        raise in_progress(incident, run, verb)
    runbook_selection.stop(context, tx, run, person, phrase("replaced: {verb}", verb=verb), StopKind.REPLACED)


def _not_denied(
    conn: Connection, context: CommandContext, incident: Incident, run: Run, backup: str, person: Person
) -> None:
    plan = run.plan
    if plan is None or not _is_same_backup(run, plan, backup):
        return
    deniers = denials.denied(conn, incident.id).get(question_of(plan), set())
    if not deniers or person.id in deniers:
        return
    people = [context.roster.person(denier) for denier in sorted(deniers)]
    names = listed(someone.name for someone in people if someone is not None) or phrase("somebody")
    todo: str = phrase(
        "Ask {names} to ask again, or name another backup: /dr recover {name} backup NAME",
        names=names,
        name=incident.name,
    )
    if plan.is_to_moment:
        todo = sentences(phrase("Ask {names} to ask again.", names=names), ANOTHER_MOMENT)
    raise _refusal(incident, "recover", phrase("{names} denied exactly this.", names=names), todo)


def _is_same_backup(run: Run, plan: Plan, backup: str) -> bool:
    """Whether what is asked for now is what the plan was about; "": what is chosen where nobody names one."""
    if not backup:
        return not run.arguments.get("backup")
    return plan.backup is None or backup == plan.backup.name


def _refusal(incident: Incident, verb: str, why: str, todo: str = "") -> Refusal:
    return Refusal(asked_for(verb, incident), why, todo)
