"""What a step can do to the system: the stronger of what its runbook says and what its action, with these very
arguments, can do. Pure; the linter, the plan and the worker ask the same function.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from drbot.core.runbooks.actions import ACTIONS
from drbot.core.runbooks.declarations import Effect
from drbot.core.runbooks.runbook import Step, Undo, ancestors_of, names_in

STRENGTH: Mapping[Effect, int] = {"none": 0, "change": 1, "destroy": 2}

MOVES = frozenset({"volume.swap", "volume.swap_back"})
"""While one of these is at work, data changes places."""

STARTS = frozenset({"compose.start", "compose.restart", "compose.recreate", "monitoring.start", "host.put_back"})
"""After these something may write."""

LEAVES_STOPPED = "compose.stop"
"""After it services stay away until another act starts them."""

INVERSES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "volume.swap": ("volume.swap_back", {"volume": "volume", "keeper": "keeper", "replacement": "replacement"}),
    "volume.swap_back": ("volume.swap_back", {"volume": "volume", "keeper": "replacement", "replacement": "keeper"}),
    "dns.change": ("dns.change_back", {"site": "site"}),
    "dns.lead_back": ("dns.change_back", {}),
}
"""What takes an act back exactly: the action, and for each of its parameters that of the act which names the same."""


OPPOSITES: Mapping[str, str] = {"compose.stop": "compose.start", "compose.start": "compose.stop"}
"""After both, for the same services, they are as they were."""


SEEN_BY: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "postgres.restore_beside": ("postgres.beside_rows", {"volume": "volume"}),
    "redis.restore_beside": ("redis.beside_keys", {"volume": "volume"}),
    "files.restore_beside": ("files.beside_equal", {"files": "files", "volume": "volume"}),
    "settings.restore_beside": ("settings.beside_equal", {"volume": "volume"}),
    "backup.fetch": ("backup.fetched", {"backup": "backup"}),
    "volume.swap": ("volume.swapped", {"volume": "volume", "keeper": "keeper"}),
    "volume.swap_back": ("volume.swapped", {"volume": "volume", "keeper": "replacement"}),
    "kept.remove": ("volume.gone", {"volume": "volume"}),
    "host.set_aside": ("host.empty", {}),
    "host.put_back": ("host.back", {"aside": "aside"}),
    "host.give_up": ("host.given_up", {"aside": "aside"}),
    "dns.change": ("dns.points_to", {"site": "site"}),
    "dns.lead_back": ("dns.led_back", {}),
    "machine.give_back": ("machine.gone", {"machine": "machine"}),
}

"""What sees that an act was done, and for each of its parameters that of the act which names the same."""

LEADS = frozenset({"dns.change", "dns.lead_back"})
"""After these users are somewhere else."""

ANSWERS = "data.answers"
"""The probe that asks what keeps the data in place whether it works."""

PUTS_IN_PLACE: Mapping[str, str] = {
    "volume.swap": "volume",
    "volume.swap_back": "volume",
    "postgres.restore": "volume",
    "redis.restore": "volume",
    "host.put_back": "",
}
"""After these production has other data: the parameter that names its place; "" = all that the site has."""


def sight_of(action: str, given: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The probe that sees whether this act was done, and its arguments; None = there is none."""
    if action not in SEEN_BY:
        return None
    probe, same = SEEN_BY[action]
    return probe, {name: given.get(other) for name, other in same.items()}


def leaves_data(action: str) -> bool:
    """Whether production holds the same data after it: it looks, makes something beside, or stops services."""
    declared = ACTIONS.get(action)
    return declared is not None and (declared.effect == "none" or bool(declared.makes) or action == "compose.stop")


def is_seen(step: Step) -> bool:
    """Whether one of the step's checks looks at what the step does, and at nothing else."""
    sight = sight_of(step.do or "", step.with_)
    if sight is None:
        return True
    probe, wanted = sight
    asked = [one.with_ for one in step.check if one.probe == probe]
    return any(all(given.get(name) == value for name, value in wanted.items()) for given in asked)


def asks_data(step: Step) -> bool:
    """Whether the step tells if the data that is in place works."""
    return any(probe.probe == ANSWERS for probe in step.check)


def is_asked_after(step: Step, steps: tuple[Step, ...]) -> bool:
    """Whether a later step, which no run passes by that has done this one, asks the data that it puts in place."""
    if step.do is None or step.do not in PUTS_IN_PLACE:
        return True
    place, ancestors = step.with_.get(PUTS_IN_PLACE[step.do]), ancestors_of(steps)
    later = [
        one
        for one in steps
        if step.id in ancestors[one.id] and not may_pass(one) and all(probe in step.when for probe in one.when)
    ]
    asked = [probe for one in later if one.drill != "skip" for probe in one.check if probe.probe == ANSWERS]
    return any(probe.with_.get("volume") in (None, place) for probe in asked)


def is_inverse(undo: Undo, step: Step) -> bool:
    """Whether this takes back what the step does, and nothing else: under its approval nothing else may be done."""
    if step.do is None or step.do not in INVERSES:
        return False
    action, same = INVERSES[step.do]
    return undo.do == action and dict(undo.with_) == {name: step.with_.get(other) for name, other in same.items()}


def is_taken_back(step: Step, steps: Iterable[Step]) -> bool:
    """Whether the step's undo, where it has one, takes back exactly what the step does. What destroys and has no
    inverse is taken back by nothing.
    """
    if step.undo is None:
        return True
    if step.do in INVERSES:
        return is_inverse(step.undo, step)
    return effect_of(step, steps) != "destroy"


def brings_back(step: Step) -> bool:
    """Whether after the step's undo everything is as it was before the step."""
    if step.undo is None:
        return False
    if OPPOSITES.get(step.do or "") == step.undo.do:
        return {*names_in(step.with_.get("services"))} == {*names_in(step.undo.with_.get("services"))}
    return is_inverse(step.undo, step)


def may_pass(step: Step) -> bool:
    """Whether its run may come to a good end without the step."""
    return bool(step.unless) or step.if_fails == "continue"


def started_before(
    step: Step, steps: tuple[Step, ...], done: Collection[str]
) -> Iterator[tuple[Step, tuple[str, ...]]]:
    """The starts among the steps that are `done` and that this one comes after, each with those of its services that no
    later step was to stop: these run, as far as the run knows.
    """
    ancestors = ancestors_of(steps)
    stops = [other for other in steps if other.do == "compose.stop"]
    for start in steps:
        if start.do != "compose.start" or start.id not in ancestors[step.id] or start.id not in done:
            continue
        later = [other for other in stops if start.id in ancestors[other.id] or other.id == step.id]
        stopped = {name for other in later for name in names_in(other.with_.get("services"))}
        if names := tuple(name for name in names_in(start.with_.get("services")) if name not in stopped):
            yield start, names


def may_repeat(step: Step, steps: Iterable[Step]) -> bool:
    """Whether another worker begins the step again after the first one's death, without asking people: where its file
    says so, and where it only looks or makes a copy of this run's own, which nobody uses yet.
    """
    if effect_of(step, steps) == "destroy":
        return False
    declared = ACTIONS.get(step.do or "")
    is_own = declared is not None and (declared.effect == "none" or declared.makes is not None)
    return (step.again or ("safe" if is_own else "look_first")) == "safe"


def restores_beside(step: Step) -> bool:
    """Whether it fills a volume of this run's own, which nobody uses before it is swapped."""
    return step.do in ACTIONS and ACTIONS[step.do or ""].makes == "volume"


def effect_of(step: Step, steps: Iterable[Step]) -> Effect:
    """Of what the step does. `steps`: all of its plan or runbook."""
    if step.do is None or step.do not in ACTIONS:
        return step.effect
    acts = action_effect(step.do, step.with_, steps)
    return max(step.effect, acts, key=lambda effect: STRENGTH[effect])


def is_agreed_to(step: Step, steps: Iterable[Step]) -> bool:
    """Whether two people must have agreed to this very step."""
    return effect_of(step, steps) == "destroy" or (step.do in ACTIONS and ACTIONS[step.do or ""].asks)


def undo_effect(step: Step, steps: Iterable[Step]) -> Effect:
    """Of what takes the step back."""
    if step.undo is None or step.undo.do not in ACTIONS:
        return "none"
    return action_effect(step.undo.do, step.undo.with_, steps)


def action_effect(name: str, given: Mapping[str, object], steps: Iterable[Step]) -> Effect:
    """An action that takes back what steps make destroys, unless a step of the same runbook makes exactly that."""
    action = ACTIONS[name]
    if action.takes_back is None:
        return action.effect
    parameter = action.takes_back
    made = any(
        step.with_.get(ACTIONS[step.do].makes or "") == given.get(parameter)
        for step in steps
        if step.do is not None and step.do in ACTIONS and ACTIONS[step.do].makes is not None
    )
    return action.effect if made else "destroy"
