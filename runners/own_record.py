"""What this worker itself planned, asked and did, on its own host: what the database says about that is not believed.

Whoever may write the database can change rows, put old ones back and begin anew; this they cannot reach. Only what
decides about destroying is kept here: seals, requests, which of them were used, results of steps, and the time.
Written before the act it is about. The workers of a site share it (`<home>/worker`).
"""

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import Field

from core.approval import ApprovalRequest, RequestState
from core.errors import PermanentError
from core.run import StepState
from core.site import Model
from runners.private_folder import PrivateFolder

FOLDER = "worker"
CLOCK, POLICY, JOINS = "clock.json", "policy.json", "joins.json"
KEEP_TIME_EVERY = timedelta(seconds=30)
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class OwnRequest(Model):
    """A request this worker opened. Times are of its own clock."""

    gate: str
    seal: str
    opened_at: datetime
    granted_at: datetime | None = None  # when this worker first saw enough votes
    used_for: tuple[str, ...] = ()  # steps that it let start


class OwnStep(Model):
    """What this worker knows of a step: RUNNING = begun, and its end was not seen here."""

    state: StepState
    facts: dict[str, Any] = Field(default_factory=dict)
    ended_at: datetime | None = None


class OwnRun(Model):
    """A run this worker planned."""

    seal: str
    requests: dict[str, OwnRequest] = Field(default_factory=dict)
    steps: dict[str, OwnStep] = Field(default_factory=dict)
    lets_users_in: bool = False  # from here on people may have written new data: taking back would lose it
    ended: bool = False

    def with_request(self, name: str, request: OwnRequest) -> "OwnRun":
        """The same with this request."""
        return self.model_copy(update={"requests": {**self.requests, name: request}})

    def with_step(self, name: str, step: OwnStep) -> "OwnRun":
        """The same with what is known of this step."""
        return self.model_copy(update={"steps": {**self.steps, name: step}})

    def has_succeeded(self, step: str) -> bool:
        """Whether this worker saw it succeed, and did not take it back."""
        known = self.steps.get(step)
        return known is not None and known.state is StepState.SUCCEEDED

    @property
    def facts(self) -> dict[str, Mapping[str, Any]]:
        """Step → what it found out, of the steps that succeeded."""
        return {name: step.facts for name, step in self.steps.items() if step.state is StepState.SUCCEEDED}


class OwnPolicy(Model):
    """The newest roster that this worker has seen in force."""

    number: int
    hash: str


class OwnRecord:
    """Safe to use from several threads and processes of one host."""

    def __init__(self, home: Path) -> None:
        self._files = PrivateFolder(home / FOLDER)
        self._clock = threading.Lock()
        self._kept: datetime | None = None
        self._latest: tuple[datetime, float] | None = None  # a moment, and the monotonic second it was seen at

    def now(self) -> datetime:
        """UTC. A clock that is set back does not give anybody more time: this one never goes back, also not over a
        restart.
        """
        with self._clock:
            if self._latest is None:
                known = self._files.read(CLOCK)
                self._latest = (datetime.fromisoformat(known) if known else datetime.now(UTC), time.monotonic())
            moment, second = self._latest
            passed = moment + timedelta(seconds=time.monotonic() - second)
            self._latest = (max(passed, datetime.now(UTC)), time.monotonic())
            return self._latest[0]

    def run(self, run_id: str) -> OwnRun | None:
        """What is known of a run; None = it was not planned here."""
        known = self._files.read(_name_of(run_id))
        return OwnRun.model_validate(known) if known is not None else None

    def planned(self, run_id: str, seal: str) -> None:
        """A plan was made. A second one of the same run replaces the first, unless something was done by it."""
        with self._files.locked():
            before = self.run(run_id)
            if before is not None and before.seal != seal and (before.steps or before.ended):
                raise PermanentError(f"{run_id} was begun by another plan on this host; it is not planned again")
            if before is None or before.seal != seal:
                self._write(run_id, OwnRun(seal=seal))

    def change(self, run_id: str, how: Callable[[OwnRun], OwnRun]) -> OwnRun:
        """Read, change, write. Raises PermanentError for a run that is not known here."""
        with self._files.locked():
            known = self.run(run_id)
            if known is None:
                raise PermanentError(f"{run_id} was not planned on this host")
            changed = how(known)
            if changed != known:
                self._write(run_id, changed)
            return changed

    def note_grants(self, run_id: str, requests: Iterable[ApprovalRequest]) -> None:
        """Remember when this host first saw that a request was granted: a row's own time may be anybody's."""
        known = self.run(run_id)
        for request in requests:
            mine = known.requests.get(request.id) if known is not None else None
            if mine is not None and mine.granted_at is None and request.state is RequestState.GRANTED:
                seen = mine.model_copy(update={"granted_at": self.now()})
                known = self.change(run_id, lambda run, name=request.id, seen=seen: run.with_request(name, seen))  # type: ignore[misc]

    def keep_time(self) -> None:
        """Often, and written down now and then: a restart begins at most so much earlier."""
        now = self.now()
        if self._kept is None or now - self._kept >= KEEP_TIME_EVERY:
            with self._files.locked():
                self._files.write(CLOCK, now.isoformat())
            self._kept = now

    def adopt(self, run_id: str, known: OwnRun) -> None:
        """Believe this of a run: on the worker's host alone, after its state was brought back and verified."""
        with self._files.locked():
            self._write(run_id, known)

    def policy(self) -> OwnPolicy | None:
        """The newest roster seen in force; None before the first."""
        known = self._files.read(POLICY)
        return OwnPolicy.model_validate(known) if known is not None else None

    def saw_policy(self, number: int, hash_: str) -> None:
        """This one is in force now."""
        with self._files.locked():
            self._files.write(POLICY, OwnPolicy(number=number, hash=hash_).model_dump(mode="json"))

    def invited(self, token_sha256: str, key: bytes) -> None:
        """A one-time token was made; by this its user is known again."""
        with self._files.locked():
            self._files.write(JOINS, {**(self._files.read(JOINS) or {}), token_sha256: key.hex()})

    def join_key(self, token_sha256: str) -> bytes | None:
        """The same; None for a token that was not made here."""
        found = (self._files.read(JOINS) or {}).get(token_sha256)
        return bytes.fromhex(found) if found else None

    def _write(self, run_id: str, known: OwnRun) -> None:
        self._files.write(_name_of(run_id), known.model_dump(mode="json"))
        self._files.write(CLOCK, self.now().isoformat())


def _name_of(run_id: str) -> str:
    if not RUN_NAME.fullmatch(run_id):
        raise PermanentError(f"{run_id!r} is no name of a run")
    return f"runs/{run_id}.json"
