"""Ports inside the sandbox, reached from the worker through `docker exec`: no network leads in there either."""

import socket
import subprocess
import threading
from contextlib import suppress

from drbot.runners.clients.sandbox import Sandbox

BACKLOG = 16


class SandboxPorts:
    """Listens on the loopback of this host for some ports of the sandbox, until `close`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._listening: dict[tuple[str, int], socket.socket] = {}

    def __call__(self, address: str, port: int) -> int:
        """The port on this host that leads to this one inside; the same each time."""
        if (address, port) not in self._listening:
            listening = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
            self._listening[address, port] = listening
            serve = (listening, address, str(port))
            threading.Thread(target=self._serve, args=serve, name=f"drill-port-{port}", daemon=True).start()
        return int(self._listening[address, port].getsockname()[1])

    def close(self) -> None:
        for one in self._listening.values():
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # wakes who waits there
            one.close()

    def _serve(self, listening: socket.socket, address: str, port: str) -> None:
        with suppress(OSError):  # closed
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=self._carry, args=(connection, address, port), daemon=True).start()

    def _carry(self, connection: socket.socket, address: str, port: str) -> None:
        command = [*self._sandbox.docker, "exec", "-i", self._sandbox.name, *self._sandbox.within("nc", address, port)]
        with connection:
            end = connection.fileno()
            subprocess.run(command, stdin=end, stdout=end, stderr=subprocess.DEVNULL, check=False)
