"""Wrong codes lock where they were typed; who types them somewhere else locks nobody out."""

from pathlib import Path

import pytest

from drbot.core.approval import Door
from drbot.core.attestation import Claim, Entrance, Origin, Proof, Purpose
from drbot.core.events import Event, EventKind
from drbot.core.signing import seal_for
from drbot.runners.vault import Vault
from drbot.store import codes, journal
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
from tests.integration.commands.stage import Stage
from tests.waiting import wait_for


def at_terminal(stage: Stage, person: str, code: str, terminal: str) -> str:
    """Approves in a terminal in this person's name; the code of what became of it."""
    seal = stage.requests(stage.runs()[-1])[-1].seal
    values = {"target": "production", "reason": "read it", "seal": seal, "code": code}
    return stage.say(person, "approve", door=Door.TERMINAL, values=values, terminal=terminal).code


def recorded(stage: Stage, *kinds: EventKind) -> list[Event]:
    with stage.database.read() as conn:
        return journal.of_kinds(conn, kinds)


def test_five_wrong_codes_lock_and_only_the_workers_host_unlocks(built: Build, tmp_path: Path) -> None:
    stage = built(SECOND_FACTOR)
    vault = Vault(tmp_path / "worker-home")
    with checking(stage, tmp_path / "worker-home"):
        ben = enrolled(stage, "ben")
        stage.asked()

        refused = [click(stage, "ben", "000000x") for _ in range(5)]

        assert refused == ["wrong_code"] * 4 + ["locked"]
        assert click(stage, "ben", ben.code()) == "locked"
        entry = vault.entry("ben")
        assert entry is not None
        vault.keep("ben", entry.unlocked())
        assert click(stage, "ben", ben.code()) == "approved"


def test_a_shell_locks_itself_and_not_the_approver_in_whose_name_it_guesses(built: Build, tmp_path: Path) -> None:
    stage = built(SECOND_FACTOR)
    with checking(stage, tmp_path / "worker-home"):
        ben = enrolled(stage, "ben")
        stage.asked()

        guessed = [at_terminal(stage, "ben", "000000x", "mallory@host") for _ in range(5)]

        assert guessed == ["wrong_code"] * 4 + ["locked"]
        assert at_terminal(stage, "ben", ben.code(), "mallory@host") == "locked"
        assert click(stage, "ben", ben.code()) == "approved"
    (locked,) = recorded(stage, EventKind.FACTOR_LOCKED)
    assert (locked.payload["entrance"], locked.payload["place"]) == ("terminal", "mallory@host")


def test_a_shell_with_ever_new_names_pauses_the_terminals_and_never_slack(built: Build, tmp_path: Path) -> None:
    stage = built(SECOND_FACTOR)
    with checking(stage, tmp_path / "worker-home"):
        ben = enrolled(stage, "ben")
        stage.asked()

        guessed = [at_terminal(stage, "ben", "000000x", f"mallory@host{number}") for number in range(12)]

        assert guessed == ["wrong_code"] * 10 + ["paused"] * 2
        assert at_terminal(stage, "ben", ben.code(), "ben@laptop") == "paused"
        assert click(stage, "ben", ben.code()) == "approved"


@pytest.mark.parametrize("account", ["U1", "U999"])
def test_a_code_that_is_said_to_come_from_another_account_is_not_looked_at(
    built: Build, tmp_path: Path, account: str
) -> None:
    stage = built(SECOND_FACTOR)
    with checking(stage, tmp_path / "worker-home") as worker:
        ben = enrolled(stage, "ben")
        _, asked = stage.asked()
        with stage.database.write() as tx:
            claim = Claim(purpose=Purpose.VOTE, person="ben", request=asked.id, seal=asked.seal, decision="approve")
            sealed = seal_for(worker.key.public, ben.code().encode())
            origin = Origin(entrance=Entrance.SLACK, name=account)
            row = codes.ask(tx, "production", Proof.CODE, claim, sealed=sealed, origin=origin)
        answered = wait_for(lambda: answer_to(stage, row), 10, "the worker's answer")

    assert answered is not None and answered.answer == "unchecked"


def test_wrong_phone_codes_lock_who_typed_them_and_no_approver(built: Build, tmp_path: Path) -> None:
    stage = built(WITH_KEYS + "approvals: {second_factor: totp}\n")
    with checking(stage, tmp_path / "worker-home") as worker:
        ben = enrolled(stage, "ben")
        stage.asked()
        read = phone_code(stage, CHIKA, worker.key.public, "chika")
        right = phone_code(stage, BEN, worker.key.public, "ben")

        typed = [stage.say("emi", f"phone DR-1 ben approve AAAAA-AAAA{last} x").code for last in "22222"]

        assert typed == ["needs_phone_code"] * 4 + ["locked"]
        assert stage.say("emi", f"phone DR-1 ben approve {right} he has read it").code == "locked"
        assert click(stage, "ben", ben.code()) == "approved"
        assert stage.say("aiko", f"phone DR-1 chika approve {read} she has read it").code == "granted"

    locked = recorded(stage, EventKind.FACTOR_REFUSED, EventKind.FACTOR_LOCKED)
    assert {(event.payload["typed_by"], event.payload["place"]) for event in locked} == {("emi", "U6")}


def test_wrong_phone_codes_at_one_terminal_leave_slack_and_other_terminals_open(built: Build, tmp_path: Path) -> None:
    stage = built(WITH_KEYS)
    with checking(stage, tmp_path / "worker-home") as worker:
        stage.asked()
        ben, chika = (phone_code(stage, key, worker.key.public, name) for key, name in ((BEN, "ben"), (CHIKA, "chika")))

        for person in ("ben", "chika"):
            for _ in range(5):
                stage.say("emi", f"phone DR-1 {person} approve AAAAA-AAAA2 x", door=Door.TERMINAL, terminal="x@host")

        assert stage.say("emi", f"phone DR-1 ben approve {ben} he has read it").code == "approved"
        typed = f"phone DR-1 chika approve {chika} she has read it"
        assert stage.say("emi", typed, door=Door.TERMINAL, terminal="emi@host").code == "granted"
