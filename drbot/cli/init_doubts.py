"""What `drbot init` saw and cannot make good by itself: a sentence each, with a way on. Only looks."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from drbot.cli.init_file import Seen
from drbot.core.base.errors import UserError
from drbot.core.base.yaml_file import did_you_mean
from drbot.core.site.inventory import SHOWN, KnownService
from drbot.core.site.site import Service
from drbot.core.text.messages import and_more, listed, phrase, sentences
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.volume_users import strangers_among

TRIED = phrase("Looked for a system to describe.")

Folders = Mapping[str, Sequence[Path]]
"""Compose project → the folders that its containers were started from, the newest first."""


def require_some(chosen: Folders, there: Folders, asked: Sequence[str], others: Sequence[str]) -> None:
    """Raise UserError where nothing is to be described. `others`: containers that Compose has not started."""
    unknown = [name for name in asked if name not in there]
    if unknown and there:
        why = phrase("No container of the project {names} is on this engine.", names=listed(unknown))
        todo = phrase("There are: {projects}.", projects=and_more(sorted(there), SHOWN))
        raise UserError(TRIED, sentences(why, did_you_mean(unknown[0], sorted(there))), todo)
    if chosen:
        return
    if others:
        raise UserError(
            TRIED,
            phrase("Containers run here, and Compose has started none of them: {names}.",
                   names=and_more(sorted(others), SHOWN)),
            phrase("drbot recovers compose projects: write a compose file for them, then docker compose up -d."),
        )  # fmt: skip
    raise UserError(
        TRIED,
        phrase("No container of a compose project is on this engine."),
        phrase("Start the system once (docker compose up -d), or set DOCKER_HOST to its engine."),
    )


def require_one(there: Folders) -> None:
    """Raise UserError where only people know which of the projects belong together."""
    if len(there) > 1:
        names = sorted(there)
        raise UserError(
            TRIED,
            phrase("Several compose projects are on this engine: {projects}.", projects=and_more(names, SHOWN)),
            phrase("Name those of one system: drbot init --project={project}; of several, each.", project=names[0]),
        )


def doubts(seen: Seen, folders: Folders, engine: DockerEngine) -> Iterator[str]:
    """Of the projects that are described."""
    for project in seen.projects:
        places = folders.get(project, ())
        if len(places) > 1:
            yield phrase(
                "{project} was started from {folders}: two systems of one name are one to Compose, and to drbot. Give "
                "one of them another name (`name:` in its compose file).",
                project=project,
                folders=listed(map(str, places)),
            )
        else:
            yield from _of_files(project, places, [one for one in seen.inventory.services if one.project == project])
    for store in seen.stores:
        if store.kind == "postgres" and not store.answers:
            yield phrase(
                "{project}/{service}: PostgreSQL did not answer, so its databases are not in the file. Look again when "
                "it runs, or name them.",
                project=store.project,
                service=store.service,
            )
        elif store.kind != "other" and not store.volume:
            yield phrase(
                "{project}/{service} keeps its data in no volume with a name and in no folder: it goes with its "
                "container. Unless that is meant, mount one where it keeps it.",
                project=store.project,
                service=store.service,
            )
    yield from _of_volumes(seen, engine)


def _of_files(project: str, places: Sequence[Path], services: Sequence[KnownService]) -> Iterator[str]:
    undescribed = [one.service for one in services if not one.described]
    if undescribed and len(undescribed) == len(services):
        yield phrase(
            "{project}: its compose file is not in {folder} any more, or cannot be read. Without it nothing can be "
            "started again: bring it back.",
            project=project,
            folder=listed(map(str, places)),
        )
    elif undescribed:
        yield phrase(
            "{project}: {services} run, and no compose file describes them. Add them to it, or remove their "
            "containers: docker compose up -d --remove-orphans.",
            project=project,
            services=listed(undescribed),
        )


def _of_volumes(seen: Seen, engine: DockerEngine) -> Iterator[str]:
    mine = [Service(project=one.project, service=one.service, role="app") for one in seen.inventory.services]
    mounts = (mount for one in seen.inventory.all_services for mount in one.mounts if mount.kind == "volume")
    for volume in dict.fromkeys(mount.source for mount in mounts if mount.source):
        others = strangers_among(engine.made_with(volume), mine)
        if others:
            yield phrase(
                "{volume} is used by {users} too, which the file does not know: nobody would stop them while it is "
                "restored. Describe them too, or give them a volume of their own.",
                volume=volume,
                users=and_more([one.name for one in others], SHOWN),
            )
