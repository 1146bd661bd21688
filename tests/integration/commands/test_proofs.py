"""Codes, keys and phone codes through the verbs, with a real worker that checks them."""

from pathlib import Path

import pytest

from drbot.cli.processes import settle_roster
from drbot.core.approvals.approval import EntryPoint, RequestState, Vote
from drbot.core.base.signing import KeyPair
from drbot.core.ledger.attestation import Claim, Entrance, Origin, Proof, Purpose
from drbot.core.ledger.events import EventKind
from drbot.core.runs.plan import seal_of
from drbot.core.site.configuration import Loaded
from drbot.runners.execution.gate import refusal
from drbot.store.records import codes, requests
from tests.integration.commands.conftest import Build
from tests.integration.commands.factors import (
    BEN,
    CHIKA,
    SECOND_FACTOR,
    WITH_KEYS,
    answer_to,
    approve_with_key,
    checking,
    click,
    enrolled,
    phone_code,
)
from tests.integration.commands.verb_fixture import VerbFixture
from tests.waiting import wait_for

TERMINAL = Origin(entrance=Entrance.TERMINAL, name="ops@host")


def votes(verb_fixture: VerbFixture) -> list[Vote]:
    with verb_fixture.database.read() as conn:
        return requests.votes(conn, verb_fixture.requests(verb_fixture.runs()[-1])[-1].id)


def test_with_a_second_factor_two_codes_grant_and_each_counts_once(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(SECOND_FACTOR)
    with checking(verb_fixture, tmp_path / "worker-home"):
        ben, chika = enrolled(verb_fixture, "ben"), enrolled(verb_fixture, "chika")
        _, asked = verb_fixture.asked()
        used = ben.code()

        assert click(verb_fixture, "ben", "") == "needs_code"
        assert click(verb_fixture, "ben", "12345x") == "wrong_code"
        assert click(verb_fixture, "ben", used) == "approved"
        assert click(verb_fixture, "chika", used) == "wrong_code"
        assert click(verb_fixture, "chika", chika.code()) == "granted"

    assert [one.attestation and one.attestation.proof for one in votes(verb_fixture)] == [Proof.CODE, Proof.CODE]
    assert [event.payload["proof"] for event in verb_fixture.events(EventKind.VOTE_COUNTED)] == ["code", "code"]
    with verb_fixture.database.read() as conn:
        assert requests.get(conn, asked.id).state is RequestState.GRANTED


def test_a_vote_that_a_bot_wrote_by_itself_is_not_counted_by_the_worker(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(SECOND_FACTOR)
    settle_roster(verb_fixture.database, Loaded(configuration=verb_fixture.context.configuration))
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        run, asked = verb_fixture.asked()
        assert run.plan is not None
        with verb_fixture.database.write() as tx:
            for person in ("ben", "chika"):
                forged = Vote(
                    person=person,
                    decision="approve",
                    reason="",
                    seal=asked.seal,
                    at=tx.now,
                    entry_point=EntryPoint.DIALOG,
                )
                requests._insert(tx, asked, forged)
            requests._grant(tx, asked)
            requests.prove(tx, asked.id)
        with verb_fixture.database.write() as tx:
            why = refusal(
                tx, run, run.plan, run.plan.step("swap"), requests.get(tx.connection, asked.id),
                worker.roster_now(tx.connection),
            )  # fmt: skip

    assert seal_of(run.plan) == asked.seal
    assert "Fewer than 2 approvals are valid" in (why or "")


@pytest.mark.parametrize(
    ("proof", "purpose", "decision"),
    [
        (Proof.HOST, Purpose.VOTE, "break-glass"),
        (Proof.HOST, Purpose.VOTE, "approve"),
        (Proof.KEY, Purpose.VOTE, "approve"),
        (Proof.CODE, Purpose.VOTE, "break-glass"),
        (Proof.PHONE, Purpose.VOTE, "break-glass"),
        (Proof.PHONE, Purpose.ROSTER, "accept"),
        (Proof.HOST, Purpose.ENROL, "enrol"),
    ],
)
def test_a_stolen_code_is_signed_as_nothing_but_a_code(
    built: Build, tmp_path: Path, proof: Proof, purpose: Purpose, decision: str
) -> None:
    verb_fixture = built(SECOND_FACTOR)
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        app = enrolled(verb_fixture, "ben")
        _, asked = verb_fixture.asked()
        key, code = worker.key.public, app.code()

        with verb_fixture.database.write() as tx:
            claim = Claim(purpose=purpose, person="ben", request=asked.id, seal=asked.seal, decision=decision)
            row = codes.ask(tx, "production", proof, claim, key=key, code=code, origin=TERMINAL)
        answered = wait_for(lambda: answer_to(verb_fixture, row), 10, "the worker's answer")

    assert answered is not None
    assert (answered.answer, answered.signature) == ("unchecked", None)


def test_a_typist_whom_a_bot_invented_is_not_believed(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(WITH_KEYS)
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        _, asked = verb_fixture.asked()
        key = worker.key.public
        code = phone_code(verb_fixture, BEN, key, "ben")
        with verb_fixture.database.write() as tx:
            claim = Claim(purpose=Purpose.VOTE, person="ben", request=asked.id, seal=asked.seal, decision="approve")
            row = codes.ask(
                tx, "production", Proof.PHONE, claim, key=key, code=code, typed_by="nobody", origin=TERMINAL
            )
        answered = wait_for(lambda: answer_to(verb_fixture, row), 10, "the worker's answer")

    assert answered is not None and answered.answer == "needs_phone_code"


def test_nobody_replaces_an_authenticator_from_outside(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(SECOND_FACTOR)
    with checking(verb_fixture, tmp_path / "worker-home"):
        enrolled(verb_fixture, "ben")

        stolen = verb_fixture.say("ben", "enrol")
        taken = verb_fixture.say("ben", "enrol 123456")

    assert len(stolen.qrs) == 2
    assert not taken.ok and "already" in taken.text


def test_without_a_worker_a_code_cannot_be_checked_and_nothing_counts(built: Build) -> None:
    verb_fixture = built(SECOND_FACTOR)
    verb_fixture.asked()

    assert click(verb_fixture, "ben", "123456") == "unchecked"
    assert not verb_fixture.say("ben", "enrol").ok


def test_who_has_a_key_votes_at_a_terminal_only_with_it(built: Build) -> None:
    verb_fixture = built(WITH_KEYS)
    verb_fixture.asked()

    assert approve_with_key(verb_fixture, "ben", None) == "needs_key"
    assert approve_with_key(verb_fixture, "ben", CHIKA) == "needs_key"
    assert approve_with_key(verb_fixture, "ben", BEN) == "approved"
    assert approve_with_key(verb_fixture, "chika", CHIKA) == "granted"


def test_a_code_read_over_the_phone_counts_for_this_person_request_and_decision_only(
    built: Build, tmp_path: Path
) -> None:
    verb_fixture = built(WITH_KEYS)
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        verb_fixture.asked()
        public = worker.key.public
        ben = phone_code(verb_fixture, BEN, public, "ben")
        no = phone_code(verb_fixture, BEN, public, "ben", "deny")
        stranger = phone_code(verb_fixture, KeyPair.new(), public, "ben")

        said = [
            verb_fixture.say(
                "emi", f"phone DR-1 ben approve {code} he has read it", entry_point=EntryPoint.TERMINAL
            ).code
            for code in (no, stranger, phone_code(verb_fixture, BEN, public, "chika"))
        ]
        other = verb_fixture.say(
            "emi", f"phone DR-1 chika approve {ben} she has read it", entry_point=EntryPoint.TERMINAL
        ).code
        counted = verb_fixture.say(
            "emi", f"phone DR-1 ben approve {ben.lower()} he has read it", entry_point=EntryPoint.TERMINAL
        ).code

    assert said == ["needs_phone_code"] * 3
    assert other == "needs_phone_code"
    assert counted == "approved"
    (event,) = verb_fixture.events(EventKind.VOTE_COUNTED)
    assert (event.person, event.payload["entry_point"], event.payload["typed_by"]) == ("ben", "phone", "emi")


def test_a_phone_code_of_an_earlier_request_is_worth_nothing(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(WITH_KEYS)
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        run, _ = verb_fixture.asked()
        old = phone_code(verb_fixture, BEN, worker.key.public, "ben")
        verb_fixture.ask(run)

        assert (
            verb_fixture.say("emi", f"phone DR-1 ben approve {old} read", entry_point=EntryPoint.TERMINAL).code
            == "needs_phone_code"
        )
        fresh = phone_code(verb_fixture, BEN, worker.key.public, "ben", "deny")
        assert (
            verb_fixture.say("emi", f"phone DR-1 ben deny {fresh} too old", entry_point=EntryPoint.TERMINAL).code
            == "denied"
        )
