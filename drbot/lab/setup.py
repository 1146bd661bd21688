"""What a machine needs before a lab can start: an engine and the images. `python -m drbot.lab.setup`."""

import os
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from drbot.core.base.errors import UserError
from drbot.core.text.messages import phrase
from drbot.lab import packages
from drbot.lab.engine import connect, ensure_engine, exclusive, find_engine
from drbot.lab.images import MONITORING_IMAGES, ensure_images
from drbot.lab.system import Lab

Say = Callable[[str], None]


def lab_home() -> Path:
    """Where the lab keeps its files: DRBOT_HOME, else .drbot below the current folder."""
    return Path(os.environ.get("DRBOT_HOME", ".drbot")).resolve()


def labs_folder(home: Path) -> Path:
    """Where the labs are; engine and locks lie beside it."""
    return home / "labs"


def lab_names(home: Path) -> list[str]:
    return sorted(path.name for path in labs_folder(home).glob("*") if path.is_dir())


def prepare(home: Path, say: Say) -> str:
    """URL of an engine that has all images. Raises UserError."""
    host = ensure_engine(home, say)
    with closing(connect(host, timeout_seconds=900)) as client, exclusive(home / "images.lock"):
        ensure_images(client, say)
    return host


def prepare_recovery(home: Path, say: Say) -> str:
    """The same for levels 3 and 4: more images, and programs for DNS and certificates. Raises UserError."""
    packages.ensure_recovery_programs(say)
    host = prepare(home, say)
    with closing(connect(host, timeout_seconds=900)) as client, exclusive(home / "images.lock"):
        ensure_images(client, say, MONITORING_IMAGES)
    return host


def open_lab(home: Path, name: str) -> Lab:
    """A lab on the engine that runs; nothing is installed or started. Raises UserError when there is no engine."""
    host = find_engine(home)
    if host is None:
        raise UserError(
            phrase("Looked for a Docker engine."),
            phrase("None is running."),
            phrase("Start the lab with its engine: drbot lab up"),
        )
    return Lab(name=name, home=labs_folder(home), host=host)


def main() -> int:
    try:
        host = prepare(lab_home(), lambda line: print(f"lab: {line}", flush=True))
    except UserError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    print(f"lab: ready, the Docker engine is {host}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
