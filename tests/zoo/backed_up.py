"""Which mounts of an animal its newest full backup holds: restic is asked, not drbot."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.zoo.checksums import Mounted, checksums, mounts
from tests.zoo.keeper import Kept

PASSWORD = "zoo"


def left_out(kept: Kept) -> list[str]:
    """Each mount with something in it that is not wholly in the backup: nothing would bring it back."""
    words = ["restic", "-r", str(kept.folder / "drbot" / "backups" / "restic"), "--no-lock", "ls", "--json", "latest"]
    environment = {**os.environ, "RESTIC_PASSWORD": PASSWORD}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    listed = {str(json.loads(line).get("path")) for line in done.stdout.splitlines()}
    return sorted(set(_missing(kept, listed)))


def _missing(kept: Kept, listed: set[str]) -> Iterator[str]:
    site: dict[str, Any] = YAML(typ="safe").load(kept.folder / "drbot" / "dr.yml")["sites"]["production"]
    found = checksums(kept).found
    for one in mounts(kept):
        kind = one.store.kind if one.store else ""
        if one.store and kind in site and _service_of(site, kind) == one.store.service:
            continue  # its rows or keys are there, by a dump
        things = {} if one.store else {path: said for path, said in found[one.key].items() if not is_socket(said)}
        if not one.store and set(things) <= {""} and not things.get("", "").startswith("100"):
            continue  # an empty folder
        if one.source.startswith("/etc/"):
            continue  # the host's own
        root = _place(kept, one)
        if not root or not {f"{root}/{path}".rstrip("/") for path in things or {""}} <= listed:
            yield one.key


def _service_of(site: dict[str, Any], kind: str) -> str:
    """As Compose has it; dr.yml may call it otherwise."""
    name = site[kind].get("service", kind)
    return str(site.get("services", {}).get(name, {}).get("service", name))


def is_socket(said: str) -> bool:
    """A program makes it anew each time it starts; restic leaves it out."""
    return said.startswith("140")


def _place(kept: Kept, mounted: Mounted) -> str:
    """Where a full backup has it, if it has it."""
    source = Path(mounted.source)
    if source.is_relative_to(kept.projects):
        return f"/projects/{source.relative_to(kept.projects)}"
    return f"/files/{mounted.source.strip('/')}"
