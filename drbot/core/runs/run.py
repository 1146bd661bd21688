"""A run: one pass through a plan by one worker at a time, and its steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from drbot.core.base.errors import Cause
from drbot.core.runs.plan import Plan
from drbot.core.text.messages import closed, sentences


class RunState(StrEnum):
    """Moves only along RUN_TRANSITIONS; guarded in SQL."""

    QUEUED = "queued"  # a worker may claim it
    RUNNING = "running"  # a worker holds the lease
    WAITING = "waiting"  # parked: nothing can run until a gate opens or a person answers
    NEEDS_DECISION = "needs_decision"  # a step is unsure or failed with `ask`: a person settles it
    BLOCKED = "blocked"  # its request ended without a grant; beside-work is kept, nothing was replaced
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"


class RunKind(StrEnum):
    RECOVER = "recover"
    PLAN = "plan"  # survey only: shows the plan and touches nothing
    UNDO = "undo"  # brings the kept data back
    GIVE_UP = "give_up"  # deletes kept data for good
    LEAD_BACK = "lead_back"  # leads the names to where they led before
    GIVE_BACK = "give_back"  # gives a rented machine back
    DRILL_COPY = "drill_copy"  # makes the copy of a drill and breaks it


class StopKind(StrEnum):
    """Why a run is to end early; set by whoever asks for it."""

    PERSON = "person"  # STOP
    DISCARDED = "discarded"  # a person gave up what it had prepared
    REPLACED = "replaced"  # another recovery takes its place and prepares its own
    UNDO = "undo"  # an undo takes its place
    LEVEL = "level"  # the level changed
    SETTLED = "settled"  # a person settled one of its steps with "stop"
    WHOLE = "whole"  # the run it is a part of has ended
    PART = "part"  # a part of it was stopped
    FILE = "file"  # the stop file lies on the worker's host

    @property
    def gives_up(self) -> bool:
        """What was prepared beside production is not needed any more, and may be removed."""
        return self in {StopKind.DISCARDED, StopKind.REPLACED}


class Offer(StrEnum):
    """A way on that people are offered when a run is blocked or over."""

    RECOVER = "recover"  # the same once more
    ASK_AGAIN = "ask_again"
    ANOTHER_BACKUP = "another_backup"  # `Run.next_backup` names it
    DISCARD = "discard"
    RESTART = "restart"  # the untouched services
    UNDO = "undo"  # bring the old data back


_ENDS = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.STOPPED})

RUN_TRANSITIONS: Mapping[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.STOPPED, RunState.FAILED}),
    RunState.RUNNING: frozenset({RunState.QUEUED, RunState.WAITING, RunState.NEEDS_DECISION, RunState.BLOCKED}) | _ENDS,
    RunState.WAITING: frozenset({RunState.QUEUED, RunState.BLOCKED, RunState.STOPPED}),
    RunState.NEEDS_DECISION: frozenset({RunState.QUEUED, RunState.STOPPED, RunState.FAILED}),
    RunState.BLOCKED: frozenset({RunState.QUEUED, RunState.STOPPED}),
    RunState.SUCCEEDED: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.STOPPED: frozenset(),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A row of `runs`. `epoch` is the fencing number: it grows with every claim."""

    id: str
    incident: int
    site: str
    kind: RunKind
    runbook: str
    arguments: Mapping[str, str]
    state: RunState
    epoch: int
    requested_by: str
    created_at: datetime
    owner: str | None = None
    lease_until: datetime | None = None
    stop_requested: str | None = None  # why; None = go on
    plan: Plan | None = None
    plan_signature: str | None = None  # of the worker that made it
    end_signature: str | None = None  # of the worker that ended it
    started_at: datetime | None = None
    finished_at: datetime | None = None
    outcome: str | None = None  # the sentence of its end
    stop_kind: StopKind | None = None  # of `stop_requested`
    waits_for: str | None = None  # the run that held the site when this one was parked for it
    waits_for_drbot: str | None = None  # the same where another drbot held the target: that very holding
    given_up: str | None = None  # the holding of which the commander said that its drbot is dead
    offers: tuple[Offer, ...] = ()  # what people may choose now that it is blocked or over
    missed: tuple[str, ...] = ()  # steps whose check did not pass, of a run that succeeded all the same
    next_backup: str | None = None  # the next good backup

    @property
    def is_over(self) -> bool:
        return not RUN_TRANSITIONS[self.state]


class StepState(StrEnum):
    """Moves only along STEP_TRANSITIONS."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"  # a gate or a question is open
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    STOPPED = "stopped"
    UNSURE = "unsure"  # its worker died between "started" and "finished"
    UNDONE = "undone"


class Settlement(StrEnum):
    """What a person decides about a step that is unsure or failed. The worker that wakes up acts on it."""

    RETRY = "retry"
    DONE = "done"
    UNDO = "undo"
    STOP = "stop"


class Leftover(StrEnum):
    """What became of a copy beside production that an ended run left."""

    REMOVED = "removed"
    REMAINS = "remains"  # it could not be removed yet; people were told


STEP_TRANSITIONS: Mapping[StepState, frozenset[StepState]] = {
    StepState.PENDING: frozenset(
        {StepState.RUNNING, StepState.WAITING, StepState.SKIPPED, StepState.STOPPED, StepState.UNDONE}
    ),
    StepState.RUNNING: frozenset(
        {StepState.SUCCEEDED, StepState.FAILED, StepState.STOPPED, StepState.UNSURE, StepState.SKIPPED}
    ),
    StepState.WAITING: frozenset({StepState.SUCCEEDED, StepState.FAILED, StepState.PENDING, StepState.STOPPED}),
    StepState.UNSURE: frozenset({StepState.PENDING, StepState.SUCCEEDED, StepState.STOPPED, StepState.UNDONE}),
    StepState.FAILED: frozenset({StepState.PENDING, StepState.SUCCEEDED, StepState.UNDONE, StepState.STOPPED}),
    StepState.SUCCEEDED: frozenset({StepState.UNDONE}),
    StepState.SKIPPED: frozenset(),
    StepState.STOPPED: frozenset({StepState.UNDONE, StepState.PENDING, StepState.SUCCEEDED}),  # found done later
    StepState.UNDONE: frozenset({StepState.PENDING}),
}

_ACTED = frozenset({StepState.RUNNING, StepState.SUCCEEDED, StepState.FAILED, StepState.STOPPED, StepState.UNSURE})

MISSED = "missed"
"""The fact of a step that a part has done: `Run.missed` of that part."""

DONE_WITH = frozenset({StepState.SUCCEEDED, StepState.SKIPPED})
"""States that let the steps behind go on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepRecord:
    """A row of `steps`: how far one step of one run is."""

    run: str
    id: str
    position: int
    state: StepState
    attempt: int = 0
    epoch: int | None = None  # of the claim that started it
    started_at: datetime | None = None
    finished_at: datetime | None = None
    seconds: float | None = None  # measured by a monotonic clock
    summary: str | None = None  # the sentence people read: what the act did, or why it did not
    cause: Cause | None = None  # of its failure
    taken_back: str | None = None  # what its undo said
    facts: Mapping[str, Any] = field(default_factory=dict)  # what its action wrote for later steps and the report
    log: str | None = None  # path of the whole output on the worker's host
    progress_done: float | None = None
    progress_total: float | None = None
    progress_unit: str | None = None  # "bytes" | "rows" | "services"
    part: str | None = None  # the run that does this step elsewhere
    answers: tuple[str, ...] = ()  # of an open question
    answer: str | None = None  # to the question; of a part: the state it ended in
    answered_by: str | None = None  # None with an answer: nobody answered in time
    settlement: Settlement | None = None
    settled_by: str | None = None
    vouched_by: str | None = None  # who said first that it is done, where that needs two
    finding: str | None = None  # what its check said when a worker looked at it, as a sentence
    finding_passed: bool | None = None
    leftover: Leftover | None = None

    @property
    def has_failed(self) -> bool:
        """Its act did not work, whether or not what it had made was taken back since."""
        return self.state is StepState.FAILED or (self.state is StepState.UNDONE and self.cause is not None)

    @property
    def is_wrong(self) -> bool:
        """Not as the plan has it: it failed, or nobody knows."""
        return self.has_failed or self.state is StepState.UNSURE

    @property
    def result(self) -> str:
        """What came of it, with why it failed before what was done about that."""
        said = self.summary or ""
        return sentences(closed(said), self.taken_back) if self.taken_back else said

    @property
    def may_have_acted(self) -> bool:
        """Something of its act may be there. A step that waits for another try, after its worker's death or a
        person's "retry", has acted: whoever takes things back must not forget the first one. So has one that another
        run does at another site.
        """
        if self.state is StepState.PENDING:
            return self.attempt > 0
        return self.state in _ACTED or self.is_handed_over

    @property
    def is_handed_over(self) -> bool:
        """Another run is at it, or has ended and was not looked at yet."""
        return self.state is StepState.WAITING and self.part is not None

    @property
    def is_unseen(self) -> bool:
        """It was begun, and nobody has seen its end: its worker is at it, or died in it."""
        begun_again = self.state is StepState.PENDING and self.attempt > 0
        return self.state in {StepState.RUNNING, StepState.UNSURE} or begun_again

    @property
    def is_against_check(self) -> bool:
        """It counts as done because people said so, not because its check did."""
        return self.state is StepState.SUCCEEDED and self.settlement is Settlement.DONE and not self.finding_passed

    @property
    def is_open_ended(self) -> bool:
        """It may have acted, and nobody knows how far."""
        return self.may_have_acted and self.state is not StepState.SUCCEEDED
