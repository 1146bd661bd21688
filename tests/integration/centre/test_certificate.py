"""A certificate from a real ACME server, checked by a whole handshake, and the URL as a browser sees it."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.site.site import Configuration
from drbot.lab.cloud import NAME
from drbot.runners.actions import certificate, names, outside
from drbot.runners.clients.handshake import accepted_until
from tests.integration.centre.conftest import EDGE, NEW, Centre
from tests.web_servers import serving

HERE = {"site": "recovery"}


class Health(BaseHTTPRequestHandler):
    """Healthy."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 500)
        self.end_headers()
        self.wfile.write(self.headers["Host"].encode())


@contextmanager
def front(folder: Path, address: str) -> Iterator[int]:
    """HTTPS with the certificate in `folder`; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "fullchain.pem", folder / "privkey.pem")
    with serving(Health, address, secured=context) as port:
        yield port


def with_url(centre: Centre, port: int, path: str = "health") -> Configuration:
    return centre.with_dns(url=f"https://{NAME}:{port}/{path}")


def test_from_names_to_the_last_look(centre: Centre) -> None:
    folder = centre.configuration.sites["recovery"].projects / EDGE
    assert not certificate.installed(centre.context(site="recovery"), {}).passed
    moved = names.change(centre.context(), HERE)
    issued = certificate.issue(centre.context(site="recovery"), {})

    assert certificate.installed(centre.context(site="recovery"), {}).passed
    assert (folder / "privkey.pem").stat().st_mode & 0o077 == 0
    assert "valid until" in issued.summary
    with front(folder, NEW) as port:
        context = centre.context(configuration=with_url(centre, port), facts={"dns": moved.facts})
        answered = outside.check(context, {"within": "20s"})
        assert answered.facts["address"] == NEW
        assert answered.facts["certificate_until"]
        assert outside.answers(context, {}).passed

        sick = centre.context(configuration=with_url(centre, port, "sick"))
        assert "answers 500" in outside.answers(sick, {}).sentence
        elsewhere = centre.context(
            configuration=with_url(centre, port), facts={"dns": {"names": [NAME], "address": "127.0.0.9"}}
        )
        assert "still points to" in outside.answers(elsewhere, {}).sentence
        assert centre.configuration.certificate is not None
        distrusted = with_url(centre, port).model_copy(
            update={"certificate": centre.configuration.certificate.model_copy(update={"roots": None})}
        )
        assert "CERTIFICATE_VERIFY_FAILED" in outside.answers(centre.context(configuration=distrusted), {}).sentence

    with pytest.raises(PermanentError, match="Hostname mismatch"):
        accepted_until(folder, "other.test", centre.authority.roots)
    with pytest.raises(PermanentError, match="not reachable from outside within 1 s"):
        outside.check(context, {"within": "1s"})


def test_the_ca_really_looks_where_the_name_leads(centre: Centre) -> None:
    with pytest.raises(TemporaryError, match="certbot ended with 1"):
        certificate.issue(centre.context(site="recovery"), {})  # the name still leads to the old place

    assert not certificate.installed(centre.context(site="recovery"), {}).passed


def test_an_acme_server_that_is_away_is_known_before(centre: Centre) -> None:
    assert certificate.possible(centre.context(), {}).passed
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    assert centre.configuration.certificate is not None
    away = centre.configuration.certificate.model_copy(update={"directory": f"https://127.0.0.1:{port}/dir"})
    changed = centre.configuration.model_copy(update={"certificate": away})

    assert "No certificate can be obtained:" in certificate.possible(centre.context(configuration=changed), {}).sentence
