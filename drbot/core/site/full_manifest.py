"""What a full backup says about itself, so that a recovery can prove that everything came back.

It is one of the files of the backup, so nobody can exchange it alone. What is in a full backup, by its paths inside:

/own/manifest.json, dr.yml, all_databases.sql, dump.rdb
/projects/<project>/…    the folders of the compose projects
/linked/<project>/…      what links in there lead to, outside of them all
/files/<volume>/…        the volumes of `files` in dr.yml, and its folders that have a whole path there
"""

import re
from datetime import UTC, datetime

from pydantic import AwareDatetime, Field

from drbot.core.base.model import Count, Model
from drbot.core.site.backup_times import moment_in
from drbot.core.site.inventory import NOTHING, Inventory

FORMAT = 2
PREFIX = "full_backup_"
SUFFIX = ".tar.gz"  # only of what the source document's scripts make
OWN, PROJECTS, LINKED, FILES = "/own", "/projects", "/linked", "/files"
MANIFEST, DUMP, REDIS, DOCUMENT = "manifest.json", "all_databases.sql", "dump.rdb", "dr.yml"  # below OWN
_NAME = re.compile(r"^full_backup_\d{8}_\d{6}(\.tar\.gz)?$")
LATEST = "full_backup_latest.tar.gz"  # what the source document's level 3 downloads


class RedisState(Model):
    version: str
    keys: Count
    expires: int = 0  # of these, the keys that go by themselves when their time has come
    appendonly: bool  # of the server: its RDB is ignored at a start until an append-only file is built from it


class Uses(Model):
    """What the compose files of the projects take of a host, by the names that the engine knows."""

    volumes: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    containers: tuple[str, ...] = ()  # only names that a file gives; others follow from project and service
    settings: dict[str, str] = Field(default_factory=dict)  # "project/service/NAME" → digest, as the services ran


class FullManifest(Model):
    format: int = FORMAT
    name: str  # full_backup_<YYYYmmdd_HHMMSS>
    system: str
    site: str
    started_at: AwareDatetime
    snapshot_at: AwareDatetime  # the data is at least as new as this
    projects: tuple[str, ...] = ()  # whose folders are in it
    uses: Uses = Uses()
    databases: tuple[str, ...] = ()
    rows: dict[str, Count] = Field(default_factory=dict)  # "authdb.users" → rows
    digests: dict[str, str] = Field(default_factory=dict)  # the same → digest of its rows, where there is one
    sql_bytes: Count = 0
    server_version: str = Field(default="", max_length=200)  # of PostgreSQL
    system_identifier: str = ""
    redis: RedisState | None = None
    files: tuple[str, ...] = ()  # volumes and folders, as dr.yml names them
    inventory: Inventory = NOTHING  # what the system consisted of; a lost host has no engine left to ask
    versions: dict[str, str] = Field(default_factory=dict)  # drbot
    source: dict[str, str] = Field(default_factory=dict)  # engine and host it was made on


def full_name(moment: datetime) -> str:
    """A full backup's name; local time, as the source document's scripts have it, so that all sort together."""
    return f"{PREFIX}{moment.astimezone():%Y%m%d_%H%M%S}"


def is_full_name(name: str) -> bool:
    """Whether this is the name of a full backup, ours or the document's."""
    return name == LATEST or bool(_NAME.match(name))


def is_archive(name: str) -> bool:
    """Whether it is the document's."""
    return is_full_name(name) and name.endswith(SUFFIX)


def named_moment(name: str) -> datetime | None:
    """The moment in the name; None for "latest", and where there is no such day or hour."""
    return moment_in(name, datetime.now(UTC)) if _NAME.match(name) else None
