"""The page draws every picture that drbot names; one that it does not know would stand there as letters."""

import re
from pathlib import Path

from drbot.bot.listeners.timeline import PINS
from drbot.bot.outbound.pulse import REACTION
from drbot.commands.speech.event_texts import EVENT_TEXTS

ROOT = Path(__file__).parents[3]


def test_the_page_knows_every_picture_that_drbot_names() -> None:
    table = (ROOT / "drbot" / "slack_simulator" / "page" / "js" / "emoji.js").read_text(encoding="utf-8")
    known = set(re.findall(r'"?([\w+-]+)"?: "', table))
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot").rglob("*.py"))
    named = {
        *re.findall(r'":([a-z_]+):', sources),
        *PINS,
        REACTION,
        *(said.icon for said in EVENT_TEXTS.values() if said.icon),
    }

    assert len(named) > 20
    assert sorted(named - known) == []
