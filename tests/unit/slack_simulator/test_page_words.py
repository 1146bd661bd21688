"""What the page says around the messages is in the catalogue like everything else that people read."""

import re
from pathlib import Path

from drbot.core.text.messages import say
from drbot.slack_simulator.page_words import PAGE_WORDS, script_of
from drbot.slack_simulator.people import TEAM_NAME
from drbot.slack_simulator.state import State

PAGE = Path(__file__).parents[3] / "drbot" / "slack_simulator" / "page"
SAID = re.compile(r'\bsay(?:With)?\(\s*"([^"]+)"')
"""`say("…")` of page/js/words.js."""
PAST_IT = re.compile(r'(?:title|"aria-label"): "[^"]+"|"[A-Z][^"]*[a-z]{2} [^"]*"')
"""A literal that somebody reads or hears."""


def scripts() -> str:
    return "".join(path.read_text(encoding="utf-8") for path in sorted(PAGE.rglob("*.js")))


def test_the_page_asks_for_no_words_that_are_not_there() -> None:
    asked = {
        *SAID.findall(scripts()),
        *re.findall(r'aria-label="([^"]+)"', (PAGE / "index.html").read_text()),
        TEAM_NAME,
    }

    assert len(asked) > 50
    assert asked == set(map(str, PAGE_WORDS))


def test_no_words_are_written_past_the_catalogue() -> None:
    left = re.sub(r"(?m)^//.*$|;\s+//.*$", "", SAID.sub("", scripts()))

    assert PAST_IT.findall(left) == []


def test_a_japanese_page_has_its_own_words_for_all_of_it() -> None:
    assert [words for words in PAGE_WORDS if say(words, "ja") == words] == []
    state = State()
    state.language = "ja"
    assert 'language = "ja"' in script_of(state)
