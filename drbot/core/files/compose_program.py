"""Which program `docker compose` is: called by itself it starts at once, where the docker command starts it twice more
to ask what it can do.
"""

import json
import os
import shutil
from pathlib import Path

DOCKER = ("docker", "compose")
FOLDERS = tuple(
    Path(f"{place}/docker/cli-plugins")
    for place in ("/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec")
)
"""Of the whole host, in Docker's order; a person's own folder comes first."""


def compose_program() -> tuple[str, ...]:
    """How its commands begin; empty: there is none. What Docker would look for elsewhere is left to Docker."""
    if shutil.which(DOCKER[0]) is None:
        return ()
    own = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    if _names_folders(own / "config.json"):
        return DOCKER
    found = (folder / "docker-compose" for folder in (own / "cli-plugins", *FOLDERS))
    return next(((str(one),) for one in found if one.is_file() and os.access(one, os.X_OK)), DOCKER)


def _names_folders(settings: Path) -> bool:
    try:
        return bool(json.loads(settings.read_bytes()).get("cliPluginsExtraDirs"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError, AttributeError):
        return True
