"""The worker that checks codes, beside a stage without one; an authenticator and keys in people's hands."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyotp

from drbot.commands.approve import vote
from drbot.core.approval import Door
from drbot.core.attestation import Proof, phone_statement
from drbot.core.configuration import Loaded
from drbot.core.people import Account
from drbot.core.plan import short_seal
from drbot.core.redaction import Redactor
from drbot.core.signing import KeyPair
from drbot.runners.checking import Checker
from drbot.runners.own_record import OwnRecord
from drbot.runners.timing import Timing
from drbot.runners.vault import Vault
from drbot.runners.walk import Equipment
from drbot.store import codes
from drbot.store.rosters import Rosters
from tests.integration.commands.stage import DR_YML, Stage
from tests.integration.runners.harmless import HarmlessTarget
from tests.waiting import PATIENCE, wait_for

BEN, CHIKA = KeyPair(b"b" * 32), KeyPair(b"c" * 32)
SECOND_FACTOR = DR_YML + "approvals: {second_factor: totp}\n"
WITH_KEYS = DR_YML.replace("slack: [U2],", f"slack: [U2], key: '{BEN.public}',").replace(
    "slack: [U3, U4],", f"slack: [U3, U4], key: '{CHIKA.public}',"
)


def equipment_of(stage: Stage, home: Path) -> Equipment:
    """A worker's, at the stage's database."""
    target, context = HarmlessTarget(), stage.context
    key = Vault(home).key()
    of_file = Loaded(configuration=context.configuration, faults=context.faults).roster
    given = replace(of_file, worker_key=key.public)
    return Equipment(
        configuration=context.configuration,
        database=stage.database,
        site_name="production",
        home=home,
        own=OwnRecord(home),
        registry=target.registry,
        world=target,
        roster=given,
        redact=Redactor(),
        timing=Timing(look=0.02),
        owner="worker",
        ring=lambda run: None,
        key=key,
        rosters=Rosters(given, context.configuration.approvals),
    )


@contextmanager
def checking(stage: Stage, home: Path) -> Iterator[Equipment]:
    """A worker that looks for codes while the block runs."""
    equipment, stop = equipment_of(stage, home), threading.Event()
    checker = Checker(equipment)
    checker.tick()
    thread = threading.Thread(target=checker.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield equipment
    finally:
        stop.set()
        thread.join(PATIENCE)


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


def enrolled(stage: Stage, person: str) -> Authenticator:
    """Two messages, and the app is known."""
    app = Authenticator(*stage.say(person, "enrol").qrs)
    reply = stage.say(person, f"enrol {app.code()}")
    assert reply.ok, reply.text
    return app


def phone_code(stage: Stage, pair: KeyPair, worker: str, person: str, decision: str = "approve") -> str:
    """What the person works out on their own machine for the request that is open."""
    asked = stage.requests(stage.runs()[-1])[-1]
    seal = short_seal(asked.seal)
    said = phone_statement(person=person, request=asked.id, short_seal=seal, decision=decision)
    return pair.phone_code(worker, said)


def approve_with_key(stage: Stage, person: str, pair: KeyPair | None) -> str:
    """At a terminal; the code of what became of it."""
    sign = {Proof.KEY: pair.sign} if pair is not None else {}
    seal = stage.requests(stage.runs()[-1])[-1].seal
    values = {"target": "production", "reason": "read it", "seal": seal}
    return stage.say(person, "approve", door=Door.TERMINAL, values=values, sign=sign).code


def click(stage: Stage, person: str, code: str) -> str:
    """Sends the dialog with a code."""
    asked = stage.requests(stage.runs()[-1])[-1]
    who = stage.context.roster.people[person]
    return vote(
        stage.context, request_id=asked.id, person=person, account=Account(id=who.slack[0]), decision="approve",
        reason="read it", seal=asked.seal, target="production", door=Door.DIALOG, at=datetime.now(UTC), code=code,
    ).code  # fmt: skip


def answer_to(stage: Stage, row: int) -> codes.Attempt | None:
    with stage.database.read() as conn:
        attempt = codes.get(conn, row)
    return attempt if attempt.answer is not None else None
