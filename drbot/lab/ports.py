"""Free ports on loopback for the lab's services."""

import random
import socket
from pathlib import Path

# Below the range the system takes for outgoing connections: such a connection could hold a service's port just when
# the service is started again.
LOWEST, HIGHEST = 20_000, 32_000


def is_free(port: int) -> bool:
    """Whether nothing listens on this port of any interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
            probe.listen(1)
        except OSError:
            return False
        return True


def choose(preferred: int | None, taken: set[int]) -> int:
    """The preferred port if it is free, else a free one at random, so that labs starting together do not meet."""
    if preferred and preferred not in taken and is_free(preferred):
        return preferred
    while True:
        port = random.randint(LOWEST, HIGHEST)  # noqa: S311  (no secret)
        if port not in taken and is_free(port):
            return port


def port_of(file: Path) -> int:
    """The port written in this file; a free one is chosen and written the first time, and no other file's beside it:
    whoever shall listen there may not do so yet.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        taken = {int(other.read_text()) for other in file.parent.glob("*.port")}
        file.write_text(str(choose(None, taken)))
    return int(file.read_text())
