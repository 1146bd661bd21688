"""What answers at the address of a bucket and is none: a portal, a proxy, a site of somebody. Nothing there is no
backup, so it must not pass for an empty bucket.
"""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from drbot.core.base.errors import PermanentError, UserError
from drbot.core.site.site import ObjectStore
from drbot.runners.backups.choose_full import FullRules, choose_full_backup
from drbot.runners.clients.full_store import FullBackupStore
from drbot.runners.clients.object_store import ObjectStoreClient
from tests.web_servers import serving

KEYS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
PAGES = {
    "a page": b"<!doctype html><html><head><meta charset=utf-8><title>Sign in</title><body>Welcome<br>",
    "a page that is XML too": b"<html><head><title>Sign in</title></head><body><p>Welcome</p></body></html>",
    "nothing": b"",
    "JSON": b'{"status": "ok"}',
}


class Site(BaseHTTPRequestHandler):
    """Answers everything with the same page."""

    page = b""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(self.page)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.page)

    do_GET = do_HEAD = do_PUT = answer  # noqa: N815 - as http.server calls them


@pytest.fixture(params=PAGES)
def client(request: pytest.FixtureRequest) -> Iterator[ObjectStoreClient]:
    """Of a bucket that is no bucket."""
    handler = type("Page", (Site,), {"page": PAGES[request.param]})
    with serving(handler) as port:
        endpoint = f"http://127.0.0.1:{port}"
        yield ObjectStoreClient(ObjectStore(bucket="backups", prefix="full/", endpoint=endpoint), KEYS)


ASKED: dict[str, Callable[[ObjectStoreClient], object]] = {
    "list": lambda client: client.list(),
    "versions": lambda client: client.versions(),
    "head": lambda client: client.head("x"),
    "is_locked": lambda client: client.is_locked(client.head("x")),
    "read": lambda client: client.read("x"),
    "pieces": lambda client: list(client.pieces("x")),
    "write": lambda client: client.write("x", b"data"),
    "can_lock": lambda client: client.can_lock(),
}


@pytest.mark.parametrize("asked", ASKED)
def test_a_page_is_no_answer_of_a_bucket(client: ObjectStoreClient, asked: str) -> None:
    with pytest.raises(PermanentError, match=r"s3://backups/full/.*what answers there is not S3"):
        ASKED[asked](client)


def test_a_survey_says_so_instead_of_finding_nothing(client: ObjectStoreClient) -> None:
    with pytest.raises(UserError, match=r"could not be listed: s3://backups/full/.*is not S3"):
        choose_full_backup((FullBackupStore(client),), FullRules(system="shop", site="production"))
