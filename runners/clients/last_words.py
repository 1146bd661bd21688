"""What a program said at its end, for a sentence to people."""

import re

from drbot.core.words import cut


def last_line(output: str) -> str:
    """The last thing a program said that is not empty, without the rows psql quotes."""
    lines = [line for line in output.splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if re.search(r"(error|fatal):", line, re.IGNORECASE)), None)
    return cut((said or (lines[-1] if lines else "it said nothing")).strip(), 300)
