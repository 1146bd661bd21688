"""What a cancelled, killed or repeated step left on the engine: its containers carry its run and step."""

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import phrase
from drbot.runners.clients.container_labels import RUN_LABEL, STEP_LABEL
from drbot.runners.clients.docker_engine import DockerEngine


def remove_survivors(engine: DockerEngine, run_id: str, step_id: str | None) -> None:
    """Remove the containers of this step (of the whole run without a step)."""
    if not run_id:
        raise PermanentError(phrase("Leftover containers are removed by run, but no run was given"))
    for container in engine.helpers({RUN_LABEL: run_id} | ({STEP_LABEL: step_id} if step_id else {})):
        engine.remove_helper(container)
