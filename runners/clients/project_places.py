"""Where compose projects lie and what they were started from, by the labels that Compose puts on their containers.

Whoever may start a container writes its labels: files count only inside the site's `projects`, and a plan seals them.
"""

from collections.abc import Iterable, Mapping, Sequence
from os.path import normpath, realpath
from pathlib import Path
from typing import Any

from drbot.core.site.inventory import KnownProject
from drbot.core.site.site import Site
from drbot.runners.clients.compose_text import COMPOSE_FILES, OVERRIDES, chosen_by_compose, is_possible
from drbot.runners.clients.container_labels import CONFIG_FILES, ENV_FILES, PROJECT, WORKING_DIR

Labels = Mapping[str, str]


def places_of(site: Site, containers: Iterable[Mapping[str, Any]]) -> tuple[KnownProject, ...]:
    """Of those projects that are not simply in the folder of their name, with files that Compose finds by itself.
    `containers`: as the engine lists them, the newest first.
    """
    labels: dict[str, list[Labels]] = {name: [] for name in site.compose_projects()}
    for one in containers:
        if WORKING_DIR in one["Labels"] and _tells(one["Labels"]):
            labels.get(one["Labels"].get(PROJECT), []).append(one["Labels"])
    known = (place_of(site.projects, name, there) for name, there in labels.items() if there)
    return tuple(one for one in known if one is not None)


def place_of(projects: Path, project: str, labels: Sequence[Labels]) -> KnownProject | None:
    """By the labels of its containers, the newest first. Compose leaves a container alone that a further file does not
    change, so the newest counts where its files are those of all others too, as far as they are still there.
    """
    newest = labels[0]
    others = {path for one in labels for path in _paths(one, CONFIG_FILES)} - {*_paths(newest, CONFIG_FILES)}
    others = {path for path in others if Path(path).exists()}
    usual = normpath(newest[WORKING_DIR]) == str(projects.absolute() / project)  # which may be a link
    folder = project if usual else _below(projects, newest[WORKING_DIR])
    if folder is None:
        is_there = Path(newest[WORKING_DIR]).is_dir()  # else it was moved since
        return KnownProject(project=project, outside=(newest[WORKING_DIR],)) if is_there else None
    files, env_files = ([*_paths(newest, name)] for name in (CONFIG_FILES, ENV_FILES))
    there = projects / folder
    outside = tuple(one for one in (*files, *env_files) if Path(one).exists() and _below(there, one) is None)
    if outside or others:
        disputed = (*files, *sorted(others)) if others else ()
        return KnownProject(project=project, outside=outside, disputed=disputed)
    inside, envs = (tuple(filter(None, (_below(there, one) for one in paths))) for paths in (files, env_files))
    chosen, present = chosen_by_compose(there), {name for name in inside if (there / name).exists()}
    is_usual = present <= {*chosen} if chosen else {*inside} <= {*COMPOSE_FILES, *OVERRIDES}
    if folder == project and is_usual and not envs:
        return None
    return KnownProject(project=project, folder=folder, files=() if is_usual else inside, env_files=envs)


def _tells(labels: Labels) -> bool:
    """Whether what it names can be there."""
    return all(map(is_possible, (labels[WORKING_DIR], *_paths(labels, CONFIG_FILES), *_paths(labels, ENV_FILES))))


def _paths(labels: Labels, name: str) -> list[str]:
    return [normpath(one) for one in labels.get(name, "").split(",") if one]


def _below(folder: Path, path: str) -> str | None:
    """Its way from there; None where it, or what it is a link to, is not below."""
    above, real = Path(realpath(folder)), Path(realpath(path))
    return real.relative_to(above).as_posix() if real.is_relative_to(above) and real != above else None
