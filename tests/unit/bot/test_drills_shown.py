"""A drill is shown in the reader's language, and says who voted where nobody was asked."""

import json
from dataclasses import replace

import pytest

from drbot.bot.blocks.approval_card import approval_card
from drbot.bot.blocks.reply import reply_blocks
from drbot.commands.verb.status import status_reply
from drbot.commands.views.incident_view import IncidentView
from drbot.core.approvals.approval import RequestState
from drbot.core.runs.drill import STAND_INS, title_of
from drbot.core.site.level import Level
from drbot.core.site.site import DRILL_SITE
from tests.unit.bot.situations import request, situation, vote
from tests.unit.bot.test_one_truth import slack_surfaces


def drilled(language: str, *people: str) -> IncidentView:
    """A drill that was approved by these."""
    view = situation(language=language, title=title_of(Level.DATABASE))
    asked = request(RequestState.GRANTED)
    incident = replace(view.incident, site=DRILL_SITE)
    return replace(view, incident=incident, request=asked, votes=tuple(map(vote, people)))


def test_every_surface_says_a_drills_title_in_the_channels_language() -> None:
    for surface, (_, blocks) in slack_surfaces(drilled("ja"), "ja").items():
        shown = json.dumps(blocks, ensure_ascii=False)
        assert "レベル 2 の訓練" in shown and "Drill of level" not in shown, surface


@pytest.mark.parametrize(("people", "said"), [(STAND_INS, "stand-ins voted"), (("ben", "chika"), "2 of 2")])
def test_status_and_card_say_that_stand_ins_voted(people: tuple[str, ...], said: str) -> None:
    view = drilled("en", *people)

    for blocks in (reply_blocks(status_reply(view), "en"), approval_card(view, is_current=True)):
        shown = json.dumps(blocks, ensure_ascii=False)
        assert said in shown and "0 of 2" not in shown
