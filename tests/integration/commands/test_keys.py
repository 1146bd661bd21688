"""`drbot dr key …` and votes with a key: everything an approver does while Slack is away."""

import json
import re
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from drbot.cli.dr import dr_app
from drbot.core.base.errors import UserError
from drbot.core.base.signing import KeyPair
from drbot.core.ledger.attestation import Entrance, Origin, Proof
from drbot.core.ledger.events import EventKind
from drbot.core.runs.plan import short_seal
from drbot.runners.second_factor.guessing import Guesses, place
from drbot.runners.second_factor.totp_secrets import Entry, TotpSecrets
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.records import codes, requests
from tests.integration.commands.verb_fixture import DR_YML, build

SHELL = Origin(entrance=Entrance.TERMINAL, name="ops@host")


class Terminal:
    """A home with its dr.yml."""

    def __init__(self, folder: Path) -> None:
        self.config, self.home, self.key = folder / "dr.yml", folder / "home", folder / "ben.key"
        self.config.write_text(DR_YML)

    def dr(self, *words: str, person: str = "") -> Result:
        """Type it."""
        options = [] if words[:2] == ("key", "code") else ["--config", str(self.config), "--home", str(self.home)]
        options += ["--as", person] if person else []
        environment = {"DATABASE_URL": "", "REDIS_URL": "", "COLUMNS": "200", "DRBOT_KEY": str(self.key)}
        return CliRunner().invoke(dr_app, [*words, *options], env=environment)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def test_a_key_is_made_once_for_its_owner_alone_and_its_public_part_is_for_dr_yml(terminal: Terminal) -> None:
    made = terminal.dr("key", "new", "ben")
    public = re.search(r"drbot1:\S+", made.output)
    again = terminal.dr("key", "new", "ben")

    assert made.exit_code == 0 and public is not None
    assert stat.S_IMODE(terminal.key.stat().st_mode) == 0o600
    assert isinstance(again.exception, UserError)
    seed = json.loads(terminal.key.read_text())["seed"]
    assert seed not in made.output
    terminal.config.write_text(DR_YML.replace("slack: [U2],", f"slack: [U2], key: '{public[0]}',"))
    assert terminal.dr("whoami", person="ben").exit_code == 0


def test_who_has_a_key_acts_only_with_it_but_may_always_stop(terminal: Terminal) -> None:
    stranger = KeyPair.new().public
    terminal.config.write_text(DR_YML.replace("slack: [U2],", f"slack: [U2], key: '{stranger}',"))

    declared = terminal.dr("declare", "level2", "it is down", person="ben")
    terminal.dr("declare", "level2", "it is down", person="aiko")
    stopped = terminal.dr("stop", "DR-1", person="ben")
    shown = terminal.dr("status", person="ben")

    assert declared.exit_code == 2 and "has a key of their own" in declared.stderr
    assert (stopped.exit_code, shown.exit_code) == (0, 0)


def test_a_phone_code_is_worked_out_without_network_and_the_worker_makes_the_same(terminal: Terminal) -> None:
    terminal.dr("list")
    database = Database(f"sqlite:///{terminal.home / 'state.db'}")
    worker = TotpSecrets(terminal.home).key()
    with database.write() as tx:
        codes.publish(tx, "production", worker.public)
    database.close()
    terminal.dr("key", "new", "ben")
    terminal.config.unlink()

    seal = short_seal("a" * 64)
    made = terminal.dr("key", "code", "r1-q1", seal, "approve")
    other = terminal.dr("key", "code", "r1-q1", seal, "deny")
    nonsense = terminal.dr("key", "code", "r1-q1", seal, "perhaps")

    assert made.exit_code == 0 and re.search(r"[A-Z2-7]{5}-[A-Z2-7]{5}$", made.output.strip())
    assert made.output != other.output
    assert isinstance(nonsense.exception, UserError)


def test_what_is_locked_is_unlocked_on_the_workers_host_and_the_ledger_says_so(terminal: Terminal) -> None:
    terminal.dr("status")
    totp_secrets = TotpSecrets(terminal.home)
    guesses = Guesses(places={place(Proof.CODE, SHELL): 5})
    totp_secrets.keep("ben", Entry(secret="JBSWY3DPEHPK3PXP", guesses=guesses))

    assert terminal.dr("key", "unlock", "ben").exit_code == 0
    unlocked = totp_secrets.entry("ben")
    assert terminal.dr("key", "forget", "ben").exit_code == 0
    assert isinstance(terminal.dr("key", "forget", "ben").exception, UserError)

    assert guesses.refusal(Proof.CODE, SHELL, datetime.now(UTC)) == "locked"
    assert unlocked is not None and not unlocked.guesses.refusal(Proof.CODE, SHELL, datetime.now(UTC))
    assert totp_secrets.entry("ben") is None
    database = Database(f"sqlite:///{terminal.home / 'state.db'}")
    with database.read() as conn:
        resets = ledger.of_kinds(conn, [EventKind.FACTOR_RESET])
    database.close()
    assert [event.payload["what"] for event in resets] == ["unlocked", "forgotten"]


@pytest.mark.parametrize(("where", "code"), [("recovery host", 0), ("another host", 2)])
def test_break_glass_by_the_real_command_works_beside_the_workers_key_only(
    tmp_path: Path, where: str, code: int
) -> None:
    verb_fixture = build(tmp_path, DR_YML + "approvals: {break_glass: true}\n")
    _, asked = verb_fixture.asked()
    worker = TotpSecrets(tmp_path).key()
    with verb_fixture.database.write() as tx:
        codes.publish(tx, "production", worker.public)
    home = tmp_path if where == "recovery host" else tmp_path / "laptop"
    words = ["break-glass", "DR-1", "--target", "production", "--seal", short_seal(asked.seal)]
    words += ["--rule", "two approvers", "--reason", "nobody else answers", "--as", "aiko"]
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path / 'state.db'}", "REDIS_URL": "", "COLUMNS": "200"}

    done = CliRunner().invoke(
        dr_app, [*words, "--config", str(tmp_path / "dr.yml"), "--home", str(home)], env=environment
    )

    assert done.exit_code == code, done.output
    assert len(verb_fixture.events(EventKind.REQUEST_HELD)) == (1 if code == 0 else 0)
    verb_fixture.database.close()


def test_an_approval_by_the_real_command_is_signed_with_the_key_in_the_file(terminal: Terminal) -> None:
    made = re.search(r"drbot1:\S+", terminal.dr("key", "new", "ben").output)
    assert made is not None
    text = DR_YML.replace("slack: [U2],", f"slack: [U2], key: '{made[0]}',")
    terminal.home.mkdir(exist_ok=True)
    verb_fixture = build(terminal.home, text)
    terminal.config.write_text(text)
    _, asked = verb_fixture.asked()
    words = ["approve", "DR-1", "--target", "production", "--seal", short_seal(asked.seal), "--reason", "read it"]

    signed = terminal.dr(*words, person="ben")
    with verb_fixture.database.read() as conn:
        (vote,) = requests.votes(conn, asked.id)
    verb_fixture.database.close()

    assert signed.exit_code == 0 and "1 of 2" in signed.output
    assert vote.attestation is not None and vote.attestation.proof is Proof.KEY
