"""The system as its users reach it: by name, through DNS, over HTTPS with a certificate that is checked."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import phrase
from drbot.runners.clients.answers import said_in
from drbot.runners.clients.web import answered

REQUEST_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    address: str  # where the name led
    status: int
    text: str
    certificate_until: datetime | None = None  # None without HTTPS


def fetch(url: str, addresses: Callable[[str], tuple[str, ...]], roots: Path | None) -> Answer:
    """GET the URL at the first address its name leads to. `roots`: the CA to trust instead of the system's.

    Raises PermanentError with what a user would see.
    """
    parts = httpx.URL(url)
    found = addresses(parts.host)
    if not found:
        raise PermanentError(phrase("{host} does not resolve", host=parts.host))
    trust = ssl.create_default_context(cafile=str(roots) if roots else None)
    request = httpx.Request(
        "GET",
        parts.copy_with(host=found[0]),
        headers={"Host": parts.netloc.decode()},
        extensions={"sni_hostname": parts.host, "timeout": dict.fromkeys(TIMEOUTS, REQUEST_SECONDS)},
    )
    until: list[datetime | None] = []
    try:
        with httpx.Client(verify=trust, trust_env=False) as client:
            answer, said = answered(client, request, REQUEST_SECONDS, lambda answer: until.append(_until(answer)))
    except httpx.HTTPError as error:
        raise PermanentError(
            phrase("{url} at {address}: {why}", url=url, address=found[0], why=str(error) or type(error).__name__)
        ) from error
    return Answer(address=found[0], status=answer.status_code, text=said_in(said), certificate_until=until[0])


TIMEOUTS = ("connect", "read", "write", "pool")


def _until(answer: httpx.Response) -> datetime | None:
    """How long the certificate of the open connection is valid."""
    stream: Any = answer.extensions.get("network_stream")  # httpcore's, which has no public type
    secured = cast("ssl.SSLSocket | None", stream.get_extra_info("ssl_object")) if stream else None
    if secured is None:
        return None
    certificate = secured.getpeercert() or {}
    seconds = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    return datetime.fromtimestamp(seconds, UTC)
