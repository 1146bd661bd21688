"""Rule 10: one person, on the recovery host only, after ten loud minutes in which one no is enough."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from drbot.bot.due import FIRE, plan_events
from drbot.cli.processes import settle_roster
from drbot.core.approval import HOLD_SECONDS, ApprovalRequest, Door, RequestState
from drbot.core.attestation import Proof
from drbot.core.configuration import Loaded
from drbot.core.events import EventKind
from drbot.core.people import Roster
from drbot.core.plan import short_seal
from drbot.core.run import RunState
from drbot.core.signing import KeyPair
from drbot.core.stakes import Stakes
from drbot.runners.gate import refusal
from drbot.store import requests, runs, schedules
from drbot.store.schema import requests as requests_table
from drbot.store.schema import votes as votes_table
from tests.integration.commands.conftest import Build
from tests.integration.commands.factors import checking
from tests.integration.commands.stage import DR_YML, Stage

ALLOWED = DR_YML + "approvals: {break_glass: true}\n"
WORDS = {"target": "production", "rule": "two approvers", "reason": "nobody else answers"}


def break_it(stage: Stage, key: KeyPair | None, door: Door = Door.TERMINAL, **changes: str) -> str:
    """Aiko, alone; the code of what became of it."""
    asked = stage.requests(stage.runs()[-1])[-1]
    values: Mapping[str, str] = WORDS | {"seal": short_seal(asked.seal)} | changes
    sign = {Proof.HOST: key.sign} if key is not None else {}
    return stage.say("aiko", "break-glass DR-1", door=door, values=values, sign=sign).code


def ten_minutes_pass(stage: Stage, asked: ApprovalRequest) -> None:
    """As the database's clock sees it: everything of this request happened earlier."""
    earlier = timedelta(seconds=HOLD_SECONDS + 1)
    with stage.database.write() as tx:
        held = requests.get(tx.connection, asked.id).hold_until
        assert held is not None
        (vote,) = requests.votes(tx.connection, asked.id)
        tx.connection.execute(update(votes_table).values(at=vote.at - earlier))
        tx.connection.execute(update(requests_table).values(hold_until=held - earlier))


def end_holds(stage: Stage, roster: Roster) -> RequestState:
    with stage.database.write() as tx:
        requests.end_holds(tx, roster, lambda request: True)
        return requests.of_run(tx.connection, stage.runs()[-1].id)[-1].state


def test_it_holds_ten_minutes_then_grants_and_the_worker_counts_it(built: Build, tmp_path: Path) -> None:
    stage = built(ALLOWED)
    settle_roster(stage.database, Loaded(configuration=stage.context.configuration))
    with checking(stage, tmp_path / "worker-home") as worker:
        run, asked = stage.asked()

        assert break_it(stage, worker.key) == "held"
        with stage.database.read() as conn:
            roster = worker.roster_now(conn)
        assert end_holds(stage, roster) is RequestState.OPEN
        assert break_it(stage, worker.key) == "twice"
        ten_minutes_pass(stage, asked)
        assert end_holds(stage, roster) is RequestState.GRANTED

        with stage.database.write() as tx:
            requests.prove(tx, asked.id)
            assert run.plan is not None
            proven = requests.get(tx.connection, asked.id)
            assert refusal(tx, run, run.plan, run.plan.step("swap"), proven, roster) is None
            nothing_kept = run.plan.model_copy(update={"stakes": Stakes()})
            assert "no old data" in (refusal(tx, run, nothing_kept, run.plan.step("swap"), proven, roster) or "")

    (held,) = stage.events(EventKind.REQUEST_HELD)
    assert (held.person, held.payload["rule"], held.payload["door"]) == ("aiko", "two approvers", "terminal")
    assert stage.events(EventKind.VOTE_COUNTED) == []


def test_one_no_in_the_ten_minutes_ends_it(built: Build, tmp_path: Path) -> None:
    stage = built(ALLOWED)
    with checking(stage, tmp_path / "worker-home") as worker:
        stage.asked()
        break_it(stage, worker.key)

        stage.say("ben", "deny DR-1 I am awake, wait for me")
        ten_minutes_pass_after_a_no(stage)
        with stage.database.read() as conn:
            roster = worker.roster_now(conn)

        assert end_holds(stage, roster) is RequestState.DENIED


def ten_minutes_pass_after_a_no(stage: Stage) -> None:
    with stage.database.write() as tx:
        tx.connection.execute(update(requests_table).values(hold_until=tx.now - timedelta(seconds=1)))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": None}, "break_glass_host"),
        ({"key": KeyPair.new()}, "break_glass_host"),
        ({"door": Door.COMMAND}, "break_glass_host"),
        ({"target": "staging"}, "wrong_target"),
        ({"seal": "AAAA-BBBB"}, "old_plan"),
    ],
)
def test_it_works_on_the_recovery_host_only_and_for_the_plan_that_was_read(
    built: Build, tmp_path: Path, change: dict[str, object], code: str
) -> None:
    stage = built(ALLOWED)
    with checking(stage, tmp_path / "worker-home") as worker:
        stage.asked()

        given: dict[str, object] = {"key": worker.key} | change
        assert break_it(stage, **given) == code  # type: ignore[arg-type]

    assert [event.payload["code"] for event in stage.events(EventKind.VOTE_REFUSED)] == [code]
    assert stage.events(EventKind.REQUEST_HELD) == []


def test_a_policy_that_forbids_it_is_the_default(built: Build, tmp_path: Path) -> None:
    stage = built(DR_YML)
    with checking(stage, tmp_path / "worker-home") as worker:
        stage.asked()

        assert break_it(stage, worker.key) == "break_glass_off"


def test_without_rule_and_reason_it_says_what_it_means_and_how(built: Build) -> None:
    stage = built(ALLOWED)
    stage.asked()

    reply = stage.say("aiko", "break-glass", door=Door.TERMINAL)

    assert not reply.ok
    assert "reviewed within a day" in reply.text["en"] and "--target production --seal" in reply.text["en"]


def test_its_review_is_due_a_day_later(built: Build, tmp_path: Path) -> None:
    stage = built(ALLOWED)
    with checking(stage, tmp_path / "worker-home") as worker:
        stage.asked()
        break_it(stage, worker.key)
    plan_events(stage.context)
    (held,) = stage.events(EventKind.REQUEST_HELD)

    with stage.database.write() as tx:
        day = held.at + timedelta(hours=24)
        assert [one for one in schedules.due(tx.connection, day - timedelta(minutes=1)) if one.kind == "review"] == []
        (review,) = [one for one in schedules.due(tx.connection, day) if one.kind == "review"]
        FIRE["review"](stage.context, tx, review)

    assert len(stage.events(EventKind.REVIEW_DUE)) == 1


def test_its_review_comes_also_when_the_incident_was_resolved_before(built: Build, tmp_path: Path) -> None:
    stage = built(ALLOWED)
    with checking(stage, tmp_path / "worker-home") as worker:
        run, _ = stage.asked()
        break_it(stage, worker.key)
    plan_events(stage.context)
    with stage.database.write() as tx:
        runs.finish(tx, run, RunState.SUCCEEDED, "ok")

    assert stage.say("aiko", "resolve DR-1 The disk was full").ok

    with stage.database.read() as conn:
        left = schedules.due(conn, datetime.now(UTC) + timedelta(days=2))
    assert [one.kind for one in left] == ["review"]
