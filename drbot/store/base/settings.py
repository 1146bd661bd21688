"""Where drbot keeps its own state: two URLs, read from the environment and nowhere else."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreSettings:
    """`redis_url` None = the doorbell rings inside this process only."""

    database_url: str
    redis_url: str | None

    @classmethod
    def from_environment(cls, home: Path) -> "StoreSettings":
        """DATABASE_URL (default: state.db below `home`) and REDIS_URL (default: none)."""
        return cls(
            database_url=os.environ.get("DATABASE_URL") or f"sqlite:///{home / 'state.db'}",
            redis_url=os.environ.get("REDIS_URL") or None,
        )
