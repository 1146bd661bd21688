"""The worker checks the codes people typed at any door, and signs what was right (approvals.md rules 6 and 9).

A compromised bot can pass codes on, but neither read secrets nor sign; five wrong codes lock who typed them.
"""

import secrets
import threading
from dataclasses import replace
from datetime import datetime

import structlog

from core.attestation import Proof, Purpose, phone_statement, statement
from core.errors import DrbotError
from core.events import EventKind
from core.plan import short_seal
from runners.vault import WRONG_CODES, Entry, Vault, tried
from runners.walk import Equipment
from store import codes
from store.codes import Attempt
from store.database import Transaction

log = structlog.get_logger()


class Checker:
    """One per worker; `tick` looks for codes that wait."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._vault = Vault(equipment.home)
        self._published = False

    def run(self, stop: threading.Event) -> None:
        """Until the worker ends; a busy database is asked again."""
        while not stop.wait(self._equipment.timing.look):
            try:
                self.tick()
            except DrbotError as error:
                log.info("Codes wait for the database.", error=str(error))
            except Exception:
                log.exception("A code could not be checked; going on.")

    def tick(self) -> None:
        """Everything that waits now."""
        site, database = self._equipment.site_name, self._equipment.database
        if not self._published:
            with database.write() as tx:
                codes.publish(tx, site, self._equipment.key.public)
            self._published = True
        with database.read() as connection:
            waiting = codes.unanswered(connection, site, datetime.now().astimezone())
        for attempt in waiting:
            with database.write() as tx:
                self._answer(tx, attempt)

    def _answer(self, tx: Transaction, attempt: Attempt) -> None:
        if codes.get(tx.connection, attempt.id).answer is not None:
            return
        if not _may_be_typed(attempt):
            result = "unchecked"
        elif attempt.claim.purpose is Purpose.ENROL:
            result = self._enrolled(tx, attempt)
        elif attempt.proof is Proof.PHONE:
            result = self._phoned(tx, attempt)
        else:
            result = self._typed(tx, attempt)
        said = statement(attempt.proof, attempt.claim)
        signature = self._equipment.key.sign(said) if result == "valid" else None
        codes.answer(tx, attempt, result, signature)

    def _opened(self, attempt: Attempt) -> str:
        try:
            return self._equipment.key.open(attempt.sealed).decode()
        except ValueError:
            return ""

    def _typed(self, tx: Transaction, attempt: Attempt) -> str:
        entry = self._vault.entry(attempt.person)
        if entry is None or not entry.secret:
            return "not_enrolled"
        if entry.locked:
            return "locked"
        entry, right = tried(entry, self._opened(attempt), tx.now, attempt.claim.purpose)
        self._vault.keep(attempt.person, entry)
        return "valid" if right else self._wrong(tx, attempt, attempt.person, entry.wrong)

    def _phoned(self, tx: Transaction, attempt: Attempt) -> str:
        """Read over the phone: made with the person's own key for this request, this seal and this decision. A wrong
        one counts against who typed it, or anybody who may type could lock every approver.
        """
        roster, typist = self._equipment.roster_now(tx.connection), attempt.typed_by or attempt.person
        person, entry = roster.person(attempt.person), self._vault.entry(typist) or Entry()
        if person is None or person.key is None or roster.person(typist) is None:
            return "needs_phone_code"
        if entry.phone_locked or (self._vault.entry(attempt.person) or Entry()).locked:
            return "locked"
        said = phone_statement(
            person=attempt.person,
            request=attempt.claim.request,
            short_seal=short_seal(attempt.claim.seal),
            decision=attempt.claim.decision,
        )
        expected = self._equipment.key.phone_code(person.key, said)
        if secrets.compare_digest(plain(expected).encode(), plain(self._opened(attempt)).encode()):
            self._vault.keep(typist, replace(entry, wrong_phone=0))
            return "valid"
        entry = replace(entry, wrong_phone=entry.wrong_phone + 1)
        self._vault.keep(typist, entry)
        return self._wrong(tx, attempt, typist, entry.wrong_phone, "needs_phone_code")

    def _enrolled(self, tx: Transaction, attempt: Attempt) -> str:
        """Takes an offered secret over with its first right code; nobody's is ever replaced from a door."""
        offered = codes.offered(tx.connection, attempt.site, attempt.person)
        known = self._vault.entry(attempt.person)
        try:
            secret = self._equipment.key.open(offered).decode() if offered else ""
        except ValueError:
            secret = ""
        if known is not None and known.secret:
            return "valid" if secrets.compare_digest(known.secret, secret) else "already_enrolled"
        if not secret:
            return "not_enrolled"
        entry, right = tried(replace(known or Entry(), secret=secret), self._opened(attempt), tx.now)
        if not right:
            return "wrong_code"
        self._vault.keep(attempt.person, entry)
        tx.record(EventKind.FACTOR_ENROLLED, person=attempt.person, site=attempt.site)
        return "valid"

    def _wrong(self, tx: Transaction, attempt: Attempt, who: str, wrong: int, code: str = "wrong_code") -> str:
        left = max(0, WRONG_CODES - wrong)
        tx.record(EventKind.FACTOR_REFUSED, person=who, site=attempt.site, why=code, left=left)
        if left == 0:
            tx.record(EventKind.FACTOR_LOCKED, person=who, site=attempt.site)
            return "locked"
        return code


def _may_be_typed(attempt: Attempt) -> bool:
    """Whether a typed code can stand for this at all. The row is the bot's word: one that asks for a proof of another
    kind, or for break-glass, would turn one code into what only the recovery host or a person's own key can say.
    """
    claim = attempt.claim
    kinds = {Proof.CODE, Proof.PHONE} if claim.purpose is Purpose.VOTE else {Proof.CODE}
    return attempt.proof in kinds and claim.decision != "break-glass" and claim.person == attempt.person


def plain(code: str) -> str:
    """A code as it was meant: spaces, dashes and small letters do not matter."""
    return "".join(letter for letter in code.upper() if letter.isalnum())
