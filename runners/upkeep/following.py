"""Has the WAL of a site's PostgreSQL received, as `continuous` in dr.yml asks: the receiver is there, base backups are
made and removed, and a server whose WAL nobody fetches does not fill its disk for it.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.base.repeating import repeat
from drbot.core.site.readiness import Line, bad, good, of_site, soon
from drbot.core.site.site import Continuous as Wanted
from drbot.core.site.site import Site
from drbot.core.site.wal import Archive, Base
from drbot.core.text.messages import duration, phrase
from drbot.core.text.words import size
from drbot.runners.backups.moments import continuous_of, keep_seen, wanted_by
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.continuous import Continuous, Following
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.execution.site_lock import is_free
from drbot.runners.foundation.watching import never

log = structlog.get_logger()

LOOK_SECONDS = 5.0
HELD_BYTES = 4 << 30
"""So much WAL a server keeps for a receiver that is away; then it is let go, and begins anew with a base backup."""
STUCK_LOOKS = 12
"""So often it may be on its way, for a minute."""
LATE = 1.5
"""Of the time between two base backups: one that takes hours is late before it is done."""
BEHIND_BYTES = 64 << 20
"""More than that, four segments, is no word of a moment ago."""


def keep_following(worker_context: WorkerContext, stop: threading.Event) -> None:
    """In a thread, until `stop`; where dr.yml does not ask for it, nothing."""
    wanted = wanted_by(worker_context.site)
    if wanted is None:
        return
    follower = Follower(
        continuous=continuous_of(
            worker_context.target.clients, worker_context.site, worker_context.site_name, stop.is_set
        ),
        wanted=wanted,
        seen=partial(keep_seen, worker_context.home, worker_context.site_name),
        may_act=partial(_may_act, worker_context),
    )
    threading.Thread(target=repeat, args=(follower.look, LOOK_SECONDS, stop, "wal"), name="wal", daemon=True).start()


def _may_act(worker_context: WorkerContext) -> bool:
    """Not while a run is at work on the server."""
    with worker_context.database.read() as connection:
        return is_free(connection, worker_context.site_name)


@dataclass(kw_only=True)
class Follower:
    """One site's. `base_due`: when it is looked again whether a base backup is due, seconds of the monotonic clock."""

    continuous: Continuous
    wanted: Wanted
    may_act: Callable[[], bool] = lambda: True
    seen: Callable[[datetime], None] = lambda moment: None  # told up to when all is received
    held_bytes: int = HELD_BYTES
    base_due: float = field(default_factory=time.monotonic)
    unheard: int = 0  # looks at a receiver that is there and does not receive, one after another

    def look(self) -> None:
        """What is to do now. Raises TemporaryError while engine or server do not answer, PermanentError."""
        now = datetime.now(UTC)
        following = self.continuous.following()
        if following is not None and following.behind == 0 and self.continuous.is_receiving():
            self.seen(now)
        if not self.may_act():
            return
        if following is not None and (following.is_lost or self._is_too_much(following) or self._is_stuck(following)):
            log.error("WAL was not received in time; it is received anew from now on.", held=following.held)
            self.continuous.stop()
        if self.continuous.start() is not None:
            self.base_due = time.monotonic()  # and stays due where this one fails
        if time.monotonic() >= self.base_due:
            self._base()

    def _is_too_much(self, following: Following) -> bool:
        return following.behind is None and following.held > self.held_bytes

    def _is_stuck(self, following: Following) -> bool:
        """As where older data of the same cluster was put in place: what it asks for next does not exist there."""
        silent = following.behind is None and self.continuous.is_receiving()
        self.unheard = self.unheard + 1 if silent else 0
        return self.unheard > STUCK_LOOKS

    def _base(self) -> None:
        """Of this series, and not too old: between two of another cluster nobody can tell which a moment is of."""
        now, bases = datetime.now(UTC), self.continuous.archive().bases
        self.continuous.remove_left(now)
        every = timedelta(seconds=self.wanted.base_every)
        if not bases or bases[0].series != self.continuous.series() or bases[0].ended_at + every <= now:
            bases = (self.continuous.take_base(now), *bases)
            log.info("Made a base backup.", name=bases[0].name)
        if (oldest := needed(bases, now - timedelta(seconds=self.wanted.keep))) != bases[-1]:
            self.continuous.forget_before(oldest)
        self.base_due = time.monotonic() + max(0.0, (bases[0].ended_at + every - now).total_seconds())


def needed(bases: tuple[Base, ...], since: datetime) -> Base:
    """The oldest, of these from the newest on, that a recovery to any moment since then begins with."""
    return next((one for one in bases if one.ended_at <= since), bases[-1])


def following_lines(clients: Clients, site: Site, name: str, now: datetime) -> Iterator[Line]:
    """Of readiness: nothing where dr.yml does not ask for it."""
    wanted = wanted_by(site)
    if wanted is None:
        return
    what = of_site(name, phrase("WAL of PostgreSQL"))
    try:
        yield _line(continuous_of(clients, site, name, never), wanted, what, now)
    except (PermanentError, TemporaryError) as error:
        yield bad(what, str(error), phrase("Start the services, then look again."))


def _line(continuous: Continuous, wanted: Wanted, what: str, now: datetime) -> Line:
    following = continuous.following()
    if following is not None and following.behind is not None and continuous.is_receiving():
        return _of_bases(continuous, wanted, what, following.behind, now)
    fault = continuous.refusal() or phrase("nobody receives it")
    held = following.held if following is not None else 0
    todo = phrase("Start the worker of this site; what it cannot do stands in its log.")
    return bad(what, phrase("{why}; the server keeps {size} of it", why=fault, size=size(held)), todo)


def _of_bases(continuous: Continuous, wanted: Wanted, what: str, behind: int, now: datetime) -> Line:
    if beyond := continuous.beyond_data():
        return bad(what, beyond, phrase("Move what is in them into the data folder, and drop them."))
    archive, series = continuous.archive(), continuous.series()
    bases = archive.bases
    if not bases or bases[0].series != series:
        return bad(what, phrase("there is no base backup yet"), phrase("The worker makes one; see its log."))
    if missing := archive.gap_since(bases[0]):
        todo = phrase("Restart the worker: it makes a new base backup.")
        return bad(what, phrase("The WAL segment {name} is missing", name=missing), todo)
    if behind > BEHIND_BYTES:
        return soon(
            what, phrase("{size} are not received yet", size=size(behind)), phrase("See whether its disk is full.")
        )
    seconds = (now - bases[0].ended_at).total_seconds()
    if seconds > LATE * wanted.base_every + LOOK_SECONDS:
        said = phrase("the newest base backup is of {age} ago", age=duration(seconds))
        return soon(what, said, phrase("The worker makes one; see its log."))
    age = duration(seconds)
    back = duration((now - _furthest(archive).ended_at).total_seconds())
    return good(what, phrase("received; base backup of {age} ago, back to {back} ago", age=age, back=back))


def _furthest(archive: Archive) -> Base:
    """The oldest from which every moment up to now can be reached; another series ends before this one begins."""
    same = [one for one in archive.bases if one.series == archive.bases[0].series]
    return next((one for one in reversed(same) if archive.gap_since(one) is None), same[0])
