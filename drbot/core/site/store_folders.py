"""Folders that hold the data of a store: level 2 renames such a folder as a whole, so nothing else may lie in it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from drbot.core.base.names import is_folder
from drbot.core.site.site import Site
from drbot.core.text.messages import phrase


def entangled(site: Site, others: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """Store → what would be renamed or copied with its folder. `others`: keys of dr.yml → folders of drbot's own."""
    places = {"postgres": site.postgres, "redis": site.redis}
    stores = {kind: Path(one.volume) for kind, one in places.items() if one is not None and is_folder(one.volume)}
    projects = {f"projects/{name}": site.projects / name for name in site.compose_projects()}
    files = {f"files/{name}": site.projects / name.strip("/") for name in site.file_folders}
    for kind, folder in stores.items():
        around = {**others, "projects": site.projects, **projects, **files, **stores}
        del around[kind]
        for name, path in around.items():
            inside = path.absolute()
            if inside.is_relative_to(folder) or (name in files and folder.is_relative_to(inside)):
                said = phrase("{folder} and {name} lie in each other: keep them apart.", folder=folder, name=name)
                yield kind, said
