"""What this worker itself planned, asked and did, on its own host: what the database says about that is not believed.

Whoever may write the database can change rows, put old ones back and begin anew; this they cannot reach. Only what
decides about destroying is kept here: seals, requests, which of them were used, results of steps, and the time.
Written before the act it is about. The workers of a site share it (`<home>/worker`).
"""

import re
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import Field

from drbot.core.approvals.approval import HOLD_SECONDS, LIVE, SKEW_SECONDS, ApprovalRequest, RequestState
from drbot.core.base.errors import PermanentError
from drbot.core.base.model import Model
from drbot.core.ledger.policy import gained
from drbot.core.runbooks.effects import LEADS, leaves_data
from drbot.core.runs.run import StepState
from drbot.core.text.messages import phrase
from drbot.runners.foundation.private_folder import PrivateFolder

FOLDER = "worker"
CLOCK, POLICY, INVITATIONS, SETTINGS = "clock.json", "policy.json", "invitations.json", "settings.json"
INSTANCE, PRACTICE, STRANGE = "instance.json", "practice.json", "strange_keys.json"
OVER = frozenset(RequestState) - LIVE - {RequestState.USED}
KEEP_TIME_EVERY = timedelta(seconds=30)
NO_ENGINE = "missing"  # what a fingerprint says of a bare host
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class OwnRequest(Model):
    """A request this worker opened. Times are of its own clock."""

    gate: str
    seal: str
    opened_at: datetime
    granted_at: datetime | None = None  # when this worker first saw enough votes
    glass_at: datetime | None = None  # when it first saw a genuine break-glass
    ended: bool = False  # without a grant, or its grant is over
    used_for: tuple[str, ...] = ()  # steps that it let start

    def has_held(self, now: datetime) -> bool:
        """Whether break-glass was seen ten minutes ago: a vote's own time may be anybody's."""
        waits = timedelta(seconds=HOLD_SECONDS - SKEW_SECONDS)
        return self.glass_at is not None and now >= self.glass_at + waits


class OwnStep(Model):
    """What this worker knows of a step: RUNNING = begun, and its end was not seen here."""

    state: StepState
    facts: dict[str, Any] = Field(default_factory=dict)
    ended_at: datetime | None = None
    does: str = ""  # its action; that of its undo once data was to go back
    given: dict[str, Any] = Field(default_factory=dict)  # and the arguments
    taking_back: bool = False  # data was to go back, and that has not succeeded


class OwnRun(Model):
    """A run this worker planned."""

    seal: str
    incident: int = 0
    engine: str = ""  # whose containers and volumes it works with; "" = it has none
    requests: dict[str, OwnRequest] = Field(default_factory=dict)
    steps: dict[str, OwnStep] = Field(default_factory=dict)
    lets_users_in: bool = False  # from here on people may have written new data: taking back would lose it
    places: tuple[str, ...] = ()  # what its plan counts on: sites of this incident, and their addresses
    ended: bool = False

    @property
    def moved_users(self) -> bool:
        """Whether it led names to its places, for ever: also those who were led back wrote there."""
        return any(step.does in LEADS and step.state is not StepState.SKIPPED for step in self.steps.values())

    @property
    def has_changed_production(self) -> bool:
        """Whether users may work with what it put there: what they write then is nowhere else."""
        begun = (step.does for step in self.steps.values() if step.does and step.state is not StepState.SKIPPED)
        return not all(leaves_data(action) for action in begun)

    def with_request(self, name: str, request: OwnRequest) -> "OwnRun":
        return self.model_copy(update={"requests": {**self.requests, name: request}})

    def with_step(self, name: str, step: OwnStep) -> "OwnRun":
        """The same with what is known of this step; what it does was known when it began."""
        before = self.steps.get(name)
        if before is not None and not step.does:
            step = step.model_copy(update={"does": before.does, "given": before.given})
        return self.model_copy(update={"steps": {**self.steps, name: step}})

    def has_succeeded(self, step: str) -> bool:
        """Whether this worker saw it succeed, and did not take it back."""
        known = self.steps.get(step)
        return known is not None and known.state is StepState.SUCCEEDED

    def is_beside(self, other: "OwnRun") -> bool:
        """Whether both work with one engine; a host that had none at the plan may have any."""
        here, there = self.engine, other.engine
        return bool(here and there) and (here == there or NO_ENGINE in (here, there))

    @property
    def facts(self) -> dict[str, Mapping[str, Any]]:
        """Step → what it found out, of the steps that succeeded."""
        return {name: step.facts for name, step in self.steps.items() if step.state is StepState.SUCCEEDED}


class OwnInvitation(Model):
    """A one-time token that a run of this host has made, without the token."""

    incident: int
    site: str
    key: str  # by it the token's user is known again, in hexadecimal
    expires_at: datetime  # of this worker's own clock
    public_key: str = ""  # of who was first seen to have used it, in time: nobody else ever uses it


class OwnPolicy(Model):
    """The newest roster that this worker has seen in force."""

    number: int
    hash: str
    document: dict[str, Any] = Field(default_factory=dict)
    newly: dict[str, datetime] = Field(default_factory=dict)  # who became an approver after the first one, and when


class OwnRecord:
    """Safe to use from several threads and processes of one host."""

    def __init__(self, home: Path) -> None:
        self._files = PrivateFolder(home / FOLDER)
        self._clock = threading.Lock()
        self._kept: datetime | None = None
        self._latest: tuple[datetime, float] | None = None  # a moment, and the monotonic second it was seen at

    def now(self) -> datetime:
        """UTC, never going back, also not over a restart: a clock that is set back gives nobody more time."""
        with self._clock:
            if self._latest is None:
                known = self._files.read(CLOCK)
                self._latest = (datetime.fromisoformat(known) if known else datetime.now(UTC), time.monotonic())
            moment, second = self._latest
            passed = moment + timedelta(seconds=time.monotonic() - second)
            self._latest = (max(passed, datetime.now(UTC)), time.monotonic())
            return self._latest[0]

    def run(self, run_id: str) -> OwnRun | None:
        """What is known of a run; None = it was not planned here, as whatever a label or a row calls a run was not."""
        if not RUN_NAME.fullmatch(run_id):
            return None
        known = self._files.read(name_of(run_id))
        return OwnRun.model_validate(known) if known is not None else None

    def planned(self, run_id: str, seal: str, *, incident: int, engine: str, places: Iterable[str] = ()) -> None:
        """A plan was made. A second one of the same run replaces the first, unless something was done by it."""
        with self._files.locked():
            before = self.run(run_id)
            if before is not None and before.seal != seal and (before.steps or before.ended):
                raise PermanentError(
                    phrase("{run} was begun by another plan on this host; it is not planned again", run=run_id)
                )
            if before is None or before.seal != seal:
                self._write(run_id, OwnRun(seal=seal, incident=incident, engine=engine, places=tuple(places)))

    def change(self, run_id: str, how: Callable[[OwnRun], OwnRun]) -> None:
        """Read, change, write. Raises PermanentError for a run that is not known here."""
        with self._files.locked():
            known = self.run(run_id)
            if known is None:
                raise PermanentError(phrase("{run} was not planned on this host", run=run_id))
            changed = how(known)
            if changed != known:
                self._write(run_id, changed)

    def note_grants(self, run_id: str, requests: Iterable[ApprovalRequest]) -> None:
        """Remember when this host first saw that a request was granted: a row's own time may be anybody's."""
        known = self.run(run_id)
        for request in requests:
            mine = known.requests.get(request.id) if known is not None else None
            if mine is not None and mine.granted_at is None and request.state is RequestState.GRANTED:
                self._note(run_id, request.id, granted_at=self.now())
            if mine is not None and not mine.ended and request.state in OVER:
                self.end_request(run_id, request.id)

    def note_glass(self, run_id: str, request: str) -> None:
        """A genuine break-glass was seen: its ten minutes begin at the first time."""
        known = self.run(run_id)
        mine = known.requests.get(request) if known is not None else None
        if mine is not None and mine.glass_at is None:
            self._note(run_id, request, glass_at=self.now())

    def end_request(self, run_id: str, request: str) -> None:
        """It grants nothing any more, whatever its row says later."""
        known = self.run(run_id)
        if known is not None and request in known.requests:
            self._note(run_id, request, ended=True)

    def _note(self, run_id: str, request: str, **about: Any) -> None:
        self.change(run_id, lambda run: run.with_request(request, run.requests[request].model_copy(update=about)))

    def let_users_in(self, run_id: str, *, itself: bool = True, others: bool = True) -> None:
        """Somebody starts services, or they answer: no run on this engine, of any site, takes anything back by itself
        any more. A run that has put nothing in place yet goes on as approved: what users write is lost by nothing that
        it takes back.
        """
        here = self.run(run_id)
        for name, known in self.runs():
            is_beside = here is not None and known.is_beside(here) and known.has_changed_production
            if (itself if name == run_id else others and is_beside) and not known.lets_users_in:
                self.change(name, lambda run: run.model_copy(update={"lets_users_in": True}))

    def has_ended(self, run_id: str) -> None:
        """Nothing of it is begun or taken back again by what a row says."""
        if self.run(run_id) is not None:
            self.change(run_id, lambda run: run.model_copy(update={"ended": True}))

    def counted_on(self, run_id: str) -> frozenset[str]:
        """The places where users have been led, and those that another run which is not over counts on."""
        return frozenset(
            place
            for name, known in self.runs()
            if known.moved_users or (name != run_id and not known.ended)
            for place in known.places
        )

    def led_users_to(self, places: Collection[str]) -> bool:
        """Whether a run of this host ever led names to one of these."""
        return any(known.moved_users and set(places).intersection(known.places) for _, known in self.runs())

    def counting_on(self, places: Collection[str], *, but: str) -> list[str]:
        """The other runs that are not over and count on one of these."""
        others = ((name, known) for name, known in self.runs() if name != but and not known.ended)
        return [name for name, known in others if set(places).intersection(known.places)]

    def runs(self) -> list[tuple[str, OwnRun]]:
        """All that this host has planned or adopted."""
        names = [path.stem for path in sorted((self._files.folder / "runs").glob("*.json"))]
        return [(name, known) for name in names if (known := self.run(name)) is not None]

    def held(self, name: str) -> AbstractContextManager[None]:
        """A lock of this host, seen by all its workers and their runs; it ends with the process that holds it."""
        return self._files.held(name)

    def held_now(self, pattern: str) -> list[str]:
        return self._files.held_now(pattern)

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

    def instance(self, now: str) -> str:
        """Which drbot this is: what its state said (`now`) when this host saw it first, for ever."""
        with self._files.locked():
            known = self._files.read(INSTANCE)
            if known is None and now:
                self._files.write(INSTANCE, now)
        return str(known or now)

    def policy(self) -> OwnPolicy | None:
        """The newest roster seen in force; None before the first."""
        known = self._files.read(POLICY)
        return OwnPolicy.model_validate(known) if known is not None else None

    def settings(self) -> dict[str, Any] | None:
        """What dr.yml said of sites, backups and names when two people last agreed to a plan, or at the first plan."""
        known: dict[str, Any] | None = self._files.read(SETTINGS)
        return known

    def agreed_to(self, settings: Mapping[str, Any]) -> None:
        """Two people have agreed to a plan under this dr.yml, or it is the first that is seen."""
        with self._files.locked():
            self._files.write(SETTINGS, dict(settings))

    def practice(self) -> dict[str, Any] | None:
        """What dr.yml said when somebody at this host last let drills and proofs go by it."""
        known: dict[str, Any] | None = self._files.read(PRACTICE)
        return known

    def may_practise(self, settings: Mapping[str, Any]) -> None:
        """Drills and proofs may go by this dr.yml. Who writes here may start anything on this host anyway."""
        with self._files.locked():
            self._files.write(PRACTICE, dict(settings))

    def strange_key(self, site: str) -> str:
        """What this site's worker found published instead of its own key, since its start; "" = nothing."""
        return str((self._files.read(STRANGE) or {}).get(site, ""))

    def saw_key(self, site: str, name: str) -> None:
        """`name` "" = its own."""
        with self._files.locked():
            known = self._files.read(STRANGE) or {}
            if known.get(site, "") != name:
                self._files.write(STRANGE, {**known, site: name})

    def saw_policy(self, number: int, hash_: str, document: Mapping[str, Any]) -> None:
        """This one is in force now. Who is new in it is new from now on, whatever a record says."""
        with self._files.locked():
            before = self.policy()
            newly = dict(before.newly) if before is not None else {}
            if before is not None and before.document:
                newly |= dict.fromkeys(gained(before.document, document), self.now())
            now = OwnPolicy(number=number, hash=hash_, document=dict(document), newly=newly)
            self._files.write(POLICY, now.model_dump(mode="json"))

    def invited(self, token_sha256: str, invitation: OwnInvitation, *, alone: bool) -> None:
        """A one-time token was made. `alone`: for a new machine, so none that was made for this site before counts."""
        about = (invitation.incident, invitation.site)
        with self._files.locked():
            before = self._files.read(INVITATIONS) or {}
            kept = {name: one for name, one in before.items() if not alone or (one["incident"], one["site"]) != about}
            self._files.write(INVITATIONS, {**kept, token_sha256: invitation.model_dump(mode="json")})

    def invitations(self, incident: int, site: str) -> dict[str, OwnInvitation]:
        """Digest → token, of those that were made here for this."""
        known = {name: OwnInvitation.model_validate(one) for name, one in (self._files.read(INVITATIONS) or {}).items()}
        return {name: one for name, one in known.items() if (one.incident, one.site) == (incident, site)}

    def used(self, token_sha256: str, public_key: str) -> str:
        """Note who was seen to have used a token, unless somebody was before, or its time is over: the key of who was
        first; "" = nobody was in time.
        """
        with self._files.locked():
            known = self._files.read(INVITATIONS)
            mine = OwnInvitation.model_validate(known[token_sha256])
            if not mine.public_key and self.now() < mine.expires_at:
                mine = mine.model_copy(update={"public_key": public_key})
                self._files.write(INVITATIONS, {**known, token_sha256: mine.model_dump(mode="json")})
            return mine.public_key

    def _write(self, run_id: str, known: OwnRun) -> None:
        self._files.write(name_of(run_id), known.model_dump(mode="json"))
        self._files.write(CLOCK, self.now().isoformat())


def name_of(run_id: str) -> str:
    """Its file. Raises PermanentError for a run whose name is a path."""
    if not RUN_NAME.fullmatch(run_id):
        raise PermanentError(phrase("{run} is no name of a run", run=f"{run_id!r}"))
    return f"runs/{run_id}.json"
