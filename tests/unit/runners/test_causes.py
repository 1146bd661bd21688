"""What made something fail is read once, where it is raised."""

import errno

import pytest

from drbot.core.base.errors import BackupError, CancelledError, Cause, PermanentError
from drbot.runners.clients.psql_judge import judged
from drbot.runners.foundation.causes import cause_in, cause_of


def raised_from(error: Exception) -> PermanentError:
    """As a client wraps what the system raises."""
    try:
        raise PermanentError("not written") from error
    except PermanentError as wrapped:
        return wrapped


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (raised_from(OSError(errno.ENOSPC, "No space left on device")), Cause.DISK),
        (raised_from(OSError(errno.EDQUOT, "Disk quota exceeded")), Cause.DISK),
        (raised_from(OSError(errno.EIO, "Input/output error")), Cause.OTHER),
        (BackupError("cut off"), Cause.BACKUP),
        (CancelledError("not done after 20 s"), Cause.TIME),
        (PermanentError("no"), Cause.OTHER),
        (MemoryError(), Cause.OTHER),
    ],
)
def test_of_an_error(error: Exception, cause: Cause) -> None:
    assert cause_of(error) is cause


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("cp: error writing '/keeper/data': No space left on device", Cause.DISK),
        ("write /repository/x: no space left on device", Cause.DISK),
        ("fork: Cannot allocate memory", Cause.MEMORY),
        ("permission denied", Cause.OTHER),
    ],
)
def test_of_what_a_program_said(said: str, cause: Cause) -> None:
    assert cause_in(said) is cause


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("ERROR:  53100: could not extend file: No space left on device", Cause.DISK),
        ("ERROR:  53200: out of memory", Cause.MEMORY),
        ("FATAL:  57P01: terminating connection due to administrator command", Cause.ENGINE),
        ("error: connection to server was lost", Cause.OTHER),
        ("ERROR:  22P04: missing data for column No space left on device", Cause.BACKUP),
        ("error: invalid command \\foo", Cause.BACKUP),
    ],
)
def test_of_what_psql_said(said: str, cause: Cause) -> None:
    assert judged([f"psql:<stdin>:7: {said}"]).cause is cause
