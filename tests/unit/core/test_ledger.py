"""An export verifies as it was written and in no other way: every byte, cut, swap and roll-back is found."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drbot.core.ledger.events import GENESIS, Event, EventKind, hash_of
from drbot.core.ledger.ledger import Known, check_lines, head_line, line_of
from drbot.core.text.messages import phrase

RECORDS = 40


def chain_of(count: int, word: str = "") -> list[Event]:
    events: list[Event] = []
    previous = GENESIS
    for seq in range(1, count + 1):
        event = Event(
            seq=seq,
            at=datetime(2026, 11, 26, 3, tzinfo=UTC) + timedelta(seconds=seq),
            kind=EventKind.VOTE_COUNTED if seq % 3 else EventKind.INCIDENT_NOTE,
            incident=seq % 4 or None,
            run=f"r{seq % 4}" if seq % 2 else None,
            person="ben" if seq % 3 else None,
            payload={"text": f"復元 {seq}{word}", "share": seq / 7, "deep": {"b": [seq, None, True], "a": "\u202e"}},
            previous=previous,
        )
        previous = hash_of(event)
        events.append(replace(event, hash=previous))
    return events


def export_of(events: Sequence[Event]) -> list[bytes]:
    last = events[-1]
    lines = [*map(line_of, events), head_line(last.seq, last.hash)]
    return [line.encode() + b"\n" for line in lines]


def problems(lines: Sequence[bytes], head: str = "") -> list[str]:
    return check_lines(lines, Known(head))[1]


EXPORT = export_of(chain_of(RECORDS))


def test_an_export_as_it_was_written_is_whole() -> None:
    chain, found = check_lines(EXPORT, Known())

    assert found == []
    assert (chain.seq, chain.hash) == (RECORDS, json.loads(EXPORT[-1])["head"]["hash"])


def test_a_message_is_exported_as_it_was_made_and_its_export_is_whole() -> None:
    """Its English alone would be another record, with another hash."""
    (event,) = chain_of(1)
    event = replace(event, payload={"summary": phrase("{table} is missing", table="authdb.users")})
    exported = export_of([replace(event, hash=hash_of(event))])

    assert problems(exported) == []
    assert json.loads(exported[0])["payload"]["summary"] == {
        "say": "{table} is missing",
        "with": {"table": "authdb.users"},
    }


def test_every_byte_of_a_record_counts() -> None:
    """Each place of an export, head and line ends included, with three other bytes."""
    whole = b"".join(export_of(chain_of(2)))
    for place, byte in enumerate(whole):
        for other in {byte ^ 1, byte ^ 0x20, 0x0A} - {byte}:
            forged = whole[:place] + bytes([other]) + whole[place + 1 :]
            assert problems(forged.splitlines(keepends=True)), (place, other)


@pytest.mark.parametrize("seed", range(5))
def test_a_random_byte_in_every_record_is_found_and_the_record_named(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same bytes every time
    for number, line in enumerate(EXPORT[:-1]):
        changed = bytearray(line[:-1])
        changed[chance.randrange(len(changed))] ^= chance.randrange(1, 128)
        if b"\n" in changed:
            continue
        found = problems([*EXPORT[:number], bytes(changed) + b"\n", *EXPORT[number + 1 :]])
        assert found and (f"after {number} " in found[0] or f"Record {number + 1} " in found[0]), found


def test_a_cut_of_any_length_anywhere_is_found() -> None:
    for first in range(len(EXPORT)):
        for length in (1, 2, 7):
            assert problems(EXPORT[:first] + EXPORT[first + length :]), (first, length)


def test_records_that_changed_places_or_came_twice_are_found() -> None:
    for first in range(RECORDS - 1):
        swapped = [*EXPORT]
        swapped[first], swapped[first + 1] = swapped[first + 1], swapped[first]
        assert problems(swapped)
        assert problems([*EXPORT[: first + 1], EXPORT[first], *EXPORT[first + 1 :]])
    assert problems([*EXPORT, EXPORT[0]])
    assert problems([*EXPORT, b"\n"])


FORMS: dict[str, Callable[[str], str]] = {
    "another order of keys": lambda text: json.dumps(dict(reversed(json.loads(text).items()))),
    "letters instead of codes": lambda text: json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False),
    "no spaces": lambda text: json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")),
    "a doubled key": lambda text: text.replace('{"at"', '{"at": "x", "at"'),
    "another key": lambda text: text.replace('{"at"', '{"also": 1, "at"'),
    "a missing key": lambda text: text.replace(', "step": null', ""),
    "a list": lambda text: f"[{text}]",
    "nothing": lambda text: "",
    "deep": lambda text: "[" * 100_000,
}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_record_in_another_form_is_not_what_drbot_wrote(form: str) -> None:
    changed = FORMS[form](EXPORT[4][:-1].decode()).encode() + b"\n"

    assert any("after 4 cannot be read" in problem for problem in problems([*EXPORT[:4], changed, *EXPORT[5:]]))


def test_a_chain_that_was_forged_anew_or_rolled_back_fails_only_against_a_known_head() -> None:
    true, forged = chain_of(RECORDS), chain_of(RECORDS, "!")
    rolled_back = true[:30]
    head = f"{RECORDS}:{true[-1].hash}"

    assert problems(export_of(forged)) == problems(export_of(rolled_back)) == []
    assert problems(EXPORT, head) == problems(EXPORT, head[:20]) == []
    assert "not the one" in problems(export_of(forged), head)[0]
    assert "rolled back" in problems(export_of(rolled_back), head)[0]
    for seq in range(1, RECORDS + 1):
        assert problems(EXPORT, f"{seq}:{true[seq - 1].hash[:16]}") == []
        assert problems(export_of(forged), f"{seq}:{true[seq - 1].hash[:16]}")


@pytest.mark.parametrize("head", ["x", "7", "7:", "7:abc", ":abcdefgh"])
def test_a_head_that_is_none_is_refused(head: str) -> None:
    with pytest.raises(ValueError, match="N:HASH"):
        Known(head)


def test_an_empty_ledger_has_a_head_too() -> None:
    assert problems([head_line(0, GENESIS).encode() + b"\n"]) == []
    assert problems([]) and problems([b"\n"])
