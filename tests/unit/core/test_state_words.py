"""Every state, vote and decision has its Japanese word."""

from enum import StrEnum

import pytest

from drbot.core.approval import RequestState
from drbot.core.incident import IncidentState
from drbot.core.run import RunState, Settlement, StepState
from drbot.core.state_words import JAPANESE, state_text, word_of


@pytest.mark.parametrize("states", [IncidentState, RunState, StepState, RequestState, Settlement])
def test_every_state_has_a_japanese_word(states: type[StrEnum]) -> None:
    assert {state.value for state in states} <= JAPANESE.keys()


def test_what_is_no_word_of_drbots_stays_as_it_was_written() -> None:
    assert word_of("maybe") == "maybe"
    assert state_text(RunState.BLOCKED) == {"en": "blocked", "ja": "中断"}
