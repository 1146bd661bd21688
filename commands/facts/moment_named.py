"""To which moment PostgreSQL is to go back: `to 02:13`, `to 20m`, `to=2026-12-01T02:13:07`."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from drbot.commands.facts.data_named import Data, data_named
from drbot.commands.speech.parser import plain, printable
from drbot.commands.speech.refusal import Refusal
from drbot.core.site.data_kinds import DataKind
from drbot.core.site.site import Site
from drbot.core.site.wal import LATEST, NOT_RECEIVED, RECEIVE, exactly, moment_in, moment_name
from drbot.core.text.messages import phrase
from drbot.core.text.words import seconds_of

HOW: str = phrase("Write to 02:13 or to 02:13:07 (UTC), to 20m (ago) or an ISO time.")
LATEST_WORDS = frozenset({"now", "latest", "newest"})
_OPTION = re.compile(r"to[=＝](.+)", re.IGNORECASE)
_TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?|\d{4}-\d.*|\d+(\.\d+)?\s*[smhd]")


def moment_of(word: str, now: datetime, todo: str) -> datetime | None:
    """A moment: "20m" ago, "02:10" or "02:10:30" UTC, or an ISO time. Raises Refusal with how to write it."""
    word = plain(word).strip()
    if not word:
        return None
    try:
        if found := re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?", word, re.ASCII):
            hour, minute, second = (int(part or 0) for part in found.groups()[:3])
            moment = now.replace(hour=hour, minute=minute, second=second, microsecond=int(f"{found[4] or 0:0<6}"))
            return moment if moment <= now else moment - timedelta(days=1)
        if re.match(r"\d{4}-", word):
            moment = datetime.fromisoformat(word.upper())
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (now - timedelta(seconds=seconds_of(word))).replace(microsecond=0)
    except (ValueError, OverflowError) as error:
        raise Refusal(
            phrase('"{word}" is not a time.', word=printable(word)),
            todo,
            code="no_time",
        ) from error


def backup_at(site: Site, words: Sequence[str], now: datetime) -> tuple[str, list[str]]:
    """The name of the moment that the first words tell, and the words behind; "": they tell none. Raises Refusal where
    it cannot be: nothing is received, or it is still to come.
    """
    said, left = _said(list(words))
    if not said:
        return "", left
    if site.postgres is None or site.postgres.continuous is None:
        raise Refusal(phrase('You asked to go back to "{word}".', word=printable(said)), NOT_RECEIVED, RECEIVE)
    moment = None if plain(said) in LATEST_WORDS else moment_of(said, now, HOW)
    if moment is not None and moment > now:
        raise Refusal(phrase("{moment} UTC is in the future.", moment=exactly(moment)), HOW, code="no_time")
    return moment_name(moment), left


def _said(words: list[str]) -> tuple[str, list[str]]:
    """What stands behind `to`, where it is a time: "to" may begin a sentence."""
    if words and (option := _OPTION.fullmatch(words[0])):
        return option[1], words[1:]
    if len(words) > 1 and plain(words[0]) == "to":
        word = plain(words[1])
        if word in LATEST_WORDS or _TIME.fullmatch(word):
            return words[1], words[2:]
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
    site: Site, words: Sequence[str], again: Callable[[str], str], now: datetime
) -> tuple[Data | None, str, list[str]]:
    """What of level 2 the first words name, with the moment before or behind it, and what is left. Raises Refusal."""
    backup, left = backup_at(site, words, now)
    data, left = data_named(site, left, again)
    if not backup:
        backup, left = backup_at(site, left, now)
    return of_moment(data, backup), backup, left


def to_option(backup: str) -> str:
    """The same moment as `to=` takes it, also some minutes later; "" of no moment."""
    moment = moment_in(backup)
    if moment is None:
        return "latest" if backup == LATEST else ""
    return f"{exactly(moment).replace(' ', 'T')}Z"
