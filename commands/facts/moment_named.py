"""To which moment PostgreSQL is to go back: `to 02:13`, `to 20m`, `to=2026-12-01T02:13:07`."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from drbot.commands.facts.data_named import Data, data_named
from drbot.commands.facts.moment_read import WallClock, moment_of, spoken, whole
from drbot.commands.speech.parser import Words, plain, printable
from drbot.commands.speech.refusal import Refusal
from drbot.core.site.data_kinds import DataKind
from drbot.core.site.site import Site
from drbot.core.site.wal import LATEST, NOT_RECEIVED, RECEIVE, moment_in, moment_name
from drbot.core.text.messages import filled, phrase

HOW = phrase("Write to 02:13 or to 02:13:07 ({zone}), to 02:13Z, to 20m (ago) or an ISO time.")
LATEST_WORDS = frozenset({"now", "latest", "newest"})
_OPTION = re.compile(r"to[=＝](.+)", re.IGNORECASE)
_TIME = re.compile(r"\d{1,2}:\d{2}.*|\d{4}-\d.*|\d+(\.\d+)?\s*[smhd]")


def backup_at(site: Site, words: Sequence[str], clock: WallClock) -> tuple[str, list[str]]:
    """The name of the moment that the first words tell, and the words behind; "": they tell none. Raises Refusal where
    it cannot be: nothing is received, or it is still to come.
    """
    said, left = _said(list(words), clock)
    if not said:
        return "", left
    if site.postgres is None or site.postgres.continuous is None:
        raise Refusal(phrase('You asked to go back to "{word}".', word=printable(said)), NOT_RECEIVED, RECEIVE)
    how = filled(HOW, zone=clock.zone.key)
    moment = None if plain(said) in LATEST_WORDS else moment_of(said, clock, how)
    if moment is not None and moment > clock.now:
        raise Refusal(phrase("{moment} is in the future.", moment=clock.told(moment)), how, code="no_time")
    return moment_name(moment), left


def _said(words: list[str], clock: WallClock) -> tuple[str, list[str]]:
    """What stands behind `to`, where it is a time: "to" may begin a sentence."""
    if words and (option := _OPTION.fullmatch(words[0])):
        return spoken([option[1], *words[1:]], clock)
    if len(words) > 1 and plain(words[0]) == "to":
        word = plain(words[1])
        if word in LATEST_WORDS or _TIME.fullmatch(word):
            return spoken(words[1:], clock)
    return "", words


def of_moment(data: Data | None, backup: str) -> Data | None:
    """What is lost, where a moment is told. Raises Refusal: of other data there is none."""
    if not backup:
        return data
    if data is not None and data.kind is not DataKind.POSTGRES:
        raise Refusal(
            phrase("You named {data} and a moment.", data=data.words),
            phrase("PostgreSQL alone goes back to a moment."),
            phrase("Leave the moment out: the newest good backup is used."),
        )
    return Data(kind=DataKind.POSTGRES)


def data_at(
    site: Site, words: Sequence[str], again: Callable[[str], str], clock: WallClock
) -> tuple[Data | None, str, list[str]]:
    """What of level 2 the first words name, with the moment before or behind it, and what is left. Raises Refusal."""
    backup, left = backup_at(site, words, clock)
    data, left = data_named(site, left, again)
    if not backup:
        backup, left = backup_at(site, left, clock)
    return of_moment(data, backup), backup, left


def settled(words: Words, clock: WallClock) -> Words:
    """The same words with the whole moment, for the buttons that say them again. Raises Refusal for what is no time."""
    for place in range(len(words.rest)):
        said, left = _said(list(words.rest[place:]), clock)
        if said and plain(said) not in LATEST_WORDS:
            moment = moment_of(said, clock, filled(HOW, zone=clock.zone.key))
            option = [f"to={whole(moment)}"] if moment is not None else []
            return replace(words, rest=(*words.rest[:place], *option, *left))
    return words


def to_option(backup: str) -> str:
    """The same moment as `to=` takes it; "" of no moment."""
    moment = moment_in(backup)
    return whole(moment) if moment is not None else "latest" if backup == LATEST else ""


def understood(backup: str, clock: WallClock) -> str:
    """The answer tells which moment that is; "" of no moment."""
    moment = moment_in(backup)
    return phrase("PostgreSQL goes back to {moment}.", moment=clock.told(moment)) if moment is not None else ""
