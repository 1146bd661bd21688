"""What an RDB file holds, by the image's own program: it reads every key and the checksum."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from drbot.core.base.errors import Cause, PermanentError
from drbot.core.text.messages import phrase
from drbot.runners.clients import helper
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.helper import HelperOrder
from drbot.runners.clients.last_words import last_line
from drbot.runners.clients.streams import feed_command
from drbot.runners.foundation.causes import cause_in
from drbot.runners.foundation.watching import Cancelled

CHECK = '"$(command -v redis-check-rdb || command -v valkey-check-rdb)"'
FILE = "/tmp/drbot.rdb"  # noqa: S108  inside a container of our own


@dataclass(frozen=True, kw_only=True, slots=True)
class RdbCount:
    """Keys in all databases of a file; of these, those with a time to live; of these, those whose time is over now."""

    keys: int
    expiring: int
    expired: int = 0

    @property
    def lasting(self) -> int:
        """Keys that nothing but a command removes."""
        return self.keys - self.expiring


def counted(said: str) -> RdbCount:
    """From what the program says. Raises PermanentError when it found a fault, which it says instead."""
    keys, expiring, expired = (
        re.search(rf"(\d+) {word}", said) for word in ("keys read", "expires", "already expired")
    )
    fault = re.search(r"ERROR DETECTED ---\s+(?:\[.*?\] )?(.*)", said)
    if keys is None or fault:
        raise PermanentError(
            phrase("The RDB file is damaged, or is none: {why}", why=fault[1] if fault else last_line(said)),
            cause=cause_in(said, Cause.BACKUP),
        )
    return RdbCount(
        keys=int(keys[1]), expiring=int(expiring[1]) if expiring else 0, expired=int(expired[1]) if expired else 0
    )


def write_and_count(
    engine: DockerEngine, order: HelperOrder, file: str, chunks: Iterable[bytes], cancelled: Cancelled
) -> RdbCount:
    """Put a file into a container of this order, over one whose owner and mode it keeps, and count its keys."""
    asleep = replace(order, entrypoint=("sleep", "infinity"), command=(), user="root")
    with helper.helper(engine, asleep) as container:
        helper.start(engine, container)
        command = ["sh", "-c", f'cat > "$1" && {CHECK} "$1"', "put", file]
        ended = feed_command(engine, container, command, chunks, cancelled)
        helper.require_not_ended(engine, container)
    count = counted(ended.output)
    if ended.code != 0:
        raise PermanentError(
            phrase("The RDB file could not be put in place or read: {said}", said=last_line(ended.output)),
            cause=ended.cause,
        )
    return count
