"""Which kept data `undo` can bring back: views offer it, the verb does it."""

from collections.abc import Iterable

from drbot.commands.facts.making_way import gives_way
from drbot.core.base.names import is_folder
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Run
from drbot.core.site.site import Configuration, Site
from drbot.store.records.kept import Kept


def undoable(
    configuration: Configuration, incident: Incident, run: Run | None, there: Iterable[Kept]
) -> tuple[Kept, ...]:
    """What `undo` would bring back now, the newest last; nothing where it would refuse."""
    if not incident.is_open or (run is not None and not run.is_over and not gives_way(incident, run)):
        return ()
    return tuple(sorted(returnable(configuration, incident, there), key=lambda one: (one.created_at, one.id)))


def returnable(configuration: Configuration, incident: Incident, rows: Iterable[Kept]) -> list[Kept]:
    """Which kept data `undo` can bring back: whole hosts, and what level 2 replaces at the incident's own site."""
    site = configuration.site(incident.site)
    stores = {store.volume for store in site.stores}
    mine = [one for one in rows if one.incident == incident.id]
    return [
        one
        for one in mine
        if one.whole_host or (one.site == incident.site and (one.original in stores or is_files(one, site)))
    ]


def is_files(one: Kept, site: Site) -> bool:
    """Settings, or files."""
    stores = {store.volume for store in site.stores}
    return one.original not in stores and (is_folder(one.original) or one.original in site.file_volumes)
