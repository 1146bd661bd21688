"""Whether the database names this worker's own key: people's codes are sealed for what stands there.

Who finds another one closes the gates until the worker is started again, also when the row is put back meanwhile: what
was typed in between may be known to whoever changed it.
"""

import structlog

from drbot.core.base.signing import fingerprint
from drbot.core.ledger.events import EventKind
from drbot.core.site.readiness import Line, bad
from drbot.core.text.messages import phrase
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.foundation.own_record import OwnRecord
from drbot.store.base.database import Transaction
from drbot.store.records import codes

log = structlog.get_logger()


def publish_key(tx: Transaction, worker_context: WorkerContext) -> None:
    """At the start of a worker; what it finds in its place is told."""
    before, own = codes.worker_key(tx.connection, worker_context.site_name), worker_context.key.public
    if before is not None and before != own and worker_context.drill is None:
        _record(tx, worker_context, before)
    codes.publish(tx, worker_context.site_name, own)
    worker_context.own.saw_key(worker_context.site_name, "")


def doubt_key(worker_context: WorkerContext, published: str) -> None:
    """Another key stands there, or none does: noted on this host, and told once."""
    name = fingerprint(published) if published else "-"
    if worker_context.own.strange_key(worker_context.site_name):
        return
    log.error("Another key than this worker's is published; no gate opens.", site=worker_context.site_name, key=name)
    worker_context.own.saw_key(worker_context.site_name, name)
    with worker_context.database.write() as tx:
        _record(tx, worker_context, published)


def worker_key_line(own: OwnRecord, site: str) -> Line | None:
    """A red line of readiness; None while all is as it should be."""
    strange = own.strange_key(site)
    if not strange:
        return None
    return bad(
        phrase("the worker's key"),
        phrase("the database named {key} for it, so no gate opens", key=strange),
        phrase("Find out who writes the database, then restart the worker (drbot docs security)."),
    )


def _record(tx: Transaction, worker_context: WorkerContext, published: str) -> None:
    tx.record(
        EventKind.WORKER_KEY_CHANGED,
        site=worker_context.site_name,
        published=fingerprint(published) if published else "-",
        own=fingerprint(worker_context.key.public),
    )
