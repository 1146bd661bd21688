"""The worker's own settings, from the environment: where it keeps files, how it reaches the engine, its secrets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SECRET_WORDS = ("PASSWORD", "PASSWD", "SECRET", "TOKEN", "ACCESS_KEY", "PRIVATE_KEY")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunnerSettings:
    """DRBOT_HOME, DOCKER_HOST, and the values to mask wherever text leaves the worker."""

    home: Path
    docker_host: str | None
    secrets: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, home: Path, environment: Mapping[str, str] | None = None) -> "RunnerSettings":
        """What this process was started with."""
        known = os.environ if environment is None else environment
        return cls(home=home, docker_host=known.get("DOCKER_HOST") or None, secrets=secret_values(known))

    @property
    def evidence(self) -> Path:
        """One folder per run: logs and state as they were before anything was touched."""
        return self.home / "evidence"


def secret_values(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Values of the variables whose names say that they are secret."""
    return tuple(
        value for name, value in environment.items() if value and any(word in name.upper() for word in SECRET_WORDS)
    )
