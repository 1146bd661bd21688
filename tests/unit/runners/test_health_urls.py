"""What a health URL may answer: 2xx, also behind redirects of the same host."""

from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from threading import Event

import pytest

from drbot.runners.clients.health import MOST_REDIRECTS, REQUEST_SECONDS, answer_of, fault_of_url
from drbot.runners.clients.web import MOST_BYTES
from tests.web_servers import serving

ANSWERS: dict[str, tuple[int, str]] = {
    "/ok": (200, ""),
    "/empty": (204, ""),
    "/sign-in": (302, "/ok"),
    "/twice": (307, "/sign-in"),
    "/elsewhere": (302, "http://localhost:{port}/ok"),
    "/to-missing": (301, "/missing"),
    "/missing": (404, ""),
    "/broken": (503, ""),
    "/circle": (302, "/circle"),
    "/nowhere": (304, ""),
    "/to-a-file": (302, "file:///etc/passwd"),
}
BODIES = {"/stream": (b"well ", 1.0), "/flood": (b"x" * 65536, 0.0)}  # what comes, and after how many seconds more
ENDLESS = {**BODIES, "/drip": (b"x", 1.0)}  # the last one in its headers
END = Event()


class Service(BaseHTTPRequestHandler):
    """Answers as ANSWERS says."""

    def do_GET(self) -> None:
        if self.path in ENDLESS:
            self._go_on(ENDLESS[self.path])
            return
        status, location = ANSWERS[self.path]
        self.send_response(status)
        if location:
            self.send_header("Location", location.format(port=self.headers["Host"].rpartition(":")[2]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _go_on(self, given: tuple[bytes, float]) -> None:
        piece, seconds = given
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=hex")
        if self.path == "/drip":
            self.flush_headers()
        else:
            self.end_headers()
        with suppress(OSError):
            while not END.wait(seconds):
                self.wfile.write(piece)


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with serving(Service) as port:
        yield f"http://127.0.0.1:{port}"
        END.set()


@pytest.mark.parametrize("path", ["/ok", "/empty", "/sign-in", "/twice"])
def test_any_2xx_is_healthy_also_behind_redirects_of_the_same_host(service: str, path: str) -> None:
    assert fault_of_url(service + path) is None


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/missing", "/missing answers 404"),
        ("/broken", "/broken answers 503"),
        ("/to-missing", "/missing answers 404"),
        ("/nowhere", "/nowhere answers 304"),
        ("/elsewhere", "/elsewhere redirects to another host: localhost"),
        ("/to-a-file", "unsupported protocol"),
        ("/circle", f"redirects more than {MOST_REDIRECTS} times"),
    ],
)
def test_errors_and_redirects_elsewhere_are_not_healthy(service: str, path: str, said: str) -> None:
    assert said in (fault_of_url(service + path) or "")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("path", BODIES)
def test_an_answer_without_an_end_holds_nobody_up_and_takes_no_memory(service: str, path: str) -> None:
    fault, said = answer_of(service + path)

    assert fault is None and said
    assert len(said) <= MOST_BYTES


@pytest.mark.timeout(60)
def test_headers_that_come_letter_by_letter_are_no_answer(service: str) -> None:
    assert f"no whole answer within {int(2 * REQUEST_SECONDS)} s" in (fault_of_url(f"{service}/drip") or "")
