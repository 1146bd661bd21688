"""How much room there is where the engine keeps volumes."""

from collections.abc import Mapping

from drbot.core.base.errors import PermanentError
from drbot.core.base.names import is_folder
from drbot.core.text.messages import phrase
from drbot.core.text.words import ending
from drbot.runners.clients import helper
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.foundation.watching import Cancelled

# A folder may be gone, with those that it lay in.
DEEPEST = 'at=$1; while [ ! -e "$at" ]; do at=${at%/*}; done; df -Pk "$at"'
USUAL_RATIO = 6  # SQL bytes per compressed byte where no manifest tells


def free_bytes(clients: Clients, labels: Mapping[str, str], cancelled: Cancelled) -> int:
    """Asked inside a helper that mounts production's volume read-only: the engine may be on another host."""
    recipe, place = clients.postgres.recipe(cancelled), clients.postgres.settings.volume
    source, inside = ("/", place) if is_folder(place) else (place, "")
    order = HelperOrder(
        image=recipe.image,
        name=None,
        labels=labels,
        entrypoint=("sh", "-c", DEEPEST, "df", f"/volume{inside}"),
        mounts=(Mount(source=source, target="/volume", read_only=True),),
    )
    ended = helper.run(clients.docker, order, cancelled, seconds=30)
    try:
        return int(ended.output.splitlines()[-1].split()[3]) * 1024
    except (IndexError, ValueError) as error:
        raise PermanentError(
            phrase("The free space could not be read: {said}", said=ending(ended.output, 200))
        ) from error
