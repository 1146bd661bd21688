"""What a full backup says about itself, so that a recovery can prove that everything came back.

The same document lies inside the archive and, written last and with the archive's own digest, beside it: its presence
there means "complete", and a survey learns everything without downloading the archive.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import AwareDatetime, Field

from core.backup_times import moment_of_stamp
from core.site import Model

SUFFIX = ".tar.gz"
FORMAT = 1
MANIFEST = "manifest.json"  # inside the archive
_NAME = re.compile(r"^full_backup_(\d{8}_\d{6})\.tar\.gz$")
LATEST = "full_backup_latest.tar.gz"  # what the source document's level 3 downloads


class Member(Model):
    """One file of the archive, by its path inside."""

    path: str
    size: int
    sha256: str


class RedisState(Model):
    """What the RDB file holds."""

    version: str
    keys: int
    expires: int = 0  # of these, the keys that go by themselves when their time has come
    appendonly: bool  # of the server: its RDB is ignored at a start until an append-only file is built from it


class FileSet(Model):
    """One volume or folder of `files` in dr.yml."""

    count: int
    bytes: int
    digest: str  # `digest_of_files`


class FullManifest(Model):
    """One full backup."""

    format: int = FORMAT
    name: str  # full_backup_<YYYYmmdd_HHMMSS>.tar.gz
    system: str
    site: str
    started_at: AwareDatetime
    finished_at: AwareDatetime
    snapshot_at: AwareDatetime  # the data is at least as new as this
    members: tuple[Member, ...]
    configuration: dict[str, str] = Field(default_factory=dict)  # path below `projects` → SHA-256; and "dr.yml"
    databases: tuple[str, ...] = ()  # each also in directory format, below databases/
    rows: dict[str, int] = Field(default_factory=dict)  # "authdb.users" → rows
    digests: dict[str, str] = Field(default_factory=dict)  # the same → digest of its rows, where there is one
    sql_bytes: int = 0
    server_version: str = ""  # of PostgreSQL
    system_identifier: str = ""
    redis: RedisState | None = None
    files: dict[str, FileSet] = Field(default_factory=dict)  # as dr.yml names them
    versions: dict[str, str] = Field(default_factory=dict)  # drbot, docker
    source: dict[str, str] = Field(default_factory=dict)  # engine and host it was made on
    completed: bool = False
    size: int = 0  # of the archive, and its digest: only in the manifest beside it
    sha256: str = ""

    @property
    def unpacked_bytes(self) -> int:
        """What the unpacked archive needs on a disk."""
        return sum(member.size for member in self.members)


def full_name(moment: datetime) -> str:
    """The archive's name; local time, as the source document's scripts have it, so that all sort together."""
    return f"full_backup_{moment.astimezone():%Y%m%d_%H%M%S}{SUFFIX}"


def is_full_name(name: str) -> bool:
    """Whether this is the name of a full backup, ours or the document's."""
    return name == LATEST or bool(_NAME.match(name))


def named_moment(name: str) -> datetime | None:
    """The moment in the name; None for "latest", and where there is no such day or hour."""
    found = _NAME.match(name)
    return moment_of_stamp(found[1], datetime.now(UTC)) if found else None


def manifest_name(name: str) -> str:
    """The manifest beside an archive."""
    return name.removesuffix(SUFFIX) + ".manifest.json"


def digest_of_files(sums: Mapping[str, str]) -> str:
    """One digest of many files: over `sha256sum`'s lines ("<digest>  ./<path>"), sorted by path."""
    whole = hashlib.sha256()
    for path in sorted(sums, key=lambda path: path.encode(errors="surrogateescape")):
        whole.update(f"{sums[path]}  ./{path.removeprefix('./')}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()
