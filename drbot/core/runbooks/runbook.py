"""A runbook: the YAML an operator can read aloud, as frozen models.

`load_runbook` (core/files/runbook_file.py) reads the file; `lint` (core/files/runbook_lint.py) refuses what is unsafe.
"""

from collections.abc import Collection
from typing import Any, Literal

from pydantic import Field

from drbot.core.base.model import Model
from drbot.core.site.site import Seconds
from drbot.core.text.stored_messages import Heading


class Probe(Model):
    """A question to the world with the answer yes or no: an entry of PROBES in core/runbooks/actions.py."""

    probe: str
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")


class Undo(Model):
    do: str
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")


class Limits(Model):
    """time: hard stop · quiet: no output for so long · budget: expected, feeds the forecast. Seconds."""

    time: Seconds
    quiet: Seconds | None = None
    budget: Seconds | None = None


class Retry(Model):
    """Try again after a TemporaryError of one of these kinds."""

    times: int = Field(ge=1, le=10)
    wait: Seconds = 1.0
    only: tuple[Literal["network", "throttled", "starting", "busy"], ...] = (
        "network",
        "throttled",
        "starting",
    )


class Gate(Model):
    """Two people must agree before the steps named in `for` may start."""

    people: int = Field(2, ge=2)
    for_: tuple[str, ...] = Field(alias="for")
    proof: tuple[str, ...] = ()  # steps that must have succeeded before a permit can be used
    requester_counts: bool = False


class Ask(Model):
    """A question to the people of the incident. `silence` is the answer when nobody says anything."""

    text: Heading
    answers: tuple[str, ...] = ("yes", "no")
    within: Seconds = 600.0
    silence: str = "unconfirmed"


class SubRun(Model):
    """Another runbook, walked through by the worker of another site. This run waits for it, parked."""

    runbook: str
    site: str
    with_: dict[str, str] = Field(default_factory=dict, alias="with")
    sha256: str = ""  # of the runbook's file; filled in and sealed with the plan


class Step(Model):
    """One step. Exactly one of `do`, `gate`, `ask`, `run`."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    title: Heading
    why: str = ""
    do: str | None = None
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    gate: Gate | None = None
    ask: Ask | None = None
    run: SubRun | None = None
    after: tuple[str, ...] | None = None  # None = after the step before
    when: tuple[Probe, ...] = ()  # asked by the survey: the step is left out of the plan unless all of these pass
    unless: tuple[Probe, ...] = ()  # skipped when all of these pass: it is healthy already
    effect: Literal["none", "change", "destroy"] = "none"
    again: Literal["safe", "look_first", "never"] | None = None  # None: by its action (`core.effects.may_repeat`)
    limits: Limits | None = None
    retry: Retry | None = None
    check: tuple[Probe, ...] = ()
    undo: Undo | None = None
    if_fails: Literal["stop", "ask", "undo", "continue"] = "stop"
    interrupt: Literal["now", "after_step", "never"] = "now"
    drill: Literal["run", "redirect", "skip"] = "run"


class Input(Model):
    type: Literal["backup", "service", "volume", "run", "machine", "files"]
    of: str = ""
    choose: Literal["newest_checked", "given", "declared"] = "given"


class Runbook(Model):
    runbook: str
    title: Heading
    level: int = Field(ge=1, le=4)
    inputs: dict[str, Input] = Field(default_factory=dict)
    ready_when: tuple[Probe, ...] = ()
    steps: tuple[Step, ...]


def order_of(steps: tuple[Step, ...]) -> dict[str, tuple[str, ...]]:
    """For every step the ids it waits for, with "after the step before" spelled out."""
    order: dict[str, tuple[str, ...]] = {}
    before: tuple[str, ...] = ()
    for step in steps:
        order[step.id] = before if step.after is None else step.after
        before = (step.id,)
    return order


def ancestors_of(steps: tuple[Step, ...]) -> dict[str, frozenset[str]]:
    """For every step all the steps that end before it starts. Needs an order without cycles."""
    order = order_of(steps)
    found: dict[str, frozenset[str]] = {}

    def of(step_id: str) -> frozenset[str]:
        if step_id not in found:
            before = order.get(step_id, ())
            found[step_id] = frozenset(before).union(*(of(other) for other in before))
        return found[step_id]

    for step in steps:
        of(step.id)
    return found


def as_undo(step: Step) -> Step:
    if step.undo is None:
        raise ValueError(f"{step.id} has no undo")
    return step.model_copy(update={"do": step.undo.do, "with_": step.undo.with_, "effect": "none"})


def names_in(value: Any) -> tuple[str, ...]:
    """The names that an argument gives: a text with commas or spaces between them, or a list of such texts."""
    texts = [value] if isinstance(value, str) else [str(part) for part in value or ()]
    return tuple(dict.fromkeys(name for text in texts for name in text.replace(",", " ").split()))


def without(steps: tuple[Step, ...], gone: Collection[str]) -> tuple[Step, ...]:
    """The other steps; what waited for one that is gone waits for what that one waited for."""
    order = order_of(steps)

    def waits_for(step_id: str) -> tuple[str, ...]:
        found: list[str] = []
        for before in order[step_id]:
            found += waits_for(before) if before in gone else (before,)
        return tuple(dict.fromkeys(found))

    def left(step: Step) -> Step:
        asks = step.gate and step.gate.model_copy(
            update={"for_": tuple(name for name in step.gate.for_ if name not in gone)}
        )
        return step.model_copy(update={"after": waits_for(step.id), "gate": asks})

    return tuple(left(step) for step in steps if step.id not in gone)
