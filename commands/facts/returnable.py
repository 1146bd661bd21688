"""Which kept data `undo` can bring back: views offer it, the verb does it."""

from collections.abc import Iterable

from sqlalchemy import Connection

from drbot.commands.facts.making_way import gives_way
from drbot.core.base.names import is_folder
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Run, RunKind, StepState
from drbot.core.site.site import Configuration, Site
from drbot.store.records import steps
from drbot.store.records.kept import Kept
from drbot.store.runs import runs


def undoable(
    configuration: Configuration, incident: Incident, run: Run | None, there: Iterable[Kept]
) -> tuple[Kept, ...]:
    """What `undo` could bring back now, what it takes by itself last; nothing where it would refuse."""
    if not incident.is_open or (run is not None and not run.is_over and not gives_way(incident, run)):
        return ()
    return tuple(returnable(configuration, incident, there))


def in_order(connection: Connection, there: Iterable[Kept]) -> list[Kept]:
    """As `undo` takes them, the first choice last: the newest, but not what an undo put aside that has not brought its
    host back. Whoever asks again wants the same as then.
    """
    return sorted(there, key=lambda one: (not _is_half_undone(connection, one), one.created_at, one.id))


def _is_half_undone(connection: Connection, one: Kept) -> bool:
    run = runs.get(connection, one.run) if one.whole_host else None
    if run is None or run.kind is not RunKind.UNDO or run.plan is None:
        return False
    brings = {step.id for step in run.plan.steps if step.do == "host.put_back"}
    done = {record.id for record in steps.of_run(connection, run.id) if record.state is StepState.SUCCEEDED}
    return not brings & done


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
