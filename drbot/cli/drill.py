"""`drbot drill`: practise a recovery now, from a terminal, with its progress and its figures."""

import json
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from drbot.cli.dr import Words, person_named
from drbot.cli.logs import log_into
from drbot.cli.processes import Process, start_process
from drbot.cli.terminal import Config, Home, marked, plain_console, spoken
from drbot.commands.dispatch import dispatch
from drbot.commands.facts.context import context_of
from drbot.commands.speech.messages import Request
from drbot.commands.verb.drill import NOT_STARTED
from drbot.core.approvals.approval import EntryPoint
from drbot.core.base.errors import DrbotError, UserError
from drbot.core.ledger.events import EventKind
from drbot.core.runs.drill import Drill, DrillEnd
from drbot.core.text.messages import closed, duration, listed, phrase
from drbot.runners.clients.docker_engine import connect
from drbot.runners.clients.docker_errors import docker_errors
from drbot.runners.clients.patient_docker import Patience
from drbot.runners.contract.fingerprint import settings_of
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.execution.settings_seen import unagreed
from drbot.runners.main import HANDS, worker_context_of
from drbot.runners.upkeep.drill_keeper import Keeper
from drbot.runners.upkeep.drill_run import end_all
from drbot.store.base import ledger
from drbot.store.records import drills
from drbot.store.records.known_workers import KnownWorkers

LOOK_SECONDS = 0.5
ENGINE_SECONDS = 5
SHOWN = {EventKind.DRILL_STEP: "text", EventKind.STEP_STARTED: "title", EventKind.RUN_FAILED: "why"}

Json = Annotated[Path | None, typer.Option("--json", help="Write what was measured into this file")]
Attended = Annotated[bool, typer.Option("--attended", help="Two people approve, as in an incident; else stand-ins do")]
Yes = Annotated[bool, typer.Option("--yes", help="Go by a dr.yml that was changed, without being asked")]
Who = Annotated[str, typer.Option("--as", help="Who you are in dr.yml (default: DRBOT_PERSON, else your login)")]


def drill(
    words: Words = None,
    attended: Attended = False,
    yes: Yes = False,
    result: Json = None,
    person: Who = "",
    config: Config = None,
    home: Home = None,
) -> None:
    """Practise level1 auth, level2, level2 redis, level2 files uploads, level3 …: a copy of the system is made in an
    engine without a network, broken, recovered and removed. Production is only read. Ends with 0 when it was recovered
    within RTO and RPO and nothing is left.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    process = start_process(config, home)
    log_into(process.home / "drill.log")
    over = threading.Event()
    keeper = keeper_of(process, over)
    _agree(keeper.worker_context, yes)
    _require_engine(keeper.worker_context)
    number = _ask(process, words or [], attended, person)
    keeping = threading.Thread(target=keeper.run, name="drills", daemon=True)
    keeping.start()
    try:
        _follow(process, number)
    except KeyboardInterrupt:
        plain_console().print(marked(phrase("Ending: the copy is removed first.")))
    over.set()
    keeping.join()
    found = _ended(process, number)
    _show(found)
    if result is not None:
        result.write_text(json.dumps(figures_of(found), indent=2) + "\n")
    raise typer.Exit(0 if found.end is DrillEnd.PASSED and found.is_clean else 1)


def _agree(worker_context: WorkerContext, yes: bool) -> None:
    """Who sits at the worker's host may let drills go by a dr.yml that two people have not agreed to yet. Raises
    UserError where nobody does.
    """
    if not (changed := unagreed(worker_context)):
        return
    console = plain_console()
    console.print(marked(phrase("dr.yml was changed since two people last agreed to it:")))
    for one in changed:
        console.print(f"  {marked(one)}", soft_wrap=True)
    question = phrase("Let drills and proofs of backups go by it? Recoveries still ask two people.")
    if not yes and not (sys.stdin.isatty() and typer.confirm(spoken(question), default=False)):
        raise UserError(NOT_STARTED, phrase("Nobody agreed to the changed dr.yml."), phrase("Agree with --yes."))
    worker_context.own.may_practise(settings_of(worker_context.configuration))


def _require_engine(worker_context: WorkerContext) -> None:
    """Raise UserError where none answers: a worker would wait for it, a person who sits here need not."""
    host = worker_context.target.clients.docker.host
    try:
        with docker_errors(phrase("Ask the Docker engine for its version")):
            connect(host, Patience(ENGINE_SECONDS), ENGINE_SECONDS).close()
    except DrbotError as error:
        todo = phrase("Start it, or correct docker.host in dr.yml.")
        raise UserError(NOT_STARTED, closed(str(error)), todo) from error


def _ended(process: Process, number: int) -> Drill:
    """What became of it. Nobody takes up one that the keeper has not begun."""
    with process.database.write() as tx:
        known = drills.get(tx.connection, number)
        assert known is not None
        if not known.is_over:
            end_all(tx, replace(known, end=DrillEnd.STOPPED, why=phrase("The worker is ending.")))
        found = drills.get(tx.connection, number)
    assert found is not None
    return found


def _ask(process: Process, given: Sequence[str], attended: bool, person: str) -> int:
    """The number of the new drill. Raises UserError."""
    commands = context_of(process.database, process.doorbell, process.loaded, KnownWorkers(process.home))
    words = " ".join(["drill", *given, *([] if attended else ["rehearsed"])])
    request = Request(
        verb_text=words,
        person=person_named(person, commands.roster),
        account=None,
        channel=None,
        entry_point=EntryPoint.TERMINAL,
        at=datetime.now(UTC),
    )
    reply = dispatch(commands, request)
    if not reply.ok:
        raise UserError("", reply.text)
    plain_console().print(marked(reply.text))
    with process.database.read() as connection:
        going = drills.going_on(connection)
    if going is None:  # one by the calendar was put off
        raise typer.Exit
    return going.incident


def keeper_of(process: Process, over: threading.Event) -> Keeper:
    """Drills of the default site, until `over` is set."""
    configuration = process.loaded.configuration
    worker_context = worker_context_of(
        configuration, process.database, process.doorbell, configuration.default_site, process.home,
        process.loaded.roster,
    )  # fmt: skip
    return Keeper(worker_context=worker_context, hands=HANDS, stop=over)


def _follow(process: Process, number: int) -> None:
    """Tell what happens until it is over."""
    seen, console, began = 0, plain_console(), time.monotonic()
    while True:
        with process.database.read() as connection:
            events = [one for one in ledger.of_incident(connection, number) if one.seq > seen]
            known = drills.get(connection, number)
        for event in events:
            seen = event.seq
            if event.kind in SHOWN:
                said = marked(str(event.payload.get(SHOWN[event.kind], "")))
                console.print(f"[dim]{time.monotonic() - began:6.1f} s[/] {said}")
        if known is not None and known.is_over:
            return
        time.sleep(LOOK_SECONDS)


def figures_of(drill: Drill) -> dict[str, Any]:
    """For programs: names as in docs/drills.md."""
    plain = asdict(drill) | {
        "level": int(drill.level),
        "production_changes": len(drill.production_changes),
        "leftovers": len(drill.leftovers),
        "changed": list(drill.production_changes),
        "left": list(drill.leftovers),
    }
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in plain.items()}


def _show(drill: Drill) -> None:
    console = plain_console()
    console.print(marked(drill.how))
    rows = {
        "RTO": drill.rto_seconds and duration(drill.rto_seconds),
        "RPO": drill.rpo_seconds and duration(drill.rpo_seconds),
        phrase("Production"): listed(drill.production_changes) or phrase("unchanged"),
        phrase("Left behind"): listed(drill.leftovers) or phrase("nothing"),
        phrase("Network"): None if drill.packets_to_production == 0 else phrase("not seen to be closed"),
        phrase("Why"): drill.why,
    }
    for name, value in rows.items():
        if value:
            console.print(f"  {marked(name)}: {marked(value)}")
