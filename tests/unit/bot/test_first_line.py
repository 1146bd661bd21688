"""Whoever is to agree that something is replaced though it works reads that before anything else."""

import pytest

from drbot.bot.blocks.approval_card import approval_card, card_sentence
from drbot.bot.blocks.vote_dialog import vote_dialog
from drbot.commands.views.incident_view import IncidentView
from drbot.commands.views.vote_dialog import dialog_from
from drbot.core.text.messages import phrase
from tests.unit.bot.situations import NOW, plan, request, run, situation

SOUND = phrase("No data looks broken: {what}.", what=phrase("PostgreSQL answers, {rows} rows", rows=25))
SAID = {
    "en": "No data looks broken: PostgreSQL answers, 25 rows. Seen at 03:12:00 UTC.",
    "ja": "壊れているデータは見当たりません: PostgreSQL は応答しています (25 行)。確認時刻: 03:12:00 UTC。",
}


def asked(language: str, sound: str) -> IncidentView:
    made = plan()
    made = made.model_copy(update={"stakes": made.stakes.model_copy(update={"sound": sound})})
    return situation(language=language, run=run(of=made), request=request())


@pytest.mark.parametrize("language", SAID)
def test_card_and_dialog_begin_with_it(language: str) -> None:
    view = asked(language, SOUND)
    assert view.run is not None and view.run.plan is not None and view.request is not None
    dialog = dialog_from(
        incident=view.incident, plan=view.run.plan, request=view.request, votes=(), steps={}, roster=view.roster,
        clocks=view.clocks,
    )  # fmt: skip
    card = approval_card(view, is_current=True)
    opened = vote_dialog(dialog, "approve", language, NOW)

    assert card[1]["text"]["text"] == opened["blocks"][0]["text"]["text"] == f":warning: {SAID[language]}"
    assert SAID[language] in card_sentence(view)


def test_where_something_is_broken_there_is_no_such_line() -> None:
    assert ":warning:" not in str(approval_card(asked("en", ""), is_current=True)[1])
