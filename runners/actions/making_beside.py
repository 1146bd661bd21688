"""A new volume beside production: whole, or not there at all."""

from collections.abc import Iterator
from contextlib import contextmanager

from drbot.core.base.errors import DrbotError, PermanentError
from drbot.core.base.names import is_folder
from drbot.core.text.messages import phrase
from drbot.runners.clients.container_labels import RUN_LABEL, STEP_LABEL
from drbot.runners.clients.host_folders import LIKE
from drbot.runners.clients.survivors import remove_survivors
from drbot.runners.contract.action import StepContext


@contextmanager
def made_beside(context: StepContext, volume: str) -> Iterator[None]:
    """Empty to begin with; half a copy is no use to anybody, so it goes when filling it fails."""
    remove_leftovers(context, volume)
    beside = [store.volume for store in context.site.stores if volume.startswith(f"{store.volume}_")]
    context.clients.docker.create_volume(
        volume, context.labels, options={LIKE: beside[0]} if is_folder(volume) and beside else None
    )
    try:
        yield
    except DrbotError:
        context.clients.docker.remove_own_volume(volume, context.own_work())
        raise


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
