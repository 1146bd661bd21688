"""Where nobody is asked, the board alone tells what a plan warns of: nothing may be left out without a word."""

from drbot.bot.blocks.plan import WARNINGS, plan_blocks
from tests.unit.bot.situations import plan, run, situation


def test_more_warnings_than_there_is_room_for_are_counted() -> None:
    told = tuple(f"warning {number}" for number in range(WARNINGS + 2))
    said = [
        block["text"]["text"] for block in plan_blocks(situation(run=run(of=plan(warnings=told)))) if "text" in block
    ]
    assert said[: WARNINGS + 1] == [*(f":warning: {one}" for one in told[:WARNINGS]), ":warning: And 2 more."]
