"""What made a program or a call of the system fail, by the system's own words, which every program repeats."""

import errno
import re

from drbot.core.base.errors import Cause, DrbotError

_WORDS = (
    (Cause.DISK, re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)),
    (Cause.MEMORY, re.compile(r"cannot allocate memory|out of memory", re.IGNORECASE)),
)
_NUMBERS = {errno.ENOSPC: Cause.DISK, errno.EDQUOT: Cause.DISK, errno.ENOMEM: Cause.MEMORY}


def cause_in(said: str, otherwise: Cause = Cause.OTHER) -> Cause:
    """Of the end of what a program said; not of what may quote data."""
    return next((cause for cause, words in _WORDS if words.search(said)), otherwise)


def cause_of(error: BaseException | None) -> Cause:
    """By what raised it, else by the call of the system that it came from."""
    while error is not None:
        cause = error.cause if isinstance(error, DrbotError) else _NUMBERS.get(getattr(error, "errno", None) or 0)
        if cause not in (None, Cause.OTHER):
            return cause
        error = error.__cause__
    return Cause.OTHER
