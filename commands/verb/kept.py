"""`kept` lists the old data that is kept, and offers exactly what `undo` and `give-up` would do now."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from drbot.commands.facts.context import CommandContext
from drbot.commands.facts.machines import machines_table, names_of
from drbot.commands.facts.returnable import undoable
from drbot.commands.speech.messages import Choice, Reply, Request, Table
from drbot.commands.speech.parser import Words
from drbot.commands.views.incident_view import IncidentView, view_of
from drbot.commands.views.shown_actions import Place, actions_at
from drbot.core.runs.run import Run, StepRecord
from drbot.core.site.people import Person
from drbot.core.text.messages import duration, phrase, sentences
from drbot.core.text.words import ago, size
from drbot.store.base.reading import left_out_where_unreadable
from drbot.store.records import incidents, machines
from drbot.store.records import kept as keeping
from drbot.store.runs import chores


def kept(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Size and age of everything kept; of one incident if one is named."""
    with context.database.read() as conn:
        there = keeping.list_of(conn, None)
        if words.incident is not None:
            there = [one for one in there if one.incident == words.incident]
        rented, names = machines.list_of(conn, words.incident), names_of(conn, context.configuration)
        numbers = sorted({one.incident for one in there} | {one.incident for one in rented if one.incident is not None})
        remaining = chores.remaining(conn, words.incident)
        views = list(left_out_where_unreadable(numbers, partial(_view, conn, context, request)))
    tables = (
        *((_remaining(remaining),) if remaining else ()),
        *((machines_table(rented, context.configuration, names, request.at),) if rented else ()),
    )
    choices = tuple(one for view in views for one in _offered(view, is_alone=len(views) == 1))
    ways = {one: way for view in views for one, way in _ways(view)}
    if not there:
        said = phrase("No old data is kept.")
        return Reply(text=_with_rented(said, len(rented)), tables=tables, choices=choices)
    rows = tuple(
        (
            f"DR-{one.incident}",
            one.volume,
            one.original,
            "?" if one.size_bytes is None else size(one.size_bytes),
            phrase("{time} ago", time=duration(ago(one.created_at, request.at).total_seconds())),
            ways.get(one.id, BY_HAND),
        )
        for one in there
    )
    return Reply(
        text=_with_rented(
            phrase(
                "Old data that is kept: {count}. drbot never deletes it by itself; deleting it needs two approvals.",
                count=len(there),
            ),
            len(rented),
        ),
        tables=(
            Table(
                rows=rows,
                header=(
                    phrase("Incident"),
                    phrase("Kept as"),
                    phrase("Original name"),
                    phrase("Size"),
                    phrase("Kept since"),
                    phrase("Comes back"),
                ),
            ),
            *tables,
        ),
        choices=choices,
    )


def _view(connection: Connection, context: CommandContext, request: Request, number: int) -> IncidentView:
    return view_of(connection, context, incidents.get(connection, number), request.at)


def _remaining(found: Sequence[tuple[Run, StepRecord]]) -> Table:
    """They hold every secret of what they are a copy of."""
    return Table(
        title=phrase("Copies of production's data that could not be removed; their worker tries again every minute"),
        header=(phrase("Incident"), phrase("Recovery"), phrase("Step")),
        rows=tuple(
            (f"DR-{run.incident}", run.id, run.plan.title_of(record.id) if run.plan else record.id)
            for run, record in found
        ),
    )


def _with_rented(said: str, count: int) -> str:
    """What is rented costs every hour, so it is said beside what is kept."""
    if not count:
        return said
    more = phrase("Rented machines: {count}. They are billed until two people approve giving them back.", count=count)
    return sentences(said, more)


BY_UNDO: str = phrase("by /dr undo")
BY_UNDO_AND_NAME: str = phrase("by /dr undo and its name")
BY_UNDO_LATER: str = phrase("by /dr undo, once the run has ended")
BY_HAND: str = phrase("by hand")


def _ways(view: IncidentView) -> Iterator[tuple[int, str]]:
    """How what undo knows comes back, by its id; what holds now comes last."""
    for run, first, others in ((None, BY_UNDO_LATER, BY_UNDO_LATER), (view.run, BY_UNDO, BY_UNDO_AND_NAME)):
        there = undoable(view.configuration, view.incident, run, view.kept)
        for one in there:
            yield one.id, first if one is there[-1] else others


def _offered(view: IncidentView, *, is_alone: bool) -> tuple[Choice, ...]:
    """Of one incident; beside those of others each says of which it is."""
    actions = actions_at(view, Place.KEPT)
    if is_alone:
        return actions
    name = view.incident.name
    return tuple(replace(one, label=phrase("{name}: {words}", name=name, words=one.label)) for one in actions)
