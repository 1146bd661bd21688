"""Somebody has the keys to the bucket: what `drbot bootstrap` brings back is what drbot has signed, or nothing.

Each case is tried on a bucket that keeps versions and locks heads, and on one that keeps nothing; and with everything
that an operator may have: the newest head, an older one, the worker's key, nothing at all.
"""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from drbot.core.base.errors import UserError
from drbot.core.base.signing import KeyPair
from drbot.core.ledger.events import EventKind, hash_of
from drbot.core.ledger.ledger import line_of as event_line
from drbot.core.ledger.statements import Statement, line_of
from drbot.runners.clients.object_store import ObjectStoreClient
from drbot.runners.own_state.state_bucket import copy_key, head_key, piece_key
from drbot.store.base import ledger
from tests.integration.backups.conftest import Place
from tests.integration.backups.copied_state import (
    OWN,
    STRANGER,
    Bare,
    Copied,
    copied,
    lines_in,
    opened,
)

KEEPS, FORGETS = "a bucket with object lock", "a bucket without versions"
THIRD, SECOND, NONE = 2, 1, None
"""Which copy comes back; None = refused."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is done to the bucket, and which copy comes back by what the operator has."""

    name: str
    tamper: Callable[[Copied], None]
    newest_head: int | None = THIRD
    older_head: int | None = THIRD
    key: int | None = THIRD  # without versions it is never known whether it is the newest
    in_plain: tuple[int | None, int | None] | None = None  # with both heads, where the bucket keeps no versions


def change_tables(made: Copied) -> None:
    """Without the digest."""
    statement, document = made.said()
    document["tables"]["incidents"][0]["title"] = "all is well"
    body = gzip.compress(json.dumps(document).encode())
    made.client.write(copy_key(made.ledger, statement.seq), line_of(statement, OWN) + body)


def change_a_byte(made: Copied) -> None:
    """Of what was signed."""
    key = copy_key(made.ledger, made.moments[THIRD].head.seq)
    data = bytearray(made.client.read(key))
    data[-100] ^= 1
    made.client.write(key, bytes(data))


def change_tables_and_digest(made: Copied) -> None:
    """Digest, size and the old signature under the right key."""
    statement, document = made.said()
    document["tables"]["incidents"][0]["title"] = "all is well"
    body = gzip.compress(json.dumps(document).encode())
    key = copy_key(made.ledger, statement.seq)
    line = json.loads(made.client.read(key).partition(b"\n")[0])
    made.client.write(key, json.dumps(line | {"size": len(body)}, sort_keys=True).encode() + b"\n" + body)


def change_files(made: Copied) -> None:
    """Whatever it is: all of it is under one digest."""
    changed = {"dr.yml": "sites: {}\n", "runbooks/evil.yml": "runbook: evil\n"}
    made.put_document(lambda document: document["files"].update(changed))


def swap_key(made: Copied) -> None:
    """The ledger goes on, names a stranger's key, and that one signs a newer copy."""
    made.forge([*made.moments[THIRD].events], since=made.moments[THIRD].head.seq + 1)


def chain_anew(made: Copied) -> None:
    """From the second record on, with everything that was there removed."""
    events = list(made.moments[THIRD].events)
    made.remove("ledger/")
    chain = made.forge(events, since=2)
    assert chain[0].hash == made.ledger


def forge_all(made: Copied) -> None:
    """Another ledger from the first record on, signed throughout."""
    made.forge(list(made.moments[THIRD].events), since=1)


def cut_piece(made: Copied) -> None:
    key = made.keys("state/")[-1]
    assert key.endswith(".jsonl.gz")
    made.client.write(key, made.client.read(key)[:-20])


def remove_piece(made: Copied) -> None:
    made.client.remove(made.keys(".jsonl.gz")[0])


def double_pieces(made: Copied) -> None:
    """Under names that say more, less and something else."""
    for number, key in enumerate(made.keys(".jsonl.gz")):
        data, digest = made.client.read(key), f"{number:016x}"
        made.client.write(piece_key(made.ledger, 1, 999_999_999_999, digest), data)
        made.client.write(piece_key(made.ledger, number, number + 1, made.moments[0].head.hash), data)


def reorder_pieces(made: Copied) -> None:
    for key in made.keys(".jsonl.gz"):
        lines = lines_in(made.client, key)
        made.client.write(key, gzip.compress(b"".join([*lines[::-1], *lines])))


def exchange_pieces(made: Copied) -> None:
    first, second, *_ = made.keys(".jsonl.gz")
    data = made.client.read(first), made.client.read(second)
    made.client.write(first, data[1])
    made.client.write(second, data[0])


def cut_all_but_the_name(made: Copied) -> None:
    """A newer one that was begun."""
    made.client.write(copy_key(made.ledger, made.moments[THIRD].head.seq + 1), b"")


def remove_heads_and_newest(made: Copied) -> None:
    made.remove("ledger/heads/")
    made.client.remove(copy_key(made.ledger, made.moments[THIRD].head.seq))


def replace_heads(made: Copied) -> None:
    """By one of before, drbot's own."""
    first = made.moments[0].head
    about = Statement(ledger=made.ledger, seq=first.seq, hash=first.hash, key=OWN.public)
    for key in made.keys("ledger/heads/"):
        made.client.write(key, line_of(about, OWN))
    made.client.write(head_key(made.ledger, first.seq, first.hash), line_of(about, OWN))


def write_heads_again(made: Copied) -> None:
    """The same bytes, but not locked."""
    for key in made.keys("ledger/heads/"):
        made.client.write(key, made.client.read(key))


def forge_heads(made: Copied) -> None:
    """Of the future, by a stranger and under drbot's own key."""
    about = Statement(ledger=made.ledger, seq=900, hash="f" * 64, key=STRANGER.public)
    made.client.write(head_key(made.ledger, 900, "f" * 64), line_of(about, STRANGER), locked=True)
    own = json.loads(line_of(about, STRANGER)) | {"key": OWN.public}
    made.client.write(head_key(made.ledger, 901, "f" * 64), json.dumps(own | {"seq": 901}).encode() + b"\n")


def junk(made: Copied) -> None:
    """In every folder, by name and by body."""
    last = made.moments[THIRD].head
    bodies = (b"", b"junk", b"\n" * 5000, b'{"head": "9:9"}\n', b"[" * 100_000, b"\xff\xfe\x00", b"null\n", b"{}\n")
    for number, body in enumerate(bodies):
        for folder in ("", "state/", "state/junk/", f"state/{made.ledger[:12]}/", "ledger/", "ledger/heads/"):
            made.client.write(f"{folder}{number}", body)
        for folder in ("copies", "ledger", "ledger/heads", "tables"):
            made.client.write(f"state/{made.ledger[:12]}/{folder}/x{number}", body)
        made.client.write(copy_key(made.ledger, last.seq + 1 + number), body)
        made.client.write(copy_key(f"{number:012x}", 7), body)
        made.client.write(head_key(made.ledger, last.seq + number, f"{number:064x}"), body)
        made.client.write(piece_key(made.ledger, 1, last.seq, f"{number:064x}"), body)
        made.client.write(piece_key(made.ledger, last.seq, last.seq, last.hash)[:-2] + f"{number}", body)
    for folder in ("", "zz", "0" * 12, "０" * 12):
        made.client.write(f"state/{folder}/copies/000000000001.signed", b"junk")
        made.client.write(f"ledger/heads/{folder}/000000000001-{'0' * 16}.json", b"junk")


def odd_names(made: Copied) -> None:
    """No UTF-8, digits of another alphabet, upward paths, letters that turn, 700 of them."""
    for name in ("../../etc/passwd", "%FF%FE", "٠١٢", "\u202e", "a" * 700, "//"):
        for folder in (f"state/{made.ledger[:12]}/copies/", "ledger/heads/", "state/"):
            made.client.write(folder + name, b"junk")
    settings = made.client.settings
    url = made.client.client.generate_presigned_url(
        "put_object", Params={"Bucket": settings.bucket, "Key": f"{settings.prefix}state/XX"}
    )
    httpx.put(url.replace("state/XX", "state/%FF%FE.signed"), content=b"junk")


def records_of_odd_kinds(made: Copied) -> None:
    """Hashed and signed as they should be, and no records at all."""
    last = made.moments[THIRD].events[-1]
    odd: tuple[dict[str, Any], ...] = (
        {"previous": ["a"]},
        {"seq": "9"},
        {"seq": True},
        {"previous": None},
        {"payload": {"key": [1]}},
    )
    for number, about in enumerate(odd, start=last.seq + 1):
        event = replace(last, **{"seq": number, "kind": EventKind.STATE_SIGNED_BY, **about})
        event = replace(event, hash=hash_of(event))
        line = event_line(event).encode() + b"\n"
        made.client.write(piece_key(made.ledger, 1, number, event.hash), gzip.compress(line))
        statement, _ = made.said()
        made.put(replace(statement, seq=number, hash=event.hash), b"", STRANGER)


def names_no_list_can_hold(made: Copied) -> None:
    """With which the stand-in for S3 cannot list versions any more."""
    made.client.write("state/\x01\x1f", b"junk")
    made.client.write("ledger/heads/\ufffe", b"junk")


def another_ledger(made: Copied) -> None:
    """Of another drbot, below this one's name, under newer numbers."""
    with copied(made.client, made.folder / "another", KeyPair.new()) as other:
        for number in (0, THIRD):
            data = made.client.read(copy_key(other.ledger, other.moments[number].head.seq))
            made.client.write(copy_key(made.ledger, made.moments[THIRD].head.seq + number + 1), data)
        made.remove(f"state/{other.ledger[:12]}/copies")


def another_system(made: Copied) -> None:
    """Beside this one, in the same bucket, whole and good."""
    with copied(made.client, made.folder / "another", KeyPair.new()):
        pass


def bombs(made: Copied) -> None:
    """A gigabyte in a megabyte, as a piece and as a copy that a stranger signed."""
    statement, _ = made.said()
    bomb = gzip.compress(b"\0" * (1 << 24), compresslevel=9) * 64  # of many members, so that it takes no room here
    made.client.write(piece_key(made.ledger, 1, 999_999, statement.hash), bomb)
    made.put(replace(statement, size=0), bomb, STRANGER)


def huge(made: Copied) -> None:
    data = b"x" * (8 << 20)
    made.client.write(copy_key(made.ledger, 999), data)
    made.client.write(copy_key(made.ledger, 998), data.replace(b"x", b"\n"))
    made.client.write(head_key(made.ledger, 999, "e" * 64), data)
    made.client.write(piece_key(made.ledger, 1, 999, "e" * 64), data)


def future(made: Copied) -> None:
    """drbot's own older copy under a newer number, and a stranger's that says so."""
    statement, document = made.said(0)
    body = gzip.compress(json.dumps(document).encode())
    made.put(statement, body, OWN, name=99_999)
    made.put(replace(statement, seq=88_888, hash="a" * 64), body, STRANGER)


def older_under_the_newest_name(made: Copied) -> None:
    first = made.client.read(copy_key(made.ledger, made.moments[0].head.seq))
    made.client.write(copy_key(made.ledger, made.moments[THIRD].head.seq), first)


def roll_back(made: Copied) -> None:
    """Everything that came after the first copy is removed."""
    last = made.moments[0].head.seq
    for key in made.keys(""):
        digits = key.rpartition("/")[2][:12]
        is_piece = key.endswith(".jsonl.gz")
        if int(key.rpartition("/")[2][13:25] if is_piece else digits) > last:
            made.client.remove(key)


def remove_all(made: Copied) -> None:
    made.remove("")


CASES = (
    Case(name="as drbot left it", tamper=lambda made: None),
    Case(name="tables changed", tamper=change_tables, in_plain=(NONE, SECOND)),
    Case(name="one byte changed", tamper=change_a_byte, in_plain=(NONE, SECOND)),
    Case(name="tables changed, digest too", tamper=change_tables_and_digest, in_plain=(NONE, SECOND)),
    Case(name="dr.yml and a runbook changed, signed by a stranger", tamper=change_files, in_plain=(NONE, SECOND)),
    Case(name="the worker's key swapped", tamper=swap_key),
    Case(name="the ledger chained anew", tamper=chain_anew, in_plain=(NONE, NONE)),
    Case(name="another ledger forged whole", tamper=forge_all),
    Case(name="a piece cut", tamper=cut_piece, in_plain=(NONE, SECOND)),
    Case(name="a piece removed", tamper=remove_piece, in_plain=(NONE, NONE)),
    Case(name="pieces doubled", tamper=double_pieces),
    Case(name="records reordered and doubled", tamper=reorder_pieces),
    Case(name="pieces exchanged", tamper=exchange_pieces, in_plain=(NONE, NONE)),
    Case(
        name="the newest copy uploaded by half",
        tamper=Copied.cut_newest,
        newest_head=NONE,
        older_head=SECOND,
        key=SECOND,
    ),
    Case(name="a newer copy begun", tamper=cut_all_but_the_name),
    Case(name="heads and the newest copy removed", tamper=remove_heads_and_newest, in_plain=(NONE, SECOND)),
    Case(name="heads replaced by older ones", tamper=replace_heads),
    Case(name="heads written again", tamper=write_heads_again),
    Case(name="heads of the future", tamper=forge_heads),
    Case(name="junk in every folder", tamper=junk),
    Case(name="odd names", tamper=odd_names),
    Case(name="names that no list of versions can hold", tamper=names_no_list_can_hold, key=NONE),
    Case(name="records of odd kinds", tamper=records_of_odd_kinds),
    Case(name="another ledger's copies below this one", tamper=another_ledger),
    Case(name="another system beside it", tamper=another_system),
    Case(name="bombs", tamper=bombs, in_plain=(NONE, SECOND)),
    Case(name="huge objects", tamper=huge),
    Case(name="copies of a future record", tamper=future),
    Case(name="an older copy under the newest name", tamper=older_under_the_newest_name, in_plain=(NONE, SECOND)),
    Case(name="rolled back to the first copy", tamper=roll_back, in_plain=(NONE, NONE)),
    Case(name="everything removed", tamper=remove_all, in_plain=(NONE, NONE)),
)


def client_of(place: Place, kind: str) -> ObjectStoreClient:
    if kind == KEEPS:
        return place.client()
    client = place.client(name="plain-bucket")
    client.client.create_bucket(Bucket="plain-bucket")
    return client


ALWAYS = (
    "as drbot left it", "tables changed, digest too", "the ledger chained anew", "pieces exchanged", "bombs",
    "rolled back to the first copy",
)  # fmt: skip


@pytest.mark.parametrize("kind", [KEEPS, pytest.param(FORGETS, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "case",
    [pytest.param(one, marks=() if one.name in ALWAYS else pytest.mark.more) for one in CASES],
    ids=lambda case: case.name,
)
def test_what_comes_back_is_what_drbot_signed_or_nothing(
    case: Case, kind: str, place: Place, tmp_path: Path, keys: None
) -> None:
    client = client_of(place, kind)
    with copied(client, tmp_path / "lost") as made:
        case.tamper(made)
        newest, older = (f"{one.seq}:{one.hash[:16]}" for one in (made.moments[n].head for n in (THIRD, SECOND)))
        expected = (case.newest_head, case.older_head)
        if kind == FORGETS and case.in_plain is not None:
            expected = case.in_plain
        answers = {
            "newest head": bring(made, tmp_path / "newest", head=newest),
            "older head": bring(made, tmp_path / "older", head=older),
            "key": bring(made, tmp_path / "key", key=OWN),
        }

    key = case.key if kind == KEEPS else NONE
    assert answers == {"newest head": expected[0], "older head": expected[1], "key": key}


def bring(made: Copied, folder: Path, *, head: str = "", key: KeyPair | None = None) -> int | None:
    """Which of the copies came back, byte for byte; None: refused in a whole sentence, and nothing was written."""
    bare = Bare(folder=folder)
    if key is not None:
        bare.give_key(key)
    before = bare.everything()
    try:
        bare.run(made.client, head=head)
    except UserError as error:
        assert bare.everything() == before
        assert error.tried and error.why and error.todo, str(error)
        print(error)
        return None
    with opened(bare.home / "state.db") as database, database.read() as connection:
        (back,) = ledger.of_kinds(connection, [EventKind.STATE_BROUGHT_BACK])
    (number,) = [n for n, one in enumerate(made.moments) if one.head.seq == back.payload["record"]]
    bare.require(made.moments[number])
    return number
