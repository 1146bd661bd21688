"""Names that dr.yml says are never masked: a password that is a part of one (RESTIC_PASSWORD=shop, the volume
shop_data) would take the volume from every plan, and an undo could not tell what it brings back.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from drbot.core.site.site import Configuration
from drbot.core.text.redaction import SHORTEST


def hidden(secrets: Iterable[str], configuration: Configuration) -> tuple[str, ...]:
    """Those that are masked wherever they stand: all but what is a part of something in dr.yml, which holds no secret.
    What looks like one by its shape is masked all the same.
    """
    known = "\n".join(_words(configuration.model_dump(mode="json")))
    return tuple(one for one in secrets if one not in known)


def guessable(secrets: Iterable[str], configuration: Configuration) -> int:
    """How many would be masked, and are a part of a name that everybody reads."""
    found = {one for one in secrets if len(one) >= SHORTEST}
    return len(found) - len(hidden(found, configuration))


def _words(value: Any) -> Iterator[str]:
    """Every text in it, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _words(key)
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
