"""What was signed for one thing is good for nothing else, and not twice: rosters against whoever writes the ledger."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, update

from drbot.core.approvals.approval import RequestState
from drbot.core.ledger.events import EventKind
from drbot.core.ledger.policy import ROSTER_EVENTS, document_of, hash_of
from drbot.store.base import ledger
from drbot.store.base.schema import events
from drbot.store.records import requests
from drbot.store.records.rosters import settle
from tests.integration.commands.conftest import Build
from tests.integration.commands.factors import SECOND_FACTOR, checking, enrolled, worker_context_of
from tests.integration.commands.test_roster import propose
from tests.integration.commands.verb_fixture import DR_YML, VerbFixture


def test_an_old_acceptance_that_is_appended_again_restores_nothing(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(SECOND_FACTOR)
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        ben, chika = enrolled(verb_fixture, "ben"), enrolled(verb_fixture, "chika")
        without = propose(verb_fixture, tmp_path, DR_YML)
        for person, app in (("ben", ben), ("chika", chika)):
            assert verb_fixture.say(person, f"roster accept {without} {app.roster_code()}").ok
        again = propose(verb_fixture, tmp_path, SECOND_FACTOR)
        for person in ("ben", "chika"):
            assert verb_fixture.say(person, f"roster accept {again}").ok
        assert second_factor(verb_fixture) == "totp"

        replay(verb_fixture, since=1, until=5)

        with verb_fixture.database.read() as conn:
            roster = worker.roster_now(conn)
        assert roster.second_factor == "totp" and roster.fault is not None
        assert second_factor(verb_fixture) == "totp"


def test_two_codes_typed_for_votes_accept_no_roster(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(SECOND_FACTOR)
    with checking(verb_fixture, tmp_path / "worker-home"):
        ben, chika = enrolled(verb_fixture, "ben"), enrolled(verb_fixture, "chika")
        seal = propose(verb_fixture, tmp_path, DR_YML)

        stolen = [
            verb_fixture.say(who, f"roster accept {seal} {app.code()}") for who, app in (("ben", ben), ("chika", chika))
        ]

    assert ["that code is wrong" in reply.text for reply in stolen] == [True, True], [one.text for one in stolen]
    assert second_factor(verb_fixture) == "totp"


def test_another_roster_ends_what_is_asked_for_votes_say_under_which_one_they_were_given(
    built: Build, tmp_path: Path
) -> None:
    verb_fixture = built(DR_YML)
    _, asked = verb_fixture.asked()
    seal = propose(verb_fixture, tmp_path, DR_YML + "  eve: {name: Eve, slack: [U7], roles: [approver]}\n")

    for person in ("ben", "chika"):
        assert verb_fixture.say(person, f"roster accept {seal}").ok

    with verb_fixture.database.read() as conn:
        assert requests.get(conn, asked.id).state is RequestState.VOID


def test_a_roster_that_this_worker_has_seen_in_force_cannot_be_taken_out_of_the_ledger(
    built: Build, tmp_path: Path
) -> None:
    verb_fixture, home = built(DR_YML), tmp_path / "worker-home"
    seal = propose(verb_fixture, tmp_path, DR_YML + "  eve: {name: Eve, slack: [U7], roles: [approver]}\n")
    for person in ("ben", "chika"):
        assert verb_fixture.say(person, f"roster accept {seal}").ok
    with verb_fixture.database.read() as conn:
        assert worker_context_of(verb_fixture, home).roster_now(conn).fault is None
    with verb_fixture.database.write() as tx:
        tx.connection.execute(
            delete(events).where(events.c.kind.in_(kind.value for kind in ROSTER_EVENTS[1:]), events.c.seq > 1)
        )

    with verb_fixture.database.read() as conn:
        roster = worker_context_of(verb_fixture, home).roster_now(conn)

    assert "eve" not in roster.people
    assert "this worker has seen a different one in force, no. 2" in (roster.fault or "")


def test_a_ledger_that_was_written_anew_puts_no_other_roster_in_force(built: Build, tmp_path: Path) -> None:
    verb_fixture, home = installed(built(SECOND_FACTOR)), tmp_path / "worker-home"
    with verb_fixture.database.read() as conn:
        assert worker_context_of(verb_fixture, home).roster_now(conn).fault is None
        (first,) = ledger.of_kinds(conn, ROSTER_EVENTS)
    document = dict(first.payload["document"])
    weaker = {**document, "approvals": {**document["approvals"], "second_factor": "none"}}
    other = {**weaker, "approvals": {**weaker["approvals"], "vote_within": 1799.0}}
    with verb_fixture.database.write() as tx:
        tx.connection.execute(delete(events).where(events.c.kind == EventKind.ROSTER_ACCEPTED.value))
        tx.record(EventKind.ROSTER_ACCEPTED, document=weaker)
        tx.record(EventKind.ROSTER_PROPOSED, document=other)
        for person in ("ben", "chika"):
            tx.record(EventKind.ROSTER_VOTED, person=person, hash=hash_of(other), proofs=[])
        tx.record(EventKind.ROSTER_ACCEPTED, document=other)

    with verb_fixture.database.read() as conn:  # the worker was restarted meanwhile
        roster = worker_context_of(verb_fixture, home).roster_now(conn)

    assert roster.number == 2
    assert "this worker has seen a different one in force, no. 1" in (roster.fault or "")


def test_who_is_new_waits_a_day_from_when_the_worker_saw_it_whatever_a_record_says(
    built: Build, tmp_path: Path
) -> None:
    verb_fixture, home = installed(built(DR_YML)), tmp_path / "worker-home"
    with verb_fixture.database.read() as conn:
        worker_context_of(verb_fixture, home).roster_now(conn)
    seal = propose(verb_fixture, tmp_path, DR_YML + "  eve: {name: Eve, slack: [U7], roles: [approver]}\n")
    for person in ("ben", "chika"):
        assert verb_fixture.say(person, f"roster accept {seal}").ok
    with verb_fixture.database.write() as tx:
        tx.connection.execute(update(events).values(at=tx.now - timedelta(days=9)))

    with verb_fixture.database.read() as conn:
        eve = worker_context_of(verb_fixture, home).roster_now(conn).people["eve"]

    assert eve.counts_from is not None
    assert eve.counts_from > datetime.now(UTC) + timedelta(hours=23)


def installed(verb_fixture: VerbFixture) -> VerbFixture:
    """drbot has been started once: dr.yml's roster is in force."""
    with verb_fixture.database.write() as tx:
        settle(tx, verb_fixture.context.rosters, document_of(verb_fixture.context.configuration), "worker")
    return verb_fixture


def second_factor(verb_fixture: VerbFixture) -> str:
    """Of the roster in force, as the entry points see it."""
    with verb_fixture.database.read() as conn:
        return verb_fixture.context.rosters.look(conn, "production").second_factor


def replay(verb_fixture: VerbFixture, *, since: int, until: int) -> None:
    """Append these events about rosters once more, as whoever may write the ledger can."""
    with verb_fixture.database.read() as conn:
        old = ledger.of_kinds(conn, ROSTER_EVENTS)[since:until]
    assert old[-1].kind is EventKind.ROSTER_ACCEPTED
    with verb_fixture.database.write() as tx:
        for event in old:
            tx.record(event.kind, person=event.person, **event.payload)
