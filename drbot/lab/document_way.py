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

from drbot.lab.object_store import BUCKET, PREFIX
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


def recover_host(sites: Sites, work: Path, urls: Iterable[str], backup: str) -> tuple[TimedStep, ...]:
    """disaster-recovery-full-system.sh: level 3, on the new host, from this full backup."""
    outside = {
        **sites.bucket.keys(),
        "REPOSITORY": f"file://{sites.folder / 'repository.git'}",
        "ENDPOINT": sites.bucket.endpoint,
        "BUCKET": BUCKET,
        "KEY": PREFIX + backup,
        "PYTHON": sys.executable,
    }
    sites.recovered.projects.parent.mkdir(parents=True, exist_ok=True)
    return run_timed(SCRIPTS / "full_system.sh", work, environment_of(sites.recovered, urls) | outside)


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
    """Run a script to its end and take the time at each of its "Step" lines; what else it says goes to a log."""
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
    ends = [at for _, at in marks[1:]] + [time.monotonic()]
    return tuple(TimedStep(name=name, seconds=round(end - at, 1)) for (name, at), end in zip(marks, ends, strict=True))
