"""Folders of the engine's host where data lies, by the same calls as volumes: looked at, made and removed by helpers,
for the worker may be on another host.

What labels are to a volume an empty volume holds for a folder that drbot has made, so that only who has the engine can
say whose it is, and nothing lies about in the folders of projects. Without it a folder counts as somebody else's.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from drbot.core.base.errors import PermanentError
from drbot.core.base.names import is_folder
from drbot.core.site.site import Site
from drbot.core.text.messages import phrase
from drbot.core.text.words import ending
from drbot.runners.clients import helper
from drbot.runners.clients.container_labels import FOLDER_LABEL, RUN_LABEL, marked_folder, marker_of
from drbot.runners.clients.docker_engine import FOLDER, MISSING, DockerEngine, VolumeIdentity
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.tools_image import tools_image
from drbot.runners.foundation.permit import Permit, emptied
from drbot.runners.foundation.watching import never

HOST, SECONDS = "/host", 120.0
# Options of a new folder: whose owner and mode it gets, where that is there; else which.
LIKE, OWNER, MODE = "like", "owner", "mode"

# Part by part from the root on, so that no link is followed. The last line is what was found.
LOOK = r"""
at=/host
for part; do
  if [ -L "$at/$part" ]; then echo "link"; exit 0; fi
  if [ ! -e "$at/$part" ]; then echo "missing ${at#/host}/"; exit 0; fi
  if [ ! -d "$at/$part" ]; then echo "file"; exit 0; fi
  at="$at/$part"
done
while read -r _ _ _ _ there _; do if [ "$there" = "$at" ]; then echo mount; exit 0; fi; done < /proc/self/mountinfo
stat -c 'folder %W %d:%i' "$at"
"""
# The same, without asking what is mounted there: which folder it is.
WHERE = r"""
at=/host
for part; do
  at="$at/$part"
  if [ -L "$at" ]; then echo "a link lies on the way to it"; exit 1; fi
done
stat -c %d:%i "$at"
"""
MAKE = r"""
set -eu
path="/host/$1"
if [ "${path%/*}" != /host ]; then mkdir -p "${path%/*}"; fi
mkdir "$path"
if [ -n "$2" ] && [ -d "/host/$2" ]; then
  chown --reference="/host/$2" "$path"
  chmod --reference="/host/$2" "$path"
else
  if [ -n "$3" ]; then chown "$3" "$path"; fi
  if [ -n "$4" ]; then chmod "$4" "$path"; fi
fi
"""
REMOVE = r"""rm -rf --one-file-system "/host/$1" && sync /host"""
FAULTS = {
    "link": phrase("it is a link, or lies behind one: give the path of the folder itself"),
    "file": phrase("it is a file"),
    "mount": phrase("something is mounted right there, so it cannot be renamed: keep the data in a folder below it"),
}


class EngineWithFolders(DockerEngine):
    """An engine to which the whole path of a folder is the name of a place of data, as a volume's name is."""

    def volume(self, name: str) -> VolumeIdentity | None:
        if not is_folder(name):
            return super().volume(name)
        kind, *said = self._seen(name)
        if kind == MISSING:
            return None
        marker = super().volume(marker_of(name)) if kind == FOLDER else None
        return VolumeIdentity(
            name=name,
            created_at=_created(*said) if kind == FOLDER else kind,
            driver=FOLDER,
            mountpoint=name,
            options={},
            labels=marker.labels if marker and marked_folder(marker.name, marker.labels) == name else {},
            fault=FAULTS.get(kind, ""),
        )

    def create_volume(
        self, name: str, labels: Mapping[str, str], driver: str = "local", options: Mapping[str, str] | None = None
    ) -> None:
        if not is_folder(name):
            super().create_volume(name, labels, driver, options)
            return
        kind, *said = self._seen(name)
        if kind != MISSING:
            raise PermanentError(phrase("Create the folder {folder}: there is one already", folder=name))
        self._forget(name)  # what somebody has removed
        super().create_volume(marker_of(name), {**labels, FOLDER_LABEL: name})
        there, wanted = PurePosixPath(said[0]), options or {}  # the deepest folder that is there
        like = PurePosixPath(wanted.get(LIKE, ""))
        beside = str(like.relative_to(there)) if like.is_relative_to(there) else ""
        words = (str(PurePosixPath(name).relative_to(there)), beside, wanted.get(OWNER, ""), wanted.get(MODE, ""))
        _do(self, MAKE, there, *words, labels=labels)

    def remove_emptied_volume(self, name: str, permit: Permit) -> None:
        """A move takes a folder along, so what is left of it is that it was drbot's."""
        permit.require(emptied(name))
        if not is_folder(name):
            super().remove_emptied_volume(name, permit)
        elif self._seen(name)[0] == MISSING:
            self._forget(name)

    def _remove_volume(self, name: str) -> None:
        """Raises PermanentError for a folder that drbot has not made."""
        if not is_folder(name):
            super()._remove_volume(name)
            return
        found, path = self.volume(name), PurePosixPath(name)
        if found is not None and (RUN_LABEL not in found.labels or found.fault):
            raise PermanentError(phrase("The folder {folder} was not made by drbot; it was not touched", folder=name))
        if found is not None:
            _do(self, REMOVE, path.parent, path.name, labels={})
        self._forget(name)

    def _forget(self, folder: str) -> None:
        super()._remove_volume(marker_of(folder))

    def _seen(self, name: str) -> list[str]:
        """The words of LOOK."""
        return _do(self, LOOK, PurePosixPath("/"), *PurePosixPath(name).parts[1:], labels={}, read_only=True).split()


def identity_of(engine: DockerEngine, folder: str) -> str:
    """Which folder of the engine's host it is, looked up without following a link. Raises PermanentError."""
    root, *words = PurePosixPath(folder).parts
    return _do(engine, WHERE, PurePosixPath(root), *words, labels={}, read_only=True, about=folder).strip()


def _do(
    engine: DockerEngine,
    script: str,
    folder: PurePosixPath,
    *words: str,
    labels: Mapping[str, str],
    read_only: bool = False,
    about: str = "",
) -> str:
    """A short script, not to be stopped half-way. Raises PermanentError with what it said."""
    order = HelperOrder(
        image=tools_image(engine),
        labels=labels,
        entrypoint=("sh", "-c", script, "sh"),
        command=words,
        mounts=(Mount(source=str(folder), target=HOST, read_only=read_only),),
        user="root",
        pinned={} if read_only else {HOST: identity_of(engine, str(folder))},
    )
    ended = helper.run(engine, order, never, SECONDS)
    if ended.code != 0 or (read_only and not ended.output):
        said = ending(ended.output, 300) or ended.code
        raise PermanentError(phrase("The folder {folder}: {said}", folder=about or folder, said=said))
    return ended.output


def _created(seconds: str, identity: str) -> str:
    """When, and which: another folder of this name is another one."""
    return f"{datetime.fromtimestamp(int(seconds), UTC).isoformat()} {identity}"


def data_below(engine: DockerEngine, site: Site) -> tuple[str, ...]:
    """The folders below `projects` that are data and no settings: of `files`, of stores, and what drbot has made beside
    these. As paths from there.
    """
    below = site.whole_path
    made = (Path(path) for path in engine.made_folders())
    named = [*(name.strip("/") for name in site.file_folders), *site.store_folders]
    inside = (str(path.relative_to(below)) for path in made if path.is_relative_to(below))
    beside = (one for one in inside if any(re.match(f"{re.escape(name)}_[^/]+$", one) for name in named))
    return tuple(dict.fromkeys([*named, *beside]))
