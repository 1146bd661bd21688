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
LONGEST_STOP_SECONDS = 24 * 60 * 60
"""Instead of what no clock can reckon, and of Docker's -1, which is for ever."""
COMPLETED = "service_completed_successfully"
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
    depends_on: tuple[tuple[str, str], ...] = ()  # services of its project, and Compose's condition
    data: frozenset[str] = frozenset()  # volumes and folders of the host that it may write into
    stop_seconds: int = STOP_SECONDS  # that it has to end by itself

    @property
    def keeps_data(self) -> bool:
        return bool(self.data)

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
        depends_on=_needs_in(labels.get(DEPENDS_ON, "")),
        data=frozenset(
            one.get("Name") or one["Source"]
            for one in found.get("Mounts") or ()
            if one.get("RW") and one.get("Type") in ("volume", "bind")
        ),
        stop_seconds=STOP_SECONDS if seconds is None else _bounded(int(seconds)),
    )


def _needs_in(label: str) -> tuple[tuple[str, str], ...]:
    words = (one.split(":") for one in label.split(",") if one)
    return tuple((name, rest[0] if rest else "") for name, *rest in words)


def _bounded(seconds: int) -> int:
    return LONGEST_STOP_SECONDS if seconds < 0 else min(seconds, LONGEST_STOP_SECONDS)


def fault_of(container: ServiceContainer | None) -> str | None:
    """Why it does not run; None when it does."""
    if container is None:
        return phrase("its container does not exist")
    return (
        None
        if container.is_running
        else phrase("its container is {state} (exit code {code})", state=container.status, code=container.exit_code)
    )
