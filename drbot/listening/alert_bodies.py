"""What monitoring posts, read: Alertmanager's webhook (version 4), or a plain JSON of one alert.

A storm comes exactly when everything is down. So what is too long is cut, what is too much is counted, of a body that
is too large the beginning is read, and one alert that cannot be read keeps no other out.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

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

from drbot.core.site.alerts import LEVEL_LABEL, READ_LABELS, SERVICE_LABELS, SITE_LABEL, Alert
from drbot.core.text.visible import storable
from drbot.core.text.words import cut

NAME, LABEL, SUMMARY, IDENTITY = 200, 200, 1000, 300  # letters that are kept
FAULTS = 500  # letters
SAYS_WHAT = ("summary", "message", "description")
"""Annotations that tell people what is so, the shortest first."""

_ALERTS = re.compile(r'"alerts"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_KEY = re.compile(r'"groupKey"\s*:\s*("(?:[^"\\]|\\.)+")')


class UnreadableError(ValueError):
    """Nothing in it is an alert; the text says why."""


def _line(limit: int) -> Callable[[str], str]:
    """One line of at most so many letters: no second one that looks like drbot's own."""
    return lambda text: cut(" ".join(storable(text).split()), limit)


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("it is before or after all times") from error


def identity(text: str) -> str:
    """What tells one from another: never cut into that of another."""
    text = storable(text)
    return text if len(text) <= IDENTITY else digest(text)


def digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(map(storable, parts)).encode()).hexdigest()[:16]


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
Name = Annotated[str, AfterValidator(_line(NAME))]
Identity = Annotated[str, AfterValidator(identity)]
Labels = Mapping[str, str]


class Incoming(BaseModel):
    """What senders may add later is let in and not looked at."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class IncomingAlert(Incoming):
    status: Literal["firing", "resolved"]
    labels: Labels
    annotations: Labels = Field(default_factory=dict)
    starts_at: Moment = Field(alias="startsAt")
    ends_at: Moment | None = Field(None, alias="endsAt")
    fingerprint: Identity = ""

    @field_validator("labels")
    @classmethod
    def _named(cls, given: Labels) -> Labels:
        if not given.get("alertname", "").strip():
            raise ValueError("the label alertname is missing")
        return given

    def alert(self) -> Alert:
        said = next((text for name in SAYS_WHAT if (text := self.annotations.get(name, "").strip())), "")
        all_labels = sorted(f"{name}={text}" for name, text in self.labels.items())
        name = _line(NAME)(self.labels["alertname"])
        labels = {name: _line(LABEL)(self.labels[name]) for name in READ_LABELS if self.labels.get(name)}
        what = (labels.get(label, "") for label in (SITE_LABEL, *SERVICE_LABELS))
        return Alert(  # under another's fingerprint it is nevertheless not the other
            fingerprint=digest(self.fingerprint or digest(*all_labels), name, *what),
            name=name,
            labels=labels,
            summary=_line(SUMMARY)(said),
            starts_at=self.starts_at,
            ends_at=(self.ends_at or datetime.now(UTC)) if self.status == "resolved" else None,
        )


class PlainAlert(Incoming):
    """For whatever has no Alertmanager: `{"alert": "PostgreSQLDown", "status": "firing", "service": "postgres"}`."""

    alert: Annotated[Name, Field(min_length=1)]
    status: Literal["firing", "resolved"]
    since: Moment | None = None  # the same in every post about it; none = one alert of this name at a time
    service: Name = ""
    site: Name = ""
    level: Annotated[Literal["", "1", "2", "3", "4"], BeforeValidator(str)] = ""
    summary: str = ""

    @property
    def key(self) -> str:
        """All posts about the same thing have it."""
        return f"plain/{self.alert}/{self.site}/{self.service}"

    def began(self, moment: datetime) -> Alert:
        """`moment`: since when, where it does not say so."""
        labels = {"alertname": self.alert, "service": self.service, SITE_LABEL: self.site, LEVEL_LABEL: self.level}
        return IncomingAlert(
            status=self.status,
            labels={name: text for name, text in labels.items() if text},
            annotations={"summary": self.summary},
            starts_at=self.since or moment,
            fingerprint=digest(self.key),
        ).alert()


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """What Alertmanager says of one group. `faults`: of alerts in it that cannot be read."""

    key: str
    alerts: tuple[Alert, ...]
    faults: tuple[str, ...] = ()


def read(body: bytes, end: bytes = b"") -> Group | PlainAlert:
    """Raises UnreadableError. `end`: the last bytes of what was too large to be kept."""
    text = body.decode("utf-8", "replace")
    try:
        said = None if end else json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if said is None:
        said = _beginning(text, end.decode("utf-8", "replace"))
    if not isinstance(said, dict):
        raise UnreadableError("body: it is no JSON object")
    if "groupKey" in said or "alerts" in said:
        return _group(said)
    try:
        return PlainAlert.model_validate(said)
    except ValidationError as error:
        raise UnreadableError(said_of(_faults(error))) from error


def _beginning(text: str, end: str) -> dict[str, Any] | None:
    """The whole alerts of a body that is not whole."""
    begin = _ALERTS.search(text)
    if begin is None:
        return None
    place, found, decoder = begin.end(), [], json.JSONDecoder()
    while place < len(text):
        try:
            one, place = decoder.raw_decode(text, _BETWEEN.match(text, place).end())  # type: ignore[union-attr]
        except (ValueError, RecursionError):
            break
        found.append(one)
    key = _KEY.search(text, 0, begin.start()) or _KEY.search(end)
    return {"version": "4", "groupKey": json.loads(key.group(1)) if key else "cut", "alerts": found} if found else None


def _group(said: Mapping[str, Any]) -> Group:
    if said.get("version") != "4":
        raise UnreadableError("version: drbot reads version 4 of Alertmanager's webhook")
    key, given = said.get("groupKey"), said.get("alerts")
    if not isinstance(key, str) or not key:
        raise UnreadableError("groupKey: it is missing")
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise UnreadableError("alerts: there are none")
    found, faults = [], []
    for number, one in enumerate(given):
        try:
            found.append(IncomingAlert.model_validate(one).alert())
        except ValidationError as error:
            faults.append(f"alerts.{number}.{_faults(error)[0]}")
    if not found:
        raise UnreadableError(said_of(faults))
    return Group(key=identity(key), alerts=tuple(found), faults=tuple(faults))


def said_of(faults: Iterable[str]) -> str:
    return cut("; ".join(faults), FAULTS)


def _faults(error: ValidationError) -> list[str]:
    return [f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors()]
