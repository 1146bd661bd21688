"""The worker's own settings, from the environment: where it keeps files, how it reaches the engine, its secrets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.redaction import secret_values


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
