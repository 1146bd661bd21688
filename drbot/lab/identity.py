"""Who a folder of labs is, on an engine that others may use too: what it makes there carries this in name and label."""

import secrets
from pathlib import Path

from drbot.lab.engine import exclusive

FILE = "identity"


def identity_of(labs: Path) -> str:
    """Six letters, the same as long as the folder stays where it is. A copy of the folder is somebody else."""
    known = _written(labs)
    if known is not None:
        return known
    with exclusive(labs / f"{FILE}.lock"):
        known = _written(labs)
        if known is None:
            known = secrets.token_hex(3)
            (labs / FILE).write_text(f"{known} {labs.resolve()}")
    return known


def _written(labs: Path) -> str | None:
    try:
        identity, _, place = (labs / FILE).read_text().partition(" ")
    except OSError:
        return None
    return identity if place == str(labs.resolve()) else None
