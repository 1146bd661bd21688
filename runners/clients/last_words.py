"""What a program said at its end, for a sentence to people."""

import re

from drbot.core.text.messages import Message, phrase
from drbot.core.text.words import cut


def last_line(output: str) -> str:
    """The last thing a program said that is not empty, without the rows psql quotes."""
    if isinstance(output, Message):  # ours, for want of its own
        return output
    lines = [line for line in output.splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if re.search(r"(error|fatal):", line, re.IGNORECASE)), None)
    if not lines:
        return phrase("it said nothing")
    return cut((said or lines[-1]).strip(), 300)
