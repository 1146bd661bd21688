"""The four levels of the source document and what each means to people."""

from collections.abc import Mapping
from enum import IntEnum

from drbot.core.base.errors import UserError
from drbot.core.base.yaml_file import did_you_mean
from drbot.core.text.messages import phrase, sentences


class Level(IntEnum):
    """How bad it is; each level has a runbook of its own."""

    SERVICE = 1  # a service is down
    DATABASE = 2  # data of a host that works is corrupt or lost: core/site/data_kinds.py
    HOST = 3  # the host is lost
    DATACENTRE = 4  # the data centre is lost

    @property
    def text(self) -> str:
        return LEVEL_TEXTS[self]


LEVEL_TEXTS: dict[Level, str] = {
    Level.SERVICE: phrase("A service is down"),
    Level.DATABASE: phrase("Data is lost or corrupted"),
    Level.HOST: phrase("The host is lost"),
    Level.DATACENTRE: phrase("The data centre is lost"),
}

RUNBOOK_OF: Mapping[Level, str] = {
    Level.SERVICE: "level1-service",
    Level.DATABASE: "level2-postgres",
    Level.HOST: "level3-host",
    Level.DATACENTRE: "level4-datacentre",
}

LEVEL_WORDS = tuple(word for n in "1234" for word in (f"level{n}", f"l{n}", n))


def parse_level(word: str, example: str) -> Level:
    """Level of "level3", "L3" or "3". Raises UserError with the nearest word, and `example` of the same command."""
    digits = word.strip().lower().removeprefix("level").removeprefix("l").strip("-_ ")
    if digits in {"1", "2", "3", "4"}:
        return Level(int(digits))
    raise UserError(
        phrase('"{word}" is not a level.', word=word),
        sentences(
            phrase("Levels are level1 (service), level2 (data), level3 (host), level4 (data centre)."),
            did_you_mean(word.lower(), [one for one in LEVEL_WORDS if one[-1] == word[-1:]]),  # no other number
        ),
        phrase("Example: /dr {example}", example=example),
    )
