"""The worker checks the codes people typed at any entry point, and signs what was right.

A compromised bot can pass codes on, but neither read secrets nor sign; wrong codes lock where they were typed
(runners/second_factor/guessing.py).
"""

import secrets
import threading
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from drbot.core.base.errors import DrbotError
from drbot.core.ledger.attestation import Entrance, Proof, Purpose, phone_statement, statement
from drbot.core.ledger.events import EventKind
from drbot.core.runs.plan import short_seal
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.second_factor.totp_secrets import Entry, TotpSecrets, tried
from drbot.runners.upkeep.key_watch import doubt_key, publish_key
from drbot.store.base.database import Transaction
from drbot.store.records import codes
from drbot.store.records.codes import Attempt

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tested:
    """What came of a code; of a wrong one how many more may be wrong there."""

    answer: str = ""
    left: int | None = None


class CodeChecker:
    def __init__(self, worker_context: WorkerContext) -> None:
        self._worker_context = worker_context
        self._totp_secrets = TotpSecrets(worker_context.home)
        self._published = False

    def run(self, stop: threading.Event) -> None:
        """Until the worker ends; a busy database is asked again."""
        while not stop.wait(self._worker_context.timing.look):
            try:
                self.tick()
            except DrbotError as error:
                log.info("Codes wait for the database.", error=str(error))
            except Exception:
                log.exception("A code could not be checked; going on.")

    def tick(self) -> None:
        site, database = self._worker_context.site_name, self._worker_context.database
        if not self._published:
            with database.write() as tx:
                publish_key(tx, self._worker_context)
            self._published = True
        with database.read() as connection:
            published = codes.worker_key(connection, site)
            waiting = codes.unanswered(connection, site, datetime.now().astimezone())
        if self._worker_context.drill is None and published != self._worker_context.key.public:
            doubt_key(self._worker_context, published or "")
        for attempt_id in waiting:
            self._looked_at(attempt_id)

    def _looked_at(self, attempt_id: int) -> None:
        """A row that nothing of drbot's has written is refused alone: the others wait behind it."""
        database = self._worker_context.database
        try:
            with database.write() as tx:
                self._answer(tx, codes.get(tx.connection, attempt_id))
        except DrbotError:
            raise
        except Exception:
            log.exception("A code could not be read; it is refused.", attempt=attempt_id)
            with database.write() as tx:
                codes.answer(tx, attempt_id, "unchecked")

    def _answer(self, tx: Transaction, attempt: Attempt) -> None:
        if attempt.answer is not None:
            return
        if not _may_be_typed(attempt) or self._opened(attempt) is None:
            result = "unchecked"  # nothing is counted against anybody whose code was put before the worker by another
        elif attempt.claim.purpose is Purpose.ENROL:
            result = self._enrolled(tx, attempt)
        elif attempt.proof is Proof.PHONE:
            result = self._phoned(tx, attempt)
        else:
            result = self._typed(tx, attempt)
        said = statement(attempt.proof, attempt.claim)
        signature = self._worker_context.key.sign(said) if result == "valid" else None
        codes.answer(tx, attempt.id, result, signature)

    def _opened(self, attempt: Attempt) -> str | None:
        """What was typed; None unless it was typed for exactly what the row says."""
        try:
            return attempt.code(self._worker_context.key)
        except ValueError:
            return None

    def _typed(self, tx: Transaction, attempt: Attempt) -> str:
        if not self._is_own_account(tx, attempt):
            return "unchecked"

        def act(entry: Entry) -> tuple[Entry, Tested]:
            if not entry.secret:
                return entry, Tested(answer="not_enrolled")
            refused = entry.guesses.refusal(attempt.proof, attempt.origin, tx.now)
            if refused:
                return entry, Tested(answer=refused)
            entry, right = tried(entry, self._opened(attempt) or "", tx.now, attempt.claim.purpose)
            return _counted(entry, attempt, right, tx.now)

        return self._told(tx, attempt, self._totp_secrets.change(attempt.person, act), "wrong_code")

    def _phoned(self, tx: Transaction, attempt: Attempt) -> str:
        """Read over the phone: made with the person's own key for this request, this seal and this decision. A wrong
        one counts against where it was typed, or anybody who may type could lock every approver.
        """
        roster, typist = self._worker_context.roster_now(tx.connection), attempt.typed_by or attempt.person
        person = roster.person(attempt.person)
        if person is None or person.key is None or roster.person(typist) is None:
            return "needs_phone_code"
        if not self._is_own_account(tx, attempt):
            return "needs_phone_code"
        said = phone_statement(
            person=attempt.person,
            request=attempt.claim.request,
            short_seal=short_seal(attempt.claim.seal),
            decision=attempt.claim.decision,
        )
        expected = self._worker_context.key.phone_code(person.key, said)
        right = secrets.compare_digest(plain(expected).encode(), plain(self._opened(attempt) or "").encode())

        def act(entry: Entry) -> tuple[Entry, Tested]:
            refused = entry.guesses.refusal(attempt.proof, attempt.origin, tx.now)
            return (entry, Tested(answer=refused)) if refused else _counted(entry, attempt, right, tx.now)

        return self._told(tx, attempt, self._totp_secrets.change(attempt.person, act), "needs_phone_code")

    def _is_own_account(self, tx: Transaction, attempt: Attempt) -> bool:
        """In Slack whoever types does so with an account of theirs: there are no more places than accounts."""
        if attempt.origin.entrance is not Entrance.SLACK:
            return True
        typist = self._worker_context.roster_now(tx.connection).person(attempt.typed_by or attempt.person)
        return typist is not None and attempt.origin.name in typist.slack

    def _enrolled(self, tx: Transaction, attempt: Attempt) -> str:
        """Takes an offered secret over with its first right code; nobody's is ever replaced from outside."""
        secret = codes.offered(tx.connection, attempt.site, attempt.person, self._worker_context.key)
        known = self._totp_secrets.entry(attempt.person)
        if known is not None and known.secret:
            return "valid" if secrets.compare_digest(known.secret, secret) else "already_enrolled"
        if not secret:
            return "not_enrolled"
        entry, right = tried(replace(known or Entry(), secret=secret), self._opened(attempt) or "", tx.now)
        if not right:
            return "wrong_code"
        self._totp_secrets.keep(attempt.person, entry)
        tx.record(EventKind.FACTOR_ENROLLED, person=attempt.person, site=attempt.site)
        return "valid"

    def _told(self, tx: Transaction, attempt: Attempt, tested: Tested, wrong: str) -> str:
        """A wrong code is recorded with where it was typed: the name alone may have been anybody's claim."""
        if tested.left is None:
            return tested.answer
        where: dict[str, Any] = {
            "site": attempt.site,
            "entrance": attempt.origin.entrance.value,
            "place": attempt.origin.name,
        }
        where |= {"typed_by": attempt.typed_by} if attempt.typed_by else {}
        tx.record(EventKind.FACTOR_REFUSED, person=attempt.person, why=wrong, left=tested.left, **where)
        if tested.left:
            return wrong
        tx.record(EventKind.FACTOR_LOCKED, person=attempt.person, **where)
        return "locked"


def _counted(entry: Entry, attempt: Attempt, right: bool, now: datetime) -> tuple[Entry, Tested]:
    proof, origin = attempt.proof, attempt.origin
    if right:
        return replace(entry, guesses=entry.guesses.with_right(proof, origin)), Tested(answer="valid")
    guesses = entry.guesses.with_wrong(proof, origin, now)
    return replace(entry, guesses=guesses), Tested(left=guesses.left(proof, origin))


def _may_be_typed(attempt: Attempt) -> bool:
    """Whether a typed code can stand for this at all. The row is the bot's word: one that asks for a proof of another
    kind, or for break-glass, would turn one code into what only the recovery host or a person's own key can say.
    """
    claim = attempt.claim
    kinds = {Proof.CODE, Proof.PHONE} if claim.purpose is Purpose.VOTE else {Proof.CODE}
    return attempt.proof in kinds and claim.decision != "break-glass"


def plain(code: str) -> str:
    """A code as it was meant: spaces, dashes and small letters do not matter."""
    return "".join(letter for letter in code.upper() if letter.isalnum())
