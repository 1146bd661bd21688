"""`drbot drill`: practise a recovery now, from a terminal, with its progress and its figures."""

import json
import signal
import threading
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from drbot.cli.dr import person_named
from drbot.cli.logs import configure_logs
from drbot.cli.processes import Process, start_process
from drbot.cli.terminal import Config, Home, marked, plain_console
from drbot.commands.dispatch import dispatch
from drbot.commands.facts.context import context_of
from drbot.commands.speech.messages import Request
from drbot.core.approvals.approval import EntryPoint
from drbot.core.base.errors import UserError
from drbot.core.ledger.events import EventKind
from drbot.core.runs.drill import ENDS, Drill, DrillEnd
from drbot.core.text.messages import duration, listed, phrase
from drbot.runners.main import HANDS, worker_context_of
from drbot.runners.upkeep.drill_keeper import Keeper
from drbot.store.base import ledger
from drbot.store.base.file_modes import private
from drbot.store.records import drills

LOOK_SECONDS = 0.5
SHOWN = {EventKind.DRILL_STEP: "text", EventKind.STEP_STARTED: "title", EventKind.RUN_FAILED: "why"}

Level = Annotated[int, typer.Option("--level", min=1, max=4, help="Which level is practised")]
Json = Annotated[Path | None, typer.Option("--json", help="Write what was measured into this file")]
Attended = Annotated[bool, typer.Option("--attended", help="Two people approve, as in an incident; else stand-ins do")]
Service = Annotated[str, typer.Option(help="Level 1: which service is stopped in the copy")]
Who = Annotated[str, typer.Option("--as", help="Who you are in dr.yml (default: DRBOT_PERSON, else your login)")]


def drill(
    level: Level,
    service: Service = "",
    attended: Attended = False,
    result: Json = None,
    person: Who = "",
    config: Config = None,
    home: Home = None,
) -> None:
    """Make a copy of the system in an engine without a network, break it, recover it, measure, remove it. Production is
    only read. Ends with 0 when it was recovered within RTO and RPO and nothing is left.
    """
    process = start_process(config, home)
    number = _ask(process, level, service, attended, person)
    over = threading.Event()
    configure_logs(open(process.home / "drill.log", "a", buffering=1, opener=private))  # noqa: SIM115 - to the very end
    keeping = threading.Thread(target=_keeper(process, over).run, name="drills", daemon=True)
    keeping.start()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        found = _follow(process, number)
    except KeyboardInterrupt:
        plain_console().print(marked(phrase("Ending: the copy is removed first.")))
        over.set()
        found = _follow(process, number)
    over.set()
    keeping.join()
    _show(found)
    if result is not None:
        result.write_text(json.dumps(figures_of(found), indent=2) + "\n")
    clean = not found.production_changes and not found.leftovers and found.packets_to_production == 0
    raise typer.Exit(0 if found.end is DrillEnd.PASSED and clean else 1)


def _ask(process: Process, level: int, service: str, attended: bool, person: str) -> int:
    """The number of the new drill. Raises UserError."""
    commands = context_of(process.database, process.doorbell, process.loaded)
    words = f"drill level{level} {service} {'' if attended else 'rehearsed'}".strip()
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
        raise UserError(phrase("You asked for a drill."), reply.text)
    plain_console().print(marked(reply.text))
    with process.database.read() as connection:
        going = drills.going_on(connection)
    assert going is not None
    return going.incident


def _keeper(process: Process, over: threading.Event) -> Keeper:
    configuration = process.loaded.configuration
    worker_context = worker_context_of(
        configuration,
        process.database,
        process.doorbell,
        configuration.default_site,
        process.home,
        process.loaded.roster,
    )
    return Keeper(worker_context=worker_context, hands=HANDS, stop=over)


def _follow(process: Process, number: int) -> Drill:
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
            return known
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
    if drill.end is not None:
        console.print(marked(ENDS[drill.end]))
    rows = {
        "RTO": drill.rto_seconds and duration(drill.rto_seconds),
        "RPO": drill.rpo_seconds and duration(drill.rpo_seconds),
        phrase("Production"): listed(drill.production_changes) or phrase("unchanged"),
        phrase("Left behind"): listed(drill.leftovers) or phrase("nothing"),
        phrase("Why"): drill.why,
    }
    for name, value in rows.items():
        if value:
            console.print(f"  {marked(name)}: {marked(value)}")
