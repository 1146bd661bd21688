"""`backups` lists every backup of every kind and place as a worker saw it last, and judges the 3-2-1 rule."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from drbot.commands.facts.context import CommandContext
from drbot.commands.speech.messages import Reply, Request, Table
from drbot.commands.speech.parser import Words, plain
from drbot.core.site.people import Person
from drbot.core.site.proofs import CHANGED, BackupProof, ProofResult, as_tried, has_changed, last_try
from drbot.core.site.readiness import EVERY_SECONDS, of_site
from drbot.core.site.stored_backups import BackupKind, StoredBackup, missing_of_321, newest_of
from drbot.core.text.messages import closed, duration, listed, phrase, sentences
from drbot.core.text.words import ago, size
from drbot.store.records import proofs, stored_backups

SHOWN = 12
KINDS: Mapping[BackupKind, str] = {
    BackupKind.POSTGRES: phrase("PostgreSQL"),
    BackupKind.FULL: phrase("full"),
}


def backups(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """The newest dozen; all of them with `all`."""
    with context.database.read() as connection:
        there, looked = stored_backups.list_of(connection), stored_backups.seen_at(connection)
        known = proofs.list_of(connection)
    if looked is None:
        return Reply(
            text=phrase(
                "No worker has seen a backup yet. It looks when it starts and every {every}: /dr readiness says "
                "whether it does.",
                every=duration(EVERY_SECONDS),
            ),
            ok=False,
        )
    sites = sorted({one.site for one in there})
    groups = [list(found) for _, found in groupby(there, key=lambda one: (one.moment, one.site, one.kind, one.name))]
    shown = groups if words.rest and plain(words.rest[0]) == "all" else groups[:SHOWN]
    header = (
        *((phrase("Site"),) if len(sites) > 1 else ()),
        phrase("Data as of"),
        phrase("Kind"),
        phrase("Name"),
        phrase("Size"),
        phrase("Proven"),
        phrase("Stored in"),
    )
    left = len(groups) - len(shown)
    more = phrase("{count} older ones: /dr backups all", count=left) if left else ""
    when = phrase("Seen {time} ago.", time=duration(max(60.0, ago(looked, request.at).total_seconds())))
    return Reply(
        text=sentences(*_of_each(sites, as_tried(there, known), request.at), when, more),
        tables=(Table(header=header, rows=tuple(_row(sites, found, known, request.at) for found in shown)),),
    )


def _of_each(sites: Sequence[str], there: Sequence[StoredBackup], now: datetime) -> Iterator[str]:
    """What the newest backup of each site is worth."""
    if len(sites) < 2:
        yield from (_newest(there, now), judged(there))
        return
    for site in sites:
        mine = [one for one in there if one.site == site]
        yield of_site(site, sentences(_newest(mine, now), judged(mine)))


def _newest(there: Sequence[StoredBackup], now: datetime) -> str:
    usable = [one for one in there if not one.fault]
    if not usable:
        return phrase("None of the backups can be used.")
    one = usable[0]
    return phrase(
        "The newest one is {age} old: {name}.", age=duration(ago(one.moment, now).total_seconds()), name=one.name
    )


def judged(there: Sequence[StoredBackup]) -> str:
    """The 3-2-1 rule over the newest, in one sentence."""
    missing = listed(missing_of_321(newest_of(there)))
    if missing:
        return phrase("⚠ 3-2-1 (three copies, two media, one off-site) is not met: {missing}.", missing=missing)
    return phrase("3-2-1 is met: three copies, two media, one off-site.")


def _row(
    sites: Sequence[str], found: Sequence[StoredBackup], known: Sequence[BackupProof], now: datetime
) -> tuple[str, ...]:
    one = found[0]
    places = [one.place if not one.fault else f"{one.place} ⚠ {closed(one.fault)}" for one in found]
    return (
        *((one.site,) if len(sites) > 1 else ()),
        phrase("{time} ago", time=duration(ago(one.moment, now).total_seconds())),
        KINDS[one.kind],
        one.name,
        size(one.size),
        _proven(found, known),
        listed(places),
    )


def _proven(found: Sequence[StoredBackup], known: Sequence[BackupProof]) -> str:
    """When and how quickly it came back, or why not: what failed in one place comes before what came back elsewhere."""
    changed = [one.place for one in found if has_changed(one, known)]
    if changed:
        return phrase("{what}: {why}", what=listed(changed), why=CHANGED)
    tries = [last for one in found if (last := last_try(one, known)) is not None]
    for result in (ProofResult.FAILED, ProofResult.PROVEN, ProofResult.SAME, ProofResult.POSTPONED):
        told = [last for last in tries if last.result is result]
        if told:
            return _in_places(told[0], len(told), sum(last.result is ProofResult.SAME for last in tries), len(found))
    return "-" if all(one.fault for one in found) else phrase("not yet")


def _in_places(told: BackupProof, count: int, same: int, total: int) -> str:
    """What came of one try, and in how many of all the places."""
    said = told.sentence
    if total == 1:
        return said
    if told.result is ProofResult.FAILED:
        said = phrase("{what}: {why}", what=told.place, why=said)
    if told.result is ProofResult.PROVEN and same:
        return phrase("{said} ({count} of {total} places; the same bytes were read back from {same})", said=said,
                      count=count, total=total, same=same)  # fmt: skip
    return phrase("{said} ({count} of {total} places)", said=said, count=count, total=total)
