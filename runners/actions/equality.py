"""Is what stands on the new host what the backup holds: configuration, keys of Redis?"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from drbot.core.site.full_manifest import REDIS
from drbot.core.text.messages import and_more, clauses, phrase
from drbot.runners.actions.fetching import fetched
from drbot.runners.actions.restoring import other_folders
from drbot.runners.clients.compose_settings import settings_of
from drbot.runners.clients.helper import HelperOrder
from drbot.runners.clients.rdb_check import FILE, RdbCount, write_and_count
from drbot.runners.clients.redis_server import KeyCount
from drbot.runners.contract.action import Finding, Registry, StepContext, or_why_not

NO_MANIFEST = phrase("Settings: this backup has no manifest to compare with")


@or_why_not
def configuration(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe configuration.equal: every file as it was."""
    compared = fetched(context).compare_settings(context.site.projects, other_folders(context))
    if compared.other:
        sentence = phrase(
            "{count} of {total} configuration files are not as in the backup: {first}",
            count=len(compared.other),
            total=compared.same + len(compared.other),
            first=compared.other[0],
        )
        return Finding(passed=False, sentence=sentence)
    return Finding(
        passed=True, sentence=phrase("All configuration files are as in the backup: {count}", count=compared.same)
    )


@or_why_not
def settings(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe settings.equal: what the services are started with is what they ran with. Names only: values are secret."""
    manifest = fetched(context).manifest
    if manifest is None:
        return Finding(passed=True, sentence=NO_MANIFEST)
    now: dict[str, str] = {}
    services, compose = context.site.services.values(), context.clients.compose
    for project, document in compose.documents(manifest.projects, context.cancelled, services).items():
        now |= settings_of(project, document, context.site.address)
    other = not_as_they_ran(manifest.uses.settings, now)
    sentence = phrase(
        "Settings that differ from when the backup was made: {names}. Values set only in a shell may be missing "
        "from the files",
        names=and_more(other, 5),
    )
    return Finding(
        passed=not other,
        sentence=sentence if other else phrase("All settings are as when the services ran: {count}", count=len(now)),
    )


def not_as_they_ran(ran: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Names of the settings that are others by now, or missing; what is new is no fault."""
    return sorted(name for name, digest in ran.items() if now.get(name) != digest)


@or_why_not
def keys(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe redis.keys: every key of the backup, but those whose own time was over meanwhile."""
    found = fetched(context)
    if REDIS not in found.facts.own:
        return Finding(passed=True, sentence=phrase("Redis: this backup has no data of it to compare with"))
    manifest = found.manifest
    wanted = manifest.redis.keys if manifest and manifest.redis else None
    return compare_keys(context, wanted, lambda: found.part(REDIS))


def compare_keys(context: StepContext, wanted: int | None, copy: Callable[[], Iterable[bytes]]) -> Finding:
    """The running Redis beside the manifest's number, and where that does not settle it, beside the copy itself."""
    there = context.clients.redis.count()
    if there.accounted == wanted:
        over = phrase("{count} expired", count=there.expired) if there.expired else ""
        room = phrase("{count} evicted", count=there.evicted) if there.evicted else ""
        return _found(there, wanted, clauses((over, room)))
    # It was started more than once, or is too old to say what it removed: then the backup's own copy says how many
    # keys may be gone by now. Asked last, for their number only grows.
    held = count_now(context, copy())
    enough = held.keys - held.expired <= there.keys + there.evicted and there.keys <= held.keys
    if enough and there.lasting + there.evicted >= held.lasting:
        return _found(there, held.keys, phrase("up to {count} expired", count=held.expired))
    return Finding(
        passed=False,
        sentence=phrase(
            "Redis has {keys} keys, {lasting} without expiry; the backup has {held}, {held_lasting} without "
            "expiry; {expired} of the backup's keys have expired",
            keys=there.keys,
            lasting=there.lasting,
            held=held.keys,
            held_lasting=held.lasting,
            expired=held.expired,
        ),
        facts={"keys": there.keys},
    )


def _found(there: KeyCount, wanted: int, gone: str) -> Finding:
    sentence = phrase("Redis has {keys} of the backup's {wanted} keys", keys=there.keys, wanted=wanted)
    return Finding(
        passed=True,
        sentence=clauses((sentence, gone)),
        facts={"keys": there.keys},
    )


def count_now(context: StepContext, chunks: Iterable[bytes]) -> RdbCount:
    """What is in the backup's copy of Redis, by the programs of the server that runs."""
    clients = context.clients
    order = HelperOrder(image=clients.redis.running().image, labels=context.labels)
    return write_and_count(clients.docker, order, FILE, chunks, context.cancelled)


IMPLEMENTED = Registry(
    probes={"settings.equal": settings, "configuration.equal": configuration, "redis.keys": keys},
)
