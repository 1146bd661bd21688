"""Brings drbot's own state back from S3 onto a bare machine: the other half of runners/state_copies.py.

Nothing is believed: the ledger is verified record by record against the head of the copy, and against the heads that
were kept apart from it (runners/heads.py).
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.configuration import load_configuration
from core.errors import PermanentError, UserError
from core.events import Event
from core.ledger import UNREADABLE, Chain, Known, event_in
from runners.adopting import adopt_open_runs
from runners.clients.object_store import ObjectStoreClient, StoredObject
from runners.heads import FOLDER as HEADS
from runners.state_copies import FOLDER, document_in, pieces
from store import copies, incidents
from store.database import Database
from store.file_modes import write_private

TRIED = "Bringing drbot back from S3."


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where the copies are, and which of them is meant."""

    bucket: ObjectStoreClient
    ledger: str = ""  # the beginning of its first hash, where the bucket has several
    accept_older: bool = False  # go on although a newer head is known


@dataclass(frozen=True, kw_only=True, slots=True)
class BroughtBack:
    """What is here now."""

    place: str
    record: int
    head: str
    at: datetime  # when the copy was made
    incidents: tuple[str, ...]  # that are open: "DR-3"
    files: tuple[Path, ...]


def bring_back(source: Source, database: Database, target: Path, home: Path) -> BroughtBack:
    """Fill the empty `database`, write dr.yml to `target` and the runbooks to where it says; the worker of `home` takes
    over the runs that are not over. Raises UserError,
    PermanentError, TemporaryError; the database is then as empty as before.
    """
    stored = newest_copy(source)
    place = source.bucket.place(stored.key)
    document = document_in(source.bucket.read(stored.key), place)
    database.migrate()
    require_same_tables(document, database)
    files = write_files(document["files"], target)
    with database.write() as tx:
        copies.fill(tx, verified(source, stored, document), document["tables"])
    with database.write() as tx:
        open_ones = incidents.recent(tx.connection, open_only=True, limit=1000)
        for one in open_ones:
            said = f"drbot's own host was lost. Its state came back from {place}, as of record {document['seq']}."
            incidents.note(tx, one.id, None, said)
        adopt_open_runs(tx, home)
    return BroughtBack(
        place=place,
        record=document["seq"],
        head=f"{document['seq']}:{document['hash']}",
        at=datetime.fromisoformat(document["at"]),
        incidents=tuple(one.name for one in open_ones),
        files=files,
    )


def newest_copy(source: Source) -> StoredObject:
    """The newest copy of the tables. Raises UserError when there is none, or when it is not clear of which ledger."""
    bucket = source.bucket
    found = [one for one in bucket.list(FOLDER + source.ledger) if "/tables/" in one.key]
    ledgers = {one.key.split("/")[1]: one for one in sorted(found, key=lambda one: one.key)}
    if not ledgers:
        raise UserError(
            TRIED,
            f"There is no copy of drbot's state below {bucket.place(FOLDER + source.ledger)}.",
            "Name bucket and prefix as `object_store` of dr.yml has them: s3://bucket/prefix/",
        )
    if len(ledgers) > 1:
        known = ", ".join(f"{name} (last change {one.modified_at:%Y-%m-%d %H:%M})" for name, one in ledgers.items())
        raise UserError(TRIED, f"There are copies of several ledgers: {known}.", "Name one with --ledger.")
    return next(iter(ledgers.values()))


def require_same_tables(document: Mapping[str, Any], database: Database) -> None:
    """Raise UserError when another version of drbot wrote the copy."""
    with database.read() as connection:
        here = copies.revision(connection)
    if here != document["revision"]:
        raise UserError(
            TRIED,
            f"The copy was made by drbot {document['drbot']} (tables {document['revision']}); this one has {here}.",
            "Install that version, bring the state back, then upgrade.",
        )


def verified(source: Source, stored: StoredObject, document: Mapping[str, Any]) -> Iterator[Event]:
    """The ledger up to the copy's record. Raises PermanentError at the end when something is wrong with it: nothing
    of it stays then, because the transaction that takes it is undone.
    """
    chain, known = Chain(), known_head(source)
    try:
        for event in events_of(source, stored, document):
            chain.add(event)
            known.see(event)
            yield event
    except (*UNREADABLE, KeyError, EOFError, OSError) as error:
        chain.unreadable(error)
    if not chain.problems:
        chain.end(document["seq"], document["hash"])
    if chain.problems:
        raise PermanentError(f"The ledger in {source.bucket.place(FOLDER)} is broken: {chain.problems[0]}")
    newer = known.problems()
    if newer and not source.accept_older:
        raise UserError(
            TRIED,
            f"The copy ends at record {chain.seq}, but a head was kept of record {known.seq}: {newer[0]}",
            "What happened in between would be forgotten. If that is all there is: --accept-older",
        )


def events_of(source: Source, stored: StoredObject, document: Mapping[str, Any]) -> Iterator[Event]:
    """Each event once: from the pieces of the ledger, then from the copy itself."""
    seq = 0
    for raw in lines_of(source, stored.key.partition("tables/")[0], document):
        event = event_in(raw)
        if seq < event.seq <= document["seq"]:  # pieces overlap where two workers took turns
            seq = event.seq
            yield event


def lines_of(source: Source, folder: str, document: Mapping[str, Any]) -> Iterator[bytes]:
    """Lines of the ledger, some of them perhaps twice."""
    for piece in pieces(source.bucket, folder):
        yield from gzip.decompress(source.bucket.read(piece.key)).splitlines(keepends=True)
    for line in document["events"]:
        yield line.encode() + b"\n"


def known_head(source: Source) -> Known:
    """The newest head that was kept apart from the ledger."""
    newest = max((one.key for one in source.bucket.list(HEADS)), default=None)
    return Known(json.loads(source.bucket.read(newest))["head"]) if newest else Known()


def write_files(files: Mapping[str, str], target: Path) -> tuple[Path, ...]:
    """dr.yml and the runbooks. Raises UserError when other ones are there."""
    if "dr.yml" not in files:
        return ()
    written = [write(target, files["dr.yml"])]
    folder = load_configuration(target).configuration.runbooks
    if folder is not None:
        runbooks = {name.partition("/")[2]: text for name, text in files.items() if name.startswith("runbooks/")}
        written += [write(folder / Path(name).name, text) for name, text in runbooks.items()]
    return tuple(written)


def write(path: Path, text: str) -> Path:
    """A file that is not there yet, or is the same."""
    if path.exists() and path.read_text() != text:
        raise UserError(TRIED, f"{path} is there already and is another one.", "Move it away, or name another place.")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, text)
    return path
