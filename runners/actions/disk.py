"""Is there room on the engine's disk for a copy beside production?"""

from collections.abc import Mapping
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import phrase
from drbot.core.text.words import ending, size
from drbot.runners.backups.choose_dump import newest_here
from drbot.runners.clients import helper
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Registry, StepContext

USUAL_RATIO = 6  # SQL bytes per compressed byte where no manifest tells


def free(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Compare the free bytes of the volumes' disk with the need; "2.5x backup" counts the backup's SQL bytes."""
    need = arguments.byte_count(given.get("need"), sql_bytes(context))
    there = free_bytes(context)
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
    try:
        backup = store.get(sealed.name) if sealed else newest_here(context)
    except PermanentError:
        return 0
    return backup.manifest.sql_bytes if backup.manifest else backup.size * USUAL_RATIO


def free_bytes(context: StepContext) -> int:
    """Asked inside a helper that mounts production's volume read-only: the engine may be on another host."""
    clients: Clients = context.clients
    recipe = clients.postgres.recipe(context.cancelled)
    order = HelperOrder(
        image=recipe.image,
        name=None,
        labels=context.labels,
        entrypoint=("df", "-Pk", "/volume"),
        mounts=(Mount(source=clients.postgres.settings.volume, target="/volume", read_only=True),),
    )
    ended = helper.run(clients.docker, order, context.cancelled, seconds=30)
    try:
        return int(ended.output.splitlines()[-1].split()[3]) * 1024
    except (IndexError, ValueError) as error:
        raise PermanentError(
            phrase("The free space could not be read: {said}", said=ending(ended.output, 200))
        ) from error


IMPLEMENTED = Registry(
    probes={"disk.free": free},
)
