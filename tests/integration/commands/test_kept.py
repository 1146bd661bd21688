"""`kept` offers exactly what `undo` and `give-up` would do now; a question about it comes after 72 hours."""

from datetime import UTC, datetime

import pytest

from drbot.commands.speech.messages import Reply
from drbot.commands.verb.kept import BY_HAND, BY_UNDO, BY_UNDO_AND_NAME
from drbot.core.ledger.events import EventKind
from drbot.core.runs.run import Leftover, Offer, Run, RunKind, RunState
from drbot.core.text.messages import say
from drbot.store.records import incidents, kept, steps
from drbot.store.records.kept import Kept
from drbot.store.runs import runs
from tests.integration.commands.verb_fixture import VerbFixture, plan_of, step


def keep(verb_fixture: VerbFixture, run: Run, volume: str, original: str = "pgdata") -> None:
    with verb_fixture.database.write() as tx:
        row = Kept(
            site="production",
            incident=1,
            run=run.id,
            volume=volume,
            original=original,
            size_bytes=5_000_000,
            created_at=datetime.now(UTC),
        )
        kept.add(tx, row)


def recovered(verb_fixture: VerbFixture) -> Run:
    run, _ = verb_fixture.asked()
    keep(verb_fixture, run, "pgdata_before_r1")
    with verb_fixture.database.write() as tx:
        incidents.recovered(tx, 1, run=run.id, rto_seconds=120, rpo_seconds=3600, outage_seconds=9)
        runs.finish(tx, run, RunState.SUCCEEDED, "Every check passed.")
    return run


def offered(reply: Reply) -> list[str]:
    return [choice.command for choice in reply.choices]


def does_what_it_offers(verb_fixture: VerbFixture, reply: Reply) -> bool:
    """Every button of `kept` is pressed: none is refused."""
    return all(verb_fixture.say("aiko", command).ok for command in offered(reply))


def test_the_report_lists_what_is_there(verb_fixture: VerbFixture) -> None:
    run = recovered(verb_fixture)
    keep(verb_fixture, run, "pgdata_undone_r2")
    with verb_fixture.database.write() as tx:
        kept.moved(tx, kept.list_of(tx.connection)[0].id, "brought back")

    written = verb_fixture.say("dan", "report DR-1").markdown or ""
    part = written.partition("## What is kept of the data that was replaced")[2].partition("##")[0]

    assert "pgdata_undone_r2" in part and "pgdata_before_r1" not in part


def test_a_copy_that_could_not_be_removed_is_listed(verb_fixture: VerbFixture) -> None:
    run, _ = verb_fixture.asked()
    assert verb_fixture.say("aiko", "kept").tables == ()
    with verb_fixture.database.write() as tx:
        steps.left(tx, run.id, "restore-beside", Leftover.REMAINS)

    (table,) = verb_fixture.say("aiko", "kept").tables

    assert "could not be removed" in str(table.title)
    assert [row[:2] for row in table.rows] == [("DR-1", run.id)]


def test_only_the_newest_kept_postgres_data_is_offered_to_come_back(verb_fixture: VerbFixture) -> None:
    run = recovered(verb_fixture)
    keep(verb_fixture, run, "redis_before_r1", original="redisdata")

    reply = verb_fixture.say("dan", "kept")

    assert offered(reply) == [
        "undo DR-1",
        "give-up DR-1 pgdata_before_r1",
        "give-up DR-1 redis_before_r1",
    ]
    assert [row[-1] for row in reply.tables[0].rows] == [BY_UNDO, BY_HAND]


def test_a_host_that_was_put_aside_comes_back_at_the_site_where_it_lies(verb_fixture: VerbFixture) -> None:
    """Where level 3 went, not where production was lost."""
    run = recovered(verb_fixture)
    put_aside(verb_fixture, run)

    reply = verb_fixture.say("aiko", "kept")

    assert offered(reply)[:3] == [
        "undo DR-1", "give-up DR-1 pgdata_before_r1", f"give-up DR-1 recovery_before_{run.id}"
    ]  # fmt: skip
    assert verb_fixture.say("aiko", "undo DR-1").ok
    with verb_fixture.database.read() as connection:
        undo = runs.of_incident(connection, 1)[-1]
    assert (undo.kind, undo.runbook, undo.site) == (RunKind.UNDO, "level3-undo", "recovery")
    assert undo.arguments == {"aside": run.id}


def put_aside(verb_fixture: VerbFixture, run: Run) -> str:
    """The name under which a host is listed that this run cleared, wholly or in part."""
    name = f"recovery_before_{run.id}"
    with verb_fixture.database.write() as tx:
        host = Kept(
            site="recovery", incident=1, run=run.id, volume=name, original="recovery",
            size_bytes=7, created_at=tx.now, whole_host=True,
        )  # fmt: skip
        kept.add(tx, host)
    return name


def undo_of_a_host(verb_fixture: VerbFixture, *, brought_back: bool) -> tuple[Run, str]:
    """It cleared the host, and has ended without success, before or after what came back was in its place."""
    assert verb_fixture.say("aiko", "undo DR-1").ok
    with verb_fixture.database.write() as tx:
        run = runs.claim(tx, runs.of_incident(tx.connection, 1)[-1].id, "worker", 600)
        assert run is not None
        back = step("put-back", do="host.put_back", effect="change", after=[], **{"with": {"aside": "r1"}})
        run = runs.planned(tx, run, plan_of(run, ("aiko",)).model_copy(update={"steps": (back,)}))
        if brought_back:
            steps.start(tx, run, "put-back", title="Bring back")
            steps.succeed(tx, run, "put-back", summary="Back.", facts={})
    name = put_aside(verb_fixture, run)
    with verb_fixture.database.write() as tx:
        runs.finish(tx, run, RunState.FAILED, "The engine stopped.")
    return run, name


def undone_next(verb_fixture: VerbFixture, command: str) -> str:
    """The run whose host it brings back."""
    reply = verb_fixture.say("aiko", command)
    assert reply.ok, reply.text
    return verb_fixture.runs()[-1].arguments["aside"]


def test_an_undo_that_stopped_half_way_is_asked_for_again_and_can_be_undone_too(verb_fixture: VerbFixture) -> None:
    """What the first run put aside is wanted, not what the undo came to; and no kept host is out of reach."""
    first = recovered(verb_fixture)
    wanted = put_aside(verb_fixture, first)
    half, name = undo_of_a_host(verb_fixture, brought_back=False)

    there = verb_fixture.say("aiko", "kept")
    assert {"undo DR-1", f"undo DR-1 {name}"} <= set(offered(there))
    ways = {row[1]: row[-1] for row in there.tables[0].rows}
    assert ways == {"pgdata_before_r1": BY_UNDO_AND_NAME, wanted: BY_UNDO, name: BY_UNDO_AND_NAME}

    assert undone_next(verb_fixture, f"undo DR-1 {name}") == half.id
    verb_fixture.say("aiko", "stop")
    assert undone_next(verb_fixture, "undo DR-1") == first.id


def test_after_a_host_came_back_undo_takes_what_was_there_before(verb_fixture: VerbFixture) -> None:
    put_aside(verb_fixture, recovered(verb_fixture))
    done, _ = undo_of_a_host(verb_fixture, brought_back=True)

    assert [one for one in offered(verb_fixture.say("aiko", "kept")) if one.startswith("undo")] == ["undo DR-1"]
    assert undone_next(verb_fixture, "undo DR-1") == done.id


def test_what_is_named_and_not_kept_is_refused(verb_fixture: VerbFixture) -> None:
    recovered(verb_fixture)

    reply = verb_fixture.say("aiko", "undo DR-1 pgdata_before_r7")

    assert (reply.ok, "kept" in offered(reply)) == (False, True)
    assert "named pgdata_before_r7" in reply.text


def test_a_resolved_incident_offers_to_give_up_and_not_to_undo_what_undo_would_refuse(
    verb_fixture: VerbFixture,
) -> None:
    recovered(verb_fixture)
    assert verb_fixture.say("aiko", "resolve restored").ok

    reply = verb_fixture.say("aiko", "kept")

    assert not verb_fixture.say("aiko", "undo DR-1").ok
    assert offered(reply) == ["give-up DR-1 pgdata_before_r1"]
    assert does_what_it_offers(verb_fixture, reply)


def test_while_a_recovery_runs_nothing_is_offered_to_come_back(verb_fixture: VerbFixture) -> None:
    run, _ = verb_fixture.asked()
    keep(verb_fixture, run, "pgdata_before_r0")

    reply = verb_fixture.say("aiko", "kept")

    assert "undo DR-1" not in offered(reply)
    assert reply.tables[0].rows[0][-1] == "by /dr undo, once the run has ended"
    assert not verb_fixture.say("aiko", "undo DR-1").ok


def test_giving_up_is_a_run_of_its_own_about_exactly_that_volume(verb_fixture: VerbFixture) -> None:
    recovered(verb_fixture)

    reply = verb_fixture.say("ben", "give-up pgdata_before_r1")

    assert reply.ok and "two people" in reply.text
    run = verb_fixture.runs()[-1]
    assert (run.kind, run.runbook, run.site) == (RunKind.GIVE_UP, "kept-give-up", "production")
    assert dict(run.arguments) == {"keeper": "pgdata_before_r1"}


@pytest.mark.parametrize("words", ["give-up", "give-up pgdata", "give-up DR-2 pgdata_before_r1", "give-up pgdata*"])
def test_which_kept_data_is_meant_is_never_guessed(verb_fixture: VerbFixture, words: str) -> None:
    recovered(verb_fixture)

    assert not verb_fixture.say("aiko", words).ok
    assert len(verb_fixture.runs()) == 1


def test_an_operator_may_not_ask_to_delete_kept_data(verb_fixture: VerbFixture) -> None:
    recovered(verb_fixture)

    assert not verb_fixture.say("emi", "give-up pgdata_before_r1").ok


def blocked_undo(verb_fixture: VerbFixture) -> str:
    assert verb_fixture.say("aiko", "undo DR-1").ok
    with verb_fixture.database.write() as tx:
        run = runs.claim(tx, verb_fixture.runs()[-1].id, "worker", 600)
    assert run is not None
    verb_fixture.park(run, RunState.BLOCKED, why="expired", offers=[Offer.ASK_AGAIN, Offer.DISCARD])
    return run.id


def test_who_discards_an_undo_is_not_told_that_a_restore_is_the_same(verb_fixture: VerbFixture) -> None:
    recovered(verb_fixture)
    blocked_undo(verb_fixture)

    reply = verb_fixture.say("aiko", "discard DR-1")

    assert reply.ok
    assert "/dr undo DR-1" in reply.text and "/dr undo DR-1" in say(reply.text, "ja")
    assert "recover" not in reply.text + say(reply.text, "ja")


def test_who_gives_up_kept_data_is_told_which_run_ends_with_what_it_had_prepared(verb_fixture: VerbFixture) -> None:
    recovered(verb_fixture)
    run = blocked_undo(verb_fixture)

    reply = verb_fixture.say("aiko", "give-up pgdata_before_r1")

    assert reply.ok
    assert run in reply.text and run in say(reply.text, "ja")


def test_asking_again_for_an_undo_or_a_deletion_asks_for_that_and_not_for_a_restore(verb_fixture: VerbFixture) -> None:
    recovered(verb_fixture)
    blocked_undo(verb_fixture)

    status = verb_fixture.say("aiko", "status DR-1")
    again = next(choice.command for choice in status.choices if choice.label == "Ask again")

    assert again == "undo DR-1"
    assert verb_fixture.say("aiko", again).ok
    assert [one.kind for one in verb_fixture.runs()] == [RunKind.RECOVER, RunKind.UNDO, RunKind.UNDO]
    assert len(verb_fixture.events(EventKind.RUN_STOPPED)) == 1
