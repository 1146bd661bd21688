"""Brings drbot's own state back from S3 onto a bare machine: the other half of runners/own_state/state_copies.py.

Everything is verified (runners/own_state/vouched_copy.py) before anything is written.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from drbot.core.base.errors import PermanentError, TemporaryError, UserError
from drbot.core.ledger.events import EventKind
from drbot.core.ledger.ledger import event_in
from drbot.core.text.messages import clauses, either, listed, phrase, sentences
from drbot.runners.clients.object_store import ObjectStoreClient, StoredObject
from drbot.runners.own_state.adopting import adopt_open_runs
from drbot.runners.own_state.bucket_ledger import BucketLedger
from drbot.runners.own_state.documents import CONFIGURATION, as_bytes
from drbot.runners.own_state.state_bucket import COPY, FOLDER, HEAD, HEADS, PIECE, named
from drbot.runners.own_state.vouched_copy import INSTALL, LOOK, OTHER, TRIED, Doubt, Search, Vouched
from drbot.runners.own_state.witnesses import Roots, Witnesses
from drbot.store import copies
from drbot.store.base.database import NEWEST, Database, Transaction
from drbot.store.base.file_modes import private
from drbot.store.records import incidents

NAMED = 3  # of what was passed over

TRIES = 3


def vouched_copy(bucket: ObjectStoreClient, roots: Roots, ledger: str = "") -> Vouched:
    """The newest copy that is believed. `ledger`: how its first hash begins, where the bucket has several. Raises
    UserError, PermanentError, TemporaryError.
    """
    searches = {name: one for name, one in searches_in(bucket, roots).items() if name.startswith(ledger)}
    found = {name: copy for name, search in searches.items() if (copy := search.newest()) is not None}
    if len(found) > 1:
        known = listed(
            phrase("{ledger} (until record {record})", ledger=name, record=one.candidate.head.seq)
            for name, one in found.items()
        )
        raise UserError(
            TRIED,
            phrase("There are copies of several ledgers: {ledgers}.", ledgers=known),
            phrase("Name one with --ledger."),
        )
    for copy in found.values():
        require_same_tables(copy)
        return copy
    raise refusal(bucket, roots, searches.values())


def searches_in(bucket: ObjectStoreClient, roots: Roots) -> dict[str, Search]:
    state, _ = everything(bucket, FOLDER)
    kept, shows_removed = everything(bucket, HEADS)
    found, pieces, heads = named(COPY, state), named(PIECE, state), named(HEAD, kept)
    return {
        name: Search(
            bucket=bucket,
            roots=roots,
            copies=[one for one in found if one.ledger == name],
            ledger=BucketLedger(bucket, [one for one in pieces if one.ledger == name]),
            witnesses=Witnesses(
                bucket=bucket, heads=[one for one in heads if one.ledger == name], shows_removed=shows_removed
            ),
        )
        for name in sorted({one.ledger for one in found})
    }


def everything(bucket: ObjectStoreClient, prefix: str) -> tuple[tuple[StoredObject, ...], bool]:
    """What is below a prefix, and whether what was removed is among it: not every store, nor every key, can list that,
    and none with each name that somebody may have given. Raises PermanentError, TemporaryError.
    """
    for _ in range(TRIES):  # a store that is only slow must not look like one that keeps no versions
        try:
            return bucket.versions(prefix), True
        except TemporaryError:
            continue
        except PermanentError:
            break
    return bucket.list(prefix), False


def refusal(bucket: ObjectStoreClient, roots: Roots, searches: Collection[Search]) -> UserError:
    """Why none of the copies is taken, and what to do."""
    doubts = [doubt for search in searches for doubt in search.doubts]
    passed_over = [said for search in searches for said in search.passed_over]
    place = bucket.place(FOLDER)
    if not doubts and not passed_over and roots.believed is None:
        todo = phrase("Name bucket and prefix as `object_store` of dr.yml has them: s3://bucket/prefix/")
        return UserError(TRIED, phrase("There is no copy of drbot's state below {place}.", place=place), todo)
    if not doubts:
        none = phrase("No copy below {place} is whole.", place=place)
        if roots.believed:
            none = phrase(
                "No copy below {place} ends with record {record} and is whole.", place=place, record=roots.believed
            )
        return UserError(TRIED, sentences(none, among(passed_over)), LOOK)
    final = [doubt for doubt in doubts if doubt.is_final]
    told = (final or doubts)[:NAMED]
    more = len(final or doubts) - NAMED
    others = phrase("And {count} more.", count=more) if more > 0 else ""
    why = sentences(*map(told_of, told), others, among(passed_over))
    options = [f"--believe {doubt.candidate.head}" for doubt in told if doubt.todo != OTHER]
    if not options:
        return UserError(TRIED, why, told[0].todo)
    believe = phrase("If nothing more can be found and you trust what is there: {options}", options=either(options))
    return UserError(TRIED, why, sentences(told[0].todo, believe))


def told_of(doubt: Doubt) -> str:
    one = doubt.candidate
    return phrase(
        "{place} (until record {record}, of {moment} UTC): {why}",
        place=one.place,
        record=one.head.seq,
        moment=f"{one.made_at:%Y-%m-%d %H:%M}",
        why=doubt.why,
    )


def among(passed_over: Collection[str]) -> str:
    """What is no copy although it lies there as one."""
    if not passed_over:
        return ""
    more = len(passed_over) - NAMED
    named = list(passed_over)[:NAMED]
    others = [phrase("and {count} more", count=more)] if more > 0 else []
    return phrase("Passed over: {copies}.", copies=clauses([*named, *others]))


def require_same_tables(copy: Vouched) -> None:
    """Raise UserError when another version of drbot wrote the copy."""
    there, here = copy.document["revision"], NEWEST
    if here != there:
        raise UserError(
            TRIED,
            phrase(
                "The copy was made by drbot {version} (tables {there}); this one has {here}.",
                version=copy.document["drbot"],
                there=there,
                here=here,
            ),
            INSTALL,
        )


def bring_back(
    copy: Vouched, files: Mapping[Path, bytes], database: Database, home: Path, *, believed: bool = False
) -> tuple[str, ...]:
    """Fill the empty `database` and write the `files` of the copy; the worker of `home` takes over the runs that are
    not over. `believed`: nothing but a person's word vouches for it. The names of the incidents that are open. Raises
    UserError, TemporaryError; everything is then as it was.
    """
    copies.require_empty(database)
    database.migrate()
    with written(files), database.write() as tx:
        copies.fill(tx, map(event_in, copy.candidate.records.lines), copy.document["tables"])
        open_ones = tell(tx, copy, believed=believed)
        adopt_open_runs(tx, home)
    return open_ones


def tell(tx: Transaction, copy: Vouched, *, believed: bool) -> tuple[str, ...]:
    """In the ledger, and in each incident that is open: their names."""
    one, forgotten = copy.candidate, copy.forgotten
    tx.record(
        EventKind.STATE_BROUGHT_BACK,
        place=one.place,
        record=one.head.seq,
        hash=one.head.hash,
        forgotten=forgotten,
        believed=believed,
    )
    said = [
        phrase(
            "drbot's own host was lost. Its state came back from {place}, as of record {record}.",
            place=one.place,
            record=one.head.seq,
        )
    ]
    if believed:
        said.append(
            phrase(
                "It was accepted as it is: nobody could show that it is the newest or that all of it is drbot's own."
            )
        )
    if forgotten > one.head.seq:
        said.append(phrase("drbot had signed records up to {record}: what they said is lost.", record=forgotten))
    open_ones = incidents.recent(tx.connection, open_only=True, limit=1000)
    for incident in open_ones:
        incidents.note(tx, incident.id, None, sentences(*said))
    return tuple(incident.name for incident in open_ones)


def files_of(copy: Vouched, target: Path) -> dict[Path, bytes]:
    """dr.yml and the runbooks, each with its place. Raises UserError when other ones are there."""
    folder = target.parent / (copy.document["runbooks"] or "")
    found = {}
    for name, text in copy.document["files"].items():
        path = target if name == CONFIGURATION else folder / Path(name).name
        found[path] = as_bytes(text)
        if path.exists() and path.read_bytes() != found[path]:
            why = phrase("{path} already exists and is different.", path=path)
            raise UserError(TRIED, why, phrase("Move it away, or name another place with --config."))
    return found


@contextmanager
def written(files: Mapping[Path, bytes]) -> Iterator[None]:
    """Files that are not there yet; gone again when what follows fails. Raises UserError."""
    made = []
    try:
        for path, data in files.items():
            if not path.exists():
                made.append(path)
                write(path, data)
        yield
    except BaseException:
        for path in made:
            with suppress(OSError):
                path.unlink()
        raise


def write(path: Path, data: bytes) -> None:
    """A file that is not there yet."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb", opener=private) as file:
            file.write(data)
    except OSError as error:
        why = phrase("{path} cannot be written: {why}.", path=path, why=error.strerror)
        raise UserError(TRIED, why, phrase("Name another place with --config.")) from error
