"""Every state of a request and every decision has its words."""

from collections.abc import Mapping
from enum import StrEnum

import pytest

from drbot.core.approvals.approval import RequestState
from drbot.core.approvals.state_words import REQUEST, WORDS, word_of
from drbot.core.runs.run import Settlement
from drbot.core.text.messages import say


@pytest.mark.parametrize(("states", "words"), [(RequestState, REQUEST), (Settlement, WORDS)])
def test_every_state_has_its_words(states: type[StrEnum], words: Mapping[str, object]) -> None:
    assert {state.value for state in states} <= words.keys()


def test_what_is_no_word_of_drbots_stays_as_it_was_written() -> None:
    assert word_of("maybe") == "maybe"
    assert word_of(Settlement.RETRY) == "retry"
    assert say(word_of(Settlement.RETRY), "ja") == "もう一度実行"
