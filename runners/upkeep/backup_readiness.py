"""Is there a backup to recover from tonight, and how much would be lost? Looks at every place, and changes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from drbot.core.base.errors import DrbotError
from drbot.core.base.table_names import database_of
from drbot.core.site.proofs import BackupProof, as_tried, proof_line
from drbot.core.site.readiness import Line, bad, good, of_site, soon
from drbot.core.site.site import Configuration
from drbot.core.site.stored_backups import BackupKind, StoredBackup, missing_of_321, newest_of
from drbot.core.text.messages import clauses, duration, listed, phrase, sentences
from drbot.core.text.words import clock
from drbot.runners.backups.choose_dump import BackupRules, cheap_fault, rows_fault
from drbot.runners.backups.choose_full import candidates
from drbot.runners.backups.in_places import Found, backups_in
from drbot.runners.clients.backup_store import Backup, BackupStore
from drbot.runners.clients.dump_store import StoredDump, dump_stores
from drbot.runners.clients.full_store import FullBackup, full_stores, is_made_for, is_of, password
from drbot.runners.clients.restic import installed_version, version_fault
from drbot.runners.foundation.watching import never, unheard

DUMP: str = phrase("backup of PostgreSQL")
FULL: str = phrase("full backup")
COPIES: Mapping[str, str] = {DUMP: phrase("copies of PostgreSQL backups"), FULL: phrase("copies of full backups")}
MAKE: Mapping[str, str] = {DUMP: "drbot backup postgres", FULL: "drbot backup full"}
Tried = Sequence[BackupProof]
SOON = 0.8
"""Of the RPO: older than this a backup is still good, and the next one is not far away."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """What was found in all places, for one site."""

    found: tuple[StoredBackup, ...] = ()
    lines: tuple[Line, ...] = ()


def look_at_backups(configuration: Configuration, tried: Tried = ()) -> Looked:
    """The newest of each kind that the default site needs, whether every place answers, and the 3-2-1 rule. `tried`:
    what is known of proofs; what could not be restored counts in no line.
    """
    site = configuration.default_site
    has_postgres = configuration.site(site).postgres is not None
    found, lines, silent = _look_at_dumps(configuration, site, tried) if has_postgres else ([], [], ())
    full, about_full, unheard_of = _look_at_full(configuration, site, tried)
    lines += [*about_full, _about_places(tuple(dict.fromkeys((*silent, *unheard_of)))), _about_restic()]
    found += full
    return Looked(found=tuple(found), lines=(*lines, line_of_321(as_tried(found, tried), configuration)))


def look_at_backups_of(site: str, configuration: Configuration, tried: Tried = ()) -> Looked:
    """Of another site, which `backups.schedule` names; lines about what is made there by the calendar."""
    schedule, has_postgres = configuration.backups.schedule, configuration.site(site).postgres is not None
    dumps, about_dumps, _ = _look_at_dumps(configuration, site, tried) if has_postgres else ([], [], ())
    full, about_full, _ = _look_at_full(configuration, site, tried)
    lines = [
        *(about_dumps if schedule.postgres is not None else ()),
        *(about_full if schedule.full is not None else ()),
    ]
    return Looked(found=(*dumps, *full), lines=tuple(replace(line, what=of_site(site, line.what)) for line in lines))


def _look_at_full(
    configuration: Configuration, site: str, tried: Tried
) -> tuple[list[StoredBackup], list[Line], tuple[str, ...]]:
    """Full ones, lines about them, and the places that do not answer. Nothing else brings Redis, files, settings and a
    whole host back.
    """
    stores, now = full_stores(configuration), datetime.now(UTC)
    there, buckets = candidates(stores), [one.place for one in stores if one.objects.keys()]
    found = [_stored(one, site) for one in there.backups if _is_ours(one, configuration.system, site)]
    known = as_tried(found, tried)
    lines = [newest_line(FULL, known, configuration, now)]
    if any(not one.fault for one in known):
        answered = [place for place in buckets if place in there.answered]
        lines += copies_lines(FULL, known, answered, configuration, now)
    return found, lines, there.silent


def _look_at_dumps(
    configuration: Configuration, site: str, tried: Tried
) -> tuple[list[StoredBackup], list[Line], tuple[str, ...]]:
    """Those of PostgreSQL, lines about them, and the places that do not answer."""
    lines: list[Line] = []
    there = backups_in(dump_stores(configuration), never)
    copies = _copied_dumps(there, configuration.system, site)
    here: tuple[Backup, ...] = ()
    try:
        there_is = BackupStore(configuration.backups.directory).newest_first()
        here = tuple(one for one in there_is if not _is_of_another(one, configuration, site))
    except DrbotError as error:
        todo = phrase("Correct `backups` in dr.yml, or make the folder reachable.")
        lines.append(bad(phrase("folder of backups"), str(error), todo))
    dumps = [(one.manifest is not None, _dump(one, configuration, site)) for one in here]
    found = [*copies, *(stored for _, stored in dumps)]
    lines.append(newest_line(DUMP, as_tried(found, tried), configuration, datetime.now(UTC)))
    own = [*copies, *(stored for is_drbots, stored in dumps if is_drbots)]
    if any(not one.fault for one in as_tried(own, tried)):
        lines += copies_lines(DUMP, as_tried(copies, tried), there.answered, configuration, datetime.now(UTC))
    return found, lines, there.silent


def _is_of_another(one: Backup, configuration: Configuration, site: str) -> bool:
    """Whether it says so of itself, and dr.yml has that site: each site's worker tells its own."""
    of = one.manifest.site if one.manifest is not None else ""
    return of not in ("", site) and of in configuration.sites


def proof_lines(
    configuration: Configuration, site: str, found: Sequence[StoredBackup], proofs: Sequence[BackupProof]
) -> Iterator[Line]:
    """Whether the newest of each kind of this site was seen to come back."""
    mine = [one for one in found if one.site == site]
    for kind in BackupKind:
        line = proof_line(kind, mine, proofs, configuration.backups.prove_within, datetime.now(UTC))
        if line is not None:
            yield line if site == configuration.default_site else replace(line, what=of_site(site, line.what))


def _dump(one: Backup, configuration: Configuration, site: str) -> StoredBackup:
    return StoredBackup(
        site=site, kind=BackupKind.POSTGRES, name=one.name, place=BackupStore(one.path.parent).place,
        is_off_site=False, moment=one.snapshot_at, size=one.size, fault=_fault(one, configuration, site),
        mark=one.mark,
    )  # fmt: skip


def _copied_dumps(there: Found[StoredDump], system: str, site: str) -> list[StoredBackup]:
    ours = [one for one in there.backups if is_made_for(one.snapshot, system, site)]
    return [
        StoredBackup(
            site=site, kind=BackupKind.POSTGRES, name=one.name, place=one.store.place, is_off_site=True,
            moment=one.snapshot_at, size=one.snapshot.size, fault=one.fault or "", mark=one.mark,
        )
        for one in ours
    ]  # fmt: skip


def copies_lines(
    kind: str, copies: Sequence[StoredBackup], buckets: Sequence[str], configuration: Configuration, now: datetime
) -> Iterator[Line]:
    """Of each bucket that answers: where the host is lost, a backup in it that the RPO allows is all there is."""
    allowed, wrong = configuration.targets.rpo, []
    for place in buckets:
        moments = [one.moment for one in copies if one.place == place and not one.fault]
        age = (now - max(moments)).total_seconds() if moments else None
        if age is None:
            wrong.append(phrase("{place} holds none", place=place))
        elif age > allowed:
            wrong.append(phrase("the newest in {place} is {age} old, more than the RPO of {allowed}", place=place,
                                age=duration(age), allowed=duration(allowed)))  # fmt: skip
    if wrong:
        todo = phrase("{command} makes one and copies it into every bucket.", command=MAKE[kind])
        yield bad(COPIES[kind], clauses(wrong), todo)
    elif buckets:
        yield good(COPIES[kind], phrase("in {places}", places=listed(buckets)))


def _fault(one: Backup, configuration: Configuration, site: str) -> str:
    """Why a recovery of this site would not take it, as far as is known without reading it."""
    rules = BackupRules(
        system=configuration.system, site=site, server_major=None, cancelled=never, progress=unheard
    )  # fmt: skip
    if fault := cheap_fault(one, rules):
        return fault
    rows = one.manifest.rows if one.manifest is not None else {}
    postgres = configuration.site(site).postgres
    there = {database_of(table) for table in rows}
    missing = [name for name in (postgres.databases if postgres else ()) if name not in there]
    if one.manifest is not None and missing and any(rows.values()):
        return phrase("it holds no table of {names}, which dr.yml names", names=listed(missing))
    return (rows_fault(rows) or "") if one.manifest is not None else ""


def _is_ours(one: FullBackup, system: str, site: str) -> bool:
    return one.archive is not None or is_of(one, system, site)


def _stored(one: FullBackup, site: str) -> StoredBackup:
    return StoredBackup(
        site=site, kind=BackupKind.FULL, name=one.name, place=one.store.place,
        is_off_site=bool(one.store.objects.keys()), moment=one.moment, size=one.size, fault=one.fault or "",
        mark=one.mark,
    )  # fmt: skip


def _about_places(silent: Sequence[str]) -> Line:
    what = phrase("places of backups")
    if silent:
        return bad(what, clauses(silent), phrase("Check that each can be reached from here, with its keys."))
    return good(what, phrase("all answer"))


def line_of_321(found: Sequence[StoredBackup], configuration: Configuration) -> Line:
    """Over the newest usable backup, of whatever kind. Every new one goes into the folder and all buckets of dr.yml."""
    what, copies = phrase("3-2-1 rule"), newest_of(found)
    missing = listed(missing_of_321(copies))
    if not missing:
        return good(what, phrase("three copies, two media, one off-site"))
    if configuration.object_store is None:
        todo = phrase("Name a bucket and a second one under `object_store` in dr.yml; every new backup goes into both.")
        return soon(what, missing, todo)
    is_full = copies[0].kind is BackupKind.FULL if copies else configuration.site().postgres is None
    folder = BackupStore(configuration.backups.directory).place
    dumps, fulls = dump_stores(configuration), full_stores(configuration)
    places = [one.place for one in fulls] if is_full else [folder, *(one.place for one in dumps)]
    lacking = listed(place for place in places if place not in {one.place for one in copies})
    make = phrase("{command} makes one that is in every place.", command=MAKE[FULL if is_full else DUMP])
    lacks = phrase("{name} has no good copy in {places}.", name=copies[0].name, places=lacking) if copies else ""
    return soon(what, missing, sentences(lacks, make))


def _about_restic() -> Line:
    if fault := version_fault():
        return bad("restic", fault, phrase("Full backups are made and restored with it."))
    if password():
        return good("restic", clauses([installed_version(), phrase("new places of full backups are encrypted")]))
    plain = phrase("full backups are not encrypted")
    remedy = phrase("Set RESTIC_PASSWORD and name a new folder and buckets: what is in the old ones stays as it is.")
    return soon("restic", clauses([installed_version(), plain]), remedy)


def newest_line(what: str, found: Iterable[StoredBackup], configuration: Configuration, now: datetime) -> Line:
    """A breach of the RPO is foreseen."""
    found = sorted(found, key=lambda one: (one.moment, one.name))
    newest = next((one for one in reversed(found) if not one.fault), None)
    make = phrase("{command} makes one, `backups.schedule` in dr.yml makes them by itself.", command=MAKE[what])
    if newest is None and found:
        why = phrase("none can be used. {name}: {why}", name=found[-1].name, why=found[-1].fault)
        return bad(what, why, make)
    if newest is None:
        return bad(what, phrase("there is none"), make)
    name, moment = newest.name, newest.moment
    age, allowed = (now - moment).total_seconds(), configuration.targets.rpo
    old = phrase("{name} is {age} old", name=name, age=duration(age))
    if age > allowed:
        late = phrase("{name} is {age} old, more than the RPO of {allowed}", name=name, age=duration(age),
                      allowed=duration(allowed))  # fmt: skip
        return bad(
            what,
            late,
            phrase(
                "{command} makes one. Are they made by `backups.schedule` in dr.yml, or by cron?", command=MAKE[what]
            ),
        )
    if age > SOON * allowed:
        until = clock(moment + timedelta(seconds=allowed))
        return soon(what, old, phrase("The next one must end by {until}, or the RPO is missed.", until=until))
    if found[-1] is not newest:
        passed_over = phrase("{old}; {name} is newer and cannot be used: {why}", old=old, name=found[-1].name,
                             why=found[-1].fault)  # fmt: skip
        return soon(what, passed_over, make)
    return good(what, old)
