"""When something was committed, and what has deleted much: the hours of a PostgreSQL server by its WAL. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from drbot.core.text.stored_messages import Sentence

Count = Annotated[int, Field(ge=0, lt=10**15)]
"""In a database row somebody may have written another."""
SHOWN = 20
"""Events that people are shown."""
_CLASS, _TYPE, _ATTRIBUTE = 1259, 1247, 1249  # catalogs: every relation, every table's type, every column
_TABLES = frozenset("rpm")  # ordinary, partitioned, materialized
_CATALOGS = ("pg_catalog", "pg_toast", "information_schema")
_AT = re.compile(r"at ([0-9A-F]+)/([0-9A-F]+)")


class What(StrEnum):
    """What a transaction has done."""

    DATABASE = "database"  # dropped
    DROP = "drop"
    TRUNCATE = "truncate"
    DELETE = "delete"
    UPDATE = "update"
    REWRITE = "rewrite"  # new files: ALTER TABLE, VACUUM FULL, a view that was refreshed
    ALTER = "alter"


_BY_ROWS = (What.DELETE, What.UPDATE)
_LAST = (What.REWRITE, What.ALTER)  # mostly meant, and often


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """`moment`: just before it was committed; of a database that was dropped, before the commit before its files went.
    `relations`: (database, number) before they are named, by number of file or relation.
    """

    at: AwareDatetime
    what: What
    moment: AwareDatetime
    rows: Count = 0
    relations: tuple[tuple[int, int], ...] = ()
    names: tuple[str, ...] = ()
    reachable: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """`minutes`: commits in each that has some. `events`: oldest first. `doubts`: what was not looked at."""

    since: AwareDatetime
    until: AwareDatetime
    minutes: Mapping[AwareDatetime, Count] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    doubts: tuple[Sentence, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """What a helper has made of pg_waldump's output. `place`: of the last record; None: there was none. `first`,
    `last`: commits. `least`: rows from which on a transaction is told. `fault`: of pg_waldump, "" without one.
    """

    minutes: Mapping[datetime, int]
    events: tuple[Event, ...]
    place: int | None
    first: datetime | None
    last: datetime | None
    least: int
    is_late: bool
    fault: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """Of the server that runs. `databases`: those that answered. `relations`: what of them is there now, and its kind
    in pg_class.
    """

    databases: Mapping[int, str] = field(default_factory=dict)
    relations: Mapping[tuple[int, int], tuple[str, str]] = field(default_factory=dict)


def read(lines: Iterable[str], segment_bytes: int) -> Read:
    """Of what the helper printed; a line that is none of its own is left out."""
    minutes: dict[datetime, int] = {}
    events: list[Event] = []
    said = {"until": "", "first": "", "last": "", "least": "0", "code": "0", "error": ""}
    for line in lines:
        kind, _, rest = line.strip().partition(" ")
        if kind in said:
            said[kind] = rest
        with suppress(ValueError, IndexError):  # words that a program has put into the WAL
            if kind == "minute":
                minute, count = rest.split()
                minutes[_moment(f"{minute}:00")] = int(count)
            elif kind == "commit":
                events += list(_events_of(rest.split()))
    return Read(
        minutes=minutes,
        events=tuple(events),
        place=_place_of(said["until"], segment_bytes),
        first=_moment(said["first"]) if said["first"] else None,
        last=_moment(said["last"]) if said["last"] else None,
        least=int(said["least"]),
        is_late=said["code"] == "124",
        fault=said["error"],
    )


def is_end(read: Read, newest: int, newest_name: str, segment_bytes: int) -> bool:
    """Whether pg_waldump has read up to the end: there it always says that no record follows."""
    said = [_place_of("/".join(found), segment_bytes) or 0 for found in _AT.findall(read.fault)]
    return not read.fault or (read.place or 0) >= newest or max(said, default=0) >= newest or newest_name in read.fault


def named(events: Iterable[Event], names: Names) -> Iterator[Event]:
    """Of tables of people alone, by their names; what is not known keeps its number."""
    for event in events:
        known = [names.relations[one] for one in event.relations if one in names.relations]
        gone = [one for one in event.relations if one not in names.relations]
        tables = [name for name, kind in known if kind in _TABLES and name.split(".")[0] not in _CATALOGS]
        of_answering = [one for one in gone if one[0] in names.databases]
        if event.what is What.DROP:
            shown = [_numbered(one, names) for one in gone]
        elif event.what in _BY_ROWS or event.what is What.DATABASE:
            shown = tables or [_numbered(one, names) for one in gone]
        else:  # in a database that answers, a number without a relation was of an index, or of a file in between
            shown = tables or [_numbered(one, names) for one in gone if one not in of_answering]
            shown = shown or ([_numbered(of_answering[0], names)] if not known and of_answering else [])
        if shown:
            yield replace(event, names=tuple(shown))


def most_telling(events: Iterable[Event], most: int) -> tuple[Event, ...]:
    """What has deleted most comes before what has changed most; of what is left, oldest first."""

    def weight(event: Event) -> tuple[int, int, datetime]:
        return (0 if event.what in _LAST else 1 if event.what in _BY_ROWS else 2, event.rows, event.at)

    return tuple(sorted(sorted(events, key=weight, reverse=True)[:most], key=lambda event: event.at))


def redacted(timeline: Timeline, redact: Callable[[str], str]) -> Timeline:
    """As it may be kept and shown: a table's name and PostgreSQL's words are somebody's own."""
    events = tuple(replace(one, names=tuple(map(redact, one.names))) for one in timeline.events)
    return replace(timeline, events=events, doubts=tuple(map(redact, timeline.doubts)))


def buckets(timeline: Timeline, count: int) -> tuple[int, ...]:
    """Commits in each of `count` equal parts of its time."""
    found = [0] * count
    length = (timeline.until - timeline.since) / count
    for minute, commits in timeline.minutes.items():
        part = int((minute - timeline.since) / length) if length else 0
        found[min(max(part, 0), count - 1)] += commits
    return tuple(found)


def _numbered(relation: tuple[int, int], names: Names) -> str:
    database, number = relation
    return f"{names.databases.get(database, database)}/{number}" if number else str(database)


def _events_of(words: Sequence[str]) -> Iterator[Event]:
    """Of one commit: <when> <of a database: the last commit before its files went, or "-"> <files> <kind=db/rel:n>…"""
    at, before, files = words[:3]
    found = [_counted(word) for word in words[3:]]
    moment = _before(_moment(at))
    for kind, relation, count in found:
        if kind == "database":  # its files go before its commit: also the replay must stop before
            earlier, known = _before(_moment(before if before != "-" else at)), before != "-"
            yield Event(at=_moment(at), what=What.DATABASE, moment=earlier, relations=(relation,), reachable=known)
        elif kind in _BY_ROWS and relation[1] not in (_CLASS, _TYPE, _ATTRIBUTE):
            yield Event(at=_moment(at), what=What(kind), moment=moment, rows=count, relations=(relation,))
    locks = tuple(relation for kind, relation, _ in found if kind == "lock")
    what = _change({(kind, relation[1]): count for kind, relation, count in found}, int(files))
    if what is not None and locks:
        yield Event(at=_moment(at), what=what, moment=moment, relations=locks)


def _change(counts: Mapping[tuple[str, int], int], files: int) -> What | None:
    """What became of tables: by what was written into the catalogs, and whether files went with the commit."""
    made, gone = counts.get(("insert", _CLASS), 0), counts.get(("delete", _CLASS), 0)
    types_made, types_gone = counts.get(("insert", _TYPE), 0), counts.get(("delete", _TYPE), 0)
    changed = counts.get(("update", _CLASS), 0) + counts.get(("update", _ATTRIBUTE), 0)
    if not files:
        return What.ALTER if changed and not made and not gone else None
    if gone > made:
        return What.DROP if types_gone > types_made else None  # an index has no type
    if not made:
        return What.TRUNCATE
    return What.REWRITE if types_made else None


def _counted(word: str) -> tuple[str, tuple[int, int], int]:
    kind, _, rest = word.partition("=")
    relation, _, count = rest.partition(":")
    database, _, number = relation.partition("/")
    return kind, (int(database), int(number or 0)), int(count)


def _before(moment: datetime) -> datetime:
    """PostgreSQL counts in microseconds: a recovery to it ends at the first commit that is later."""
    return moment - timedelta(microseconds=1)


def _moment(said: str) -> datetime:
    return datetime.fromisoformat(said).replace(tzinfo=UTC)


def _place_of(lsn: str, segment_bytes: int) -> int | None:
    """Which segment holds it, counted from the first."""
    log, _, offset = lsn.partition("/")
    return ((int(log, 16) << 32) + int(offset, 16)) // segment_bytes if offset else None
