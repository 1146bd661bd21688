"""Rule 10: one person, on the recovery host only, after ten loud minutes in which one no is enough."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from drbot.bot.scheduled.due_posts import FIRE, plan_events
from drbot.cli.processes import settle_roster
from drbot.core.approvals.approval import HOLD_SECONDS, ApprovalRequest, EntryPoint, RequestState
from drbot.core.base.signing import KeyPair
from drbot.core.ledger.attestation import Proof
from drbot.core.ledger.events import EventKind
from drbot.core.runs.plan import short_seal
from drbot.core.runs.run import RunState
from drbot.core.runs.stakes import Stakes
from drbot.core.site.configuration import Loaded
from drbot.core.site.people import Roster
from drbot.runners.execution.gate import refusal
from drbot.runners.foundation.own_record import OwnRequest, OwnRun
from drbot.runners.upkeep.chores import Upkeep
from drbot.store.base.schema import requests as requests_table
from drbot.store.base.schema import votes as votes_table
from drbot.store.records import requests, schedules
from drbot.store.runs import runs
from tests.integration.commands.conftest import Build
from tests.integration.commands.factors import checking
from tests.integration.commands.verb_fixture import DR_YML, VerbFixture

ALLOWED = DR_YML + "approvals: {break_glass: true}\n"
WORDS = {"target": "production", "rule": "two approvers", "reason": "nobody else answers"}


def break_it(
    verb_fixture: VerbFixture, key: KeyPair | None, entry_point: EntryPoint = EntryPoint.TERMINAL, **changes: str
) -> str:
    """Aiko, alone; the code of what became of it."""
    asked = verb_fixture.requests(verb_fixture.runs()[-1])[-1]
    values: Mapping[str, str] = WORDS | {"seal": short_seal(asked.seal)} | changes
    sign = {Proof.HOST: key.sign} if key is not None else {}
    return verb_fixture.say("aiko", "break-glass DR-1", entry_point=entry_point, values=values, sign=sign).code


def ten_minutes_pass(verb_fixture: VerbFixture, asked: ApprovalRequest) -> None:
    """As the database's clock sees it: everything of this request happened earlier."""
    earlier = timedelta(seconds=HOLD_SECONDS + 1)
    with verb_fixture.database.write() as tx:
        held = requests.get(tx.connection, asked.id).hold_until
        assert held is not None
        (vote,) = requests.votes(tx.connection, asked.id)
        tx.connection.execute(update(votes_table).values(at=vote.at - earlier))
        tx.connection.execute(update(requests_table).values(hold_until=held - earlier))


def end_holds(verb_fixture: VerbFixture, roster: Roster) -> RequestState:
    with verb_fixture.database.write() as tx:
        requests.end_holds(tx, roster, lambda request: True)
        return requests.of_run(tx.connection, verb_fixture.runs()[-1].id)[-1].state


def test_it_holds_ten_minutes_then_grants_and_the_worker_counts_it(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(ALLOWED)
    settle_roster(verb_fixture.database, Loaded(configuration=verb_fixture.context.configuration))
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        run, asked = verb_fixture.asked()

        assert break_it(verb_fixture, worker.key) == "held"
        with verb_fixture.database.read() as conn:
            roster = worker.roster_now(conn)
        assert end_holds(verb_fixture, roster) is RequestState.OPEN
        assert break_it(verb_fixture, worker.key) == "twice"
        ten_minutes_pass(verb_fixture, asked)
        assert end_holds(verb_fixture, roster) is RequestState.GRANTED

        with verb_fixture.database.write() as tx:
            requests.prove(tx, asked.id)
            assert run.plan is not None
            proven = requests.get(tx.connection, asked.id)
            assert refusal(tx, run, run.plan, run.plan.step("swap"), proven, roster) is None
            nothing_kept = run.plan.model_copy(update={"stakes": Stakes()})
            assert "no old data" in (refusal(tx, run, nothing_kept, run.plan.step("swap"), proven, roster) or "")

    (held,) = verb_fixture.events(EventKind.REQUEST_HELD)
    assert (held.person, held.payload["rule"], held.payload["entry_point"]) == ("aiko", "two approvers", "terminal")
    assert verb_fixture.events(EventKind.VOTE_COUNTED) == []


def test_one_no_in_the_ten_minutes_ends_it(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(ALLOWED)
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        verb_fixture.asked()
        break_it(verb_fixture, worker.key)

        verb_fixture.say("ben", "deny DR-1 I am awake, wait for me")
        ten_minutes_pass_after_a_no(verb_fixture)
        with verb_fixture.database.read() as conn:
            roster = worker.roster_now(conn)

        assert end_holds(verb_fixture, roster) is RequestState.DENIED


def ten_minutes_pass_after_a_no(verb_fixture: VerbFixture) -> None:
    with verb_fixture.database.write() as tx:
        tx.connection.execute(update(requests_table).values(hold_until=tx.now - timedelta(seconds=1)))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": None}, "break_glass_host"),
        ({"key": KeyPair.new()}, "break_glass_host"),
        ({"entry_point": EntryPoint.COMMAND}, "break_glass_host"),
        ({"target": "staging"}, "wrong_target"),
        ({"seal": "AAAA-BBBB"}, "old_plan"),
    ],
)
def test_it_works_on_the_recovery_host_only_and_for_the_plan_that_was_read(
    built: Build, tmp_path: Path, change: dict[str, object], code: str
) -> None:
    verb_fixture = built(ALLOWED)
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        verb_fixture.asked()

        given: dict[str, object] = {"key": worker.key} | change
        assert break_it(verb_fixture, **given) == code  # type: ignore[arg-type]

    assert [event.payload["code"] for event in verb_fixture.events(EventKind.VOTE_REFUSED)] == [code]
    assert verb_fixture.events(EventKind.REQUEST_HELD) == []


def test_a_policy_that_forbids_it_is_the_default(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(DR_YML)
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        verb_fixture.asked()

        assert break_it(verb_fixture, worker.key) == "break_glass_off"


def test_without_rule_and_reason_it_says_what_it_means_and_how(built: Build) -> None:
    verb_fixture = built(ALLOWED)
    verb_fixture.asked()

    reply = verb_fixture.say("aiko", "break-glass", entry_point=EntryPoint.TERMINAL)

    assert not reply.ok
    assert "reviewed within a day" in reply.text and "--target production --seal" in reply.text


def test_its_review_is_due_a_day_later(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(ALLOWED)
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        verb_fixture.asked()
        break_it(verb_fixture, worker.key)
    plan_events(verb_fixture.context)
    (held,) = verb_fixture.events(EventKind.REQUEST_HELD)

    with verb_fixture.database.write() as tx:
        day = held.at + timedelta(hours=24)
        assert [one for one in schedules.due(tx.connection, day - timedelta(minutes=1)) if one.kind == "review"] == []
        (review,) = [one for one in schedules.due(tx.connection, day) if one.kind == "review"]
        FIRE["review"](verb_fixture.context, tx, review)

    assert len(verb_fixture.events(EventKind.REVIEW_DUE)) == 1


def test_its_review_comes_also_when_the_incident_was_resolved_before(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(ALLOWED)
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        run, _ = verb_fixture.asked()
        break_it(verb_fixture, worker.key)
    plan_events(verb_fixture.context)
    with verb_fixture.database.write() as tx:
        runs.finish(tx, run, RunState.SUCCEEDED, "ok")

    assert verb_fixture.say("aiko", "resolve DR-1 users-can-work The disk was full").ok

    with verb_fixture.database.read() as conn:
        left = schedules.due(conn, datetime.now(UTC) + timedelta(days=2))
    assert [one.kind for one in left] == ["review"]


def test_rows_of_ten_minutes_ago_grant_nothing_while_the_worker_has_not_waited(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(ALLOWED)
    settle_roster(verb_fixture.database, Loaded(configuration=verb_fixture.context.configuration))
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        run, asked = verb_fixture.asked()
        request = {asked.id: OwnRequest(gate=asked.gate, seal=asked.seal, opened_at=asked.opened_at)}
        worker.own.adopt(run.id, OwnRun(seal=asked.seal, requests=request))
        assert break_it(verb_fixture, worker.key) == "held"
        ten_minutes_pass(verb_fixture, asked)

        Upkeep(worker).tick()
        early = verb_fixture.requests(run)[-1].state
        ten_minutes_ago = worker.own.now() - timedelta(seconds=HOLD_SECONDS)
        seen = {asked.id: request[asked.id].model_copy(update={"glass_at": ten_minutes_ago})}
        worker.own.adopt(run.id, OwnRun(seal=asked.seal, requests=seen))
        Upkeep(worker).tick()

    assert early is RequestState.OPEN
    assert verb_fixture.requests(run)[-1].state is RequestState.GRANTED
