"""The worker's own settings, from the environment: where it keeps files, how it reaches the engine, its secrets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drbot.core.text.redaction import secret_values


@dataclass(frozen=True, kw_only=True, slots=True)
class RunnerSettings:
    """DRBOT_HOME, DOCKER_HOST, and the values to mask wherever text leaves the worker."""

    home: Path
    docker_host: str | None
    secrets: tuple[str, ...] = ()
    redis_password: str | None = field(default=None, repr=False)  # where it stands nowhere in Redis's own container

    @classmethod
    def from_environment(cls, home: Path, environment: Mapping[str, str] | None = None) -> "RunnerSettings":
        """What this process was started with."""
        known = os.environ if environment is None else environment
        return cls(
            home=home,
            docker_host=known.get("DOCKER_HOST") or None,
            secrets=secret_values(known),
            redis_password=known.get("SITE_REDIS_PASSWORD") or None,
        )

    @property
    def evidence(self) -> Path:
        """One folder per run: logs and state as they were before anything was touched."""
        return self.home / "evidence"
