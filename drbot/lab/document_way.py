"""The source document's own scripts, run on a lab as they stand and timed step by step.

They are here to be compared with drbot. They delete first and look later: never point them at anything but a lab.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from drbot.core.base.errors import UserError
from drbot.core.text.messages import phrase
from drbot.core.text.words import ending
from drbot.lab.images import SERVICE_IMAGE
from drbot.lab.object_store import BUCKET
from drbot.lab.sites import Sites
from drbot.lab.system import Lab

SCRIPTS = Path(__file__).parent / "document"


@dataclass(frozen=True, kw_only=True, slots=True)
class TimedStep:
    name: str
    seconds: float


def recover_postgres(lab: Lab, work: Path, urls: Iterable[str]) -> tuple[TimedStep, ...]:
    """disaster-recovery-postgres.sh: level 2. `urls`: the health URLs that it looks at."""
    return run_timed(SCRIPTS / "postgres.sh", work, environment_of(lab, urls))


def back_up_host(sites: Sites, work: Path) -> None:
    """The document's full backup of the lab, where `recover_host` looks for it. Raises UserError."""
    files = {"FILES_IMAGE": SERVICE_IMAGE}
    run_timed(SCRIPTS / "full_backup.sh", work, environment_of(sites.lab, ()) | _outside(sites) | files)


def recover_host(sites: Sites, work: Path, urls: Iterable[str]) -> tuple[TimedStep, ...]:
    """disaster-recovery-full-system.sh: level 3, on the new host, from the document's own backup. Raises UserError."""
    outside = {**_outside(sites), "REPOSITORY": f"file://{sites.folder / 'repository.git'}"}
    sites.recovered.projects.parent.mkdir(parents=True, exist_ok=True)
    return run_timed(SCRIPTS / "full_system.sh", work, environment_of(sites.recovered, urls) | outside)


def _outside(sites: Sites) -> dict[str, str]:
    """The bucket; drbot looks for its own backups elsewhere in it."""
    return {
        **sites.bucket.keys(),
        "ENDPOINT": sites.bucket.endpoint,
        "BUCKET": BUCKET,
        "KEY": "document/full_backup.tar.gz",
        "PYTHON": sys.executable,
    }


def environment_of(lab: Lab, urls: Iterable[str]) -> dict[str, str]:
    """What the scripts read: the names, paths and ports that the document writes out."""
    return {
        "DOCKER_HOST": lab.host,
        "LAB": lab.label,
        "PREFIX": lab.prefix,
        "PROJECTS": str(lab.projects.resolve()),
        "BACKUPS": str((lab.folder / "backups").resolve()),
        "ADDRESS": lab.address,
        "HEALTH_URLS": " ".join(urls),
    }


def run_timed(script: Path, work: Path, environment: dict[str, str]) -> tuple[TimedStep, ...]:
    """Run a script to its end and take the time at each of its "Step" lines; what else it says goes to a log. Raises
    UserError when it ends before.
    """
    work.mkdir(parents=True, exist_ok=True)
    marks: list[tuple[str, float]] = []
    with (
        (work / "script.log").open("w") as log,
        subprocess.Popen(
            ["bash", str(script)], env={**os.environ, **environment, "WORK": str(work)}, cwd=work, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
        ) as process,
    ):  # fmt: skip
        for line in process.stdout or ():
            log.write(line)
            if line.startswith("Step "):
                marks.append((line.removeprefix("Step ").strip(), time.monotonic()))
    if process.returncode != 0:
        said = ending((work / "script.log").read_text(errors="replace").strip(), 600)
        raise UserError(phrase("Ran {script} of the document.", script=script.name), said)
    ends = [at for _, at in marks[1:]] + [time.monotonic()]
    return tuple(TimedStep(name=name, seconds=round(end - at, 1)) for (name, at), end in zip(marks, ends, strict=True))
