"""Errors whose class decides what happens next.

`TemporaryError` is retried, `PermanentError` stops the step, `UserError` is shown to the person who asked.
"""

from enum import StrEnum

from drbot.core.text.messages import sentences


class Cause(StrEnum):
    """What made something fail, by what it is: what people are offered follows from this, never from a sentence."""

    BACKUP = "backup"  # what it holds, or lacks: another one may do
    DISK = "disk"  # no room left
    MEMORY = "memory"  # ended for want of memory
    TIME = "time"  # not done within its limit
    IMAGE = "image"  # PostgreSQL's image does not start on an empty volume
    ENGINE = "engine"  # the Docker engine refused, went away, or took a container with it
    OTHER = "other"


class DrbotError(Exception):
    """Something that drbot foresaw went wrong. `cause`: of whoever raises it, where the class does not say."""

    cause = Cause.OTHER

    def __init__(self, message: str = "", *, cause: Cause | None = None) -> None:
        super().__init__(message)
        self.cause = cause or type(self).cause


class TemporaryError(DrbotError):
    """May succeed when tried again: network, throttling, a server that is still starting.

    `kind` is what a runbook's `retry.only` names: "network", "throttled", "starting" or "busy". drbot's own database
    may also be "full" or "denied".
    """

    def __init__(self, message: str, *, kind: str = "network", cause: Cause | None = None) -> None:
        super().__init__(message, cause=cause)
        self.kind = kind


class PermanentError(DrbotError):
    """Will fail again in the same way; the step's `if_fails` decides what follows."""


class BackupError(PermanentError):
    """The backup itself is cut, damaged, incomplete, or another one than the plan's."""

    cause = Cause.BACKUP


class BrokenStateError(PermanentError):
    """drbot's own database cannot be read: nothing was recorded, and nothing will be before somebody mends it."""


class UnreadableError(PermanentError):
    """One row of drbot's own database is none that drbot has written; the others are read all the same."""


class UntrustedError(PermanentError):
    """The database says something about the worker's own work that this worker did not write; nothing is started."""


class CancelledError(DrbotError):
    """Somebody pressed STOP, or the step ran into its hard time limit, and the act was ended."""

    cause = Cause.TIME  # where it was STOP nobody asks


class FencedError(DrbotError):
    """Another worker owns the run now: whoever gets this must stop at once and write nothing."""


class UserError(DrbotError):
    """Shown to the person who asked: what was tried, why it was not done, what to do now."""

    def __init__(self, tried: str, why: str, todo: str = "") -> None:
        super().__init__(sentences(tried, why, todo))
        self.tried = tried
        self.why = why
        self.todo = todo
