"""Asks every place for its backups, all at once: one that does not answer holds up no other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.site.proofs import named_anyway
from drbot.core.text.messages import phrase
from drbot.runners.foundation.at_once import at_once
from drbot.runners.foundation.watching import Cancelled

Kind = TypeVar("Kind", covariant=True)


class Named(Protocol):
    """A backup, of whatever kind."""

    @property
    def name(self) -> str: ...
    @property
    def mark(self) -> str: ...


One = TypeVar("One", bound=Named)


class Place(Protocol[Kind]):
    """A folder or a bucket with backups of one kind."""

    @property
    def place(self) -> str: ...
    def newest_first(self, cancelled: Cancelled = ..., unread: list[str] | None = ...) -> tuple[Kind, ...]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Found(Generic[Kind]):
    """What there is, and which places, or backups of them, could not be asked."""

    backups: tuple[Kind, ...] = ()
    silent: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()  # places that could be listed


def backups_in(places: Sequence[Place[Kind]], cancelled: Cancelled) -> Found[Kind]:
    """Place by place, each newest first. Raises CancelledError."""
    answers = at_once(lambda one: _asked(one, cancelled), places)
    return Found(
        backups=tuple(one for there in answers for one in there.backups),
        silent=tuple(why for there in answers for why in there.silent),
        answered=tuple(place for there in answers for place in there.answered),
    )


def in_turn(
    found: Iterable[One], failed: Callable[[One], str], pass_over: Callable[[One, str], None], name: str | None
) -> Iterator[One]:
    """In the order in which they are tried. What could not be restored (`failed` says why) is passed over; where a
    person has named it, it comes last of its copies.
    """
    for one in sorted(found, key=lambda one: bool(name and failed(one))):
        if not name and (why := failed(one)):
            pass_over(one, named_anyway(one.name, why))
        else:
            yield one


def _asked(place: Place[Kind], cancelled: Cancelled) -> Found[Kind]:
    unread: list[str] = []
    try:
        found = place.newest_first(cancelled, unread)
    except (PermanentError, TemporaryError) as error:
        return Found(silent=(phrase("the backups there could not be listed: {why}", why=error),))
    cannot = [phrase("{place}: a backup there cannot be read: {why}", place=place.place, why=why) for why in unread]
    return Found(backups=found, silent=tuple(cannot), answered=(place.place,))
