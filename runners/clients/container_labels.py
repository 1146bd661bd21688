"""The labels by which drbot, and Compose, know what is theirs on an engine."""

import hashlib
import re
from collections.abc import Mapping

INCIDENT_LABEL, RUN_LABEL, STEP_LABEL, KEPT_LABEL = "drbot.incident", "drbot.run", "drbot.step", "drbot.kept"
HELPER_LABEL = "drbot.helper"
FOLDER_LABEL = "drbot.folder"  # of an empty volume: the folder that its other labels are about
COMPOSE = "com.docker.compose."
PROJECT, SERVICE, ONE_OFF = (f"{COMPOSE}{name}" for name in ("project", "service", "oneoff"))
NOT_ONE_OFF = f"{ONE_OFF}=False"  # of what `up` starts; not of `docker compose run`

WORKING_DIR, CONFIG_FILES, ENV_FILES = (
    f"{PROJECT}.{name}" for name in ("working_dir", "config_files", "environment_file")
)
"""Of a container: where its project lies, and what it was started from."""

DEPENDS_ON = "com.docker.compose.depends_on"
"""Of a container: `service:condition:restart`, with commas."""

NO_PROJECT = ""
"""Of a helper: an image that Compose has built, or that keeps a container of a project, would hand down another."""


def is_of_compose(labels: Mapping[str, str]) -> bool:
    """Whether a compose file made it, and so gave it whatever other labels it has: they say nothing of drbot's work."""
    return any(name.startswith(COMPOSE) for name in labels)


def marker_of(folder: str) -> str:
    """The name of the empty volume with a folder's labels."""
    return f"drbot-folder-{hashlib.sha256(folder.encode()).hexdigest()}"


def marked_folder(volume: str, labels: Mapping[str, str]) -> str:
    """The folder that this volume's labels are about; "" where it is no marker that drbot has made."""
    folder = labels.get(FOLDER_LABEL, "")
    return folder if volume == marker_of(folder) and not is_of_compose(labels) else ""


def own_project(container: str) -> str:
    """The compose project of a helper of this name, where Compose makes it."""
    return f"drbot-{hashlib.sha256(container.encode()).hexdigest()[:12]}"


def is_helper(container: str, labels: Mapping[str, str]) -> bool:
    """Whether drbot made it to work for it. A compose file may give this label to a service: that stays a service."""
    return HELPER_LABEL in labels and labels.get(PROJECT, NO_PROJECT) in (NO_PROJECT, own_project(container))


def helper_name(purpose: str, place: str) -> str:
    """Of the one helper that does this with a volume or folder; two never work on one place."""
    return f"drbot-{purpose}-{re.sub(r'[^A-Za-z0-9_.-]', '-', place)}"
