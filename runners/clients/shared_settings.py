"""Settings that several compose projects share: files below `projects` that lie in no project's folder, such as a
`common.env` beside them, or one in a folder that `files` keeps as data. Compose reads them before anything is made, so
they come with the settings, and not later with the data.
"""

from collections.abc import Iterator
from os.path import normpath, realpath
from pathlib import Path

from drbot.core.site.site import Site
from drbot.runners.clients.compose import Compose
from drbot.runners.clients.compose_text import is_file


def shared_settings(site: Site, compose: Compose) -> tuple[str, ...]:
    """As paths below `projects`, those that are there."""
    projects = site.projects.resolve()
    return tuple(name for name in shared_names(site, compose) if _is_kept(site.projects / name, projects))


def shared_names(site: Site, compose: Compose) -> tuple[str, ...]:
    """The same, also of files that are not there (yet)."""
    names = site.compose_projects()
    own = [Path(normpath(compose.folder(name))) for name in names]
    found = {path for name in names for path in _below(site, compose, name)}
    return tuple(
        sorted(
            path.relative_to(normpath(site.projects)).as_posix()
            for path in found
            if not any(path.is_relative_to(folder) for folder in own)
        )
    )


def _below(site: Site, compose: Compose, project: str) -> Iterator[Path]:
    """What Compose reads there of files; of a folder, such as a build's, nobody knows how much else is in it."""
    for path in compose.everything(project).files:
        if path.is_relative_to(normpath(site.projects)) and not path.is_dir():
            yield path


def _is_kept(path: Path, projects: Path) -> bool:
    """A file, and no link that leads out of the projects: whoever writes the folder could mean any file of the host."""
    return is_file(path) and Path(realpath(path)).is_relative_to(projects)
