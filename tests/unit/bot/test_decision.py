"""A message that asks for a decision: one line with the names of what does not work, one row of buttons, no more."""

from dataclasses import replace

import pytest

from drbot.bot.blocks.decision import decision_buttons
from drbot.bot.blocks.lines import detail, milestone
from drbot.commands.views.available_actions import available_actions
from drbot.commands.views.incident_view import IncidentView
from drbot.core.ledger.events import Event, EventKind
from drbot.core.runs.run import Offer, RunState, StepState
from drbot.core.site.site import DRILL_SITE
from tests.unit.bot.situations import event, record, run, situation, step
from tests.unit.bot.situations import plan as plan_of

QUESTION = (
    "The services answer their users (health): Not healthy after 60 s: "
    + 'auth: http://127.0.0.1:8001/health answers 503: {"status": "unhealthy"}; user: timed out. ' * 9
)
STEPS = (step("health", "The services answer their users", do="health.wait", if_fails="ask", undo={"do": "x"}),)


def asked(state: StepState, passed: bool | None = None, **payload: object) -> tuple[Event, IncidentView]:
    happened = event(EventKind.RUN_NEEDS_DECISION, step="health", question=QUESTION, **payload)
    finding = None if passed is None else QUESTION
    looked_at = record("health", state, summary=QUESTION, finding=finding, finding_passed=passed)
    going = run(RunState.NEEDS_DECISION, plan_of(steps=STEPS))
    return happened, situation(run=going, steps=(looked_at,), turn=happened)


def labels(happened: Event, shown: IncidentView) -> list[str]:
    return [one["text"]["text"] for block in decision_buttons((happened,), shown) for one in block["elements"]]


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("en", ":raised_hand: *The services answer their users* failed, not working: *auth, user*."),
        ("ja", ":raised_hand: *The services answer their users* が失敗しました (動いていないもの: *auth、user*)。"),
    ],
)
def test_a_failed_step_is_one_line_with_the_names_of_what_does_not_work(language: str, line: str) -> None:
    happened, shown = asked(StepState.FAILED, passed=False, broken=["auth", "user"])
    spoken = situation(language=language, run=shown.run, steps=shown.steps, turn=happened)

    assert milestone(happened, spoken) == line
    assert decision_buttons((happened,), spoken)


def test_what_can_be_done_stands_below_as_buttons_and_the_whole_story_in_the_thread() -> None:
    happened, shown = asked(StepState.FAILED, passed=False, broken=["auth"])

    assert labels(happened, shown)[0] == "Try again" and "Stop here" in labels(happened, shown)
    assert "answers 503" in (detail(happened, shown) or "")
    assert "answers 503" not in (milestone(happened, shown) or "")


def test_only_the_emergency_stop_is_red() -> None:
    _, shown = asked(StepState.FAILED, passed=False)
    looks = {one.label: one.style for one in available_actions(shown)}

    assert (looks["STOP"], looks["Stop here"]) == ("danger", "default")


@pytest.mark.parametrize(("site", "offered"), [("production", True), (DRILL_SITE, False)])
def test_what_was_stopped_is_tried_again_in_an_incident_and_not_in_a_drill(site: str, offered: bool) -> None:
    """Its copy is removed, and the next one is another drill."""
    going = situation(run=replace(run(RunState.STOPPED), offers=(Offer.RESTART,)))
    shown = replace(going, incident=replace(going.incident, site=site))
    verbs = {one.verb for one in available_actions(shown)}

    assert ({"recover", "restart"} <= verbs, verbs.isdisjoint({"recover", "restart"})) == (offered, not offered)


@pytest.mark.parametrize(("passed", "looks"), [(True, "it looks *done*"), (False, "it looks *not done*")])
def test_an_unsure_step_is_asked_about_once_it_was_looked_at(passed: bool, looks: str) -> None:
    happened, unseen = asked(StepState.UNSURE)
    _, seen = asked(StepState.UNSURE, passed=passed)

    assert "drbot is checking" in (milestone(happened, unseen) or "")
    assert decision_buttons((happened,), unseen) == []
    assert looks in (milestone(happened, seen) or "")
    assert labels(happened, seen)


def test_a_long_reason_is_cut_at_a_word_in_the_channel_and_whole_in_the_thread() -> None:
    words = " ".join(f"word{number}" for number in range(200))
    todo = "/dr restart starts the services."
    failed = event(EventKind.RUN_FAILED, step="copy", why=f"{words} {todo}", todo=todo)

    line = milestone(failed, situation()) or ""

    assert line.endswith(f"… {todo}") and len(line) < 400
    assert all(word in words.split() for word in line.split("…")[0].split(": ")[-1].split())
    assert "word199" in (detail(failed, situation()) or "")
    assert (detail(failed, situation()) or "").count(todo) == 1


def test_a_short_reason_is_not_said_twice() -> None:
    failed = event(EventKind.RUN_FAILED, step="copy", why="The disk is full.")

    assert detail(failed, situation()) is None


def test_a_no_is_told_once_and_the_end_of_the_run_only_asks_what_now() -> None:
    why = "Ben answered: no. The data was replaced; the old data is kept in postgres_data_before."
    ended = event(EventKind.RUN_FAILED, step="", why=why, todo="")
    ended = replace(ended, payload={"step": "confirm", "why": why})
    shown = situation(run=run(RunState.FAILED))

    assert milestone(ended, shown) == ":raised_hand: The recovery ended with this answer. Choose how to go on."
    assert why in (detail(ended, shown) or "")
