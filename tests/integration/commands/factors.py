"""The worker that checks codes, beside a fixture without one; an authenticator and keys in people's hands."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyotp

from drbot.core.approvals.approval import EntryPoint
from drbot.core.base.signing import KeyPair
from drbot.core.ledger.attestation import Proof, phone_statement
from drbot.core.runs.plan import short_seal
from drbot.core.site.configuration import Loaded
from drbot.core.site.people import Account
from drbot.core.text.redaction import Redactor
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.foundation.own_record import OwnRecord
from drbot.runners.foundation.timing import Timing
from drbot.runners.second_factor.totp_secrets import TotpSecrets
from drbot.runners.upkeep.code_checker import CodeChecker
from drbot.store.records import codes
from drbot.store.records.rosters import Rosters
from tests.integration.commands.verb_fixture import DR_YML, VerbFixture
from tests.integration.runners.harmless import HarmlessTarget
from tests.waiting import PATIENCE, wait_for

BEN, CHIKA = KeyPair(b"b" * 32), KeyPair(b"c" * 32)
SECOND_FACTOR = DR_YML + "approvals: {second_factor: totp}\n"
WITH_KEYS = DR_YML.replace("slack: [U2],", f"slack: [U2], key: '{BEN.public}',").replace(
    "slack: [U3, U4],", f"slack: [U3, U4], key: '{CHIKA.public}',"
)


def worker_context_of(verb_fixture: VerbFixture, home: Path) -> WorkerContext:
    """A worker's, at the fixture's database."""
    target, context = HarmlessTarget(), verb_fixture.context
    key = TotpSecrets(home).key()
    of_file = Loaded(configuration=context.configuration, faults=context.faults).roster
    given = replace(of_file, worker_key=key.public)
    return WorkerContext(
        configuration=context.configuration,
        database=verb_fixture.database,
        site_name="production",
        home=home,
        own=OwnRecord(home),
        registry=target.registry,
        target=target,
        roster=given,
        redact=Redactor(),
        timing=Timing(look=0.02),
        owner="worker",
        ring=lambda run: None,
        key=key,
        rosters=Rosters(given, context.configuration.approvals),
    )


@contextmanager
def checking(verb_fixture: VerbFixture, home: Path) -> Iterator[WorkerContext]:
    """A worker that looks for codes while the block runs."""
    worker_context, stop = worker_context_of(verb_fixture, home), threading.Event()
    checker = CodeChecker(worker_context)
    checker.tick()
    thread = threading.Thread(target=checker.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield worker_context
    finally:
        stop.set()
        thread.join(PATIENCE)


def believe(verb_fixture: VerbFixture, worker: WorkerContext) -> None:
    """Somebody on the bot's host says that this is the worker's key now: `drbot dr key believe`."""
    with verb_fixture.database.write() as tx:
        verb_fixture.context.rosters.workers.believe(tx, worker.site_name, worker.key.public)


class Authenticator:
    """An app on a phone. A code is good once, so each further one is of the next half minute, which is still taken; a
    third waits until it is.
    """

    def __init__(self, *uris: str) -> None:
        found = [re.search(r"secret=(\w+)", uri) for uri in uris]
        self._votes, self._rosters = (pyotp.TOTP(one[1]) for one in found if one is not None)
        self._last = 0

    def code(self) -> str:
        """For votes: the next one that was not used."""
        return self._votes.generate_otp(self._next())

    def roster_code(self) -> str:
        """For accepting a roster."""
        return self._rosters.generate_otp(self._next())

    def _next(self) -> int:
        # The half minute before is still taken, unless it is nearly too old: a busy machine may look at the code later.
        self._last = max(self._last + 1, int(_half_minutes() - 2 / 3))
        wait_for(lambda: self._last <= _half_minutes() + 1, PATIENCE, "a code that was not used")
        return self._last


def _half_minutes() -> float:
    return datetime.now(UTC).timestamp() / 30


def enrolled(verb_fixture: VerbFixture, person: str) -> Authenticator:
    """Two messages, and the app is known."""
    app = Authenticator(*verb_fixture.say(person, "enrol").qrs)
    reply = verb_fixture.say(person, f"enrol {app.code()}")
    assert reply.ok, reply.text
    return app


def phone_code(verb_fixture: VerbFixture, pair: KeyPair, worker: str, person: str, decision: str = "approve") -> str:
    """What the person works out on their own machine for the request that is open."""
    asked = verb_fixture.requests(verb_fixture.runs()[-1])[-1]
    seal = short_seal(asked.seal)
    said = phone_statement(person=person, request=asked.id, short_seal=seal, decision=decision)
    return pair.phone_code(worker, said)


def approve_with_key(verb_fixture: VerbFixture, person: str, pair: KeyPair | None) -> str:
    """At a terminal; the code of what became of it."""
    sign = {Proof.KEY: pair.sign} if pair is not None else {}
    seal = verb_fixture.requests(verb_fixture.runs()[-1])[-1].seal
    values = {"target": "production", "reason": "read it", "seal": seal}
    return verb_fixture.say(person, "approve", entry_point=EntryPoint.TERMINAL, values=values, sign=sign).code


def click(verb_fixture: VerbFixture, person: str, code: str) -> str:
    """Sends the dialog with a code."""
    asked = verb_fixture.requests(verb_fixture.runs()[-1])[-1]
    who = verb_fixture.context.roster.people[person]
    values = {"request": asked.id, "seal": asked.seal, "reason": "read it", "target": "production", "code": code}
    account = Account(id=who.slack[0])
    return verb_fixture.say(person, "approve", entry_point=EntryPoint.DIALOG, values=values, account=account).code


def answer_to(verb_fixture: VerbFixture, row: int) -> codes.Attempt | None:
    with verb_fixture.database.read() as conn:
        attempt = codes.get(conn, row)
    return attempt if attempt.answer is not None else None
