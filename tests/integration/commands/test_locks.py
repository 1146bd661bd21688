"""Wrong codes lock where they were typed; who types them somewhere else locks nobody out."""

from pathlib import Path

import pytest

from drbot.core.approvals.approval import EntryPoint
from drbot.core.ledger.attestation import Claim, Entrance, Origin, Proof, Purpose
from drbot.core.ledger.events import EventKind
from drbot.runners.second_factor.totp_secrets import TotpSecrets
from drbot.store.records import codes
from tests.integration.commands.conftest import Build
from tests.integration.commands.factors import (
    BEN,
    CHIKA,
    SECOND_FACTOR,
    WITH_KEYS,
    answer_to,
    checking,
    click,
    enrolled,
    phone_code,
)
from tests.integration.commands.verb_fixture import VerbFixture
from tests.waiting import wait_for


def at_terminal(verb_fixture: VerbFixture, person: str, code: str, terminal: str) -> str:
    """Approves in a terminal in this person's name; the code of what became of it."""
    seal = verb_fixture.requests(verb_fixture.runs()[-1])[-1].seal
    values = {"target": "production", "reason": "read it", "seal": seal, "code": code}
    return verb_fixture.say(person, "approve", entry_point=EntryPoint.TERMINAL, values=values, terminal=terminal).code


def test_five_wrong_codes_lock_and_only_the_workers_host_unlocks(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(SECOND_FACTOR)
    totp_secrets = TotpSecrets(tmp_path / "worker-home")
    with checking(verb_fixture, tmp_path / "worker-home"):
        ben = enrolled(verb_fixture, "ben")
        verb_fixture.asked()

        refused = [click(verb_fixture, "ben", "000000x") for _ in range(5)]

        assert refused == ["wrong_code"] * 4 + ["locked"]
        assert click(verb_fixture, "ben", ben.code()) == "locked"
        entry = totp_secrets.entry("ben")
        assert entry is not None
        totp_secrets.keep("ben", entry.unlocked())
        assert click(verb_fixture, "ben", ben.code()) == "approved"


def test_a_shell_locks_itself_and_not_the_approver_in_whose_name_it_guesses(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(SECOND_FACTOR)
    with checking(verb_fixture, tmp_path / "worker-home"):
        ben = enrolled(verb_fixture, "ben")
        verb_fixture.asked()

        guessed = [at_terminal(verb_fixture, "ben", "000000x", "mallory@host") for _ in range(5)]

        assert guessed == ["wrong_code"] * 4 + ["locked"]
        assert at_terminal(verb_fixture, "ben", ben.code(), "mallory@host") == "locked"
        assert click(verb_fixture, "ben", ben.code()) == "approved"
    (locked,) = verb_fixture.recorded(EventKind.FACTOR_LOCKED)
    assert (locked.payload["entrance"], locked.payload["place"]) == ("terminal", "mallory@host")


def test_a_shell_with_ever_new_names_pauses_the_terminals_and_never_slack(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(SECOND_FACTOR)
    with checking(verb_fixture, tmp_path / "worker-home"):
        ben = enrolled(verb_fixture, "ben")
        verb_fixture.asked()

        guessed = [at_terminal(verb_fixture, "ben", "000000x", f"mallory@host{number}") for number in range(12)]

        assert guessed == ["wrong_code"] * 10 + ["paused"] * 2
        assert at_terminal(verb_fixture, "ben", ben.code(), "ben@laptop") == "paused"
        assert click(verb_fixture, "ben", ben.code()) == "approved"


@pytest.mark.parametrize("account", ["U1", "U999"])
def test_a_code_that_is_said_to_come_from_another_account_is_not_looked_at(
    built: Build, tmp_path: Path, account: str
) -> None:
    verb_fixture = built(SECOND_FACTOR)
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        ben = enrolled(verb_fixture, "ben")
        _, asked = verb_fixture.asked()
        with verb_fixture.database.write() as tx:
            claim = Claim(purpose=Purpose.VOTE, person="ben", request=asked.id, seal=asked.seal, decision="approve")
            key, code = worker.key.public, ben.code()
            origin = Origin(entrance=Entrance.SLACK, name=account)
            row = codes.ask(tx, "production", Proof.CODE, claim, key=key, code=code, origin=origin)
        answered = wait_for(lambda: answer_to(verb_fixture, row), 10, "the worker's answer")

    assert answered is not None and answered.answer == "unchecked"


def test_wrong_phone_codes_lock_who_typed_them_and_no_approver(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(WITH_KEYS + "approvals: {second_factor: totp}\n")
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        ben = enrolled(verb_fixture, "ben")
        verb_fixture.asked()
        read = phone_code(verb_fixture, CHIKA, worker.key.public, "chika")
        right = phone_code(verb_fixture, BEN, worker.key.public, "ben")

        typed = [verb_fixture.say("emi", f"phone DR-1 ben approve AAAAA-AAAA{last} x").code for last in "22222"]

        assert typed == ["needs_phone_code"] * 4 + ["locked"]
        assert verb_fixture.say("emi", f"phone DR-1 ben approve {right} he has read it").code == "locked"
        assert click(verb_fixture, "ben", ben.code()) == "approved"
        assert verb_fixture.say("aiko", f"phone DR-1 chika approve {read} she has read it").code == "granted"

    locked = verb_fixture.recorded(EventKind.FACTOR_REFUSED, EventKind.FACTOR_LOCKED)
    assert {(event.payload["typed_by"], event.payload["place"]) for event in locked} == {("emi", "U6")}


def test_wrong_phone_codes_at_one_terminal_leave_slack_and_other_terminals_open(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(WITH_KEYS)
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        verb_fixture.asked()
        ben, chika = (
            phone_code(verb_fixture, key, worker.key.public, name) for key, name in ((BEN, "ben"), (CHIKA, "chika"))
        )

        for person in ("ben", "chika"):
            for _ in range(5):
                verb_fixture.say(
                    "emi",
                    f"phone DR-1 {person} approve AAAAA-AAAA2 x",
                    entry_point=EntryPoint.TERMINAL,
                    terminal="x@host",
                )

        assert verb_fixture.say("emi", f"phone DR-1 ben approve {ben} he has read it").code == "approved"
        typed = f"phone DR-1 chika approve {chika} she has read it"
        assert verb_fixture.say("emi", typed, entry_point=EntryPoint.TERMINAL, terminal="emi@host").code == "granted"
