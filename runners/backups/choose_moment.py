"""A moment as the backup of a plan: the base backup that a recovery to it begins with, and what was received since."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drbot.core.base.errors import BackupError, PermanentError, TemporaryError, UserError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.site import Site
from drbot.core.site.wal import NOT_RECEIVED, RECEIVE, Archive, Base, exactly, moment_in, moment_name
from drbot.core.text.messages import clauses, closed, phrase
from drbot.runners.backups.moments import Goal, continuous_of, goal_of, seen, wanted_by
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.continuous import Continuous
from drbot.runners.contract.action import StepContext
from drbot.runners.foundation.watching import Cancelled


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """What was received of one site's PostgreSQL. `system`, `site`: whose data it is. `home`: of the worker.
    `server_major`: of the server that will read it; None = not known.
    """

    continuous: Continuous
    archive: Callable[[], Archive]  # what there is; one survey looks once
    home: Path
    system: str
    site: str
    server_major: int | None = None

    def goal(self, moment: datetime | None) -> Goal:
        """Raises PermanentError with why it cannot be reached, TemporaryError."""
        return goal_of(self.archive(), moment, datetime.now(UTC), seen(self.home, self.site))

    def identity(self, moment: datetime | None) -> BackupIdentity:
        """Raises the same."""
        goal = self.goal(moment)
        if self.server_major is not None and goal.base.version != str(self.server_major):
            raise PermanentError(
                phrase(
                    "it was received from PostgreSQL {version}, and the server here is {server}",
                    version=goal.base.version,
                    server=self.server_major,
                )
            )
        return BackupIdentity(
            place=self.place_of(goal.base),
            name=moment_name(moment),
            size=goal.base.size,
            sha256=goal.base.digest,
            snapshot_at=goal.as_of,
            manifest=False,
            server_version=goal.base.version,
            system=self.system,
            site=self.site,
        )

    def place_of(self, base: Base) -> str:
        return f"{self.continuous.bases_place}/{base.series}/{base.name}"

    def sealed(self, backup: BackupIdentity) -> Goal:
        """The goal of a plan, by the very base backup that it was made for. Raises BackupError, TemporaryError."""
        archive = self.archive()
        base = next((one for one in archive.bases if self.place_of(one) == backup.place), None)
        if base is None:
            raise BackupError(phrase("the base backup {name} is no longer there", name=backup.place))
        if base.digest != backup.sha256:
            raise BackupError(
                phrase("{name} is not the file that the plan was made for: it was replaced", name=backup.place)
            )
        if missing := archive.gap_since(base):
            raise BackupError(phrase("The WAL segment {name} is missing", name=missing))
        moment, seen_at = moment_in(backup.name), seen(self.home, self.site)
        is_all_there = moment is not None and seen_at is not None and seen_at >= moment
        return Goal(base=base, moment=moment, is_all_there=is_all_there, as_of=backup.snapshot_at)


def past_of(clients: Clients, site: Site, name: str, system: str, cancelled: Cancelled) -> Past | None:
    """None: dr.yml does not ask for it."""
    if wanted_by(site) is None:
        return None
    continuous = continuous_of(clients, site, name, cancelled)
    major = continuous.postgres.major_version()
    return Past(
        continuous=continuous,
        archive=lambda: clients.once.of(("archive", name), continuous.archive),
        home=clients.settings.home,
        system=system,
        site=name,
        server_major=major,
    )


def past_in(context: StepContext) -> Past:
    """Of the plan's site. Raises PermanentError."""
    site = context.plan.data_of
    past = past_of(context.clients, context.site, site, context.configuration.system, context.cancelled)
    if past is None:
        raise PermanentError(NOT_RECEIVED)
    return past


def named(past: Past | None, name: str) -> BackupIdentity:
    """The moment of this name. Raises UserError with what is possible instead."""
    tried = phrase("Looked for what was received up to {moment}.", moment=as_of_text(name))
    if past is None:
        raise UserError(tried, NOT_RECEIVED, RECEIVE)
    try:
        return past.identity(moment_in(name))
    except (PermanentError, TemporaryError) as error:
        raise UserError(
            tried, closed(str(error)), phrase("Name another moment, or a backup: /dr recover to 02:13")
        ) from error


def newest(past: Past | None, is_lost: Callable[[], bool]) -> tuple[BackupIdentity | None, str]:
    """All that was received, where PostgreSQL does not answer; else why there is none, "" where none is wanted: of data
    that is there and wrong, only people can say since when.
    """
    if past is None or not is_lost():
        return None, ""
    try:
        return past.identity(None), ""
    except (PermanentError, TemporaryError) as error:
        return None, clauses([phrase("the newest moment"), str(error)])


def as_of_text(name: str) -> str:
    moment = moment_in(name)
    return phrase("the newest moment") if moment is None else phrase("{moment} UTC", moment=exactly(moment))
