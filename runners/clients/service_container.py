"""The container of a compose service, as the engine describes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drbot.core.text.messages import phrase
from drbot.runners.clients.container_labels import DEPENDS_ON

ENDED_BY_SOMEBODY = frozenset({0, 137, 143})
"""Exit codes of what was stopped or killed: nothing says that its data is damaged."""
STOP_SECONDS = 10
"""Docker's own, where nobody says anything else."""
STOPPED = ("created", "exited", "dead")  # Docker's words for what has nothing open


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceContainer:
    """The container of a compose service as it is now."""

    id: str
    name: str
    image: str  # id of the image it was made from
    status: str  # Docker's word: running, exited, restarting, …
    health: str | None  # healthy, unhealthy, starting; None = no health check
    exit_code: int
    environment: Mapping[str, str]
    command: tuple[str, ...]
    health_check: tuple[str, ...] = ()  # as Docker says it: CMD or CMD-SHELL, and its words
    depends_on: tuple[str, ...] = ()  # services of its project
    keeps_data: bool = False  # it may write into a volume or a folder of the host
    stop_seconds: int = STOP_SECONDS  # that it has to end by itself

    @property
    def is_running(self) -> bool:
        """Up, and not in a restart loop."""
        return self.status == "running"

    @property
    def was_ended(self) -> bool:
        """By somebody, not by a fault of its own."""
        return self.status == "exited" and self.exit_code in ENDED_BY_SOMEBODY

    @property
    def is_done(self) -> bool:
        """It ran to a good end, as a migration does."""
        return self.status == "exited" and self.exit_code == 0


def environment_of(lines: Sequence[str] | None) -> dict[str, str]:
    return dict(line.split("=", 1) for line in lines or () if "=" in line)


def container_of(found: Mapping[str, Any]) -> ServiceContainer:
    state, labels = found["State"], found["Config"].get("Labels") or {}
    seconds = found["Config"].get("StopTimeout")
    return ServiceContainer(
        id=found["Id"],
        name=found["Name"].lstrip("/"),
        image=found["Image"],
        status=state["Status"],
        health=(state.get("Health") or {}).get("Status"),
        exit_code=state["ExitCode"],
        environment=environment_of(found["Config"].get("Env")),
        command=tuple(found["Config"].get("Cmd") or ()),
        health_check=tuple((found["Config"].get("Healthcheck") or {}).get("Test") or ()),
        depends_on=tuple(one.partition(":")[0] for one in labels.get(DEPENDS_ON, "").split(",") if one),
        keeps_data=any(one.get("RW") and one.get("Type") in ("volume", "bind") for one in found.get("Mounts") or ()),
        stop_seconds=STOP_SECONDS if seconds is None else max(int(seconds), 0),
    )


def fault_of(container: ServiceContainer | None) -> str | None:
    """Why it does not run; None when it does."""
    if container is None:
        return phrase("its container does not exist")
    return (
        None
        if container.is_running
        else phrase("its container is {state} (exit code {code})", state=container.status, code=container.exit_code)
    )
