"""Folders of data: level 2 renames such a folder as a whole, so nothing else may lie in it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from drbot.core.base.names import is_folder
from drbot.core.site.site import Site
from drbot.core.text.messages import filled, phrase

APART = phrase("{folder} and {name} lie in each other: keep them apart.")


def entangled(site: Site, others: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """Store or `files` → what would be renamed or copied with its folder. `others`: keys of dr.yml → folders of
    drbot's own.
    """
    places = {"postgres": site.postgres, "redis": site.redis}
    stores = {kind: Path(one.volume) for kind, one in places.items() if one is not None and is_folder(one.volume)}
    projects = {f"projects/{name}": site.projects / name for name in site.compose_projects()}
    files = {f"files/{name}": Path(site.place_of(name)) for name in site.files if is_folder(name)}
    whole = {name: path for name, path in files.items() if name.removeprefix("files/") in site.file_volumes}
    for kind, folder in {**stores, **whole}.items():
        around = {**others, "projects": site.projects, **({} if kind in whole else projects), **files, **stores}
        del around[kind]
        for name, path in around.items():
            inside, is_copied = path.absolute(), name in files or kind in whole
            if inside.is_relative_to(folder) or (is_copied and folder.is_relative_to(inside)):
                yield kind if kind in stores else "files", filled(APART, folder=folder, name=name)
