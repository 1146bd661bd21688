"""While break-glass holds, everybody sees until when one no stops it."""

from datetime import timedelta

import pytest

from drbot.bot.blocks.approval_card import approval_card
from drbot.core.approvals.approval import RequestState
from drbot.core.site.people import Roster
from tests.unit.bot.situations import NOW, request, situation, vote


@pytest.mark.parametrize(("language", "word"), [("en", "BREAK-GLASS"), ("ja", "緊急単独実行")])
def test_the_card_says_until_when_one_no_stops_it_and_has_the_button(language: str, word: str) -> None:
    held = request(hold_until=NOW + timedelta(minutes=10))
    now = situation(language=language, request=held, votes=(vote("aiko", "break-glass", "nobody answers"),))

    card = str(approval_card(now, is_current=True))

    assert word in card and "03:22:00" in card
    assert "vote:deny" in card and "nobody answers" in card


def test_a_hold_that_is_over_is_not_shown_any_more() -> None:
    over = request(RequestState.DENIED, hold_until=NOW + timedelta(minutes=10))

    assert "BREAK-GLASS" not in str(approval_card(situation(request=over), is_current=True))


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Everyone whose vote would count has already voted"), ("ja", "承認者が残っていません")],
)
def test_a_card_that_nobody_can_answer_while_break_glass_waits_says_so(language: str, words: str) -> None:
    empty, held = Roster(people={}), request(hold_until=NOW)
    card = approval_card(situation(language=language, roster=empty, request=held), is_current=True)

    assert words in str(card)
