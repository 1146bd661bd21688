"""`POST /alerts`: Alertmanager's webhook (version 4), or a plain JSON of one alert. Whoever posts knows the token; what
they say is written down and shown to people, and nothing more.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

import structlog
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drbot.core.base.errors import DrbotError
from drbot.core.site.alerts import SERVICE_LABELS, Alert, proposal_of
from drbot.core.site.site import Configuration
from drbot.core.text.visible import storable
from drbot.core.text.words import cut
from drbot.store.base.database import Database
from drbot.store.records import alerts

log = structlog.get_logger(__name__)

PATH = "/alerts"
LARGEST_BYTES = 1_000_000
MOST_DROPPED = 50_000_000
MOST_ALERTS = 500
SUMMARY_LONGEST = 1000
SAYS_WHAT = ("summary", "message", "description")
"""Annotations that tell people what is so, the shortest first."""

Text = Annotated[str, AfterValidator(storable)]
Short = Annotated[Text, Field(max_length=1000)]
Long = Annotated[Text, Field(max_length=10_000)]
Labels = Annotated[Mapping[Short, Long], Field(max_length=100)]


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("it is before or after all times") from error


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]


class Incoming(BaseModel):
    """What senders may add later is let in and not looked at."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class IncomingAlert(Incoming):
    status: Literal["firing", "resolved"]
    labels: Labels
    annotations: Labels = Field(default_factory=dict)
    starts_at: Moment = Field(alias="startsAt")
    ends_at: Moment | None = Field(None, alias="endsAt")
    fingerprint: Short = ""

    @field_validator("labels")
    @classmethod
    def _named(cls, given: Mapping[str, str]) -> Mapping[str, str]:
        if not given.get("alertname", "").strip():
            raise ValueError("the label alertname is missing")
        return given

    def alert(self) -> Alert:
        said = next((text for name in SAYS_WHAT if (text := self.annotations.get(name, "").strip())), "")
        return Alert(
            fingerprint=self.fingerprint or _digest(*sorted(f"{name}={text}" for name, text in self.labels.items())),
            name=self.labels["alertname"].strip(),
            labels=dict(self.labels),
            summary=cut(said, SUMMARY_LONGEST),
            starts_at=self.starts_at,
            ends_at=(self.ends_at or datetime.now(UTC)) if self.status == "resolved" else None,
        )


class FromAlertmanager(Incoming):
    """https://prometheus.io/docs/alerting/latest/configuration/#webhook_config"""

    version: Literal["4"]
    group_key: Annotated[Long, Field(alias="groupKey", min_length=1)]
    alerts: Annotated[tuple[IncomingAlert, ...], Field(min_length=1, max_length=MOST_ALERTS)]


class PlainAlert(Incoming):
    """For whatever has no Alertmanager: `{"alert": "PostgreSQLDown", "status": "firing", "service": "postgres"}`."""

    alert: Annotated[Text, Field(min_length=1, max_length=200)]
    status: Literal["firing", "resolved"]
    since: Moment | None = None  # the same in every post about it; none = one alert of this name at a time
    service: Short = ""
    site: Short = ""
    level: Annotated[Literal["", "1", "2", "3", "4"], BeforeValidator(str)] = ""
    summary: Short = ""

    def as_group(self, known: datetime | None) -> FromAlertmanager:
        """The same in Alertmanager's form. `known`: since when the one of this name fires already."""
        labels = {"alertname": self.alert, "service": self.service, "drbot_site": self.site, "drbot_level": self.level}
        one = IncomingAlert(
            status=self.status,
            labels={name: text for name, text in labels.items() if text},
            annotations={"summary": self.summary},
            starts_at=self.since or known or datetime.now(UTC),
            fingerprint=_digest(self.key),
        )
        return FromAlertmanager(version="4", group_key=self.key, alerts=(one,))

    @property
    def key(self) -> str:
        """All posts about the same thing have it."""
        return f"plain/{self.alert}/{self.site}/{self.service}"


def receiving(database: Database, token: str, configuration: Configuration) -> Starlette:
    """The one route. `token`: whoever posts sends it as `Authorization: Bearer …`."""

    async def post(request: Request) -> Response:
        if not _is_known(request, token):
            log.warning("An alert was refused: no or another token.", sender=request.client)
            return _said(401, "Send the token: Authorization: Bearer …")
        body = await _body(request)
        if body is None:
            return _said(413, f"The body has more than {LARGEST_BYTES} bytes")
        return await run_in_threadpool(_take, database, configuration, body)

    return Starlette(routes=[Route(PATH, post, methods=["POST"])])


def _is_known(request: Request, token: str) -> bool:
    given = request.headers.get("authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


async def _body(request: Request) -> bytes | None:
    """None: too large. The rest is read all the same, or the sender would never hear why."""
    body, came = b"", 0
    try:
        async for chunk in request.stream():
            came += len(chunk)
            if came > LARGEST_BYTES + MOST_DROPPED:
                break
            if came <= LARGEST_BYTES:
                body += chunk
    except ClientDisconnect:
        return b""
    return body if came <= LARGEST_BYTES else None


def _take(database: Database, configuration: Configuration, body: bytes) -> Response:
    try:
        said: FromAlertmanager | PlainAlert = (
            PlainAlert if b'"groupKey"' not in body else FromAlertmanager
        ).model_validate_json(body)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors()[:5]]
        return _said(400, "; ".join(faults))
    try:
        with database.write() as tx:
            group = said if isinstance(said, FromAlertmanager) else said.as_group(alerts.since(tx.connection, said.key))
            changed = alerts.take(tx, group.group_key, [one.alert() for one in group.alerts])
    except (DrbotError, SQLAlchemyError) as error:
        log.warning("An alert could not be written down; its sender tries again.", error=type(error).__name__)
        return _said(503, "drbot's own state does not answer; send it again")
    if changed is None:
        return _said(200, "known already")
    is_known = proposal_of(configuration, changed.alerts).level is not None
    return _said(200, "taken" if is_known else f"taken; it names no service of dr.yml ({', '.join(SERVICE_LABELS)})")


def _said(status: int, text: str) -> Response:
    return JSONResponse({"status": text}, status)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
