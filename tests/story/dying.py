"""What stories need to kill the new host's engine and see what came of it."""

import os
import signal
from pathlib import Path

from drbot.cli import demo_centre
from drbot.cli.demo_player import DemoPlayer
from drbot.cli.demo_stack import DemoStack
from drbot.core.ledger.events import EventKind
from drbot.core.runs.run import Run
from drbot.lab import daemon
from drbot.lab.sites import Sites
from drbot.store.base import ledger
from tests.waiting import wait_for


def starts_of(player: DemoPlayer, run: str) -> dict[str, int]:
    """Step → how often it was started."""
    with player.database.read() as connection:
        events = ledger.after(connection, 0, 10_000)
    started = [event.step or "" for event in events if event.kind is EventKind.STEP_STARTED and event.run == run]
    return {step: started.count(step) for step in started}


def kill_engine(sites: Sites) -> None:
    """kill -9 of the new host's engine, which is this test's own, and its start by whoever looks after the host."""
    process = daemon.our_process(daemon.runtime_folder(sites.second.folder))
    assert process is not None
    os.kill(process, signal.SIGKILL)
    wait_for(lambda: not sites.second.is_up(), 30, "the engine to be gone")
    sites.second.start()


def survivors(sites: Sites, run: Run) -> list[str]:
    """Containers of the run that are still there."""
    with sites.recovered.client() as client:
        return [one.name or "" for one in client.containers.list(filters={"label": f"drbot.run={run.id}"})]


def kill_joined(stack: DemoStack) -> None:
    """kill -9 of the worker, not of the script that looks after it."""
    script = stack.processes[demo_centre.JOINED].pid
    [worker] = Path(f"/proc/{script}/task/{script}/children").read_text().split()
    os.kill(int(worker), signal.SIGKILL)
