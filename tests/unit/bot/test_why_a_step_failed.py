"""Why a step failed comes first everywhere, also where what it had made was taken back since."""

import json

from drbot.bot.blocks.plan import plan_blocks
from drbot.bot.blocks.progress import progress_line
from drbot.commands.verb.status import status_reply
from drbot.commands.views.event_lines import voice_of
from drbot.commands.views.incident_view import IncidentView
from drbot.commands.views.report_text import report_of
from drbot.core.base.errors import Cause
from drbot.core.runs.run import Offer, RunState, StepState
from tests.unit.bot.recorded import ran
from tests.unit.bot.situations import NOW, configuration, record, situation

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
    view = failed()
    assert view.run is not None

    report = report_of(
        incident=view.incident, events=[], runs=[view.run], steps=view.steps, requests=[], votes={}, repair_times=[],
        configuration=configuration(), voice=voice_of(view), today=NOW.date(),
    )  # fmt: skip

    assert f"1. copy: {SAID}" in report
    assert f"| copy | failed, taken back | - | - | {SAID} |" in report
