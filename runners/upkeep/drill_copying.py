"""What a copy of the system is made of: production's images and compose projects. Both are only read there."""

import shutil
from collections.abc import Iterable
from os.path import lexists, realpath
from pathlib import Path

from drbot.core.base.errors import PermanentError
from drbot.core.site.site import Site
from drbot.core.text.messages import phrase
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.inventory_reader import read_inventory
from drbot.runners.foundation.own_record import FOLDER as OWN_FOLDER
from drbot.runners.foundation.watching import Cancelled


def images_of(site: Site, clients: Clients, cancelled: Cancelled) -> tuple[str, ...]:
    """Every image that its services are made from and production's engine has."""
    services = read_inventory(site, clients.docker, clients.compose, cancelled).services
    return tuple(image for image in dict.fromkeys(one.image for one in services) if clients.docker.has_image(image))


def copy_projects(site: Site, below: Iterable[str], shared: Iterable[str], folder: Path, home: Path) -> None:
    """The compose projects with their settings; folders of data, `below` the projects, come with nothing but what of
    them is `shared` settings, and drbot's own `home`, which may lie among them, not at all. Raises PermanentError.
    """
    ours = _ours(site.projects, home)
    data = {ours, *(realpath(site.projects / name) for name in below)}

    def left_out(where: str, names: list[str]) -> set[str]:
        found = ((name, Path(where) / name) for name in names)
        return {name for name, path in found if realpath(path) in data or name == ".git" or _is_of_a_program(path)}

    try:
        shutil.copytree(site.projects, folder, symlinks=True, ignore=left_out, dirs_exist_ok=True)
        for name in site.file_folders:
            (folder / name).mkdir(parents=True, exist_ok=True)
        settings = (one for one in shared if not Path(realpath(site.projects / one)).is_relative_to(ours))
        for name in (one for one in settings if not lexists(folder / one) and _stays(folder, one)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(site.projects / name, folder / name, follow_symlinks=False)
    except (OSError, shutil.Error) as error:
        raise PermanentError(
            phrase("{folder} could not be copied for the drill: {why}", folder=site.projects, why=error)
        ) from error


def _ours(projects: Path, home: Path) -> str:
    """What no copy gets: drbot's home or, where the projects lie in it, what it signs with. Raises PermanentError where
    dr.yml calls these themselves projects.
    """
    own, there = realpath(home), Path(realpath(projects))
    if str(there) == own or there.is_relative_to(realpath(home / OWN_FOLDER)):
        raise PermanentError(
            phrase(
                "{folder} holds drbot's own secrets, which go into no drill: give `projects` another folder",
                folder=projects,
            )
        )
    return realpath(home / OWN_FOLDER) if there.is_relative_to(own) else own


def _stays(folder: Path, name: str) -> bool:
    """A link leads elsewhere from here than from where it was made."""
    return Path(realpath(folder / name)).is_relative_to(realpath(folder))


def _is_of_a_program(path: Path) -> bool:
    """A socket or a pipe: whoever listens there makes it anew."""
    return not path.is_symlink() and (path.is_socket() or path.is_fifo())
