"""`drill skip level2`: the next drill of a level that begins by the calendar is left out, once."""

from collections.abc import Sequence
from datetime import datetime

from drbot.commands.facts.context import CommandContext
from drbot.commands.speech.messages import Reply
from drbot.commands.speech.parser import level_of
from drbot.commands.speech.refusal import Refusal
from drbot.core.ledger.events import EventKind
from drbot.core.runs.drill import routine_of
from drbot.core.site.level import Level
from drbot.core.site.people import Person
from drbot.core.text.messages import phrase, sentences
from drbot.core.text.words import day_and_time
from drbot.store.records import routines
from drbot.store.records.routines import Routine

SKIP = "skip"
EXAMPLE = f"drill {SKIP} level2"


def skip_command(level: Level, due: datetime) -> str:
    """What the button under a notice says: which one it meant, so that a late tap leaves out no other."""
    return f"drill {SKIP} level{int(level)} {due:%Y-%m-%dT%H:%MZ}"


def skip(context: CommandContext, rest: Sequence[str], person: Person) -> Reply:
    """`rest`: the level, and perhaps when the drill is due that is meant. Raises UserError."""
    if not rest:
        raise Refusal(phrase("No drill was put off."), phrase("Say which level: /dr {example}", example=EXAMPLE))
    level = level_of(rest[0], EXAMPLE)
    with context.database.write() as tx:
        routine = routines.get(tx.connection, routine_of(level))
        if routine is None:
            why = phrase("None of level {level} begins by the calendar.", level=int(level))
            raise Refusal(_tried(level), why, phrase("dr.yml says which do: drills.schedule."))
        if len(rest) > 1 and rest[1] != f"{routine.due_at:%Y-%m-%dt%H:%Mz}":
            raise Refusal(_tried(level), phrase("That drill is no longer the next one."), _next(routine.due_at))
        if routine.is_skipped:
            who = context.roster.name_of(routine.skipped_by)
            raise Refusal(_tried(level), phrase("{who} has put it off already.", who=who), _next(_after(routine)))
        if not routines.skip(tx, routine, person.id):
            why = phrase("It begins at this very moment.")
            raise Refusal(_tried(level), why, phrase("/dr drills shows it; /dr stop ends it."))
        due = day_and_time(routine.due_at)
        tx.record(EventKind.DRILL_SKIPPED, person=person.id, level=int(level), due=due)
    said = phrase("The drill of level {level} that is due at {due} is left out.", level=int(level), due=due)
    return Reply(text=sentences(said, _next(_after(routine))))


def _after(routine: Routine) -> datetime:
    return routine.calendar.after(routine.due_at)


def _next(due: datetime) -> str:
    return phrase("The next one is due at {due}.", due=day_and_time(due))


def _tried(level: Level) -> str:
    return phrase("The drill of level {level} was not put off.", level=int(level))
