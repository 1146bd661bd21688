"""What the page completes is what the parser takes."""

import re
from pathlib import Path

from drbot.commands.speech.verbs import VERBS

TABLE = Path(__file__).parents[3] / "drbot" / "slack_simulator" / "page" / "js" / "verbs.js"


def test_the_page_completes_exactly_the_verbs_of_the_parser() -> None:
    completed = re.findall(r'\{ word: "([\w-]+)", usage:', TABLE.read_text(encoding="utf-8"))

    assert sorted(completed) == sorted(verb for verb, words in VERBS.items() if words.usage)
