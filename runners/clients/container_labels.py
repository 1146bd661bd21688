"""The labels by which drbot, and Compose, know what is theirs on an engine."""

import hashlib
from collections.abc import Mapping

INCIDENT_LABEL, RUN_LABEL, STEP_LABEL, KEPT_LABEL = "drbot.incident", "drbot.run", "drbot.step", "drbot.kept"
HELPER_LABEL = "drbot.helper"
PROJECT, SERVICE, ONE_OFF = (f"com.docker.compose.{name}" for name in ("project", "service", "oneoff"))


def own_project(container: str) -> str:
    """The compose project of a helper of this name, where Compose makes it."""
    return f"drbot-{hashlib.sha256(container.encode()).hexdigest()[:12]}"


def is_helper(container: str, labels: Mapping[str, str]) -> bool:
    """Whether drbot made it to work for it. A compose file may give this label to a service: that stays a service."""
    return HELPER_LABEL in labels and labels.get(PROJECT) in (None, own_project(container))
