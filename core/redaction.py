"""Secrets are masked before anything reaches the journal, a log file or Slack: by value and by pattern."""

import re
from collections.abc import Iterable

MASK = "•••"
SHORTEST = 6  # a shorter value would mask half of every text

_PATTERNS = (
    re.compile(r"xox[abposr]-[\w-]{8,}|xapp-[\w-]{8,}"),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
    re.compile(r"(?i)(?<=password=)\S+|(?<=passwd=)\S+|(?<=secret=)\S+|(?<=token=)\S+"),
    re.compile(r"(?i)(?<=PASSWORD ')[^']+(?=')"),
    re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    re.compile(r"SCRAM-SHA-256\$[^\s']+"),
)


class Redactor:
    """Masks the given values and everything that looks like a secret."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        if self._values is not None:
            text = self._values.sub(MASK, text)
        for pattern in _PATTERNS:
            text = pattern.sub(MASK, text)
        return text
