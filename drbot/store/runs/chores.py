"""What whoever looks first does, bot or worker: each is guarded in SQL, so any number of them may come at once."""

from datetime import datetime
from functools import partial

from sqlalchemy import ColumnElement, Connection, select

from drbot.core.approvals.approval import ApprovalRequest, RequestState
from drbot.core.runs.incident import IncidentState
from drbot.core.runs.run import Leftover, Run, RunState, StepRecord
from drbot.core.text.messages import phrase
from drbot.store.base.database import Database, Transaction
from drbot.store.base.reading import left_out_where_unreadable, readable
from drbot.store.base.rows import run_of
from drbot.store.base.schema import incidents
from drbot.store.base.schema import runs as rows
from drbot.store.base.schema import steps as step_rows
from drbot.store.records import leases, requests, steps
from drbot.store.runs import runs

TOO_LATE: str = phrase("It was approved, but not started in time.")
UNDECIDED: str = phrase("Nobody decided in time.")


def take_from_dead(tx: Transaction) -> list[Run]:
    """Runs whose worker is gone: back into the queue, to a person, or to their end. How they are now."""
    lost = leases.expire_leases(tx)
    runs.end_unheard(tx)
    return list(left_out_where_unreadable(lost, partial(runs.get, tx.connection)))


def end_overdue(database: Database) -> list[Run]:
    """Silence never approves: requests end by themselves. The runs that waited for one."""
    with database.read() as connection:
        late = requests.overdue(connection, database.now(connection))

    def end(request: ApprovalRequest) -> list[Run]:
        why = TOO_LATE if request.state is RequestState.GRANTED else UNDECIDED
        with database.write() as tx:
            is_closed = requests.close(tx, request.id, RequestState.EXPIRED, why=why)
            return [runs.get(tx.connection, request.run)] if is_closed else []

    return [run for ended in left_out_where_unreadable(late, end) for run in ended]


def stopped(connection: Connection, site: str) -> list[str]:
    """The stopped runs of a site, of open incidents."""
    is_open = incidents.c.state != IncidentState.RESOLVED.value
    return _of_site(connection, site, is_open, RunState.STOPPED)


def resolved(connection: Connection, site: str) -> list[str]:
    """The runs of a site that ended early, of resolved incidents: nobody goes on from what they had prepared."""
    is_over = incidents.c.state == IncidentState.RESOLVED.value
    return _of_site(connection, site, is_over, RunState.STOPPED, RunState.FAILED)


def _of_site(connection: Connection, site: str, of: ColumnElement[bool], *states: RunState) -> list[str]:
    query = (
        select(rows.c.id)
        .join(incidents, incidents.c.id == rows.c.incident)
        .where(rows.c.site == site, rows.c.state.in_([state.value for state in states]), of)
    )
    return list(connection.execute(query).scalars())


def remaining(connection: Connection, incident: int | None = None) -> list[tuple[Run, StepRecord]]:
    """Copies of production's data that runs which are over made and whose worker could not remove them yet."""
    query = select(step_rows.c.run).where(step_rows.c.leftover == Leftover.REMAINS.value).distinct()

    def look(run_id: str) -> tuple[Run, list[StepRecord]]:
        return runs.get(connection, run_id), steps.of_run(connection, run_id)

    return [
        (run, record)
        for run, records in left_out_where_unreadable(connection.execute(query).scalars().all(), look)
        if incident in (None, run.incident)
        for record in records
        if record.leftover is Leftover.REMAINS
    ]


def unclaimed(connection: Connection, older_than: datetime) -> list[Run]:
    """Runs that have been queued since before `older_than`: their bell was not heard."""
    query = (
        select(rows)
        .where(rows.c.state == RunState.QUEUED.value, rows.c.queued_at < older_than)
        .order_by(rows.c.queued_at)
    )
    return list(readable(connection.execute(query), rows, run_of))
