"""Bytes into and out of a container, and stopped within a quarter of a second."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from drbot.core.base.errors import CancelledError
from drbot.core.text.messages import phrase
from drbot.runners.clients.docker_engine import DockerEngine, Executed
from drbot.runners.clients.docker_errors import docker_errors
from drbot.runners.clients.hijacked import PIECE, FrameDecoder, Hijacked, exit_code
from drbot.runners.foundation.watching import Cancelled

Heard = Callable[[int, bytes], None]  # stream, bytes

STDOUT = 1
KEPT_OUTPUT = 64_000


class Output:
    """What a command says: its end is kept, all of it is heard."""

    def __init__(self, heard: Heard | None) -> None:
        self.kept = bytearray()
        self._heard = heard
        self._decoder = FrameDecoder()

    def take(self, data: bytes) -> None:
        for stream, piece in self._decoder.feed(data):
            self.kept += piece
            if self._heard is not None:
                self._heard(stream, piece)
        del self.kept[:-KEPT_OUTPUT]


def feed_command(
    engine: DockerEngine,
    container: str,
    command: Sequence[str],
    chunks: Iterable[bytes],
    cancelled: Cancelled,
    environment: Mapping[str, str] | None = None,
    *,
    user: str = "",
    heard: Heard | None = None,
) -> Executed:
    """Run a command in a container of ours with `chunks` as its standard input.

    It may end before it has read everything; its exit code says why. What it says is also given to `heard` at once,
    which may raise to end it. Raises CancelledError; then the caller removes the container, and the command with it.
    """
    api = engine.client.api
    with docker_errors(phrase("Run {program} in a helper container", program=command[0])):
        made = api.exec_create(container, list(command), stdin=True, environment=dict(environment or {}), user=user)
        connection = Hijacked(api.exec_start(made["Id"], socket=True))
    output = Output(heard)
    try:
        with docker_errors(phrase("Send data to {program}", program=command[0])):
            _exchange(connection, chunks, output, cancelled)
    finally:
        connection.close()
    with docker_errors(phrase("Read the exit code of {program}", program=command[0])):
        code = exit_code(api, made["Id"])
    return Executed(code=code, output=output.kept.decode(errors="replace").strip())


def _exchange(connection: Hijacked, chunks: Iterable[bytes], output: Output, cancelled: Cancelled) -> None:
    """Send everything and collect what is said meanwhile, until the other side closes."""
    for chunk in chunks:
        if not _send(connection, memoryview(chunk), output, cancelled):
            return
    connection.finish()
    while _receive(connection, output, cancelled):
        pass


def _send(connection: Hijacked, view: memoryview, output: Output, cancelled: Cancelled) -> bool:
    """Send one chunk; False when the other side has closed."""
    while view:
        if cancelled():
            raise CancelledError(phrase("Stopped while data was being sent"))
        readable, writable = connection.ready(writing=True)
        if readable and not _take(connection, output):
            return False
        if writable:
            try:
                view = view[connection.send(view) :]
            except (BrokenPipeError, ConnectionResetError):
                while _receive(connection, output, cancelled):
                    pass
                return False
            except TimeoutError:
                continue
    return True


def _receive(connection: Hijacked, output: Output, cancelled: Cancelled) -> bool:
    """Wait a little for output; False at its end."""
    if cancelled():
        raise CancelledError(phrase("Stopped while waiting for a command in a helper container"))
    return _take(connection, output) if connection.ready()[0] else True


def _take(connection: Hijacked, output: Output) -> bool:
    try:
        data = connection.receive()
    except ConnectionResetError:
        return False
    output.take(data)
    return bool(data)


def output_of(engine: DockerEngine, container: str, errors: bytearray, cancelled: Cancelled) -> Iterator[bytes]:
    """Start a created helper and pass on its standard output; what it complains about is put into `errors`."""
    with docker_errors(phrase("Start a helper container")):
        wanted = {"stdout": 1, "stderr": 1, "stream": 1, "logs": 0}
        connection = Hijacked(engine.client.api.attach_socket(container, params=wanted))
        engine.client.api.start(container)
    try:
        for stream, piece in connection.frames(cancelled):
            if stream == STDOUT:
                yield piece
            else:
                errors += piece
                del errors[:-KEPT_OUTPUT]
    finally:
        connection.close()


def archive_of(engine: DockerEngine, container: str, path: str, cancelled: Cancelled) -> Iterator[bytes]:
    """A folder inside a container, running or not, as a tar stream; the container needs no program for it."""
    with docker_errors(phrase("Read {path} of a helper container", path=path)):
        pieces, _ = engine.client.api.get_archive(container, path, chunk_size=PIECE)
        for piece in pieces:
            if cancelled():
                raise CancelledError(phrase("Stopped while data was being read"))
            yield piece
