"""Is what is due by the calendar done? A line for each routine."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from drbot.core.site.readiness import Line, good, soon
from drbot.core.text.messages import closed, phrase
from drbot.core.text.words import day_and_time
from drbot.runners.upkeep.scheduled_backups import name_of
from drbot.runners.upkeep.scheduled_drills import DRILL_NAMES
from drbot.store.records.routines import Routine, is_held

LATE = timedelta(hours=1)


def routine_lines(routines: Iterable[Routine], now: datetime) -> Iterator[Line]:
    for one in routines:
        yield _line(name_of(one.key) or DRILL_NAMES.get(one.key, one.key), one, now)


def _line(what: str, one: Routine, now: datetime) -> Line:
    if one.fault:
        said = phrase("it failed: {why}", why=closed(one.fault))
        return soon(what, said, phrase("Correct that; it is tried again at {time}.", time=day_and_time(one.next_at)))
    if is_held(one, now):
        return good(what, phrase("it has been worked on since {time}", time=day_and_time(one.began_at or one.due_at)))
    if one.is_skipped:
        after = day_and_time(one.calendar.after(one.due_at))
        due = day_and_time(one.due_at)
        return good(what, phrase("the one of {due} is left out, the next one is due at {next}", due=due, next=after))
    if now - one.due_at > LATE:
        late = phrase("it was due at {time} and nobody has done it", time=day_and_time(one.due_at))
        return soon(what, late, phrase("The worker does it as soon as no run holds the site."))
    if one.succeeded_at is None:
        return good(what, phrase("the first one is due at {next}", next=day_and_time(one.due_at)))
    last, next_one = day_and_time(one.succeeded_at), day_and_time(one.due_at)
    return good(what, phrase("the last one ended at {last}, the next one is due at {next}", last=last, next=next_one))
