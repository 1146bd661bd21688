"""One attempt at one step, in a thread of its own: the act, its retries, its checks. It never writes to the database.

What happened is handed to the executor as a message; only the executor's thread records it.
"""

import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from drbot.core.base.errors import CancelledError, Cause, PermanentError, TemporaryError
from drbot.core.runbooks.runbook import Probe, Step
from drbot.core.runs.run import StepState
from drbot.core.text.messages import closed, listed, phrase, sentences
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext
from drbot.runners.execution.step_log import StepLog
from drbot.runners.foundation.at_once import at_once
from drbot.runners.foundation.causes import cause_of
from drbot.runners.foundation.timing import Timing

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    step: str
    healthy: bool
    sentence: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retrying:
    """A TemporaryError, and another try."""

    step: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The end of an attempt: SUCCEEDED, FAILED, STOPPED, or UNSURE when the act would not end."""

    step: str
    state: StepState
    sentence: str
    cause: Cause = Cause.OTHER  # of a failure
    facts: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    tail: Sequence[str] = ()
    log: str | None = None


Message = Looked | Retrying | Result
Tried = tuple[Outcome, list[Finding]]


class Attempt:
    """Watched by the executor; `cancel` is safe to call from any thread and more than once."""

    def __init__(self, step: Step, step_log: StepLog, timing: Timing) -> None:
        self.step = step
        self.log = step_log
        self.timing = timing
        self.started = time.monotonic()
        self.cancelled_at: float | None = None
        self.ends_as = StepState.FAILED  # STOPPED once somebody asked it to end
        self.reason = ""
        self.swept = False  # what it left running is being removed
        self.started_again: list[str] = []  # services it counts on, which had stopped
        self._cancel = threading.Event()

    def cancel(self, reason: str, ends_as: StepState = StepState.STOPPED) -> None:
        """Ask the act to end; the first reason counts."""
        if self._cancel.is_set():
            return
        self.reason = reason
        self.ends_as = ends_as
        self.cancelled_at = time.monotonic()
        self._cancel.set()

    def cancelled(self) -> bool:
        if not self._cancel.is_set() and (why := self.over_limit()):
            self.cancel(why, StepState.FAILED)
        return self._cancel.is_set()

    def over_limit(self) -> str:
        """The limit that was reached; empty = none."""
        limits = self.step.limits
        if limits is None:
            return ""
        if time.monotonic() - self.started > limits.time:
            return phrase("it took longer than its limit of {seconds} s", seconds=f"{limits.time:.0f}")
        if limits.quiet and self.log.quiet_seconds > limits.quiet:
            return phrase("it said nothing for {seconds} s", seconds=f"{limits.quiet:.0f}")
        return ""

    @property
    def will_not_end(self) -> bool:
        """Cancelled, but still there after the grace."""
        return self.cancelled_at is not None and time.monotonic() - self.cancelled_at > self.timing.grace

    def pause(self, seconds: float) -> None:
        """Wait, but not when cancelled. Raises CancelledError."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.cancelled():
                break
            self._cancel.wait(min(left, 0.2))
        if self.cancelled():
            raise CancelledError(self.reason)


def look(registry: Registry, context: StepContext, attempt: Attempt, tell: Callable[[Message], None]) -> None:
    """Asks the `unless` probes; an error counts as "not healthy", because then the step is needed."""
    step = context.step
    try:
        findings = [_ask(registry, context, probe) for probe in step.unless]
    except Exception as error:  # noqa: BLE001 - a thread's outermost frame: whatever it is, the step is needed
        attempt.log.line(f"unless: {error}")
        tell(Looked(step=step.id, healthy=False))
        return
    healthy = all(finding.passed for finding in findings)
    sentence = attempt.log.mask(sentences(*(closed(finding.sentence) for finding in findings)))
    tell(Looked(step=step.id, healthy=healthy, sentence=sentence))


def perform(
    registry: Registry,
    context: StepContext,
    attempt: Attempt,
    tell: Callable[[Message], None],
    sweep: Callable[[], None],
    uphold: Callable[[], bool],
) -> None:
    """The thread of an attempt: always ends by telling a Result. `sweep` removes what an earlier attempt left
    running, because it would work against this one. `uphold` starts what the step counts on and what has stopped since:
    before the act, and once more where the step fails because of it.
    """
    state, cause = StepState.FAILED, Cause.OTHER
    facts: dict[str, Any] = {}
    sentence: str
    try:
        if context.attempt > 1:
            sweep()

        def act() -> Tried:
            outcome = _act(registry, context, attempt, tell, uphold)
            return outcome, check(registry, context.having_found(outcome.facts), attempt)

        outcome, findings = _tried(act, attempt, uphold)
        failed = [finding for finding in findings if not finding.passed]
        if failed:
            cause = next((one.cause for one in failed if one.cause is not Cause.OTHER), cause)
            found = sentences(*(closed(finding.sentence) for finding in failed))
            sentence = phrase("Its check failed: {found}", found=found)
        else:
            sentence = _summary(attempt, outcome, findings)
        facts = {**outcome.facts, "checks": [finding.sentence for finding in findings]}
        state = StepState.FAILED if failed else StepState.SUCCEEDED
    except (CancelledError, TemporaryError, PermanentError) as error:
        # A container that was removed by STOP ends the act with an error of its own, so the reason comes first.
        state, cause = attempt.ends_as, Cause.TIME if attempt.reason else cause_of(error)
        sentence = phrase("Ended: {why}", why=closed(attempt.reason)) if attempt.reason else str(error)
    except Exception as error:
        cause = cause_of(error)
        log.exception("An action failed in a way nobody foresaw.", step=context.step.id)
        attempt.log.line(traceback.format_exc())
        sentence = phrase("Unexpected: {error}: {why}", error=type(error).__name__, why=error)
    tell(
        Result(
            step=context.step.id,
            state=state,
            sentence=attempt.log.mask(sentence),
            cause=cause,
            facts=_masked(facts, attempt.log.mask),
            seconds=max(time.monotonic() - attempt.started, 0.001),
            tail=attempt.log.tail,
            log=str(attempt.log.path),
        )
    )


def _summary(attempt: Attempt, outcome: Outcome, findings: Sequence[Finding]) -> str:
    """What a step that only looks has seen is what its checks say."""
    seen = [finding.sentence for finding in findings] if attempt.step.effect == "none" else []
    again = dict.fromkeys(attempt.started_again)
    revived = [phrase("Had stopped meanwhile and was started again: {names}", names=listed(again))] if again else []
    said = [*revived, outcome.summary, *(sentence for sentence in seen if sentence not in outcome.summary)]
    return sentences(*map(closed, said))


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {key: _masked(part, mask) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(part, mask) for part in value]
    return value


def _tried(act: Callable[[], Tried], attempt: Attempt, uphold: Callable[[], bool]) -> Tried:
    """Once more where what the step counts on has stopped meanwhile: a host that was rebooted in the middle of it."""
    try:
        outcome, findings = act()
    except (TemporaryError, PermanentError):
        if not _has_stopped(attempt, uphold):
            raise
        return act()
    passed = all(finding.passed for finding in findings)
    return act() if not passed and _has_stopped(attempt, uphold) else (outcome, findings)


def _has_stopped(attempt: Attempt, uphold: Callable[[], bool]) -> bool:
    """Where nobody can tell, or it cannot be started, people are told why the step itself failed."""
    if attempt.cancelled():
        return False
    try:
        return uphold()
    except (CancelledError, TemporaryError, PermanentError) as error:
        attempt.log.line(f"what the step counts on: {error}")
        return False


def _act(
    registry: Registry,
    context: StepContext,
    attempt: Attempt,
    tell: Callable[[Message], None],
    uphold: Callable[[], bool],
) -> Outcome:
    step = context.step
    action = registry.actions[step.do or ""]
    tries = step.retry.times if step.retry else 0
    while True:
        try:
            uphold()
            return action(context, step.with_)
        except TemporaryError as error:
            if step.retry is None or tries <= 0 or error.kind not in step.retry.only or attempt.cancelled():
                raise
            tries -= 1
            attempt.log.line(f"trying again: {error}")
            tell(Retrying(step=step.id, why=attempt.log.mask(str(error))))
            attempt.pause(step.retry.wait)


def check(registry: Registry, context: StepContext, attempt: Attempt) -> list[Finding]:
    """The findings of the step's checks, the only source of "succeeded". A server that was just started needs a
    moment, so a check that fails is asked again for `patience` seconds.
    """
    end = time.monotonic() + attempt.timing.patience

    def found(probe: Probe) -> Finding:
        while (finding := _patient(registry, context, probe, last=time.monotonic() >= end)) is None:
            attempt.pause(attempt.timing.pause)
        return finding

    return at_once(found, context.step.check)


def _patient(registry: Registry, context: StepContext, probe: Probe, *, last: bool) -> Finding | None:
    """The finding; None = not yet."""
    try:
        finding = _ask(registry, context, probe)
    except TemporaryError as error:
        finding = Finding(passed=False, sentence=str(error), cause=cause_of(error))
    return finding if finding.passed or last else None


def _ask(registry: Registry, context: StepContext, probe: Probe) -> Finding:
    return registry.probes[probe.probe](context, probe.with_)
