"""A drbot whose own state was copied to a bucket several times, what each copy must bring back, and somebody with the
keys to the bucket who changes it. Whoever brings it back types what an operator types.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from drbot.cli.bootstrap import bootstrap
from drbot.core.base.signing import KeyPair
from drbot.core.ledger.events import Event, EventKind, hash_of
from drbot.core.ledger.ledger import event_in
from drbot.core.ledger.ledger import line_of as event_line
from drbot.core.ledger.statements import Head, Statement, line_of, statement_in
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import RunKind
from drbot.core.site.level import Level
from drbot.lab.layout import as_yaml, describe
from drbot.runners.clients.object_store import ObjectStoreClient
from drbot.runners.own_state.documents import Documents
from drbot.runners.own_state.ledger_anchor import LedgerAnchor
from drbot.runners.own_state.state_bucket import copy_key, head_key, piece_key
from drbot.runners.own_state.state_copies import Signer, StateCopies
from drbot.store import copies
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.records import action_items, incidents, surfaces
from drbot.store.runs import runs

OWN, STRANGER = KeyPair(b"w" * 32), KeyPair(b"x" * 32)


@contextmanager
def opened(path: Path) -> Iterator[Database]:
    with closing(Database(f"sqlite:///{path}")) as made:
        yield made


def documents_in(folder: Path) -> Documents:
    """A dr.yml with a folder of runbooks beside it; one of them is no UTF-8."""
    (folder / "runbooks").mkdir(parents=True)
    (folder / "runbooks" / "own.yml").write_bytes(b"runbook: own\r\n")
    (folder / "runbooks" / "latin.yml").write_bytes(b"# caf\xe9\n")
    ports = dict.fromkeys(("auth", "user", "admin", "front-user", "front-admin"), 1)
    plan = describe(folder, "x-", "unix:///x", ports).model_copy(update={"runbooks": Path("runbooks")})
    (folder / "dr.yml").write_text(as_yaml(plan))
    return Documents(configuration=folder / "dr.yml", runbooks=folder / "runbooks")


def copier(
    database: Database, client: ObjectStoreClient, documents: Documents, owner: str = "worker", key: KeyPair = OWN
) -> StateCopies:
    return StateCopies(database, client, documents, Signer(owner=owner, site="production", key=key))


def note(database: Database, text: str) -> None:
    with database.write() as tx:
        tx.record(EventKind.INCIDENT_NOTE, text=text)


def declare(database: Database) -> Incident:
    """An incident with a run that a worker holds, and something that somebody shall do about it."""
    with database.write() as tx:
        made = incidents.declare(tx, site="production", level=Level(2), title="down", person="aiko")
        run = runs.queue(
            tx, incident=made.id, site="production", kind=RunKind.RECOVER, runbook="level2-postgres", arguments={},
            person="aiko",
        )  # fmt: skip
        runs.claim(tx, run.id, "lost worker", 15)
        surfaces.put(tx, surfaces.Surface(incident=made.id, key="board", channel="C1", ts="1.2"))
        action_items.add(tx, made.id, text="a second replica", owner="ben", due=date(2026, 12, 15), person="aiko")
    return made


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """What drbot was when it was copied."""

    events: Sequence[Event]
    rows: Mapping[str, Any]
    files: Mapping[str, bytes]

    @property
    def head(self) -> Head:
        return Head(seq=self.events[-1].seq, hash=self.events[-1].hash)


@dataclass(kw_only=True)
class Copied:
    """Three copies; the head of the second was kept, as it is once a minute."""

    client: ObjectStoreClient
    folder: Path
    database: Database
    documents: Documents
    state: StateCopies
    moments: list[Moment] = field(default_factory=list)

    @property
    def ledger(self) -> str:
        return self.moments[0].events[0].hash

    def copy(self, text: str) -> Moment:
        """Something happens, and is copied."""
        assert self.documents.runbooks is not None
        (self.documents.runbooks / "last.yml").write_text(f"# {text}\n")
        note(self.database, text)
        assert self.state.copy()
        self.moments.append(self.now())
        return self.moments[-1]

    def now(self) -> Moment:
        with self.database.read() as connection:
            events, rows = ledger.after(connection, 0, 10_000), copies.rows_of(connection)
        texts = self.documents.texts()
        files = {name: text.encode("utf-8", "surrogateescape") for name, text in texts.items()}
        return Moment(events=events, rows=rows, files=files)

    def keep_head(self, key: KeyPair = OWN) -> None:
        LedgerAnchor(self.database, self.client, key).keep()

    # What somebody with the bucket does.

    def keys(self, part: str) -> list[str]:
        """Of objects, by a part of their name."""
        return [one.key for one in self.client.list() if part in one.key]

    def remove(self, part: str) -> None:
        """All of them."""
        for key in self.keys(part):
            self.client.remove(key)

    def said(self, number: int = -1) -> tuple[Statement, dict[str, Any]]:
        """What a copy says and holds."""
        line, _, body = self.client.read(copy_key(self.ledger, self.moments[number].head.seq)).partition(b"\n")
        return statement_in(line), json.loads(gzip.decompress(body))

    def put(self, statement: Statement, body: bytes, key: KeyPair, *, name: int = 0) -> None:
        """A copy with a good signature of this key."""
        about = replace(statement, key=key.public, sha256=hashlib.sha256(body).hexdigest(), size=len(body))
        self.client.write(copy_key(self.ledger, name or about.seq), line_of(about, key) + body)

    def put_document(self, change: Callable[[dict[str, Any]], None], key: KeyPair = STRANGER) -> None:
        """The newest copy with something changed, all digests made anew."""
        statement, document = self.said()
        change(document)
        self.put(statement, gzip.compress(json.dumps(document).encode()), key)

    def cut_newest(self) -> None:
        """The newest copy, uploaded by half; what was there is gone for good."""
        key = copy_key(self.ledger, self.moments[-1].head.seq)
        data = self.client.read(key)
        self.remove_newest()
        self.client.write(key, data[:-100])

    def remove_newest(self) -> None:
        """The newest copy, for good."""
        key, settings = copy_key(self.ledger, self.moments[-1].head.seq), self.client.settings
        version = self.client.head(key).version
        which = {"VersionId": version} if version else {}
        self.client.client.delete_object(Bucket=settings.bucket, Key=settings.prefix + key, **which)

    def forge(self, events: Sequence[Event], *, since: int) -> list[Event]:
        """These records, chained anew from this one on, and uploaded with a copy and a head, signed by a stranger whose
        key they name.
        """
        chain = [event for event in events if event.seq < since]
        named = Event(seq=0, at=events[-1].at, kind=EventKind.STATE_SIGNED_BY, payload={"key": STRANGER.public})
        for event in (named, *(event for event in events if event.seq >= since)):
            placed = replace(event, seq=len(chain) + 1, previous=chain[-1].hash if chain else "0" * 64)
            chain.append(replace(placed, hash=hash_of(placed)))
        last, first = chain[-1], chain[0].hash
        lines = b"".join(event_line(event).encode() + b"\n" for event in chain)
        self.client.write(piece_key(first, 1, last.seq, last.hash), gzip.compress(lines))
        about = Statement(ledger=first, seq=last.seq, hash=last.hash, key=STRANGER.public)
        _, document = self.said()
        body = gzip.compress(json.dumps(document).encode())
        signed = replace(about, sha256=hashlib.sha256(body).hexdigest(), size=len(body))
        self.client.write(copy_key(first, last.seq), line_of(signed, STRANGER) + body)
        self.client.write(head_key(first, last.seq, last.hash), line_of(about, STRANGER), locked=True)
        return chain


@contextmanager
def copied(client: ObjectStoreClient, folder: Path, key: KeyPair = OWN) -> Iterator[Copied]:
    """Three times, in one ledger."""
    documents = documents_in(folder / "etc")
    with opened(folder / "home" / "state.db") as database:
        database.migrate()
        declare(database)
        made = Copied(
            client=client, folder=folder, database=database, documents=documents,
            state=copier(database, client, documents, key=key),
        )  # fmt: skip
        made.copy("first")
        made.copy("second")
        made.keep_head(key)
        made.copy("third")
        yield made


@dataclass(frozen=True, kw_only=True, slots=True)
class Bare:
    """A machine with nothing on it but, perhaps, the worker's folder."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def give_key(self, key: KeyPair) -> None:
        """The backup of <home>/worker is back."""
        (self.home / "worker").mkdir(parents=True)
        (self.home / "worker" / "key").write_text(base64.b64encode(key.seed).decode())

    def run(self, client: ObjectStoreClient, *, head: str = "", believe: str = "", ledger: str = "") -> None:
        """`drbot bootstrap`. Raises UserError."""
        settings = client.settings
        bootstrap(
            f"s3://{settings.bucket}/{settings.prefix}",
            home=self.home,
            config=self.folder / "etc" / "dr.yml",
            endpoint=settings.endpoint,
            region="us-east-1",
            ledger=ledger,
            head=head,
            worker_key=None,
            believe=believe,
        )

    def everything(self) -> dict[str, bytes]:
        """Each file and what is in it."""
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in found}

    def require(self, moment: Moment) -> None:
        """What is here is what was copied then, and nothing else."""
        with opened(self.home / "state.db") as database, database.read() as connection:
            assert ledger.verify(connection) == []
            assert ledger.after(connection, 0, moment.head.seq) == moment.events
            assert copies.rows_of(connection) == moment.rows
        files = {name: path.read_bytes() for name, path in self._files()}
        assert files == moment.files

    def _files(self) -> list[tuple[str, Path]]:
        folder = self.folder / "etc"
        return [(str(path.relative_to(folder)), path) for path in folder.rglob("*") if path.is_file()]


def lines_in(client: ObjectStoreClient, key: str) -> list[bytes]:
    """Of a piece of the ledger."""
    lines = gzip.decompress(client.read(key)).splitlines(keepends=True)
    assert all(event_in(line) for line in lines)
    return lines
