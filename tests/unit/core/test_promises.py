"""What people are told about the future comes true in time: rounded up, with a margin, in one place."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from drbot.bot.blocks.status_post import Said, status_post, status_sentence
from drbot.core.runs.clocks import clocks_of, minutes_up, next_update_by, remaining_seconds, with_margin
from drbot.core.runs.incident import IncidentState
from drbot.core.runs.run import RunState, StepState
from drbot.core.site.site import DRILL_SITE, Targets
from tests.unit.bot.situations import NOW, plan, record, request, run, situation

seconds = st.integers(min_value=0, max_value=1_000_000)


@given(seconds, st.integers(min_value=0, max_value=59), st.integers(min_value=0, max_value=999_999))
def test_a_promise_is_never_earlier_than_what_it_promises(cadence: int, second: int, microsecond: int) -> None:
    now = NOW.replace(second=second, microsecond=microsecond)

    assert next_update_by(now, cadence) >= now + timedelta(seconds=cadence + 60)
    assert next_update_by(now, cadence).second == 0
    assert with_margin(cadence) >= cadence + 120 and with_margin(cadence) >= 1.25 * cadence
    assert minutes_up(cadence) >= cadence


def said(situation_: object) -> str:
    return str(status_post(situation_))  # type: ignore[arg-type]


def test_an_hour_is_only_promised_when_it_does_not_hang_on_a_person() -> None:
    assert "back at about 03:25 UTC" in said(situation())  # 10 min of budget: 12.5 with its margin, rounded up
    waiting = said(situation(request=request(), run=run(RunState.WAITING)))

    assert "back at about" not in waiting
    assert "Once our team has decided, we expect it to take 13 min more." in waiting
    assert "Next update at 03:43 UTC at the latest" in waiting


def test_stakeholders_read_the_time_of_their_own_clocks() -> None:
    here = situation().configuration.model_copy(update={"time_zone": "Asia/Tokyo"})

    told = said(replace(situation(), configuration=here))

    assert "back at about 12:25 JST" in told and "at 12:43 JST at the latest" in told


def test_the_next_update_is_promised_in_every_state_but_the_last() -> None:
    for state in IncidentState:
        assert ("Next update at" in said(situation(state=state))) is (state is not IncidentState.RESOLVED)


def test_what_takes_longer_than_told_is_said() -> None:
    begun = record("copy", StepState.RUNNING, started_at=NOW - timedelta(minutes=13))

    assert "longer than we expected" in said(situation(steps=(begun,)))
    assert "longer than we expected" not in said(situation(steps=(record("copy", StepState.RUNNING, started_at=NOW),)))


def test_a_forecast_has_the_margin_everywhere() -> None:
    clocks = clocks_of(situation().incident, plan(), (), Targets(), NOW)

    assert clocks.rto_forecast == clocks.rto_used + with_margin(600)


def test_the_clock_of_a_drill_stands_until_its_copy_is_broken() -> None:
    incident = replace(situation().incident, site=DRILL_SITE, declared_at=NOW - timedelta(minutes=3))
    whole = replace(incident, started_at=incident.declared_at)
    broken = replace(incident, started_at=NOW - timedelta(minutes=1))

    used = [clocks_of(one, None, (), Targets(), NOW).rto_used for one in (whole, broken)]

    assert used == [0, 60]


def test_what_a_running_step_has_taken_by_now_is_not_forecast_again() -> None:
    half = record("copy", StepState.RUNNING, started_at=NOW - timedelta(minutes=5))
    late = record("copy", StepState.RUNNING, started_at=NOW - timedelta(minutes=13))

    assert remaining_seconds(plan(), (half,), NOW) == 300
    assert remaining_seconds(plan(), (late,), NOW) == 0


def test_words_of_two_people_in_one_post_carry_both_names() -> None:
    two = [Said(who="Aiko", words="We found it."), Said(who="Ben", words="It takes an hour.")]

    for shown in (str(status_post(situation(), two)), status_sentence(situation(), two)):
        assert "Aiko" in shown and "Ben" in shown
        assert shown.index("Aiko") < shown.index("We found it.") < shown.index("Ben") < shown.index("It takes an hour.")


def test_no_clock_runs_on_after_an_incident_was_closed_without_a_recovery() -> None:
    closed = replace(situation(state=IncidentState.RESOLVED).incident, resolved_at=NOW)

    later = clocks_of(closed, None, (), Targets(), NOW + timedelta(days=2))

    assert later.rto_used == (NOW - closed.started_at).total_seconds()
