"""Whoever writes the database names a key of their own for the worker, to read the codes that people type next; or puts
a sealed code into another row. Neither gets a code, a secret or a vote.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from typer.testing import CliRunner

from drbot.cli.dr import dr_app
from drbot.cli.processes import settle_roster
from drbot.commands.facts.context import context_of
from drbot.commands.facts.faults import faults_of
from drbot.core.base.signing import KeyPair, fingerprint
from drbot.core.ledger.attestation import Claim, Entrance, Origin, Proof, Purpose, document_of
from drbot.core.ledger.events import EventKind
from drbot.core.site.configuration import Loaded
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.upkeep.code_checker import CodeChecker
from drbot.runners.upkeep.key_watch import worker_key_line
from drbot.store.base import schema
from drbot.store.base.doorbell import doorbell_of
from drbot.store.records import codes
from drbot.store.records.known_workers import KnownWorkers
from tests.integration.commands.conftest import Build
from tests.integration.commands.factors import SECOND_FACTOR, answer_to, checking, click, enrolled, worker_context_of
from tests.integration.commands.verb_fixture import DR_YML, VerbFixture
from tests.waiting import PATIENCE, wait_for

THIEF = KeyPair(b"t" * 32)


def publish(verb_fixture: VerbFixture, key: KeyPair | str) -> None:
    """One UPDATE, as whoever may write the database does it."""
    with verb_fixture.database.write() as tx:
        public = key if isinstance(key, str) else key.public
        tx.connection.execute(update(schema.worker_keys).values(public=public))


def readable(verb_fixture: VerbFixture) -> list[str]:
    """The codes and secrets in the database that the thief can open, whatever they were bound to."""
    with verb_fixture.database.read() as conn:
        attempts = [codes.get(conn, number) for number in conn.execute(select(schema.codes.c.id)).scalars()]
        offers = conn.execute(select(schema.enrolments)).mappings().all()
        found = [codes.offered(conn, one["site"], one["person"], THIEF) for one in offers]
    for attempt in attempts:
        try:
            found.append(attempt.code(THIEF))
        except ValueError:
            continue
    return [one for one in found if one]


def in_force(built: Build) -> VerbFixture:
    """With a second factor."""
    verb_fixture = built(SECOND_FACTOR)
    settle_roster(verb_fixture.database, Loaded(configuration=verb_fixture.context.configuration))
    return verb_fixture


@pytest.fixture
def watched(built: Build, tmp_path: Path) -> Iterator[tuple[VerbFixture, WorkerContext]]:
    """A second factor in force, and a worker that looks for codes."""
    verb_fixture = in_force(built)
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        yield verb_fixture, worker


def test_codes_typed_under_another_published_key_are_not_sealed_for_it(
    watched: tuple[VerbFixture, WorkerContext],
) -> None:
    verb_fixture, _ = watched
    ben = enrolled(verb_fixture, "ben")
    verb_fixture.asked()

    publish(verb_fixture, THIEF)
    said = click(verb_fixture, "ben", ben.code())

    assert readable(verb_fixture) == []
    assert said != "approved"


def test_secrets_of_an_enrolment_are_not_sealed_for_another_published_key(
    watched: tuple[VerbFixture, WorkerContext],
) -> None:
    verb_fixture, _ = watched
    enrolled(verb_fixture, "ben")

    publish(verb_fixture, THIEF)
    verb_fixture.say("chika", "enrol")

    assert readable(verb_fixture) == []


def test_a_key_for_a_site_that_had_none_gets_no_secret(watched: tuple[VerbFixture, WorkerContext]) -> None:
    """The rows of a site that is only there for the night when everything is lost, say."""
    verb_fixture, _ = watched
    enrolled(verb_fixture, "ben")
    known = verb_fixture.context.rosters.workers

    with verb_fixture.database.write() as tx:
        tx.connection.execute(insert(schema.worker_keys).values(site="recovery", public=THIEF.public))
        known.learn(tx, ["production", "recovery"])
        believed = {site: known.key(tx.connection, site) for site in ("production", "recovery")}

    assert believed["recovery"] is None
    assert believed["production"] != THIEF.public


def test_another_published_key_is_red_on_every_surface_and_closes_the_gates(
    watched: tuple[VerbFixture, WorkerContext],
) -> None:
    verb_fixture, worker = watched
    ben = enrolled(verb_fixture, "ben")
    verb_fixture.asked()
    publish(verb_fixture, THIEF)
    wait_for(lambda: worker.own.strange_key("production"), PATIENCE, "the worker's look")

    with verb_fixture.database.read() as conn:
        here, there = verb_fixture.context.rosters.look(conn), worker.roster_now(conn)
    line = worker_key_line(worker.own, worker.site_name)

    assert fingerprint(THIEF.public) in (here.fault or "") and here.fault in faults_of(verb_fixture.context)
    assert fingerprint(THIEF.public) in (there.fault or "")
    assert line is not None and line.colour.value == "red"
    assert click(verb_fixture, "ben", ben.code()) == "roster_fault"
    (event,) = verb_fixture.recorded(EventKind.WORKER_KEY_CHANGED)
    assert event.payload["published"] == fingerprint(THIEF.public)


def test_a_key_that_is_put_back_leaves_the_gates_closed_until_the_worker_is_started_again(
    built: Build, tmp_path: Path
) -> None:
    verb_fixture = in_force(built)
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        enrolled(verb_fixture, "ben")
        publish(verb_fixture, THIEF)
        wait_for(lambda: worker.own.strange_key("production"), PATIENCE, "the worker's look")
        publish(verb_fixture, worker.key.public)

    with verb_fixture.database.read() as conn:
        still = worker.roster_now(conn).fault
    again = worker_context_of(verb_fixture, tmp_path / "worker-home")
    CodeChecker(again).tick()
    with verb_fixture.database.read() as conn:
        fault = again.roster_now(conn).fault

    assert still is not None and fingerprint(THIEF.public) in still
    assert fault is None


def test_a_worker_that_finds_another_key_at_its_start_says_so(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(SECOND_FACTOR)
    with verb_fixture.database.write() as tx:
        codes.publish(tx, "production", THIEF.public)

    CodeChecker(worker_context_of(verb_fixture, tmp_path / "worker-home")).tick()

    (event,) = verb_fixture.recorded(EventKind.WORKER_KEY_CHANGED)
    assert event.payload["published"] == fingerprint(THIEF.public)


@pytest.mark.parametrize(
    "garbage",
    ["proof = 'none'", "claim = 'none'", "claim = '{}'", "entrance = ''", "sealed = X'00ff'", "sealed = 'no base64'",
     "asked_at = 'zzz'", "claim = replace(claim, 'ben', '')", "typed_by = X'ff'"],
)  # fmt: skip
def test_a_row_that_is_no_code_is_refused_alone(built: Build, tmp_path: Path, garbage: str) -> None:
    """Whoever may write one row could have kept everybody from voting."""
    verb_fixture = built(SECOND_FACTOR)
    worker = worker_context_of(verb_fixture, tmp_path / "worker-home")
    with checking(verb_fixture, tmp_path / "worker-home"):
        ben = enrolled(verb_fixture, "ben")
    claim = Claim(purpose=Purpose.VOTE, person="ben", request="r1", seal="b" * 64, decision="approve")
    origin, public, code = Origin(entrance=Entrance.SLACK, name="U2"), worker.key.public, ben.code()
    with verb_fixture.database.write() as tx:
        bad = codes.ask(tx, "production", Proof.CODE, claim, key=public, code=code, origin=origin)
        tx.connection.exec_driver_sql(f"UPDATE codes SET {garbage} WHERE id = {bad}")
        good = codes.ask(tx, "production", Proof.CODE, claim, key=public, code=code, origin=origin)

    CodeChecker(worker).tick()

    with verb_fixture.database.read() as conn:
        rows = conn.exec_driver_sql("SELECT id, answer FROM codes WHERE id IN (?, ?)", (bad, good)).all()
    assert [tuple(row) for row in rows] == [(bad, "unchecked"), (good, "valid")]


@pytest.mark.parametrize(
    "edit",
    [
        {"claim": {"request": "r1-of-plan-a"}},
        {"claim": {"seal": "a" * 64}},
        {"claim": {"decision": "deny"}},
        {"claim": {"person": "chika"}},
        {"claim": {"person": "chika"}, "person": "ben"},
        {"proof": Proof.PHONE.value},
        {"place": "U3"},
        {"entrance": Entrance.TERMINAL.value},
    ],
    ids=lambda edit: next(iter(edit)) + str(edit.get("claim", "")),
)
def test_a_code_in_the_row_of_another_question_is_not_looked_at(
    built: Build, tmp_path: Path, edit: Mapping[str, Any]
) -> None:
    verb_fixture = built(SECOND_FACTOR)
    worker = worker_context_of(verb_fixture, tmp_path / "worker-home")
    with checking(verb_fixture, tmp_path / "worker-home"):
        ben = enrolled(verb_fixture, "ben")
    claim = Claim(purpose=Purpose.VOTE, person="ben", request="r1-of-plan-b", seal="b" * 64, decision="approve")
    origin = Origin(entrance=Entrance.SLACK, name="U2")
    with verb_fixture.database.write() as tx:
        row = codes.ask(tx, "production", Proof.CODE, claim, key=worker.key.public, code=ben.code(), origin=origin)
        changed = {**edit, "claim": {**document_of(claim), **edit.get("claim", {})}}
        tx.connection.execute(update(schema.codes).where(schema.codes.c.id == row).values(**changed))

    CodeChecker(worker).tick()

    answered = answer_to(verb_fixture, row)
    assert answered is not None and (answered.answer, answered.signature) == ("unchecked", None)
    assert verb_fixture.recorded(EventKind.FACTOR_REFUSED) == []


def test_a_host_remembers_the_first_key_over_a_restart_and_the_ledger_says_so(built: Build, tmp_path: Path) -> None:
    verb_fixture, home = built(SECOND_FACTOR), tmp_path / "bot-home"
    home.mkdir()
    loaded, own = Loaded(configuration=verb_fixture.context.configuration), KeyPair(b"w" * 32)
    with verb_fixture.database.write() as tx:
        codes.publish(tx, "production", own.public)
    settle_roster(verb_fixture.database, loaded, home)
    publish(verb_fixture, THIEF)
    settle_roster(verb_fixture.database, loaded, home)

    context = context_of(verb_fixture.database, doorbell_of(None), loaded, KnownWorkers(home))
    restarted = replace(verb_fixture.context, rosters=context.rosters)
    with verb_fixture.database.read() as conn:
        roster = restarted.rosters.look(conn, "production")

    assert roster.worker_key == own.public and roster.fault is not None
    (event,) = verb_fixture.recorded(EventKind.WORKER_KEY_BELIEVED)
    assert (event.payload["key"], event.payload["is_first"]) == (fingerprint(own.public), True)


def test_a_file_of_known_keys_that_is_damaged_closes_the_gates(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(SECOND_FACTOR)
    (tmp_path / "known-workers.json").write_text("{")
    loaded = Loaded(configuration=verb_fixture.context.configuration)

    context = context_of(verb_fixture.database, doorbell_of(None), loaded, KnownWorkers(tmp_path))

    assert "known-workers.json" in (context.roster.fault or "")


def test_somebody_on_the_host_says_which_key_the_worker_has_now(tmp_path: Path) -> None:
    config, home, old, new = tmp_path / "dr.yml", tmp_path / "home", KeyPair(b"o" * 32), KeyPair(b"n" * 32)
    config.write_text(DR_YML)
    place = ["--config", str(config), "--home", str(home)]
    environment = {"DATABASE_URL": "", "REDIS_URL": "", "COLUMNS": "200"}
    home.mkdir()
    (home / "known-workers.json").write_text(f'{{"production": "{old.public}"}}')

    before = CliRunner().invoke(dr_app, ["key", "worker", *place], env=environment)
    wrong = CliRunner().invoke(dr_app, ["key", "believe", "production", "nonsense", *place], env=environment)
    said = CliRunner().invoke(dr_app, ["key", "believe", "production", new.public, *place], env=environment)
    after = CliRunner().invoke(dr_app, ["key", "worker", *place], env=environment)

    assert old.public in before.output and new.public in after.output
    assert wrong.exit_code != 0 and said.exit_code == 0, said.output


def test_one_code_signs_no_vote_of_another_person(built: Build, tmp_path: Path) -> None:
    """A bot that somebody has taken over seals what it likes, and writes one name here and another one there."""
    verb_fixture = built(SECOND_FACTOR)
    worker = worker_context_of(verb_fixture, tmp_path / "worker-home")
    with checking(verb_fixture, tmp_path / "worker-home"):
        ben = enrolled(verb_fixture, "ben")
        enrolled(verb_fixture, "chika")
    claim = Claim(purpose=Purpose.VOTE, person="chika", request="r1-q1", seal="b" * 64, decision="approve")
    origin = Origin(entrance=Entrance.TERMINAL, name="mallory@bot")
    with verb_fixture.database.write() as tx:
        row = codes.ask(tx, "production", Proof.CODE, claim, key=worker.key.public, code=ben.code(), origin=origin)
        tx.connection.execute(update(schema.codes).where(schema.codes.c.id == row).values(person="ben"))

    CodeChecker(worker).tick()

    answered = answer_to(verb_fixture, row)
    assert answered is not None and (answered.answer, answered.signature) == ("wrong_code", None)
