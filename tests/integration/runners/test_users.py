"""Every check passed, and then people are asked: their "no" counts, their silence is no "yes"."""

from datetime import UTC, datetime, timedelta

import pytest

from drbot.core.clocks import clocks_of
from drbot.core.incident import IncidentState, UsersSay
from drbot.core.run import Offer, Run, RunState, StepState
from drbot.core.site import Targets
from drbot.store import steps
from tests.integration.runners.bench import Bench


def asked(bench: Bench) -> Run:
    """Level 2 is done; the question whether users can sign in is open."""
    run = bench.go(bench.declare())
    bench.approve(run)
    run = bench.go(run)
    assert bench.incident(run).state is IncidentState.RECOVERED
    return run


def answered(bench: Bench, word: str) -> Run:
    run = asked(bench)
    bench.answer(run, word)
    return bench.go(run)


def test_a_no_means_not_recovered_and_the_clock_runs_on(bench: Bench) -> None:
    run = answered(bench, "no")

    incident = bench.incident(run)
    assert (incident.state, incident.users_say) == (IncidentState.RECOVERING, UsersSay.NO)
    assert (incident.recovered_at, incident.confirmed_at, incident.rto_seconds) == (None, None, None)
    now = datetime.now(UTC)
    used = [clocks_of(incident, run.plan, (), Targets(), now + timedelta(hours=h)).rto_used for h in (0, 1)]
    assert used[1] - used[0] == 3600
    assert bench.events(run, "incident.not_recovered")[-1].person == "aiko"
    assert bench.events(run, "incident.confirmed") == []


def test_a_no_ends_the_run_and_offers_what_works_now(bench: Bench) -> None:
    run = answered(bench, "no")

    assert run.state is RunState.FAILED
    assert (
        run.outcome is not None and "Aiko answered: no. It is not recovered, and the RTO clock runs on." in run.outcome
    )
    assert run.offers == (Offer.UNDO, Offer.RECOVER, Offer.ANOTHER_BACKUP)
    assert run.next_backup == bench.target.backups[1].name
    assert bench.step(run, "notify").state is StepState.PENDING  # nobody is told that it works


def test_without_another_good_backup_none_is_offered(bench: Bench) -> None:
    del bench.target.backups[1]

    run = answered(bench, "no")

    assert Offer.ANOTHER_BACKUP not in run.offers
    assert "backup takes" not in bench.events(run, "run.failed")[-1].payload["todo"]


def test_a_no_at_level_1_keeps_the_incident_open(bench: Bench) -> None:
    bench.target.volumes["postgres_data"] = "good"
    run = bench.go(bench.declare(1, "auth"))
    bench.answer(run, "no")
    run = bench.go(run)

    assert bench.incident(run).state is IncidentState.RECOVERING
    assert Offer.RECOVER in run.offers and Offer.ANOTHER_BACKUP not in run.offers


def test_the_next_recovery_after_a_no_can_recover_it(bench: Bench) -> None:
    first = answered(bench, "no")

    second = bench.go(bench.queue(first.incident, "level2-postgres"))
    bench.approve(second)
    second = bench.go(second)
    bench.answer(second)
    second = bench.go(second)

    incident = bench.incident(second)
    assert (incident.state, incident.users_say) == (IncidentState.RECOVERED, UsersSay.YES)
    assert incident.rto_seconds is not None and incident.confirmed_at is not None


@pytest.mark.parametrize("silence", ["unconfirmed", "yes"])
def test_silence_is_no_yes(bench: Bench, silence: str) -> None:
    run = asked(bench)
    with bench.database.write() as tx:
        steps.answer(tx, run.id, "confirm", silence, None)
    run = bench.go(run)

    incident = bench.incident(run)
    assert (incident.state, incident.users_say) == (IncidentState.RECOVERED, UsersSay.NOTHING)
    assert incident.confirmed_at is None
    assert bench.step(run, "confirm").summary == f"Nobody answered in time: {silence}."
    assert len(bench.events(run, "incident.unconfirmed")) == 1
