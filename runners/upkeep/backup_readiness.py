"""Is there a backup to recover from tonight, and how much would be lost? Looks at every place, and changes nothing."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from drbot.core.base.errors import DrbotError
from drbot.core.site.readiness import Line, bad, good, soon
from drbot.core.site.site import Configuration
from drbot.core.text.messages import clauses, duration, phrase
from drbot.core.text.words import clock
from drbot.runners.backups.choose_dump import owner_fault
from drbot.runners.backups.choose_full import candidates
from drbot.runners.clients.backup_store import Backup, BackupStore
from drbot.runners.clients.full_store import full_stores, is_of, password
from drbot.runners.clients.restic import installed_version, version_fault

DUMP: str = phrase("backup of PostgreSQL")
FULL: str = phrase("full backup")
MAKE: Mapping[str, str] = {DUMP: "drbot backup postgres", FULL: "drbot backup full"}
SOON = 0.8
"""Of the RPO: older than this a backup is still good, and the next one is not far away."""


def backup_lines(configuration: Configuration) -> Iterator[Line]:
    """The newest of each kind for the default site, and whether every place answers."""
    try:
        postgres = BackupStore(configuration.backups.directory).newest_first()
    except DrbotError as error:
        yield bad(DUMP, str(error), phrase("Correct `backups` in dr.yml, or make the folder reachable."))
    else:
        dumps = [(b.name, b.snapshot_at) for b in postgres if _counts(b, configuration)]
        yield newest_line(DUMP, dumps, configuration, datetime.now(UTC))
    if configuration.object_store is not None:
        yield from _about_full(configuration)


def _about_full(configuration: Configuration) -> Iterator[Line]:
    full = candidates(full_stores(configuration))
    site, system = configuration.default_site, configuration.system
    made = [(b.name, b.moment) for b in full.backups if not b.fault and (b.archive or is_of(b, system, site))]
    yield newest_line(FULL, made, configuration, datetime.now(UTC))
    what = phrase("places of full backups")
    if full.silent:
        yield bad(what, clauses(full.silent), phrase("See that each can be reached from here, with its keys."))
    else:
        yield good(what, phrase("all answer"))
    yield _about_restic()


def _about_restic() -> Line:
    if fault := version_fault():
        return bad("restic", fault, phrase("Full backups are made and restored with it."))
    if password():
        return good("restic", clauses([installed_version(), phrase("full backups are encrypted")]))
    plain = phrase("full backups are not encrypted")
    remedy = phrase("Set RESTIC_PASSWORD in the environment to encrypt new places.")
    return soon("restic", clauses([installed_version(), plain]), remedy)


def _counts(backup: Backup, configuration: Configuration) -> bool:
    """Whether it can be used for the site that is meant when none is named."""
    return not backup.fault and not owner_fault(backup.manifest, configuration.system, configuration.default_site)


def newest_line(what: str, found: Sequence[tuple[str, datetime]], configuration: Configuration, now: datetime) -> Line:
    """`found`: names and moments, the newest first. A breach of the RPO is foreseen."""
    if not found:
        remedy = phrase("{command} makes one, best from cron.", command=MAKE[what])
        return bad(what, phrase("there is none"), remedy)
    name, moment = found[0]
    age, allowed = (now - moment).total_seconds(), configuration.targets.rpo
    old = phrase("{name} is {age} old", name=name, age=duration(age))
    if age > allowed:
        late = phrase("{name} is {age} old, more than the RPO of {allowed}", name=name, age=duration(age),
                      allowed=duration(allowed))  # fmt: skip
        return bad(what, late, phrase("{command} makes one. Is cron running?", command=MAKE[what]))
    if age > SOON * allowed:
        until = clock(moment + timedelta(seconds=allowed))
        return soon(what, old, phrase("The next one must end by {until}, or the RPO is missed.", until=until))
    return good(what, old)
