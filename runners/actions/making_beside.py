"""A new volume beside production: whole, or not there at all."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from drbot.core.base.errors import DrbotError, PermanentError
from drbot.core.base.names import is_folder
from drbot.core.site.site import Postgres, Redis
from drbot.core.text.messages import phrase
from drbot.runners.clients import helper
from drbot.runners.clients.container_labels import RUN_LABEL, STEP_LABEL
from drbot.runners.clients.helper import HelperOrder
from drbot.runners.clients.host_folders import LIKE, MODE, OWNER
from drbot.runners.clients.own_definition import read_definition
from drbot.runners.clients.survivors import remove_survivors
from drbot.runners.contract.action import StepContext

LOOK_SECONDS = 60
OWNED = re.compile(r"[0-9]+(:[0-9]+)?")  # a name is known in the image alone


@contextmanager
def made_beside(context: StepContext, volume: str) -> Iterator[None]:
    """Empty to begin with; half a copy is no use to anybody, so it goes when filling it fails."""
    remove_leftovers(context, volume)
    make_empty(context, volume)
    try:
        yield
    except DrbotError:
        context.clients.docker.remove_own_volume(volume, context.own_work())
        raise


def make_empty(context: StepContext, volume: str) -> None:
    """A new volume, or a new folder with the owner and mode that a store's program finds there."""
    found = [one for one in context.site.stores if volume == one.volume or volume.startswith(f"{one.volume}_")]
    options = _options(context, found[0]) if is_folder(volume) and found else None
    context.clients.docker.create_volume(volume, context.labels, options=options)


def _options(context: StepContext, store: Postgres | Redis) -> dict[str, str]:
    """As the folder in place, else as in the image that is mounted there; Docker does the latter for a volume."""
    docker, service = context.clients.docker, context.site.services[store.service]
    found = docker.volume(store.volume)
    if found is not None and found.fault:  # said now, and not when services are stopped already
        raise PermanentError(phrase("{place}: {why}. Nothing was touched", place=store.volume, why=found.fault))
    if found is not None:
        return {LIKE: store.volume}
    own = read_definition(context.clients.compose, service, store.volume, context.cancelled)
    order = HelperOrder(
        image=own.image, labels=context.labels, entrypoint=("stat", "-c", "%u:%g %a", own.mounted_at),
        user="root",
    )  # fmt: skip
    ended = helper.run(docker, order, context.cancelled, LOOK_SECONDS)
    owner, _, mode = ended.output.partition(" ") if ended.code == 0 else ("", "", "")
    return {OWNER: own.user if OWNED.fullmatch(own.user) else owner, MODE: mode}


def remove_leftovers(context: StepContext, volume: str) -> None:
    """What an earlier attempt at this step left. Raises PermanentError when the volume is not this step's."""
    docker = context.clients.docker
    remove_survivors(docker, context.run.id, context.step.id)
    found = docker.volume(volume)
    if found is None:
        return
    if any(found.labels.get(label) != context.labels.get(label) for label in (RUN_LABEL, STEP_LABEL)):
        raise PermanentError(
            phrase("The volume {volume} exists and was not made by this step; nothing was touched", volume=volume)
        )
    context.log(f"Removing what an earlier attempt left in {volume}")
    docker.remove_own_volume(volume, context.own_work())
