"""What every action and probe gets and gives back; executor and actions meet only here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import TYPE_CHECKING, Any

from drbot.core.base.errors import Cause, PermanentError
from drbot.core.runbooks.runbook import Step, names_in
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import Run
from drbot.core.site.site import Configuration, Site
from drbot.core.text.messages import phrase
from drbot.runners.foundation.causes import cause_of
from drbot.runners.foundation.permit import OwnWork, Permit

if TYPE_CHECKING:  # the executor and its tests need no docker package
    from drbot.runners.clients.clients import Clients
    from drbot.runners.contract.machine_book import MachineBook
    from drbot.runners.foundation.invitations import Invitations


@dataclass(frozen=True, kw_only=True, slots=True)
class StepContext:
    """One attempt at one step: who it is for and how to tell what it does."""

    run: Run
    plan: Plan
    step: Step
    attempt: int
    site: Site
    configuration: Configuration
    clients: "Clients"
    facts: Mapping[str, Mapping[str, Any]]  # step id → what it found out; in a check also what its own act did
    cancelled: Callable[[], bool]  # asked often: STOP, the hard time limit, a lost lease
    progress: Callable[[float, float | None, str], None]  # done, total, unit
    log: Callable[[str], None]  # one line, masked, into the step's log file
    labels: Mapping[str, str]  # put on every container and volume: drbot.incident, drbot.run, drbot.step
    invitations: "Invitations | None" = None  # to have the worker of a new machine join
    machines: "MachineBook | None" = None  # to write down what was rented and given back
    permit: Permit | None = None  # what this attempt may take away; given by runners/execution/issuing.py
    takes_back: bool = False  # it is the undo of the step: what ran before is to run again, as well as it can
    own: OwnWork | None = None  # None: users, or another run, count on what this run has made

    def having_found(self, facts: Mapping[str, Any]) -> "StepContext":
        """For the step's checks: they judge what the act has just found out, which is noted only when they pass."""
        return replace(self, facts={**self.facts, self.step.id: facts})

    def permitted(self) -> Permit:
        """Raises PermanentError where nobody gave one."""
        if self.permit is None:
            raise PermanentError(
                phrase("{step} has no permit to take anything away; nothing was touched", step=self.step.id)
            )
        return self.permit

    def own_work(self) -> OwnWork:
        """Raises PermanentError once users or another run may count on what this run has made."""
        if self.own is None:
            raise PermanentError(
                phrase("Users or another run may depend on what {run} has made; it was not removed", run=self.run.id)
            )
        return self.own


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What an action did: a sentence for people, facts for later steps and the report."""

    summary: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A probe's answer and the sentence that explains it. `broken`: the names of what does not work."""

    passed: bool
    sentence: str
    cause: Cause = Cause.OTHER  # of a no
    broken: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


Action = Callable[[StepContext, Mapping[str, Any]], Outcome]
"""Raises TemporaryError (may be retried), PermanentError or CancelledError of core.base.errors."""

Subjects = Callable[[StepContext, Mapping[str, Any]], frozenset[str]]
"""What an action takes away with these arguments: texts of runners/foundation/permit.py. Only reads."""

ProbeFunction = Callable[[StepContext, Mapping[str, Any]], Finding]
"""Raises TemporaryError when the target cannot be asked at all."""


def or_why_not(probe: ProbeFunction) -> ProbeFunction:
    """Of a probe to which a PermanentError on the way is the answer no."""

    @wraps(probe)
    def asked(context: StepContext, given: Mapping[str, Any]) -> Finding:
        try:
            return probe(context, given)
        except PermanentError as error:
            return Finding(passed=False, sentence=str(error), cause=cause_of(error))

    return asked


NO_SERVICE = phrase("This system has no such service: nothing to do")


def unless_none(action: Action) -> Action:
    """Of an action on services: a system need not have fronts, and an empty list is nothing to do."""

    @wraps(action)
    def acted(context: StepContext, given: Mapping[str, Any]) -> Outcome:
        return Outcome(summary=NO_SERVICE) if _is_empty(given) else action(context, given)

    return acted


def holds_for_none(probe: ProbeFunction) -> ProbeFunction:
    """The same of a probe: what is asked of no service is so."""

    @wraps(probe)
    def asked(context: StepContext, given: Mapping[str, Any]) -> Finding:
        return Finding(passed=True, sentence=NO_SERVICE) if _is_empty(given) else probe(context, given)

    return asked


def _is_empty(given: Mapping[str, Any]) -> bool:
    return given.get("services") is not None and not names_in(given["services"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Registry:
    """What a step may do and what may be asked: name → function. One module's part of it, or all of them."""

    actions: Mapping[str, Action] = field(default_factory=dict)
    probes: Mapping[str, ProbeFunction] = field(default_factory=dict)
    subjects: Mapping[str, Subjects] = field(default_factory=dict)  # of every action that can take something away
