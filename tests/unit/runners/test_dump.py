"""Reading a dump as it passes: the same answers however it is cut into pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.clients.dump import DumpScanner, major

DUMP = rb"""--
-- PostgreSQL database cluster dump
--
DROP DATABASE IF EXISTS authdb;
CREATE ROLE app;
CREATE ROLE postgres;
ALTER ROLE postgres WITH SUPERUSER PASSWORD 'SCRAM-SHA-256$4096:abc';
\connect template1
\connect authdb
-- Dumped from database version 15.8 (Debian 15.8-0+deb12u1)
COPY public.users (id, email) FROM stdin;
1	a@example.com
2	COPY public.users (id) FROM stdin;
3	-- PostgreSQL database cluster dump complete
\.
COPY audit."Odd.Name" (id) FROM stdin;
\.
\connect -reuse-previous=on "dbname='odd db'"
COPY public."User" (id) FROM stdin;
\\.
\.
CREATE ROLE postgres;
--
-- PostgreSQL database cluster dump complete
--
"""
ROWS = {"authdb.users": 3, "authdb.audit.Odd.Name": 0, "odd db.User": 1}


def scan(pieces: list[bytes]) -> tuple[DumpScanner, bytes]:
    """Feed the pieces; the scanner and what psql would get."""
    scanner = DumpScanner("postgres")
    ready = b"".join([scanner.feed(piece) for piece in pieces])
    return scanner, ready + scanner.finish()


@given(st.lists(st.integers(0, len(DUMP)), max_size=40))
def test_rows_and_closing_line_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(DUMP)]

    scanner, ready = scan([DUMP[start:end] for start, end in pairwise(edges)])

    assert scanner.rows == ROWS
    assert scanner.complete
    assert scanner.server_version == "15.8"
    assert scanner.bytes == len(DUMP)
    assert ready.count(b"\n") == DUMP.count(b"\n")


def test_only_named_statements_of_the_head_are_left_out() -> None:
    _, ready = scan([DUMP])

    changed = [line for line in ready.split(b"\n") if line.startswith(b"-- left out: ")]
    assert changed == [b"-- left out: DROP DATABASE IF EXISTS authdb;", b"-- left out: CREATE ROLE postgres;"]
    assert b"\nCREATE ROLE app;\n" in ready
    assert ready.endswith(DUMP[DUMP.index(b"\\connect template1") :])


@pytest.mark.parametrize("end", [b"3\t-- Post", b"\\.\nCREATE", b"--\n-- PostgreSQL database cluster dump complete"])
def test_a_dump_that_was_cut_is_not_complete(end: bytes) -> None:
    scanner, _ = scan([DUMP[: DUMP.rindex(end) + 1]])

    assert not scanner.complete


def test_the_major_version_of_what_servers_say() -> None:
    assert [major(text) for text in ("15.8 (Debian)", "16", "", "devel")] == [15, 16, 0, 0]
