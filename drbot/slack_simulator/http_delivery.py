"""Deliveries by signed HTTP instead of Socket Mode: what Slack posts to an app's request URL, and its signature."""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx

from drbot.slack_simulator.records import Json

SIGNING_SECRET = "local-signing-secret"  # noqa: S105 - signs nothing but what the Slack simulator sends


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """A request as it goes over the wire: a test may alter it, keep it, or send it again."""

    body: bytes
    headers: dict[str, str]


def signed(kind: str, payload: Json, *, secret: str = SIGNING_SECRET, at: float | None = None) -> Signed:
    """The request of one delivery. `kind`: as in Socket Mode; `at`: Unix time of the signature, default now."""
    if kind == "events_api":
        body, content = json.dumps(payload), "application/json"
    else:
        fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
        body, content = urlencode(fields), "application/x-www-form-urlencoded"
    stamp = str(int(time.time() if at is None else at))
    headers = {
        "Content-Type": content,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(body.encode(), stamp, secret),
    }
    return Signed(body=body.encode(), headers=headers)


def signature(body: bytes, stamp: str, secret: str) -> str:
    """Slack's `v0` signature of a body."""
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
    return f"v0={digest.hexdigest()}"


class HttpDelivery:
    def __init__(self, url: str) -> None:
        self._url = url

    async def post(self, kind: str, payload: Json, seconds: float, attempt: int = 0) -> Json | None:
        """What the app answered, or None when it refused. Raises httpx.TimeoutException, httpx.TransportError."""
        request = signed(kind, payload)
        retry = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": "http_timeout"} if attempt else {}
        async with httpx.AsyncClient(timeout=seconds, trust_env=False) as client:
            answer = await client.post(self._url, content=request.body, headers=request.headers | retry)
        if answer.status_code != 200:
            return None
        return _payload_of(answer)


def _payload_of(answer: httpx.Response) -> Json:
    """An ack may be empty, a text, or JSON."""
    if not answer.content:
        return {}
    try:
        content = answer.json()
    except ValueError:
        return {"text": answer.text}
    return content if isinstance(content, dict) else {}
