"""What of a system can be lost on a host that still works, and which runbook of level 2 brings each back."""

from collections.abc import Mapping
from enum import StrEnum

from drbot.core.site.level import RUNBOOK_OF, Level
from drbot.core.site.site import Site
from drbot.core.text.messages import phrase


class DataKind(StrEnum):
    """The word behind `level2`."""

    POSTGRES = "postgres"
    REDIS = "redis"
    FILES = "files"  # one entry of `files` in dr.yml
    SETTINGS = "settings"  # below `projects`: compose files, .env and whatever else is no data


RUNBOOKS: Mapping[DataKind, str] = {kind: f"level2-{kind.value}" for kind in DataKind}
BROUGHT_BACK_BY: Mapping[str, DataKind] = {runbook: kind for kind, runbook in RUNBOOKS.items()}

LOST: Mapping[DataKind, str] = {
    DataKind.POSTGRES: phrase("PostgreSQL is corrupted"),
    DataKind.REDIS: phrase("The data of Redis is lost"),
    DataKind.FILES: phrase("Files are lost"),
    DataKind.SETTINGS: phrase("Settings are lost"),
}

WORDS: Mapping[str, DataKind] = {
    **{kind.value: kind for kind in DataKind},
    "postgresql": DataKind.POSTGRES,
    "database": DataKind.POSTGRES,
    "file": DataKind.FILES,
    "setting": DataKind.SETTINGS,
    "configuration": DataKind.SETTINGS,
}
"""As people type it."""

FILES, LOOK, DOWN = "files", "look", "down"
"""Arguments of a run: which entry of `files`; that the survey first looks what is broken; and, where no data was, the
services that it saw not working.
"""


def kinds_of(site: Site) -> tuple[DataKind, ...]:
    """What this site has, by dr.yml."""
    has = {
        DataKind.POSTGRES: site.postgres is not None,
        DataKind.REDIS: site.redis is not None,
        DataKind.FILES: bool(site.files),
        DataKind.SETTINGS: bool(site.services),
    }
    return tuple(kind for kind, is_there in has.items() if is_there)


def first_kind(site: Site) -> DataKind:
    """What is meant when nothing says more."""
    return next(iter(kinds_of(site)), DataKind.POSTGRES)


def first_files(site: Site) -> str | None:
    """Which entry of `files` is meant then; None where it is other data."""
    return site.files[0] if first_kind(site) is DataKind.FILES else None


def runbook_of(level: Level, site: Site) -> str:
    """Of level 2, where nothing more is said, for the first that the site has."""
    return RUNBOOKS[first_kind(site)] if level is Level.DATABASE else RUNBOOK_OF[level]
