"""What psql says while a dump is executed: only a few errors, known by the server's own words, are let pass."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drbot.core.base.errors import PermanentError
from drbot.runners.clients.dump_execution import CreatedDatabases
from drbot.runners.clients.psql_judge import PsqlJudge

ROLE = 'psql:<stdin>:14: ERROR:  42710: role "postgres" already exists\nLOCATION:  CreateRole, user.c:308\n'
GOOD = (
    ROLE,
    "psql:<stdin>:15: ERROR:  55006: current user cannot be dropped\nLOCATION:  DropRole, user.c:969\n",
    'psql:<stdin>:16: ERROR:  42704: role "a" does not exist\nLOCATION:  DropRole, user.c:951\n',
    'psql:<stdin>:17: ERROR:  3D000: database "a" does not exist\nLOCATION:  dropdb, dbcommands.c:1548\n',
    'psql:<stdin>:18: ERROR:  42704: tablespace "a" does not exist\nLOCATION:  DropTableSpace, tablespace.c:441\n',
    "psql:<stdin>:19: NOTICE:  42P07: relation exists, skipping\nLOCATION:  x, y.c:1\n",
    "psql:<stdin>:20: WARNING:  42P17: tablespace location should not be inside\nLOCATION:  x, y.c:1\n",
)
BAD = {
    "a statement that fails": (
        "psql:<stdin>:7: ERROR:  22012: division by zero\nLOCATION:  int4div, int.c:1\n",
        "line 7",
    ),
    "a table that exists": (
        'psql:<stdin>:7: ERROR:  42P07: relation "t" already exists\nLOCATION:  heap_create, heap.c:1\n',
        "already exists",
    ),
    "the right state from another function": (
        "psql:<stdin>:7: ERROR:  42710: x\nLOCATION:  CreateRole, user.c:1\nLOCATION:  exec_stmt_raise, pl_exec.c:1\n",
        "line 7",
    ),
    "an error of psql itself": ("psql:<stdin>:7: error: \\connect: connection refused\n", "connection refused"),
    "no connection": ("psql: error: connection to server failed\n", "connection to server failed"),
    "an error in a file that was read in": (
        'psql:/etc/passwd:19: ERROR:  42710: role "x" already exists\nLOCATION:  CreateRole, user.c:308\n',
        "/etc/passwd",
    ),
    "a program": ("/bin/cat: invalid option -- 'c'\n", "runs a program"),
    "an error without its state": ('psql:<stdin>:7: ERROR:  role "postgres" already exists\n', "already exists"),
    "an error in another language": ("psql:<stdin>:7: FEHLER:  42704: x\nLOCATION:  f, g.c:1\n", "line 7"),
    "a fatal error": ("psql:<stdin>:7: FATAL:  57P01: terminating\nLOCATION:  DropRole, user.c:1\n", "terminating"),
}


def end_of(judge: PsqlJudge) -> bytes:
    """What psql prints for the epilogue."""
    secret = judge.epilogue.split()[1].decode()
    return f"{secret} verbose errors\n".encode()


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_what_fails_on_a_new_cluster_although_the_dump_is_good_is_let_pass(size: int) -> None:
    judge = PsqlJudge()
    said = "".join(GOOD).encode()

    for start in range(0, len(said), size):
        judge.hear(2, said[start : start + size])
    judge.hear(1, end_of(judge))

    judge.finish(0)


@pytest.mark.parametrize("fault", BAD)
def test_everything_else_is_refused(fault: str) -> None:
    said, match = BAD[fault]
    judge = PsqlJudge()

    with pytest.raises(PermanentError, match=match):
        judge.hear(2, said.encode())
        judge.hear(1, end_of(judge))
        judge.finish(0)


def test_an_error_of_the_server_is_refused_at_once_and_not_at_the_end() -> None:
    with pytest.raises(PermanentError):
        PsqlJudge().hear(2, b"psql:<stdin>:7: ERROR:  22012: division by zero\nLOCATION:  int4div, int.c:1\n")


@pytest.mark.parametrize("ended", ["never reached", "changed", "guessed"])
def test_psql_has_to_come_to_the_end_of_the_dump_as_it_began(ended: str) -> None:
    judge = PsqlJudge()
    judge.hear(2, ROLE.encode())
    if ended == "changed":
        judge.hear(1, end_of(judge).replace(b"verbose", b"terse"))
    if ended == "guessed":
        judge.hear(1, b"0000000000000000 verbose errors\n")

    with pytest.raises(PermanentError, match="ended in the middle of it"):
        judge.finish(0)


def test_what_psql_complains_about_is_told_without_the_row_it_quotes() -> None:
    judge = PsqlJudge()

    with pytest.raises(PermanentError) as raised:
        judge.hear(
            2,
            b'psql:<stdin>:57: ERROR:  22P02: invalid input syntax for type bigint: "x12"\n'
            b'CONTEXT:  COPY users, line 2001, column id: "x12 aiko@example.com secret"\n'
            b"LOCATION:  pg_strtoint64, numutils.c:1\n",
        )

    assert str(raised.value) == (
        "The backup does not restore: line 57 of the dump: "
        'ERROR: invalid input syntax for type bigint: "x12" (COPY users, line 2001, column id)'
    )


ENCODING = (
    'psql:<stdin>:70: ERROR:  0A000: invalid value for parameter "client_encoding": "LATIN1"\n'
    "DETAIL:  Conversion between LATIN1 and EUC_JP is not supported.\n"
    "LOCATION:  call_string_check_hook, guc.c:12085\n"
)


@pytest.mark.parametrize(
    ("created", "good"), [((20, 95), True), ((20,), False), ((), False), ((70,), False), ((900,), False)]
)
def test_an_encoding_that_cannot_be_set_is_let_pass_only_before_a_database_is_created(
    created: tuple[int, ...], good: bool
) -> None:
    judge = PsqlJudge()
    judge.hear(2, ENCODING.encode())
    judge.hear(1, end_of(judge))

    if good:
        judge.finish(0, created)
    else:
        with pytest.raises(PermanentError, match="client_encoding"):
            judge.finish(0, created)


@given(st.lists(st.integers(0, 60), max_size=20))
def test_the_lines_where_databases_are_created_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    text = b"CREATE DATABASE a;\nx CREATE DATABASE b;\n\nCREATE DATABASE c;\n"
    edges = [0, *sorted(cuts), len(text)]
    created = CreatedDatabases()

    passed = b"".join(created.over(text[start:end] for start, end in pairwise(edges)))

    assert (passed, created.lines) == (text, [1, 4])
