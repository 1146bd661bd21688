"""How much room there is where the engine keeps volumes."""

from collections.abc import Mapping

from drbot.core.base.errors import PermanentError
from drbot.core.base.names import is_folder
from drbot.core.text.messages import phrase
from drbot.core.text.words import ending
from drbot.runners.clients import helper
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.tools_image import tools_image
from drbot.runners.foundation.watching import Cancelled

COPY = 2.5
"""Bytes on the disk for a byte of SQL that is restored beside production, as the runbooks ask (`disk.free`)."""

# A folder may be gone, with those that it lay in.
DEEPEST = 'at=$1; while [ ! -e "$at" ]; do at=${at%/*}; done; df -Pk "$at"'


def free_bytes(clients: Clients, labels: Mapping[str, str], cancelled: Cancelled) -> int:
    """Where PostgreSQL's folder lies, else on the disk of volumes. Asked in a helper: the engine may be elsewhere."""
    return clients.once.of("free room", lambda: _free_bytes(clients, labels, cancelled))


def _free_bytes(clients: Clients, labels: Mapping[str, str], cancelled: Cancelled) -> int:
    named = clients.postgres.named
    place = named.volume if named is not None and is_folder(named.volume) else ""
    order = HelperOrder(
        image=tools_image(clients.docker),
        labels=labels,
        entrypoint=("sh", "-c", DEEPEST, "df", f"/volume{place}"),
        mounts=(Mount(source="/" if place else "", target="/volume", read_only=bool(place)),),
    )
    ended = helper.run(clients.docker, order, cancelled, seconds=30)
    try:
        return int(ended.output.splitlines()[-1].split()[3]) * 1024
    except (IndexError, ValueError) as error:
        raise PermanentError(
            phrase("The free space could not be read: {said}", said=ending(ended.output, 200))
        ) from error
