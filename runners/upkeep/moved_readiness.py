"""Where users are after a recovery on another host: dr.yml has to say so too, or nobody makes backups there; and what
runs on the old one when it is back.
"""

from collections.abc import Iterator

from sqlalchemy import Connection

from drbot.core.runs.run import Run
from drbot.core.site.inventory import SHOWN
from drbot.core.site.readiness import Line, bad, good, of_site, soon
from drbot.core.site.site import Configuration, Site
from drbot.core.text.messages import and_more, phrase
from drbot.core.text.words import day_and_time
from drbot.runners.clients.container_labels import NOT_ONE_OFF, PROJECT, SERVICE
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.store.runs.moved import moved_to


def moved(connection: Connection, configuration: Configuration) -> Run | None:
    """The recovery that brought users where they are now; None: none did."""
    return moved_to(connection, [name for name, one in configuration.sites.items() if one.services])


def users_lines(connection: Connection, configuration: Configuration, site: str) -> Iterator[Line]:
    """For the worker of this site; nothing where no recovery has brought the system here."""
    run, default = moved(connection, configuration), configuration.default_site
    if run is None or site not in (run.site, default):
        return
    what, moment = of_site(site, phrase("users")), day_and_time(run.finished_at or run.created_at)
    if site != run.site:
        said = phrase(
            "DR-{incident} brought the system up at {there}, {moment}: what is left here may be old",
            incident=run.incident, there=run.site, moment=moment,
        )  # fmt: skip
        yield soon(what, said, phrase("If users work there, start nothing here. See drbot docs recovery-sites."))
        return
    if site == default:
        yield good(what, phrase("here since DR-{incident}, {moment}", incident=run.incident, moment=moment))
        return
    schedule = configuration.backups.schedule
    is_backed_up = site in schedule.sites and (schedule.full or schedule.postgres)
    said = (
        phrase(
            "DR-{incident} brought the system up here, {moment}; /dr declare and readiness still mean {default}",
            incident=run.incident, moment=moment, default=default,
        )
        if is_backed_up
        else phrase(
            "DR-{incident} brought the system up here, {moment}; backups are made of {default}, none of this site",
            incident=run.incident, moment=moment, default=default,
        )
    )  # fmt: skip
    todo = phrase("If users work here: `default_site: {site}` in dr.yml. See drbot docs recovery-sites.", site=site)
    yield soon(what, said, todo) if is_backed_up else bad(what, said, todo)


def running_services(site: Site, engine: DockerEngine) -> list[str]:
    """Of the system, whoever started them. Raises TemporaryError."""
    projects = site.compose_projects()
    found = (one["Labels"] for one in engine.listing(NOT_ONE_OFF) if one["State"] == "running")
    return sorted({labels.get(SERVICE, "") for labels in found if labels.get(PROJECT) in projects})


def old_services(name: str, site: Site, engine: DockerEngine) -> Iterator[Line]:
    """For a host that a recovery would fill: services that started with it would work on old data beside the new ones.
    Raises TemporaryError.
    """
    if running := running_services(site, engine):
        said = phrase("{services} run here too, where no users are", services=and_more(running, SHOWN))
        todo = phrase("If this is an old host, stop them: drbot docs recovery-sites.")
        yield soon(of_site(name, phrase("old services")), said, todo)
