"""`drbot init` asks first for the page that the service's own health check asks for."""

from collections.abc import Sequence

import pytest

from drbot.runners.clients.discovery import urls_of
from drbot.runners.clients.told_health import Page, page_in

READY = Page(scheme="http", port=8080, path="/ready")


@pytest.mark.parametrize(
    ("test", "page"),
    [
        (("CMD", "curl", "-f", "http://localhost:8080/ready"), READY),
        (("CMD-SHELL", "curl -fsS http://127.0.0.1:8080/ready || exit 1"), READY),
        (("CMD-SHELL", "/usr/bin/wget -qO- 'http://[::1]:8080/ready' | grep -q ok"), READY),
        (("CMD", "sh", "-c", 'test "$(curl -s localhost:8080/ready)" = ok'), READY),
        (("CMD", "wget", "--spider", "localhost"), Page(scheme="http", port=80, path="/")),
        (("CMD", "curl", "-k", "https://localhost/a?b=1"), Page(scheme="https", port=443, path="/a?b=1")),
        (("CMD-SHELL", "curl -f http://localhost:${PORT}/ready"), None),
        (("CMD-SHELL", "curl -f http://localhost:8080/$NAME"), None),
        (("CMD", "curl", "-f", "http://auth:8080/ready"), None),
        (("CMD", "pg_isready", "-h", "localhost"), None),
        (("NONE",), None),
        ((), None),
    ],
    ids=str,
)
def test_the_page_that_a_health_check_asks_for(test: Sequence[str], page: Page | None) -> None:
    assert page_in(test) == page


def test_it_comes_before_what_is_usual_on_the_port_where_it_is_published() -> None:
    ports = [
        {"Type": "tcp", "PrivatePort": 3000, "PublicPort": 3000, "IP": "0.0.0.0"},
        {"Type": "tcp", "PrivatePort": 8080, "PublicPort": 18080, "IP": "127.0.0.1"},
    ]

    assert next(urls_of(ports, READY)) == "http://127.0.0.1:18080/ready"
    assert next(urls_of(ports, None)) == next(urls_of(ports[:1], READY)) == "http://127.0.0.1:3000/health"
