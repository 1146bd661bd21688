"""What a snapshot is made of, as restic lists it: seen with the survey, before anybody is asked and anything is
fetched. Whoever can write in a repository without a password can craft one under right digests.
"""

import os
from collections import Counter
from collections.abc import Mapping
from typing import Any

from drbot.core.site.full_manifest import FILES, LINKED, OWN, PROJECTS
from drbot.core.text.messages import phrase
from drbot.runners.clients.tar_entries import LONGEST_NAME

SETTINGS = (OWN, PROJECTS, LINKED)


class Shape:
    """Its parts, how much a tar stream of it holds, and what is wrong with it; told by a hundred thousand lines."""

    def __init__(self) -> None:
        self.entries = 0  # files, folders, links; no pipes and devices, which have no content
        self.bytes = 0  # only files have a size
        self.among = Counter[str]()  # entries of each folder at the top, itself too
        self.fault: str | None = None  # the first one
        self._below: dict[str, set[str]] = {OWN: set(), PROJECTS: set(), FILES: set()}

    @property
    def own(self) -> frozenset[str]:
        """Names below OWN."""
        return frozenset(self._below[OWN])

    @property
    def projects(self) -> frozenset[str]:
        """Whose folders are in it."""
        return frozenset(self._below[PROJECTS])

    @property
    def volumes(self) -> frozenset[str]:
        """Whose files are in it."""
        return frozenset(self._below[FILES])

    def take(self, said: Mapping[str, Any]) -> None:
        if said.get("message_type") != "node":
            return
        path, name, kind = str(said["path"]), str(said["name"]), str(said["type"])
        counts = kind in ("file", "dir", "symlink")
        self.entries += counts
        self.among["/" + path.split("/", 2)[1]] += counts
        self.bytes += int(said.get("size", 0)) if kind == "file" else 0
        self.fault = self.fault or fault_of(path, name, kind)
        above, _, last = path.rpartition("/")
        if above in self._below:
            self._below[above].add(last)


def fault_of(path: str, name: str, kind: str) -> str | None:
    """Of one file, folder or link; None when it is none. Data in volumes may be anything; settings are no devices."""
    if name in ("", ".", "..") or "/" in name or "\0" in name or not path.endswith(f"/{name}"):
        return phrase("{path} in it would be written elsewhere", path=f"{name!r}")
    if len(os.fsencode(name)) > LONGEST_NAME:
        return phrase("a name in {folder} is longer than any file system takes", folder=path.rpartition("/")[0] or "/")
    is_top = path in (*SETTINGS, FILES) or path.rpartition("/")[0] == FILES
    if is_top and kind != "dir":
        return phrase("{path} in it is no folder", path=path)
    among_settings = path.startswith(tuple(f"{one}/" for one in SETTINGS))
    if among_settings and kind not in ("file", "dir", "symlink"):
        return phrase("{path} among its settings is neither a file nor a folder ({kind})", path=path, kind=kind)
    if path.startswith(f"{OWN}/") and kind == "symlink":
        return phrase("{path} in it is a link", path=path)
    return None
