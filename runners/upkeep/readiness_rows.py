"""Everything that a recovery needs, in one table: what is looked at, how, and whose worker looks. `drbot check` goes
through all of it at once; each worker goes through its own rows again and again (readiness_keeper.py).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import structlog
from sqlalchemy import Connection

from drbot.core.base.errors import DrbotError
from drbot.core.site.inventory import Inventory
from drbot.core.site.people import Roster
from drbot.core.site.proofs import BackupProof
from drbot.core.site.readiness import Line, approvers_line, bad, of_site
from drbot.core.site.site import Approvals, Configuration
from drbot.core.site.stored_backups import StoredBackup
from drbot.core.text.messages import listed, phrase
from drbot.runners.clients.clients import clients_of
from drbot.runners.foundation.own_record import OwnRecord
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.second_factor.totp_secrets import TotpSecrets
from drbot.runners.upkeep.action_readiness import action_lines
from drbot.runners.upkeep.backup_readiness import look_at_backups, look_at_backups_of, proof_lines
from drbot.runners.upkeep.key_watch import worker_key_line
from drbot.runners.upkeep.moved_readiness import moved, running_services, users_lines
from drbot.runners.upkeep.outside_readiness import (
    certificate_line,
    dns_line,
    new_place_line,
    programs_line,
    runbooks_line,
)
from drbot.runners.upkeep.readiness import (
    confirmed_lines,
    second_factor_line,
    site_lines,
)
from drbot.runners.upkeep.rented_readiness import rented_and_open, rented_lines
from drbot.runners.upkeep.routine_readiness import routine_lines
from drbot.runners.upkeep.scheduled_drills import drill_lines
from drbot.store.base.database import Database
from drbot.store.records import proofs, routines

log = structlog.get_logger(__name__)


class Who(StrEnum):
    """Whose worker looks; the words are those of docs/readiness.md."""

    SITE = "the site's worker"
    DEFAULT = "the default site's worker"
    KEYS = "the control site's worker"  # which has the keys of whoever rents machines; without one the default site's
    SCHEDULED = "the worker of each other site in `backups.schedule`"

    def looks_at(self, configuration: Configuration, site: str) -> bool:
        """Whether that is the worker of this site."""
        if self is Who.SITE:
            return True
        if self is Who.SCHEDULED:
            return site != configuration.default_site and site in configuration.backups.schedule.sites
        control = configuration.recovery.control if configuration.recovery is not None else None
        keys = control or configuration.default_site
        return site == (keys if self is Who.KEYS else configuration.default_site)


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What one look goes by, and what it comes across. `database`: None where the state cannot be opened."""

    configuration: Configuration
    home: Path
    roster: Roster  # in force, as are the approvals
    approvals: Approvals
    database: Database | None
    own_state: Callable[[], Line] | None = None  # how drbot's own state stands
    away: frozenset[str] = frozenset()  # people whose votes Slack would not bring
    inventories: list[tuple[str, Inventory]] = field(default_factory=list)  # by site
    backups: list[StoredBackup] = field(default_factory=list)  # of all sites that it looks at


Probe = Callable[[Look, str], Iterable[Line]]  # the second: a site


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """`names`: the rows of docs/readiness.md that its lines belong to."""

    names: tuple[str, ...]
    probe: Probe
    who: Who = Who.DEFAULT


def _site(look: Look, site: str) -> Iterator[Line]:
    yield from site_lines(
        look.configuration,
        site,
        RunnerSettings.from_environment(look.home),
        lambda found: look.inventories.append((site, found)),
        users_are_here=site == (_users_at(look) or look.configuration.default_site),
    )


def _users_at(look: Look) -> str:
    """The site that a recovery brought users to last; "" = none did, or nobody knows."""
    if look.database is None:
        return ""
    with look.database.read() as connection:
        run = moved(connection, look.configuration)
    return run.site if run is not None else ""


def _users(look: Look, site: str) -> Iterable[Line]:
    """Each site's own, for after the loss of a host the default site's worker may be lost with it. Nobody is at a new
    host on which nothing runs: its people went home by themselves.
    """
    known = _by_state(lambda _, state, __: users_lines(state, look.configuration, site))
    lines = tuple(known(look, site))
    return lines if all(line.well for line in lines) or _is_running(look, site) else ()


def _is_running(look: Look, site: str) -> bool:
    """Whether anything of the system does there; also where nobody can tell."""
    configuration, settings = look.configuration, RunnerSettings.from_environment(look.home)
    clients = clients_of(configuration.site(site), configuration, settings, patience_seconds=0)
    try:
        return bool(running_services(configuration.site(site), clients.docker))
    except DrbotError:
        return True
    finally:
        clients.close()


def _approvers(look: Look, _: str) -> Iterator[Line]:
    yield approvers_line(look.roster, look.approvals, datetime.now(UTC), look.away)


def _second_factor(look: Look, _: str) -> Iterator[Line]:
    """Where no worker has ever run, nobody knows who has an authenticator."""
    if (look.home / "worker").is_dir():
        line = second_factor_line(look.roster, TotpSecrets(look.home))
        yield from (line,) if line is not None else ()


def _worker_key(look: Look, site: str) -> Iterator[Line]:
    line = worker_key_line(OwnRecord(look.home), site)
    yield from (line,) if line is not None else ()


def _backups(look: Look, _: str) -> Iterator[Line]:
    looked = look_at_backups(look.configuration, _tried(look, look.configuration.default_site))
    look.backups.extend(looked.found)
    yield from looked.lines


def _backups_elsewhere(look: Look, site: str) -> Iterator[Line]:
    looked = look_at_backups_of(site, look.configuration, _tried(look, site))
    look.backups.extend(looked.found)
    yield from looked.lines


def _tried(look: Look, site: str) -> Sequence[BackupProof]:
    """Where the state cannot be opened nothing is known of proofs, and a line of its own says so."""
    if look.database is None:
        return ()
    try:
        with look.database.read() as connection:
            return proofs.list_of(connection, site)
    except DrbotError:
        return ()


def _proofs(look: Look, site: str) -> Iterable[Line]:
    """What is known of the backups that were found a moment ago."""
    known = _by_state(
        lambda _, state, __: proof_lines(look.configuration, site, look.backups, proofs.list_of(state, site))
    )
    return known(look, site)


def _rented(look: Look, _: str) -> Iterator[Line]:
    """Makers answer slowly, so nothing is held open in the state meanwhile."""
    if look.database is None:
        yield from rented_lines(look.configuration, (), frozenset())
        return
    with look.database.read() as connection:
        known, going_on = rented_and_open(connection)
    yield from rented_lines(look.configuration, known, going_on)


def _own_state(look: Look, _: str) -> Iterator[Line]:
    if look.own_state is not None:
        yield look.own_state()


def _by_state(ask: Callable[[Look, Connection, datetime], Iterable[Line]]) -> Probe:
    """What the state knows, with its time; nothing where it cannot be opened, which a line of its own says."""

    def probe(look: Look, _: str) -> Iterable[Line]:
        if look.database is None:
            return ()
        with look.database.read() as connection:
            return tuple(ask(look, connection, look.database.now(connection)))

    return probe


def _by_file(ask: Callable[[Configuration], Iterable[Line]]) -> Probe:
    """What dr.yml alone leads to."""
    return lambda look, _: ask(look.configuration)


SYSTEM = (
    "Docker engine", "compose projects", "volumes", "mounts", "health checks", "services", "PostgreSQL role",
    "WAL of PostgreSQL", "old services",
    "restart policies", "memory and CPU limits", "room for a copy", "clock", "alert rules", "own checks",
)  # fmt: skip
BACKUPS = (
    "backup of PostgreSQL, full backup", "folder of backups, places of backups", "copies of PostgreSQL backups",
    "copies of full backups", "restic", "3-2-1 rule",
)  # fmt: skip
SCHEDULED = "scheduled backup of PostgreSQL, scheduled full backup, scheduled drills"

ROWS: tuple[Row, ...] = (
    Row(names=("users",), who=Who.SITE, probe=_users),
    Row(names=("approvers",), probe=_approvers),
    Row(names=("second factor",), probe=_second_factor),
    Row(names=("the worker's key",), who=Who.SITE, probe=_worker_key),
    Row(names=SYSTEM, who=Who.SITE, probe=_site),
    Row(names=("rented machines",), who=Who.KEYS, probe=_rented),
    Row(names=BACKUPS, probe=_backups),
    Row(names=("proof of PostgreSQL backups", "proof of full backups"), probe=_proofs),
    Row(names=("backups of another site",), who=Who.SCHEDULED, probe=_backups_elsewhere),
    Row(names=("proofs of another site",), who=Who.SCHEDULED, probe=_proofs),
    Row(
        names=(SCHEDULED,),
        probe=_by_state(lambda _, state, now: routine_lines(routines.list_of(state), now)),
    ),
    Row(
        names=("drill of each level",),
        probe=_by_state(lambda look, state, now: drill_lines(state, look.configuration, now)),
    ),
    Row(
        names=("action items",),
        probe=_by_state(lambda look, state, now: action_lines(state, look.configuration, look.roster, now)),
    ),
    Row(
        names=("people can be reached", "roster was read", "key of full backups"),
        probe=_by_state(lambda look, state, _: confirmed_lines(look.roster, state)),
    ),
    Row(names=("copy of drbot's own state",), probe=_own_state),
    Row(names=("new place",), probe=_by_file(lambda file: [new_place_line(file)])),
    Row(names=("runbooks",), probe=_by_file(lambda file: [runbooks_line(file)])),
    Row(names=("certificate",), probe=_by_file(certificate_line)),
    Row(names=("programs",), who=Who.KEYS, probe=_by_file(programs_line)),
    Row(names=("DNS names",), who=Who.KEYS, probe=_by_file(dns_line)),
)


def lines_of(look: Look, sites: Sequence[str], rows: Sequence[Row] = ROWS) -> Iterator[Line]:
    """What the workers of these sites would see, each line as soon as it is known. Raises TemporaryError when the state
    does not answer.
    """
    for row in rows:
        for site in sites:
            if row.who.looks_at(look.configuration, site):
                yield from _seen(row, look, site)


def _seen(row: Row, look: Look, site: str) -> Iterator[Line]:
    """A file or a record that nobody foresaw ends this look and no other: old words would stay green."""
    try:
        yield from row.probe(look, site)
    except Exception as error:
        log.exception("A look ended in a way nobody foresaw.", looked_at=row.names[:1], site=site)
        yield bad(
            of_site(site, phrase("unfinished look")),
            phrase("{names} could not be looked at ({why})", names=listed(row.names[:1]), why=type(error).__name__),
            phrase(
                "The worker's log says why: a file or a record that drbot does not understand, or a fault of drbot's."
            ),
        )
