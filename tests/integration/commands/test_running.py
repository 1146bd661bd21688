"""Verbs that act on a recovery in progress, and on the incident around it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from drbot.core.approvals.approval import EntryPoint, RequestState
from drbot.core.ledger.events import EventKind
from drbot.core.runs.run import Offer, Run, RunKind, RunState, StepState, StopKind
from drbot.core.text.messages import say
from drbot.store.base.schema import events
from drbot.store.records import incidents, kept, steps
from drbot.store.records.kept import Kept
from drbot.store.runs import runs
from tests.integration.commands.verb_fixture import VerbFixture


def unsure(verb_fixture: VerbFixture, step: str = "restore-beside") -> Run:
    """A worker died in the middle of a step and the run waits for a person."""
    run, _ = verb_fixture.asked()
    with verb_fixture.database.write() as tx:
        steps.start(tx, run, step, title=step)
        steps.unsure(tx, run, step, "its worker died")
    verb_fixture.park(run, RunState.NEEDS_DECISION, step=step, question="?", choices=["retry", "stop"])
    return run


def finished(verb_fixture: VerbFixture) -> Run:
    """The recovery ended well and the old data is kept."""
    run, _ = verb_fixture.asked()
    with verb_fixture.database.write() as tx:
        incidents.recovered(tx, 1, run=run.id, rto_seconds=120, rpo_seconds=3600, outage_seconds=9)
        kept.add(
            tx,
            Kept(
                site="production", incident=1, run=run.id, volume="pgdata_before", original="pgdata",
                size_bytes=5_000_000, created_at=datetime.now(UTC),
            ),
        )  # fmt: skip
        runs.finish(tx, run, RunState.SUCCEEDED, "Every check passed.")
    return run


def states(verb_fixture: VerbFixture, run: Run) -> dict[str, StepState]:
    with verb_fixture.database.read() as conn:
        return {record.id: record.state for record in steps.of_run(conn, run.id)}


def test_one_operator_stops_a_parked_run_and_everybody_reads_what_is_true_now(verb_fixture: VerbFixture) -> None:
    run, _ = verb_fixture.asked()
    verb_fixture.park(run, RunState.WAITING)

    reply = verb_fixture.say("emi", "stop we found the cause")

    assert reply.ok and reply.in_channel
    stopped = verb_fixture.events(EventKind.RUN_STOPPED)[0]
    assert stopped.payload["safe_state"] == "Nothing in production was changed."
    assert stopped.payload["why"] == "we found the cause"
    assert verb_fixture.requests(run)[0].state is RequestState.STOPPED


def test_stop_with_the_services_down_offers_to_start_them(verb_fixture: VerbFixture) -> None:
    run = unsure(verb_fixture, "stop-apps")

    verb_fixture.say("aiko", "stop")

    assert verb_fixture.events(EventKind.RUN_STOPPED)[0].payload["offers"] == ["restart"]
    assert verb_fixture.say("aiko", "restart").ok
    assert verb_fixture.runs()[-1].runbook == "restart-services"
    assert verb_fixture.runs()[-1].id != run.id


def test_nothing_is_started_on_data_of_which_nobody_knows_how_far_it_was_replaced(verb_fixture: VerbFixture) -> None:
    unsure(verb_fixture, "swap")
    verb_fixture.say("aiko", "stop")

    reply = verb_fixture.say("aiko", "restart")

    assert not reply.ok
    assert "not known how far swap got" in reply.text
    assert [run.runbook for run in verb_fixture.runs()] == ["level2-postgres"]


def test_undo_brings_back_postgres_and_nothing_else_that_was_kept(verb_fixture: VerbFixture) -> None:
    run, _ = verb_fixture.asked()
    for name in ("pgdata", "redis_data", "uploads"):
        keep(verb_fixture, run, name)
    finish(verb_fixture, run)

    reply = verb_fixture.say("aiko", "undo")

    assert reply.ok
    assert verb_fixture.runs()[-1].arguments["keeper"] == "pgdata_before_r1"


def test_undo_without_kept_data_of_postgres_says_what_is_kept(verb_fixture: VerbFixture) -> None:
    run, _ = verb_fixture.asked()
    keep(verb_fixture, run, "redis_data")
    finish(verb_fixture, run)

    reply = verb_fixture.say("aiko", "undo")

    assert not reply.ok
    assert "redis_data_before_r1" in reply.text


def keep(verb_fixture: VerbFixture, run: Run, original: str) -> None:
    with verb_fixture.database.write() as tx:
        kept.add(tx, Kept(site="production", incident=1, run=run.id, volume=f"{original}_before_r1", original=original,
                          size_bytes=None, created_at=tx.now))  # fmt: skip


def finish(verb_fixture: VerbFixture, run: Run) -> None:
    with verb_fixture.database.write() as tx:
        runs.finish(tx, run, RunState.SUCCEEDED, "Every check passed.")


def test_stop_asks_a_run_that_is_at_work(verb_fixture: VerbFixture) -> None:
    verb_fixture.asked()

    reply = verb_fixture.say("aiko", "stop wait")

    assert "stopping" in reply.text
    assert (verb_fixture.runs()[0].stop_requested, verb_fixture.runs()[0].stop_kind) == ("wait", StopKind.PERSON)


def test_stop_with_nothing_to_stop_says_so(verb_fixture: VerbFixture) -> None:
    verb_fixture = verb_fixture.without_runbook("level3-host")
    verb_fixture.say("ben", "declare level3 host lost")

    assert "nothing had to be stopped" in verb_fixture.say("ben", "stop").text


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("settle restore-beside retry", StepState.PENDING),
        ("settle done", StepState.UNSURE),  # until a worker has looked
        ("settle DR-1 restore-beside stop", StepState.STOPPED),
    ],
)
def test_a_person_settles_an_unsure_step_and_the_run_goes_on(
    verb_fixture: VerbFixture, words: str, state: StepState
) -> None:
    run = unsure(verb_fixture)

    reply = verb_fixture.say("emi", words)

    assert reply.ok
    assert states(verb_fixture, run)["restore-beside"] is state
    assert verb_fixture.runs()[0].state is RunState.QUEUED
    assert verb_fixture.bell.rung[-1] == ("production", run.id)


def test_the_first_word_against_a_check_is_told_that_a_second_is_needed(verb_fixture: VerbFixture) -> None:
    run = unsure(verb_fixture, "stop-apps")

    first = verb_fixture.say("emi", "settle done")
    again = verb_fixture.say("emi", "settle done")
    waiting = verb_fixture.runs()[0].state
    second = verb_fixture.say("ben", "settle done")

    assert "a second person must say so too" in first.text
    assert [choice.command for choice in first.choices] == ["settle DR-1 stop-apps done"]
    assert not again.ok and "needs a second person" in again.text
    assert waiting is RunState.NEEDS_DECISION
    assert "Two people say so" in second.text
    assert verb_fixture.runs()[0].state is RunState.QUEUED
    with verb_fixture.database.read() as conn:
        record = steps.get(conn, run.id, "stop-apps")
    assert (record.vouched_by, record.settled_by) == ("emi", "ben")


def test_done_about_a_proof_promises_only_that_its_check_is_asked(verb_fixture: VerbFixture) -> None:
    unsure(verb_fixture, "restore-beside")

    assert "counts as done only if the check agrees" in verb_fixture.say("emi", "settle done").text


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ("restore-beside", "What it made outside production is removed; production is not touched."),
        ("stop-apps", "What was changed in production since the approval is taken back, newest first; the run ends."),
    ],
)
def test_undo_says_what_it_will_take_back(verb_fixture: VerbFixture, step: str, sentence: str) -> None:
    unsure(verb_fixture, step)

    assert sentence in verb_fixture.say("emi", f"settle {step} undo").text


@pytest.mark.parametrize(
    "words", ["settle", "settle swap retry", "settle restore-beside maybe", "settle restore-beside"]
)
def test_an_unclear_decision_is_asked_back_with_the_choices(verb_fixture: VerbFixture, words: str) -> None:
    run = unsure(verb_fixture)

    reply = verb_fixture.say("emi", words)

    assert not reply.ok
    assert "settle DR-1 restore-beside retry" in [choice.command for choice in reply.choices]
    assert states(verb_fixture, run)["restore-beside"] is StepState.UNSURE


def test_a_question_is_answered_by_its_words_only(verb_fixture: VerbFixture) -> None:
    run, _ = verb_fixture.asked()
    with verb_fixture.database.write() as tx:
        steps.ask(tx, run, "confirm", "Can users sign in?", ("yes", "no"))
    verb_fixture.park(run, RunState.WAITING)

    unclear = verb_fixture.say("aiko", "answer confirm perhaps")
    clear = verb_fixture.say("aiko", "answer confirm yes")

    assert [choice.command for choice in unclear.choices] == ["answer DR-1 confirm yes", "answer DR-1 confirm no"]
    assert clear.ok
    assert verb_fixture.events(EventKind.STEP_ANSWERED)[0].payload["answer"] == "yes"


def test_a_level_change_during_a_run_wants_to_be_confirmed(verb_fixture: VerbFixture) -> None:
    run, _ = verb_fixture.asked()

    asked = verb_fixture.say("ben", "level 3 the host is gone")
    assert not asked.ok
    assert verb_fixture.incident().level == 2
    verb_fixture.say("ben", asked.choices[0].command)

    assert verb_fixture.incident().level == 3
    assert verb_fixture.runs()[0].stop_requested == "level changed to 3"
    assert verb_fixture.events(EventKind.INCIDENT_LEVEL_CHANGED)[0].payload["why"] == "the host is gone"
    assert [one.runbook for one in verb_fixture.runs()] == [run.runbook, "level3-host"]


def test_after_a_failed_level_1_the_level_is_raised_with_one_word(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("ben", "declare level1 auth")
    run = verb_fixture.planned()
    with verb_fixture.database.write() as tx:
        runs.finish(tx, run, RunState.FAILED, "postgres does not work")

    assert verb_fixture.say("ben", "level 2").ok
    assert [one.runbook for one in verb_fixture.runs()] == ["level1-service", "level2-postgres"]


def test_a_plan_only_surveys_and_does_not_hide_the_recovery(verb_fixture: VerbFixture) -> None:
    run, _ = verb_fixture.asked()

    assert verb_fixture.say("emi", "plan").ok

    assert verb_fixture.runs()[-1].kind is RunKind.PLAN
    assert verb_fixture.say("ben", "approve").dialog is not None
    assert "restore-beside" in str(verb_fixture.say("dan", "status").tables)
    assert run.id == verb_fixture.runs()[0].id


def test_undo_brings_the_newest_kept_data_back_in_a_run_of_its_own(verb_fixture: VerbFixture) -> None:
    finished(verb_fixture)

    assert verb_fixture.say("aiko", "undo").ok

    undo = verb_fixture.runs()[-1]
    assert (undo.kind, undo.runbook, undo.arguments) == (RunKind.UNDO, "level2-undo", {"keeper": "pgdata_before"})


def test_undo_without_anything_kept_is_refused(verb_fixture: VerbFixture) -> None:
    verb_fixture = verb_fixture.without_runbook("level3-host")
    verb_fixture.say("ben", "declare level3 host lost")

    assert "nothing to go back to" in verb_fixture.say("ben", "undo").text


def test_kept_data_is_listed_with_size_and_age(verb_fixture: VerbFixture) -> None:
    finished(verb_fixture)

    rows = verb_fixture.say("dan", "kept").tables[0].rows

    assert rows[0][:4] == ("DR-1", "pgdata_before", "pgdata", "5.0 MB")


def test_a_persons_words_reach_the_stakeholders(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("ben", "declare level3 host lost")

    asked = verb_fixture.say("emi", "update")
    verb_fixture.say("emi", "update We expect to be back at 15:00")

    assert asked.dialog is not None and asked.dialog.kind == "update"
    assert [event.payload["text"] for event in verb_fixture.events(EventKind.STATUS_UPDATE)] == [
        "We expect to be back at 15:00"
    ]


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("dan", "stop"), ("dan", "settle retry"), ("dan", "answer yes"), ("dan", "plan"), ("dan", "recover"),
        ("dan", "discard"), ("dan", "restart"), ("dan", "update x"), ("dan", "level 3"), ("emi", "undo"),
        ("emi", "resolve x"), ("emi", "deny no"), ("aiko", "deny no"), (None, "stop"), (None, "resolve"),
    ],
)  # fmt: skip
def test_what_a_role_may_not_do_is_refused_recorded_and_changes_nothing(
    verb_fixture: VerbFixture, who: str | None, words: str
) -> None:
    verb_fixture.asked()

    reply = verb_fixture.say(who, words)

    assert not reply.ok
    refusals = verb_fixture.events(EventKind.COMMAND_REFUSED)
    assert [event.payload["verb"] for event in refusals] == [words.split()[0]]
    assert len(verb_fixture.runs()) == 1 and verb_fixture.runs()[0].stop_requested is None


def test_the_channel_says_which_incident_is_meant(verb_fixture: VerbFixture) -> None:
    verb_fixture.say("ben", "declare level3 host lost")
    verb_fixture.say("ben", "declare level4 data centre lost")
    with verb_fixture.database.write() as tx:
        incidents.open_channel(tx, 1, "C1", "dr-1")

    assert "Several incidents are open: DR-2, DR-1" in verb_fixture.say("ben", "status").text
    assert verb_fixture.say("ben", "status", channel="C1").text.startswith("DR-1")
    assert verb_fixture.say("ben", "status DR-2", channel="C1").text.startswith("DR-2")
    assert verb_fixture.say("ben", "update same as DR-2", channel="C1").text.startswith("DR-1")


@pytest.mark.parametrize("verb", ["menu", "help", "help declare", "list", "list all", "status", "whoami", "timeline"])
def test_whoever_reads_gets_both_languages(verb_fixture: VerbFixture, verb: str) -> None:
    verb_fixture.asked()

    reply = verb_fixture.say("dan", verb)

    assert reply.ok
    assert reply.text != say(reply.text, "ja")


@pytest.mark.parametrize("verb", ["timeline", "report", "status", "stop"])
def test_a_record_that_cannot_be_read_does_not_hide_the_others(verb_fixture: VerbFixture, verb: str) -> None:
    verb_fixture.asked()
    with verb_fixture.database.write() as tx:
        tx.connection.execute(update(events).where(events.c.kind == "request.opened").values(kind="of.a.newer.drbot"))

    assert verb_fixture.say("aiko", verb).ok


def test_the_report_names_who_decided_and_what_was_refused(verb_fixture: VerbFixture) -> None:
    _, asked = verb_fixture.asked()
    values = {"target": "production", "reason": "proof read", "seal": asked.seal}
    verb_fixture.say("dan", "stop")
    verb_fixture.say("chika", "approve", entry_point=EntryPoint.TERMINAL, values=values)
    verb_fixture.say("ben", "approve", entry_point=EntryPoint.TERMINAL, values={**values, "target": "staging"})

    report = verb_fixture.say("dan", "report").markdown or ""

    assert "**Chika** approve (terminal, ops@host): proof read" in report
    refused = report[report.index("## What was refused") : report.index("## Timeline")]
    assert "Dan: stop was refused" in refused and "staging" in refused
    assert "### Activation" in report
    assert asked.seal not in report


def test_the_ways_out_of_a_blocked_run_are_those_the_worker_found(verb_fixture: VerbFixture) -> None:
    run, _ = verb_fixture.asked()
    verb_fixture.park(run, RunState.BLOCKED, offers=(Offer.ASK_AGAIN, Offer.DISCARD), why="no")

    offered = {choice.command for choice in verb_fixture.say("dan", "status").choices}

    assert {"recover DR-1", "discard DR-1"} <= offered
    assert "recover DR-1 backup" not in offered
