"""Where a recovery has brought the whole system up last, as the runs tell."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from drbot.core.runs.run import Run, RunKind, RunState
from drbot.core.site.level import Level
from drbot.store.base.reading import readable
from drbot.store.base.rows import run_of
from drbot.store.base.schema import runs
from drbot.store.runs import sub_runs

SEEN = 50  # of the newest runs: older ones say nothing about today
_MOVES = (RunKind.RECOVER, RunKind.UNDO, RunKind.LEAD_BACK)


def moved_to(connection: Connection, sites: Collection[str]) -> Run | None:
    """The newest run that brought a whole system up on one of these sites, and that nobody has taken back."""
    query = select(runs).where(
        runs.c.state == RunState.SUCCEEDED.value, runs.c.kind.in_([kind.value for kind in _MOVES])
    )
    taken_back: set[int] = set()
    for run in readable(connection.execute(query.order_by(runs.c.finished_at.desc()).limit(SEEN)), runs, run_of):
        if is_move(run):  # of level 4 it is a part, and users are there once the whole is done
            is_done = sub_runs.whole_of(connection, run).state is RunState.SUCCEEDED
            if is_done and run.site in sites and run.incident not in taken_back:
                return run
        elif run.kind is RunKind.LEAD_BACK or (run.kind is RunKind.UNDO and _level(run) >= Level.HOST):
            taken_back.add(run.incident)
    return None


def is_move(run: Run) -> bool:
    """Whether it brings a whole system up, and no copy of one."""
    is_real = run.plan is not None and run.plan.mode == "real"
    return is_real and run.kind is RunKind.RECOVER and _level(run) >= Level.HOST


def _level(run: Run) -> int:
    return run.plan.level if run.plan is not None else 0
