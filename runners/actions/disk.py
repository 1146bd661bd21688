"""Is there room on the engine's disk for a copy beside production?"""

from collections.abc import Mapping
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.site.wal import is_moment_name
from drbot.core.text.messages import phrase
from drbot.core.text.words import size
from drbot.runners.actions.backup import newest_here
from drbot.runners.clients.free_room import free_bytes
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Registry, StepContext


def free(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Compare the free bytes of the volumes' disk with the need; "2.5x backup" counts the backup's SQL bytes."""
    need = arguments.byte_count(given.get("need"), sql_bytes(context))
    there = free_bytes(context.clients, context.labels, context.cancelled)
    return Finding(
        passed=there >= need,
        sentence=phrase("{size} free on the target's disk, {need} needed", size=size(there), need=size(need)),
        facts={"free_bytes": there, "need_bytes": need},
    )


def sql_bytes(context: StepContext) -> int:
    """Of the plan's backup, else of the newest."""
    store, sealed = context.clients.backups, context.plan.backup
    if sealed is not None and sealed.unpacked:
        return sealed.unpacked
    if sealed is not None and is_moment_name(sealed.name):  # as large as what comes out of it, but for what WAL adds
        return sealed.size // 2
    try:
        return (store.get(sealed.name) if sealed else newest_here(context)).sql_bytes
    except PermanentError:
        return 0


IMPLEMENTED = Registry(
    probes={"disk.free": free},
)
