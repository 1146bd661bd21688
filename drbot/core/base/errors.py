"""Errors whose class decides what happens next.

`TemporaryError` is retried, `PermanentError` stops the step, `UserError` is shown to the person who asked.
"""

from drbot.core.text.messages import sentences


class DrbotError(Exception):
    """Something that drbot foresaw went wrong."""


class TemporaryError(DrbotError):
    """May succeed when tried again: network, throttling, a server that is still starting.

    `kind` is what a runbook's `retry.only` names: "network", "throttled", "starting" or "busy". drbot's own database
    may also be "full" or "denied".
    """

    def __init__(self, message: str, *, kind: str = "network") -> None:
        super().__init__(message)
        self.kind = kind


class PermanentError(DrbotError):
    """Will fail again in the same way; the step's `if_fails` decides what follows."""


class BrokenStateError(PermanentError):
    """drbot's own database cannot be read: nothing was recorded, and nothing will be before somebody mends it."""


class UntrustedError(PermanentError):
    """The database says something about the worker's own work that this worker did not write; nothing is started."""


class CancelledError(DrbotError):
    """Somebody pressed STOP, or the step ran into its hard time limit, and the act was ended."""


class FencedError(DrbotError):
    """Another worker owns the run now: whoever gets this must stop at once and write nothing."""


class UserError(DrbotError):
    """Shown to the person who asked: what was tried, why it was not done, what to do now."""

    def __init__(self, tried: str, why: str, todo: str = "") -> None:
        super().__init__(sentences(tried, why, todo))
        self.tried = tried
        self.why = why
        self.todo = todo
