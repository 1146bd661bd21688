"""Why a step failed comes first everywhere, also where what it had made was taken back since."""

import json
from dataclasses import replace

from drbot.bot.blocks.board import board
from drbot.bot.blocks.elements import BUTTON
from drbot.bot.blocks.plan import plan_blocks
from drbot.bot.blocks.progress import progress_line
from drbot.commands.verb.status import status_reply
from drbot.commands.views.available_actions import available_actions
from drbot.commands.views.event_lines import voice_of
from drbot.commands.views.incident_view import IncidentView
from drbot.commands.views.report_text import report_of
from drbot.core.approvals.approval import RequestState
from drbot.core.base.errors import Cause
from drbot.core.runs.run import Offer, RunState, StepState
from drbot.core.text.messages import say
from tests.unit.bot.recorded import ran
from tests.unit.bot.situations import KEPT, NOW, configuration, record, request, situation, vote

WHY, TAKEN_BACK = "the disk is full", "Removed the copy."
SAID = f"{WHY}. {TAKEN_BACK}"


def failed() -> IncidentView:
    """The copy failed, and what was made of it is gone."""
    copy = record("copy", StepState.UNDONE, attempt=1, summary=WHY, cause=Cause.DISK, taken_back=TAKEN_BACK)
    run = ran(RunState.BLOCKED, Offer.ASK_AGAIN, Offer.ANOTHER_BACKUP, Offer.DISCARD, next_backup="older.sql.gz")
    return situation(run=run, steps=(copy,))


def test_the_board_says_why_and_does_not_call_it_done() -> None:
    view = failed()

    (task, *_) = next(block for block in plan_blocks(view) if block["type"] == "plan")["tasks"]

    assert task["status"] == "error"
    assert SAID in json.dumps(task["output"])
    assert progress_line(view).startswith("Step 1 of 4")


def test_the_status_and_the_terminal_say_why() -> None:
    reply = status_reply(failed())

    cells = [cell for table in reply.tables for row in table.rows for cell in row]
    assert f"copy: failed, taken back: {SAID}" in cells
    assert {SAID, "failed, taken back"} <= set(cells)


def test_the_report_says_why_among_steps_and_issues() -> None:
    report = reported(failed())

    assert f"1. copy: {SAID}" in report
    assert f"| copy | failed, taken back | - | - | {SAID} |" in report


def reported(view: IncidentView) -> str:
    assert view.run is not None
    return report_of(
        incident=view.incident, events=[], runs=[view.run], steps=view.steps, requests=view.requests, votes={},
        repair_times=[], configuration=configuration(), voice=voice_of(view), today=NOW.date(),
    )  # fmt: skip


def denied() -> IncidentView:
    """Ben said no: nothing of the plan comes any more."""
    gate = record("approval", StepState.WAITING)
    run = ran(RunState.BLOCKED, Offer.DISCARD)
    asked = request(RequestState.DENIED)
    return situation(run=run, steps=(gate,), request=asked, votes=(vote("ben", "deny"),))


def test_after_a_no_nothing_waits_and_nothing_is_promised() -> None:
    view = denied()

    tasks = {task["task_id"]: task for block in plan_blocks(view) if block["type"] == "plan" for task in block["tasks"]}
    said = json.dumps(board(view))

    assert (tasks["approval"]["status"], "(denied)" in tasks["approval"]["title"]) == ("error", True)
    assert "forecast" not in said and "about" not in said
    assert "no backup is being restored" in said


def test_after_a_no_the_status_says_who_said_it() -> None:
    rows = {row[0]: row[1] for row in status_reply(denied()).tables[0].rows}

    assert rows["Approval"] == "0 of 2, denied by Ben"
    assert "forecast" not in rows["RTO"] and "RPO" not in rows


def test_after_a_no_the_report_says_it_of_the_gate_too() -> None:
    row = next(line for line in reported(denied()).splitlines() if line.startswith("| approval"))

    assert row.startswith("| approval | denied |")


def labels(view: IncidentView) -> list[str]:
    return [say(one.label, "en") for one in available_actions(view) if one.verb == "ask-again"]


def test_after_a_no_the_button_says_who_alone_can_ask_again() -> None:
    offered = ran(RunState.BLOCKED, Offer.ASK_AGAIN, Offer.DISCARD)

    assert labels(replace(denied(), run=offered)) == ["Ask again (only who denied can)"]
    assert labels(replace(denied(), run=offered, request=request(RequestState.EXPIRED))) == ["Try again"]


def test_where_another_backup_is_the_better_way_the_button_says_that_it_is_the_same_one() -> None:
    blocked = situation(run=ran(RunState.BLOCKED, Offer.ANOTHER_BACKUP, Offer.ASK_AGAIN))

    assert labels(blocked) == ["Try the same backup again"]


def test_of_two_names_that_differ_at_their_end_a_button_shows_which_is_meant() -> None:
    names = [f"shop-production_postgres_data_{what}_r12-20261126-031200" for what in ("before", "undone")]
    view = situation(kept=tuple(replace(KEPT, volume=name) for name in names), run=None)

    labels = [say(one.label, "en") for one in available_actions(view) if one.verb == "give-up"]

    assert [("_before_r12" in label, "_undone_r12" in label) for label in labels] == [(True, False), (False, True)]
    assert all(len(label) <= BUTTON for label in labels)


def test_the_status_says_what_the_card_says_of_the_plan() -> None:
    plan = ran(RunState.WAITING).plan
    assert plan is not None
    warned = plan.model_copy(update={"warnings": ("A newer backup was refused: it is truncated",)})

    rows = status_reply(situation(run=replace(ran(RunState.WAITING), plan=warned))).tables[0].rows

    assert ("Note", "A newer backup was refused: it is truncated") in rows
