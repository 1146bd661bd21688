"""Verbs that act on a recovery in progress, and on the incident around it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from drbot.core.approval import Door, RequestState
from drbot.core.events import EventKind
from drbot.core.incident import IncidentState
from drbot.core.run import Offer, Run, RunKind, RunState, StepState, StopKind
from drbot.store import incidents, kept, runs, steps
from drbot.store.kept import Kept
from drbot.store.schema import events
from tests.integration.commands.stage import Stage


def unsure(stage: Stage, step: str = "restore-beside") -> Run:
    """A worker died in the middle of a step and the run waits for a person."""
    run, _ = stage.asked()
    with stage.database.write() as tx:
        steps.start(tx, run, step, title=step)
        steps.unsure(tx, run, step, "its worker died")
    stage.park(run, RunState.NEEDS_DECISION, step=step, question="?", choices=["retry", "stop"])
    return run


def finished(stage: Stage) -> Run:
    """The recovery ended well and the old data is kept."""
    run, _ = stage.asked()
    with stage.database.write() as tx:
        incidents.recovered(tx, 1, run=run.id, rto_seconds=120, rpo_seconds=3600, outage_seconds=9)
        kept.add(
            tx,
            Kept(
                site="production", incident=1, run=run.id, volume="pgdata_before", original="pgdata",
                size_bytes=5_000_000, created_at=datetime.now(UTC),
            ),
        )  # fmt: skip
        runs.finish(tx, run, RunState.SUCCEEDED, "Done.")
    return run


def states(stage: Stage, run: Run) -> dict[str, StepState]:
    with stage.database.read() as conn:
        return {record.id: record.state for record in steps.of_run(conn, run.id)}


def test_one_operator_stops_a_parked_run_and_everybody_reads_what_is_true_now(stage: Stage) -> None:
    run, _ = stage.asked()
    stage.park(run, RunState.WAITING)

    reply = stage.say("emi", "stop we found the cause")

    assert reply.ok and reply.in_channel
    stopped = stage.events(EventKind.RUN_STOPPED)[0]
    assert stopped.payload["safe_state"] == "Nothing in production was changed."
    assert stopped.payload["why"] == "we found the cause"
    assert stage.requests(run)[0].state is RequestState.STOPPED


def test_stop_with_the_services_down_offers_to_start_them(stage: Stage) -> None:
    run = unsure(stage, "stop-apps")

    stage.say("aiko", "stop")

    assert stage.events(EventKind.RUN_STOPPED)[0].payload["offers"] == ["restart"]
    assert stage.say("aiko", "restart").ok
    assert stage.runs()[-1].runbook == "restart-services"
    assert stage.runs()[-1].id != run.id


def test_nothing_is_started_on_data_of_which_nobody_knows_how_far_it_was_replaced(stage: Stage) -> None:
    unsure(stage, "swap")
    stage.say("aiko", "stop")

    reply = stage.say("aiko", "restart")

    assert not reply.ok
    assert "not known how far swap came" in reply.text["en"]
    assert [run.runbook for run in stage.runs()] == ["level2-postgres"]


def test_undo_brings_back_postgres_and_nothing_else_that_was_kept(stage: Stage) -> None:
    run, _ = stage.asked()
    for name in ("pgdata", "redis_data", "uploads"):
        keep(stage, run, name)
    finish(stage, run)

    reply = stage.say("aiko", "undo")

    assert reply.ok
    assert stage.runs()[-1].arguments["keeper"] == "pgdata_before_r1"


def test_undo_without_kept_data_of_postgres_says_what_is_kept(stage: Stage) -> None:
    run, _ = stage.asked()
    keep(stage, run, "redis_data")
    finish(stage, run)

    reply = stage.say("aiko", "undo")

    assert not reply.ok
    assert "redis_data_before_r1" in reply.text["en"]


def keep(stage: Stage, run: Run, original: str) -> None:
    with stage.database.write() as tx:
        kept.add(tx, Kept(site="production", incident=1, run=run.id, volume=f"{original}_before_r1", original=original,
                          size_bytes=None, created_at=tx.now))  # fmt: skip


def finish(stage: Stage, run: Run) -> None:
    with stage.database.write() as tx:
        runs.finish(tx, run, RunState.SUCCEEDED, "Done.")


def test_stop_asks_a_run_that_is_at_work(stage: Stage) -> None:
    stage.asked()

    reply = stage.say("aiko", "stop wait")

    assert "stopping" in reply.text["en"]
    assert (stage.runs()[0].stop_requested, stage.runs()[0].stop_kind) == ("wait", StopKind.PERSON)


def test_stop_with_nothing_to_stop_says_so(stage: Stage) -> None:
    stage = stage.without_runbook("level3-host")
    stage.say("ben", "declare level3 host lost")

    assert "nothing had to be stopped" in stage.say("ben", "stop").text["en"]


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("settle restore-beside retry", StepState.PENDING),
        ("settle done", StepState.UNSURE),  # until a worker has looked
        ("settle DR-1 restore-beside stop", StepState.STOPPED),
    ],
)
def test_a_person_settles_an_unsure_step_and_the_run_goes_on(stage: Stage, words: str, state: StepState) -> None:
    run = unsure(stage)

    reply = stage.say("emi", words)

    assert reply.ok
    assert states(stage, run)["restore-beside"] is state
    assert stage.runs()[0].state is RunState.QUEUED
    assert stage.bell.rung[-1] == ("production", run.id)


def test_the_first_word_against_a_check_is_told_that_a_second_is_needed(stage: Stage) -> None:
    run = unsure(stage, "stop-apps")

    first = stage.say("emi", "settle done")
    again = stage.say("emi", "settle done")
    waiting = stage.runs()[0].state
    second = stage.say("ben", "settle done")

    assert "a second person must say so too" in first.text["en"]
    assert [choice.command for choice in first.choices] == ["settle DR-1 stop-apps done"]
    assert not again.ok and "needs a second person" in again.text["en"]
    assert waiting is RunState.NEEDS_DECISION
    assert "Two people say so" in second.text["en"]
    assert stage.runs()[0].state is RunState.QUEUED
    with stage.database.read() as conn:
        record = steps.get(conn, run.id, "stop-apps")
    assert (record.vouched_by, record.settled_by) == ("emi", "ben")


def test_done_about_a_proof_promises_only_that_its_check_is_asked(stage: Stage) -> None:
    unsure(stage, "restore-beside")

    assert "counts as done only if that agrees" in stage.say("emi", "settle done").text["en"]


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ("restore-beside", "What it made beside production is removed; production is not touched."),
        ("stop-apps", "What was changed in production since the approval is taken back, newest first; the run ends."),
    ],
)
def test_undo_says_what_it_will_take_back(stage: Stage, step: str, sentence: str) -> None:
    unsure(stage, step)

    assert sentence in stage.say("emi", f"settle {step} undo").text["en"]


@pytest.mark.parametrize(
    "words", ["settle", "settle swap retry", "settle restore-beside maybe", "settle restore-beside"]
)
def test_an_unclear_decision_is_asked_back_with_the_choices(stage: Stage, words: str) -> None:
    run = unsure(stage)

    reply = stage.say("emi", words)

    assert not reply.ok
    assert "settle DR-1 restore-beside retry" in [choice.command for choice in reply.choices]
    assert states(stage, run)["restore-beside"] is StepState.UNSURE


def test_a_question_is_answered_by_its_words_only(stage: Stage) -> None:
    run, _ = stage.asked()
    with stage.database.write() as tx:
        steps.ask(tx, run, "confirm", {"en": "Can users sign in?"}, ("yes", "no"))
    stage.park(run, RunState.WAITING)

    unclear = stage.say("aiko", "answer confirm perhaps")
    clear = stage.say("aiko", "answer confirm yes")

    assert [choice.command for choice in unclear.choices] == ["answer DR-1 confirm yes", "answer DR-1 confirm no"]
    assert clear.ok
    assert stage.events(EventKind.STEP_ANSWERED)[0].payload["answer"] == "yes"


def test_a_level_change_during_a_run_wants_to_be_confirmed(stage: Stage) -> None:
    run, _ = stage.asked()

    asked = stage.say("ben", "level 3 the host is gone")
    assert not asked.ok
    assert stage.incident().level == 2
    stage.say("ben", asked.choices[0].command)

    assert stage.incident().level == 3
    assert stage.runs()[0].stop_requested == "level changed to 3"
    assert stage.events(EventKind.INCIDENT_LEVEL_CHANGED)[0].payload["why"] == "the host is gone"
    assert [one.runbook for one in stage.runs()] == [run.runbook, "level3-host"]


def test_after_a_failed_level_1_the_level_is_raised_with_one_word(stage: Stage) -> None:
    stage.say("ben", "declare level1 auth")
    run = stage.planned()
    with stage.database.write() as tx:
        runs.finish(tx, run, RunState.FAILED, "postgres does not work")

    assert stage.say("ben", "level 2").ok
    assert [one.runbook for one in stage.runs()] == ["level1-service", "level2-postgres"]


def test_a_plan_only_surveys_and_does_not_hide_the_recovery(stage: Stage) -> None:
    run, _ = stage.asked()

    assert stage.say("emi", "plan").ok

    assert stage.runs()[-1].kind is RunKind.PLAN
    assert stage.say("ben", "approve").dialog is not None
    assert "restore-beside" in str(stage.say("dan", "status").tables)
    assert run.id == stage.runs()[0].id


def test_undo_brings_the_newest_kept_data_back_in_a_run_of_its_own(stage: Stage) -> None:
    finished(stage)

    assert stage.say("aiko", "undo").ok

    undo = stage.runs()[-1]
    assert (undo.kind, undo.runbook, undo.arguments) == (RunKind.UNDO, "level2-undo", {"keeper": "pgdata_before"})


def test_undo_without_anything_kept_is_refused(stage: Stage) -> None:
    stage = stage.without_runbook("level3-host")
    stage.say("ben", "declare level3 host lost")

    assert "nothing to go back to" in stage.say("ben", "undo").text["en"]


def test_kept_data_is_listed_with_size_and_age(stage: Stage) -> None:
    finished(stage)

    rows = stage.say("dan", "kept").tables[0].rows

    assert rows[0][:4] == ("DR-1", "pgdata_before", "pgdata", "5.0 MB")


def test_a_persons_words_reach_the_stakeholders(stage: Stage) -> None:
    stage.say("ben", "declare level3 host lost")

    asked = stage.say("emi", "update")
    stage.say("emi", "update We expect to be back at 15:00")

    assert asked.dialog is not None and asked.dialog.kind == "update"
    assert [event.payload["text"] for event in stage.events(EventKind.STATUS_UPDATE)] == [
        "We expect to be back at 15:00"
    ]


def test_resolve_waits_for_the_recovery_and_for_a_summary(stage: Stage) -> None:
    stage.asked()
    assert "in progress" in stage.say("aiko", "resolve done").text["en"]
    stage.park(stage.runs()[0], RunState.WAITING)
    stage.say("aiko", "stop")

    asked = stage.say("aiko", "resolve")
    stage.say("aiko", "resolve it was a full disk")

    assert asked.dialog is not None and asked.dialog.kind == "resolve"
    assert stage.incident().state is IncidentState.RESOLVED
    assert stage.incident().summary == "it was a full disk"
    assert "is resolved" in stage.say("aiko", "update too late").text["en"] or not stage.say("aiko", "update x").ok


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("dan", "stop"), ("dan", "settle retry"), ("dan", "answer yes"), ("dan", "plan"), ("dan", "recover"),
        ("dan", "discard"), ("dan", "restart"), ("dan", "update x"), ("dan", "level 3"), ("emi", "undo"),
        ("emi", "resolve x"), ("emi", "deny no"), ("aiko", "deny no"), (None, "stop"), (None, "resolve"),
    ],
)  # fmt: skip
def test_what_a_role_may_not_do_is_refused_recorded_and_changes_nothing(
    stage: Stage, who: str | None, words: str
) -> None:
    stage.asked()

    reply = stage.say(who, words)

    assert not reply.ok
    refusals = stage.events(EventKind.COMMAND_REFUSED)
    assert [event.payload["verb"] for event in refusals] == [words.split()[0]]
    assert len(stage.runs()) == 1 and stage.runs()[0].stop_requested is None


def test_the_channel_says_which_incident_is_meant(stage: Stage) -> None:
    stage.say("ben", "declare level3 host lost")
    stage.say("ben", "declare level4 data centre lost")
    with stage.database.write() as tx:
        incidents.open_channel(tx, 1, "C1", "dr-1")

    assert "Several incidents are open: DR-2, DR-1" in stage.say("ben", "status").text["en"]
    assert stage.say("ben", "status", channel="C1").text["en"].startswith("DR-1")
    assert stage.say("ben", "status DR-2", channel="C1").text["en"].startswith("DR-2")
    assert stage.say("ben", "update same as DR-2", channel="C1").text["en"].startswith("DR-1")


@pytest.mark.parametrize("verb", ["menu", "help", "help declare", "list", "list all", "status", "whoami", "timeline"])
def test_whoever_reads_gets_both_languages(stage: Stage, verb: str) -> None:
    stage.asked()

    reply = stage.say("dan", verb)

    assert reply.ok
    assert reply.text["en"] and reply.text["ja"]


@pytest.mark.parametrize("verb", ["timeline", "report", "status", "stop"])
def test_a_record_that_cannot_be_read_does_not_hide_the_others(stage: Stage, verb: str) -> None:
    stage.asked()
    with stage.database.write() as tx:
        tx.connection.execute(update(events).where(events.c.kind == "request.opened").values(kind="of.a.newer.drbot"))

    assert stage.say("aiko", verb).ok


def test_the_report_names_who_decided_and_what_was_refused(stage: Stage) -> None:
    _, asked = stage.asked()
    values = {"target": "production", "reason": "proof read", "seal": asked.seal}
    stage.say("dan", "stop")
    stage.say("chika", "approve", door=Door.TERMINAL, values=values)
    stage.say("ben", "approve", door=Door.TERMINAL, values={**values, "target": "staging"})

    report = stage.say("dan", "report").markdown or ""

    assert "**Chika** approve (terminal, ops@host): proof read" in report
    refused = report[report.index("## What was refused") : report.index("## Timeline")]
    assert "Dan: stop was refused" in refused and "staging" in refused
    assert "### Activation" in report
    assert asked.seal not in report


def test_the_ways_out_of_a_blocked_run_are_those_the_worker_found(stage: Stage) -> None:
    run, _ = stage.asked()
    stage.park(run, RunState.BLOCKED, offers=(Offer.ASK_AGAIN, Offer.DISCARD), why="no")

    offered = {choice.command for choice in stage.say("dan", "status").choices}

    assert {"recover DR-1", "discard DR-1"} <= offered
    assert "recover DR-1 backup" not in offered
