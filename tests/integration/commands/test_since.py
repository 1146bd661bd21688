"""`since`: a slip of the pen at the declaration is put right, and with it every figure that counts from there."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import insert, select, update

from drbot.core.ledger.events import EventKind
from drbot.core.runs.clocks import counted_from
from drbot.core.runs.incident import Incident
from drbot.core.runs.stakes import Act, Stakes
from drbot.core.site.level import Level
from drbot.core.text.messages import say
from drbot.store.base.schema import incidents as incident_table
from drbot.store.base.schema import runs as table
from drbot.store.records import incidents
from tests.integration.commands.verb_fixture import VerbFixture

NOW = datetime.now(UTC)


def declared(verb_fixture: VerbFixture, since: str) -> Incident:
    """Of level 1 without a service: nothing runs."""
    with verb_fixture.database.write() as tx:
        return incidents.declare(
            tx, site="production", level=Level.SERVICE, title="auth is down", person="aiko",
            started_at=tx.now - timedelta(days=300) if since == "long ago" else None,
        )  # fmt: skip


def test_the_begin_of_an_outage_is_corrected_and_the_channel_is_told(verb_fixture: VerbFixture) -> None:
    incident = declared(verb_fixture, "long ago")

    reply = verb_fixture.say("aiko", "since DR-1 20m the first failed login")

    assert reply.ok and reply.in_channel
    after = verb_fixture.incident()
    assert timedelta(minutes=19) < datetime.now(UTC) - after.started_at < timedelta(minutes=21)
    (event,) = verb_fixture.events(EventKind.INCIDENT_START_CORRECTED)
    assert event.payload["why"] == "the first failed login"
    assert datetime.fromisoformat(event.payload["before"]) == incident.started_at


def test_rto_and_mttr_of_an_incident_that_is_over_count_from_the_new_time(verb_fixture: VerbFixture) -> None:
    declared(verb_fixture, "long ago")
    with verb_fixture.database.write() as tx:
        incidents.recovered(tx, 1, run="r1", rto_seconds=300 * 86_400.0, rpo_seconds=None, outage_seconds=9)
        incidents.resolve(tx, 1, "aiko", "auth was started")

    reply = verb_fixture.say("aiko", "since DR-1 20m")

    assert "RTO is 20 min now." in say(reply.text, "en")
    with verb_fixture.database.read() as connection:
        (rto,) = incidents.repair_times(connection, Level.SERVICE)
    assert rto == pytest.approx(1200, abs=5)
    assert verb_fixture.incident().outage_seconds == 9


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("since DR-1", "Write: /dr since DR-1 20m, 02:10 (UTC)"),
        ("since DR-1 yesterday", "is not a time. Write: /dr since DR-1 20m"),
        (f"since DR-1 {NOW + timedelta(hours=2):%Y-%m-%dT%H:%M}", "has not come yet"),
    ],
)
def test_what_is_no_time_changes_nothing(verb_fixture: VerbFixture, words: str, why: str) -> None:
    before = declared(verb_fixture, "now")

    reply = verb_fixture.say("aiko", words)

    assert not reply.ok and why in say(reply.text, "en")
    assert verb_fixture.incident() == before


def test_a_time_days_before_the_declaration_is_asked_about_first(verb_fixture: VerbFixture) -> None:
    before = declared(verb_fixture, "now")

    began = NOW - timedelta(days=30)
    tokyo = began.astimezone(timezone(timedelta(hours=9)))

    asked = verb_fixture.say("aiko", f"since DR-1 {tokyo.isoformat(timespec='minutes')} wrong clock")

    assert verb_fixture.incident() == before
    assert f"{began:%Y-%m-%d %H:%M}:00 UTC" in say(asked.text, "en")
    assert verb_fixture.say("aiko", asked.choices[0].command).ok
    assert NOW - verb_fixture.incident().started_at > timedelta(days=29)
    assert verb_fixture.events(EventKind.INCIDENT_START_CORRECTED)[0].payload["why"] == "wrong clock"


def test_a_plan_that_people_vote_on_keeps_the_time_that_its_loss_was_told_by(verb_fixture: VerbFixture) -> None:
    verb_fixture.asked()
    before = verb_fixture.incident()

    reply = verb_fixture.say("aiko", "since DR-1 20m")

    assert not reply.ok and "Correct it when the recovery is over." in say(reply.text, "en")
    assert verb_fixture.incident() == before


def test_what_an_undo_has_brought_back_is_not_lost_by_another_begin(verb_fixture: VerbFixture) -> None:
    run, _ = verb_fixture.asked()
    assert run.plan is not None
    undo = run.plan.model_copy(update={"backup": None, "stakes": Stakes(act=Act.UNDO), "loss_seconds": None})
    with verb_fixture.database.write() as tx:
        tx.connection.execute(update(table).values(state="succeeded"))
        (row,) = tx.connection.execute(select(table)).mappings().all()
        later = {"id": f"{run.id}-undo", "created_at": tx.now, "plan": undo.model_dump(mode="json", by_alias=True)}
        tx.connection.execute(insert(table).values(**(dict(row) | later)))
        incidents.recovered(tx, 1, run=run.id, rto_seconds=60.0, rpo_seconds=5.0, outage_seconds=9)

    assert verb_fixture.say("aiko", "since DR-1 20m").ok

    assert verb_fixture.incident().rpo_seconds == 5.0


def test_an_observer_corrects_nothing(verb_fixture: VerbFixture) -> None:
    before = declared(verb_fixture, "now")

    reply = verb_fixture.say("dan", "since DR-1 20m")

    assert not reply.ok and "You asked for since." in say(reply.text, "en")
    assert verb_fixture.incident() == before


def test_what_is_over_did_not_begin_later(verb_fixture: VerbFixture) -> None:
    declared(verb_fixture, "long ago")
    with verb_fixture.database.write() as tx:
        incidents.recovered(tx, 1, run="r1", rto_seconds=60.0, rpo_seconds=None, outage_seconds=9)
    end = verb_fixture.incident().recovered_at
    assert end is not None

    reply = verb_fixture.say("aiko", f"since DR-1 {end + timedelta(minutes=2):%Y-%m-%dT%H:%M}")

    assert not reply.ok and f"is later than its end, {end:%Y-%m-%d %H:%M:%S} UTC." in say(reply.text, "en")


def test_what_was_declared_had_begun(verb_fixture: VerbFixture) -> None:
    """One person could have made a target met that was missed, before anybody had recovered anything."""
    before = declared(verb_fixture, "now")
    with verb_fixture.database.write() as tx:
        hours_ago = {"declared_at": NOW - timedelta(hours=5), "started_at": NOW - timedelta(hours=6)}
        tx.connection.execute(update(incident_table).values(**hours_ago))

    reply = verb_fixture.say("aiko", "since DR-1 20m")

    assert not reply.ok and "is later than its declaration, " in say(reply.text, "en")
    assert verb_fixture.incident().started_at < before.started_at


@pytest.mark.parametrize(
    ("rpo", "outage", "wanted"),
    [
        (3600.0, 9.0, {"rto_seconds": 1200.0, "rpo_seconds": 6000.0}),
        (90_000.0, 9.0, {"rto_seconds": 1200.0, "rpo_seconds": 90_000.0}),
        (None, 3600.0, {"rto_seconds": 1200.0, "outage_seconds": 1200.0}),
    ],
    ids=["lost from the backup to the begin", "more was lost, as drbot saw", "a new place"],
)
def test_figures_that_count_from_the_begin_follow_it(
    verb_fixture: VerbFixture, rpo: float | None, outage: float, wanted: dict[str, float]
) -> None:
    declared(verb_fixture, "now")
    with verb_fixture.database.write() as tx:
        incidents.recovered(tx, 1, run="r1", rto_seconds=3600.0, rpo_seconds=rpo, outage_seconds=outage)
    incident = verb_fixture.incident()

    begin = incident.started_at

    assert counted_from(incident, begin + timedelta(seconds=2400), begin - timedelta(seconds=3600)) == wanted
