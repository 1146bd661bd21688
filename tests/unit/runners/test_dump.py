"""Reading a dump as it passes: the same answers however it is cut into pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drbot.core.base.errors import PermanentError
from drbot.runners.backups.make_dump import require_data
from drbot.runners.clients.dump import DumpScanner, major

DUMP = rb"""--
-- PostgreSQL database cluster dump
--
CREATE ROLE postgres;
COMMENT ON ROLE postgres IS 'x -- Dumped from database version 99';
\connect template1
-- Dumped from database version 15.8 (Debian 15.8-0+deb12u1)
\connect authdb
-- Dumped from database version 14.1
CREATE FUNCTION public.f() RETURNS text LANGUAGE sql AS $$ SELECT '
-- PostgreSQL database cluster dump complete
' $$;
COPY public.users (id, email) FROM stdin;
1	a@example.com
\.
--
-- PostgreSQL database cluster dump complete
--

"""


def scan(pieces: list[bytes]) -> DumpScanner:
    """Feed the pieces."""
    scanner = DumpScanner()
    for piece in pieces:
        scanner.feed(piece)
    return scanner


@given(st.lists(st.integers(0, len(DUMP)), max_size=40))
def test_version_and_closing_line_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(DUMP)]

    scanner = scan([DUMP[start:end] for start, end in pairwise(edges)])

    assert scanner.complete
    assert scanner.holds_data
    assert scanner.server_version == "15.8"
    assert scanner.bytes == len(DUMP)


@pytest.mark.parametrize("end", [b"1\ta@", b"\\.\n--", b"' $$;", b"--\n-- PostgreSQL database cluster dump complete"])
def test_a_dump_that_was_cut_is_not_complete(end: bytes) -> None:
    assert not scan([DUMP[: DUMP.rindex(end) + 1]]).complete


def test_a_dump_without_data_and_one_without_a_database_say_so() -> None:
    definitions = scan([DUMP[: DUMP.index(b"COPY")]])
    roles = scan([DUMP[: DUMP.index(b"\\connect template1")]])

    assert (definitions.server_version, definitions.holds_data) == ("15.8", False)
    assert (roles.server_version, roles.holds_data) == ("", False)


def test_a_program_that_says_nothing_and_calls_that_a_success_makes_no_backup() -> None:
    nothing = scan([b"--\n-- PostgreSQL database cluster dump complete\n--\n\n"])
    require_data(scan([DUMP]), {"authdb.users": 1})
    require_data(nothing, {"authdb.users": 0})

    with pytest.raises(PermanentError, match="though rows were counted: 3"):
        require_data(nothing, {"authdb.users": 1, "authdb.roles": 2})


@pytest.mark.parametrize("kind", [b"INSERT INTO public.users VALUES (1);", b"SELECT pg_catalog.lo_open('1', 131072);"])
def test_rows_as_inserts_and_large_objects_are_data_too(kind: bytes) -> None:
    assert scan([b"\n" + kind + b"\n"]).holds_data


def test_the_major_version_of_what_servers_say() -> None:
    assert [major(text) for text in ("15.8 (Debian)", "16", "", "devel", "9" * 5000)] == [15, 16, 0, 0, 0]
