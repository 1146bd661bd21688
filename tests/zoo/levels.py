"""What drbot does with an animal, from its dr.yml: the very commands that its people would type, and what they said."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from drbot.lab import repository
from tests.zoo.backed_up import PASSWORD, left_out
from tests.zoo.checksums import mounts
from tests.zoo.keeper import Kept, filled

PEOPLE = {
    "aiko": {"name": "Aiko", "slack": ["U00AIKO"], "roles": ["commander", "approver"]},
    "ben": {"name": "Ben", "slack": ["U00BEN"], "roles": ["approver"]},
    "chika": {"name": "Chika", "slack": ["U00CHIKA"], "roles": ["approver"]},
}
# what is tried → words of the command, in this order
TRIED: Mapping[str, tuple[str, ...]] = {
    "backup postgres": ("backup", "postgres"),
    "backup full": ("backup", "full"),
    "all in it": (),  # no command of drbot's: whether the full backup holds every mount
    "check": ("check",),
    "prove": ("backup", "prove"),
    "drill 1": ("drill", "level1", "--as", "aiko"),
    "drill 2": ("drill", "level2", "--as", "aiko"),
    "drill 3": ("drill", "level3", "--as", "aiko"),
}
QUICK = ("backup postgres", "backup full", "all in it", "check")
LONGEST_SECONDS = 420


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of one command for one animal."""

    animal: str
    tried: str
    passed: bool
    said: str  # why not
    seconds: float


def write_configuration(kept: Kept, new_host: str = "", *, receives: bool = False) -> Path:
    """dr.yml as its people would write it, and the repository that it names, which has no data in it. `new_host`: the
    engine of a host where a lost system is brought up again, in the same folder. `receives`: with `continuous`.
    """
    outside = kept.folder / "drbot"
    kept.copy_projects(outside / "published")
    commit = repository.publish(outside / "published", outside / "repository.git")
    site = {"projects": str(kept.projects), **_of_animal(kept)}
    sites = {"production": {"docker": {"host": kept.host}, **site}}
    if receives:
        sites["production"]["postgres"] = {**site["postgres"], "continuous": {}}
    if new_host:
        sites["recovery"] = {"docker": {"host": new_host}, **site}
    text = {
        "system": kept.animal.name,
        "sites": sites,
        **({"recovery": {"site": "recovery"}} if new_host else {}),
        "backups": {"directory": str(outside / "backups")},
        "repository": {"url": f"file://{outside / 'repository.git'}", "commit": commit},
        "people": PEOPLE,
    }
    written = StringIO()
    YAML().dump(text, written)
    (outside / "dr.yml").write_text(written.getvalue())
    (outside / "backups").mkdir(exist_ok=True)
    return outside / "dr.yml"


def _of_animal(kept: Kept) -> dict[str, Any]:
    text = filled((kept.animal.folder / "dr.yml").read_text(), kept.words)
    for service in re.findall(r"@anonymous:(\w+)@", text):
        text = text.replace(f"@anonymous:{service}@", _anonymous(kept, service))
    return dict(YAML(typ="safe").load(text))


def _anonymous(kept: Kept, service: str) -> str:
    """What its people read in `docker volume ls`."""
    return next((one.source for one in mounts(kept) if one.container == service), "none")


def attempt(kept: Kept, tried: str) -> Outcome:
    """Run one command with this animal's dr.yml and an environment of its own."""
    if tried == "all in it":
        return look_into(kept)
    home = kept.folder / "drbot"
    environment = {
        **os.environ,
        "DRBOT_CONFIG": str(home / "dr.yml"),
        "DRBOT_HOME": str(home / "state"),
        "RESTIC_PASSWORD": PASSWORD,
        "COLUMNS": "400",
    }
    began = time.monotonic()
    words = [sys.executable, "-P", "-m", "drbot.cli.main", *TRIED[tried]]
    with subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            said, _ = process.communicate(timeout=LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()  # a drill removes its copy first
            said = f"not over after {LONGEST_SECONDS} s: {process.communicate()[0]}"
    passed = process.returncode == 0
    for word, shown in ((str(kept.folder), "…"), (kept.name, kept.animal.name)):  # the same on every machine
        said = said.replace(word, shown)
    (home / f"{tried}.log").write_text(said)
    return Outcome(
        animal=kept.animal.name, tried=tried, passed=passed, said=sentence_of(tried, said, passed),
        seconds=round(time.monotonic() - began, 1),
    )  # fmt: skip


def look_into(kept: Kept) -> Outcome:
    """What no sentence tells: data that a full backup lacks."""
    there = (kept.folder / "drbot" / "backups" / "restic").exists()
    missing = left_out(kept) if there else []
    said = f"left out: {', '.join(missing)}" if missing else "" if there else "There is no full backup."
    return Outcome(animal=kept.animal.name, tried="all in it", passed=there and not missing, said=said, seconds=0.0)


def sentence_of(tried: str, said: str, passed: bool) -> str:
    """What a person would read first: the red lines of a check, the last words of everything else."""
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
    red = [line for line in lines if line.startswith("✗")]
    if tried == "check" and red:
        return " / ".join(red)
    return "" if passed else " ".join(lines[-4:])[:400]
