"""A way to a Docker engine that can be shut and opened again: for whoever comes through it, the engine is away."""

import contextlib
import re
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

PIECE = 1 << 16


class EngineProxy:
    """A Unix socket that leads to another one."""

    def __init__(self, path: Path, engine: str) -> None:
        self.path = path
        self.host = f"unix://{path}"
        self.cut_at: re.Pattern[str] | None = None  # the first request like this is passed on, and then …
        self.away_seconds = 4.0  # … the engine is away for so long
        self.whole_at: re.Pattern[str] | None = None  # answers to requests like this arrive as one, as on a busy host
        self.loses_at: re.Pattern[str] | None = None  # requests like this have an empty answer …
        self.losses = 0  # … so many times
        self.requests: list[str] = []
        self.cuts = 0
        self._over = False  # a timer of an earlier cut must not bring it back
        self._engine = engine.removeprefix("unix://")
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._whole: set[socket.socket] = set()
        self._changing = threading.Lock()

    def come_back(self) -> None:
        """Answer from now on, unless the test is over."""
        with self._changing:
            if self._listener is not None or self._over:
                return
            listener = self._listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self.path))
            listener.listen(64)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def go_away(self) -> None:
        """Cut every connection; nothing answers."""
        with self._changing:
            listener, self._listener = self._listener, None
            if listener is not None:
                self.path.unlink(missing_ok=True)
                with contextlib.suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
                listener.close()
            cut, self._open = self._open, set()
        for connection in cut:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def away_for(self, seconds: float) -> threading.Timer:
        """Gone now, back later."""
        self.go_away()
        back = threading.Timer(seconds, self.come_back)
        back.daemon = True
        back.start()
        return back

    def end(self) -> None:
        """For good."""
        with self._changing:
            self._over = True
        self.go_away()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._engine)
                with self._changing:
                    self._open |= {near, far}
                for one, other, listens in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._pump, args=(one, other, listens), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, listens: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(PIECE):
                if listens and self._loses(data):
                    source.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    continue
                if listens and self.whole_at is not None and self.whole_at.search(first_line(data)):
                    self._whole.add(target)
                while source in self._whole and (more := source.recv(PIECE)):
                    data += more
                target.sendall(data)
                if listens and self._cuts(data):
                    self.away_for(self.away_seconds)
            target.shutdown(socket.SHUT_WR)

    def _loses(self, data: bytes) -> bool:
        with self._changing:
            if not self.losses or self.loses_at is None or not self.loses_at.search(first_line(data)):
                return False
            self.losses -= 1
            return True

    def _cuts(self, data: bytes) -> bool:
        line = first_line(data)
        with self._changing:
            self.requests.append(line[:200])
            if self.cut_at is None or not self.cut_at.search(line):
                return False
            self.cut_at = None
            self.cuts += 1
            return True


def first_line(data: bytes) -> str:
    """Of a request."""
    return data.split(b"\r\n", 1)[0].decode(errors="replace")


@contextlib.contextmanager
def engine_proxy(engine: str) -> Iterator[EngineProxy]:
    """To this engine, open; a socket's path is short, so it lies in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="drbot-proxy-", dir="/tmp"))
    proxy = EngineProxy(folder / "docker.sock", engine)
    proxy.come_back()
    try:
        yield proxy
    finally:
        proxy.end()
        shutil.rmtree(folder)
