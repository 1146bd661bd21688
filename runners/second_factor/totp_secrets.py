"""What only the worker knows: its own key, and the secrets of people's authenticators with their wrong codes.

Files below `<home>/worker`, readable by the worker's user alone; several workers of one site share the folder.
"""

import base64
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import pyotp

from drbot.core.base.errors import UserError
from drbot.core.base.signing import KeyPair, roster_secret
from drbot.core.ledger.attestation import Purpose
from drbot.core.text.messages import closed, phrase
from drbot.runners.foundation.private_folder import PrivateFolder
from drbot.runners.second_factor.guessing import Guesses

ENTRIES = "totp_secrets.json"
Result = TypeVar("Result")

STEPS = (-1, 0, 1)
"""Half minutes around now in which a code is taken: telephones' clocks are not exact."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One person's authenticator; `secret` is empty for somebody who only reads codes over the phone."""

    secret: str = ""
    last: int = 0  # number of the half minute of the last code that was taken: none is taken twice
    last_roster: int = 0  # the same of the codes for rosters
    guesses: Guesses = field(default_factory=Guesses)

    def unlocked(self) -> "Entry":
        return replace(self, guesses=Guesses())


class TotpSecrets:
    """Safe to use from several processes of one host."""

    def __init__(self, home: Path) -> None:
        self._files = PrivateFolder(home / "worker")

    def key(self) -> KeyPair:
        """The worker's key, made at its first start; several workers of one host may start at the same moment."""
        path = self._files.folder / "key"
        with self._files.locked():
            if not path.exists():
                self._make(path)
        return key_in(path)

    def _make(self, path: Path) -> None:
        part = path.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(KeyPair.new().text)
        part.replace(path)  # whole or not at all

    def entry(self, person: str) -> Entry | None:
        return self._read().get(person)

    def keep(self, person: str, entry: Entry | None) -> None:
        with self._files.locked():
            entries = self._read()
            entries.pop(person, None)
            if entry is not None:
                entries[person] = entry
            self._write(entries)

    def change(self, person: str, act: Callable[[Entry], tuple[Entry, Result]]) -> Result:
        """Let `act` look at what is known of a person and say what is to be remembered, alone: of two workers that
        check one code at the same moment only the first finds it unused.
        """
        with self._files.locked():
            entries = self._read()
            before = entries.get(person) or Entry()
            after, result = act(before)
            if after != before:
                self._write(entries | {person: after})
        return result

    def _read(self) -> dict[str, Entry]:
        found = self._files.read(ENTRIES) or {}
        return {
            person: Entry(**(values | {"guesses": Guesses(**values["guesses"])})) for person, values in found.items()
        }

    def _write(self, entries: dict[str, Entry]) -> None:
        self._files.write(ENTRIES, {person: asdict(entry) for person, entry in entries.items()})


def key_in(path: Path) -> KeyPair:
    """The key in a file. Raises UserError when there is none, or none that this user may read."""
    try:
        return KeyPair(base64.b64decode(path.read_text().strip(), validate=True))
    except (OSError, ValueError) as error:
        raise UserError(
            phrase("Reading the key {path}.", path=path),
            closed(str(error)),
            phrase("It is the worker's, on the recovery host."),
        ) from error


def tried(entry: Entry, code: str, now: datetime, purpose: Purpose = Purpose.VOTE) -> tuple[Entry, bool]:
    """The entry after somebody typed a code, and whether it was right. Of one code only the first use is. Codes for
    rosters come from a secret of their own: one that was typed for a vote says nothing about them.
    """
    for_roster = purpose is Purpose.ROSTER
    authenticator = pyotp.TOTP(roster_secret(entry.secret) if for_roster else entry.secret)
    last = entry.last_roster if for_roster else entry.last
    half_minute = int(now.timestamp()) // authenticator.interval
    typed = "".join(letter for letter in code if not letter.isspace())
    for step in (half_minute + step for step in STEPS):
        right = secrets.compare_digest(authenticator.generate_otp(step).encode(), typed.encode())
        if right and step > last:
            return replace(entry, last_roster=step) if for_roster else replace(entry, last=step), True
    return entry, False
