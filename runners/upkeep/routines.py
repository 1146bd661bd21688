"""Does what is due by the calendar of dr.yml, beside the runs: any number of workers may look, one of them does it."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from drbot.core.base.cron import Calendar
from drbot.core.base.errors import CancelledError, DrbotError
from drbot.core.base.repeating import repeat
from drbot.core.ledger.events import EventKind
from drbot.core.text.messages import phrase
from drbot.core.text.words import cut
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.execution.site_lock import is_free
from drbot.runners.foundation.watching import Cancelled
from drbot.store.records import routines

log = structlog.get_logger()

LOOK_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What is done, and when; `calendar` None: dr.yml does not ask for it."""

    key: str
    name: str  # what people call it
    calendar: Calendar | None
    act: Callable[[Cancelled], object]


def keep_doing(worker_context: WorkerContext, works: Iterable[Work], stop: threading.Event) -> list[threading.Thread]:
    """Until `stop`, each in a thread: none waits for another one."""
    threads = [
        threading.Thread(
            target=repeat,
            args=(partial(do_if_due, worker_context, work, stop), LOOK_SECONDS, stop, work.key),
            name=work.key,
            daemon=True,
        )
        for work in works
    ]
    for thread in threads:
        thread.start()
    return threads


def do_if_due(worker_context: WorkerContext, work: Work, stop: threading.Event) -> None:
    """Once, if it is due and no run holds the site. Raises TemporaryError while the state does not answer."""
    taken = _take(worker_context, work)
    if taken is None:
        return
    log.info("Begins what is due.", what=work.key, due=f"{taken.due_at:%Y-%m-%d %H:%M}")
    begun = time.monotonic()
    with _kept(worker_context, taken) as lost:
        fault = _fault_of(work, lambda: stop.is_set() or lost.is_set())
    seconds = time.monotonic() - begun
    with worker_context.database.write() as tx:
        if fault is None:
            routines.give_back(tx, taken)
        elif fault:
            routines.failed(tx, taken, seconds, worker_context.redact(fault))
            if not taken.fault:  # told once, however often it is tried again
                what = phrase("{name}: not done.", name=work.name)
                tx.record(EventKind.CONTROL_FAILED, what=what, why=worker_context.redact(fault))
        else:
            routines.done(tx, taken, seconds)


def _take(worker_context: WorkerContext, work: Work) -> routines.Routine | None:
    with worker_context.database.write() as tx:
        if work.calendar is None:
            routines.unplan(tx, work.key)
            return None
        routines.plan(tx, work.key, work.calendar)
        if not is_free(tx.connection, worker_context.site_name):
            return None
        return routines.take(tx, work.key, worker_context.owner)


def _fault_of(work: Work, cancelled: Cancelled) -> str | None:
    """Why it could not be done; "" = it was done; None = it was stopped."""
    try:
        work.act(cancelled)
    except CancelledError:
        return None
    except DrbotError as error:
        log.warning("What was due could not be done.", what=work.key, error=str(error))
        return str(error)
    except Exception as error:
        log.exception("What was due could not be done, in a way nobody foresaw.", what=work.key)
        return phrase("{error}: {why}", error=type(error).__name__, why=cut(f"{error}", 500))
    return ""


@contextmanager
def _kept(worker_context: WorkerContext, taken: routines.Routine) -> Iterator[threading.Event]:
    """Nobody else does it inside. What is yielded is set when it must end."""
    lost, over = threading.Event(), threading.Event()

    def look() -> None:
        with worker_context.database.write() as tx:
            if not (routines.keep(tx, taken) and is_free(tx.connection, worker_context.site_name)):
                lost.set()

    every = worker_context.timing.renew
    watch = threading.Thread(target=repeat, args=(look, every, over, taken.key), name="keep", daemon=True)
    watch.start()
    try:
        yield lost
    finally:
        over.set()
        watch.join()
