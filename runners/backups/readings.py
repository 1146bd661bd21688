"""What this host has found in a dump is not read again as long as nobody has written to its file.

Nothing is trusted for that: whoever restores reads every byte, and compares it with the digest of the plan. Nor does a
file tell that a disk has spoiled it: the newest is read anew from time to time (upkeep/proving.py).
"""

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.runners.clients.plain_files import stat_plain
from drbot.runners.foundation.private_folder import PrivateFolder

FOLDER, FILE = "readings", "dumps.json"
SETTLED_SECONDS = 2.0
"""A file system tells the moment of a change in steps: one that is older cannot hide another."""

Stamp = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """Of a dump that was read from start to end."""

    sha256: str  # of the file
    sql_bytes: int
    server_version: str  # "" when it holds no database
    holds_data: bool
    at: float  # Unix seconds


class Readings:
    """One small file below the worker's folder. A note that cannot be read or written is none: the dump is read.
    `anew`: nothing is remembered of before, not by the host's memory either, for whoever looks whether the disk still
    gives what it was given.
    """

    def __init__(self, home: Path, settled: float = SETTLED_SECONDS, *, anew: bool = False) -> None:
        self._files = PrivateFolder(home / FOLDER)
        self._settled = settled
        self.anew = anew

    def of(self, path: Path, stamp: Stamp) -> Reading | None:
        """What was found, if the file is still the same."""
        if self.anew:
            return None
        with suppress(KeyError, TypeError):
            known = self._all()[str(path)]
            if tuple(known["stamp"]) == stamp:
                return Reading(**known["reading"])
        return None

    def keep(self, path: Path, stamp: Stamp, reading: Reading) -> None:
        """Unless the file was written to a moment ago. Dumps that are gone are forgotten."""
        if reading.at - max(stamp[-2:]) / 1e9 < self._settled:
            return
        with suppress(TemporaryError), self._files.locked():
            there = {name: one for name, one in self._all().items() if Path(name).exists()}
            self._files.write(FILE, {**there, str(path): {"stamp": stamp, "reading": asdict(reading)}})

    def doubt(self, path: Path) -> None:
        """It was read, and is not what it was: a disk changes bytes without telling anybody when."""
        with suppress(TemporaryError), self._files.locked():
            self._files.write(FILE, {name: one for name, one in self._all().items() if name != str(path)})

    def _all(self) -> dict[str, Any]:
        with suppress(PermanentError):
            known = self._files.read(FILE)
            return known if isinstance(known, dict) else {}
        return {}


def stamp_of(path: Path) -> Stamp:
    """Another one as soon as somebody has written to it, or put another file in its place. Raises OSError."""
    found = stat_plain(path)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
