"""Refuses runbooks that could hurt. Pure; every rule has one function."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from drbot.core.base.waiting import circle_in
from drbot.core.base.yaml_file import Problem, Where, did_you_mean
from drbot.core.files.plain_secrets import plain_secrets
from drbot.core.runbooks.actions import ACTIONS, PROBES
from drbot.core.runbooks.declarations import ActionDeclaration, ProbeDeclaration
from drbot.core.runbooks.effects import (
    ANSWERS,
    INVERSES,
    LEAVES_STOPPED,
    MOVES,
    PUTS_IN_PLACE,
    SEEN_BY,
    STRENGTH,
    effect_of,
    is_agreed_to,
    is_asked_after,
    is_inverse,
    is_seen,
    is_taken_back,
    may_pass,
    undo_effect,
)
from drbot.core.runbooks.runbook import Runbook, Step, ancestors_of, order_of
from drbot.core.runbooks.variables import KNOWN, references
from drbot.core.runs.plan import SETTINGS_GATE
from drbot.core.runs.stakes import acts_of
from drbot.core.text.messages import filled, listed, phrase, sentences

Ancestors = Mapping[str, frozenset[str]]

CHECK = phrase("{step} needs two people; add check: the only source of succeeded.")
UNDO = phrase("{step} destroys; add undo, or a keeper for the old data.")


def lint(runbook: Runbook) -> list[Problem]:
    """Everything that is wrong; an empty list means it may be run."""
    problems = [*_steps_in_themselves(runbook), *_order(runbook)]
    if problems:  # without whole steps and an order the rules below would only repeat it
        return problems
    ancestors = ancestors_of(runbook.steps)
    return [
        *_names(runbook),
        *_variables(runbook),
        *_seeing(runbook),
        *_asking(runbook),
        *_destroying(runbook, ancestors),
        *_taking_back(runbook, ancestors),
        *_gates(runbook, ancestors),
        *_interrupting(runbook, ancestors),
        *_parallel(runbook, ancestors),
        *plain_secrets(runbook),
    ]


def _at(index: int, *more: str | int) -> Where:
    return ("steps", index, *more)


def _steps_in_themselves(runbook: Runbook) -> Iterator[Problem]:
    """One kind each, a known action, an honest effect, a time limit, a word about drills, no unsafe retry."""
    for index, step in enumerate(runbook.steps):
        if sum(part is not None for part in (step.do, step.gate, step.ask, step.run)) != 1:
            one = phrase("{step}: give exactly one of do, gate, ask, run.", step=step.id)
            yield Problem(where=_at(index, "id"), sentence=one)
        if step.do is None:
            continue
        if step.do not in ACTIONS:
            yield Problem(where=_at(index, "do"), sentence=_no_action(step.id, step.do))
        elif STRENGTH[step.effect] < STRENGTH[effect := effect_of(step, runbook.steps)]:
            honest = phrase("{step}: {action} needs effect: {effect}.", step=step.id, action=step.do, effect=effect)
            yield Problem(where=_at(index, "effect"), sentence=honest)
        yield from _habits(index, step)


def _habits(index: int, step: Step) -> Iterator[Problem]:
    if step.limits is None:
        limit = phrase("{step}: no time limit; add {limits}.", step=step.id, limits="limits: {time: …}")
        yield Problem(where=_at(index, "id"), sentence=limit)
    if "drill" not in step.model_fields_set:
        drill = phrase("{step}: add drill: run, redirect or skip.", step=step.id)
        yield Problem(where=_at(index, "id"), sentence=drill)
    if step.retry is not None and (step.again == "never" or step.effect == "destroy"):
        retry = phrase("{step}: may not be retried by itself.", step=step.id)
        yield Problem(where=_at(index, "retry"), sentence=retry)


def _order(runbook: Runbook) -> Iterator[Problem]:
    """Ids once, `after` names steps that exist and never runs in a circle."""
    ids = [step.id for step in runbook.steps]
    for index, step in enumerate(runbook.steps):
        if step.id == SETTINGS_GATE:
            own = phrase("{step}: this id is drbot's own; give it another.", step=step.id)
            yield Problem(where=_at(index, "id"), sentence=own)
        if step.id in ids[:index]:
            yield Problem(where=_at(index, "id"), sentence=phrase("{step}: this id is used twice.", step=step.id))
        for other in step.after or ():
            if other not in ids:
                yield Problem(where=_at(index, "after"), sentence=_no_step(step.id, other, ids))
    circle = circle_in(order_of(runbook.steps))
    for index, step in enumerate(runbook.steps):
        if step.id in circle:
            said = phrase("{step}: waits in a circle: {steps}.", step=step.id, steps=listed(circle))
            yield Problem(where=_at(index, "after"), sentence=said)


def _names(runbook: Runbook) -> Iterator[Problem]:
    """Parameters and probes exist and are complete."""
    for number, probe in enumerate(runbook.ready_when):
        yield from _probe(("ready_when", number), "ready_when", probe.probe, probe.with_)
    for index, step in enumerate(runbook.steps):
        if step.do is not None:
            yield from _parameters(_at(index, "with"), step.id, ACTIONS[step.do], step.with_)
        if step.undo is not None and step.undo.do not in ACTIONS:
            yield Problem(where=_at(index, "undo"), sentence=_no_action(step.id, step.undo.do))
        elif step.undo is not None:
            yield from _parameters(_at(index, "undo"), step.id, ACTIONS[step.undo.do], step.undo.with_)
        for key, found in (("check", step.check), ("unless", step.unless), ("when", step.when)):
            for number, probe in enumerate(found):
                yield from _probe(_at(index, key, number), step.id, probe.probe, probe.with_)


def _no_action(step: str, action: str) -> str:
    return sentences(
        phrase('{step}: no action "{action}".', step=step, action=action), did_you_mean(action, sorted(ACTIONS))
    )


def _no_step(step: str, other: str, known: Sequence[str]) -> str:
    return sentences(phrase('{step}: no step "{other}".', step=step, other=other), did_you_mean(other, known))


def _probe(where: Where, step: str, name: str, given: Mapping[str, Any]) -> Iterator[Problem]:
    if name not in PROBES:
        none = phrase('{step}: no probe "{name}".', step=step, name=name)
        yield Problem(where=where, sentence=sentences(none, did_you_mean(name, sorted(PROBES))))
        return
    yield from _parameters(where, step, PROBES[name], given)


def _parameters(
    where: Where, step: str, declared: ActionDeclaration | ProbeDeclaration, given: Mapping[str, Any]
) -> Iterator[Problem]:
    for name in given.keys() - declared.parameters.keys():
        none = phrase('{step}: {action} takes no "{name}".', step=step, action=declared.name, name=name)
        hint = did_you_mean(name, sorted(declared.parameters))
        yield Problem(where=(*where, name), sentence=sentences(none, hint))
    for name in sorted(declared.parameters.keys() - given.keys() - declared.optional):
        needed = phrase('{step}: {action} needs "{name}".', step=step, action=declared.name, name=name)
        yield Problem(where=where, sentence=needed)


def _variables(runbook: Runbook) -> Iterator[Problem]:
    """Every `${…}` can be filled, and every input is used."""
    known = sorted(KNOWN | runbook.inputs.keys())
    used: set[str] = set()
    document = runbook.model_dump(by_alias=True)
    parts: list[tuple[Where, Any]] = [(("ready_when",), document["ready_when"])]
    parts += [(_at(index), step) for index, step in enumerate(document["steps"])]
    for where, part in parts:
        for name in references(part):
            used.add(name)
            if name not in known:
                unfilled = phrase("{variable} is never filled in.", variable=f"${{{name}}}")
                yield Problem(where=where, sentence=sentences(unfilled, did_you_mean(name, known)))
    for name in runbook.inputs.keys() - used:
        yield Problem(where=("inputs", name), sentence=phrase('the input "{name}" is never used.', name=name))


def _seeing(runbook: Runbook) -> Iterator[Problem]:
    """What people agree to, and what it is proven by, is seen by looking at exactly that."""
    for index, step in enumerate(runbook.steps):
        if not is_seen(step):
            probe, same = SEEN_BY[step.do or ""]
            wanted = ", ".join(f"{name}: {step.with_.get(other)}" for name, other in same.items())
            sentence = phrase(
                "{step}: no check looks at what it does; add {example}.",
                step=step.id,
                example=f"{{probe: {probe}, with: {{{wanted}}}}}",
            )
            yield Problem(where=_at(index, "id"), sentence=sentence)


def _asking(runbook: Runbook) -> Iterator[Problem]:
    """No run may end well before what was put in place has been asked whether it works."""
    for index, step in enumerate(runbook.steps):
        if not is_asked_after(step, runbook.steps):
            place = step.with_.get(PUTS_IN_PLACE[step.do or ""])
            given = f", with: {{volume: {place}}}" if place else ""
            sentence = phrase(
                "{step}: no later step asks whether the data works that it puts in place; add {example} to the check "
                "of one that is never skipped.",
                step=step.id,
                example=f"{{probe: {ANSWERS}{given}}}",
            )
            yield Problem(where=_at(index, "id"), sentence=sentence)


def _destroying(runbook: Runbook, ancestors: Ancestors) -> Iterator[Problem]:
    """What two people agree to says how success is seen, how it is taken back, who agrees; one kind of act a file."""
    gates = {step.id: step.gate for step in runbook.steps if step.gate is not None}
    first: Step | None = None
    for index, step in enumerate(runbook.steps):
        if not is_agreed_to(step, runbook.steps):
            continue
        first = first or step
        if len(acts_of((first, step))) > 1:
            sentence = phrase(
                "{step}: {action} is another kind of act than {other}; make a runbook for each.",
                step=step.id,
                action=step.do,
                other=first.do,
            )
            yield Problem(where=_at(index, "do"), sentence=sentence)
        if may_pass(step):
            sentence = phrase(
                "{step} needs two people; leave out `unless` and `if_fails: continue`: if it is skipped, nothing is "
                "done.",
                step=step.id,
            )
            yield Problem(where=_at(index, "id"), sentence=sentence)
        wants = {
            CHECK: step.check,
            UNDO: step.undo or step.with_.get("keeper") or _keeps_nothing(step),
        }
        for want in (want for want, there in wants.items() if not there):
            yield Problem(where=_at(index, "id"), sentence=filled(want, step=step.id))
        if not any(step.id in gate.for_ for key, gate in gates.items() if key in ancestors[step.id]):
            sentence = phrase("{step} needs two people, but no gate before it names it in `for`.", step=step.id)
            yield Problem(where=_at(index, "id"), sentence=sentence)
        yield from _proven(_at(index, "with"), step, runbook, ancestors)


def _proven(where: Where, step: Step, runbook: Runbook, ancestors: Ancestors) -> Iterator[Problem]:
    """What is put in place was made by a step of this very runbook that the gate waits for as its proof."""
    declared = ACTIONS[step.do] if step.do is not None else None
    if declared is None or declared.puts_in_place is None:
        return
    proofs = {
        name
        for gate in runbook.steps
        if gate.gate is not None and gate.id in ancestors[step.id] and step.id in gate.gate.for_
        for name in gate.gate.proof
    }
    wanted = step.with_.get(declared.puts_in_place)
    makers = [
        other.id
        for other in runbook.steps
        if other.do is not None and (made := ACTIONS[other.do].makes) is not None and other.with_.get(made) == wanted
    ]
    if not proofs & set(makers):
        sentence = phrase(
            "{step}: {what} is made by no step that its gate names as proof.",
            step=step.id,
            what=declared.puts_in_place,
        )
        yield Problem(where=(*where, declared.puts_in_place), sentence=sentence)


def _taking_back(runbook: Runbook, ancestors: Ancestors) -> Iterator[Problem]:
    """An undo that destroys needs a gate like a `do`: it takes back, exactly, a step which the gate before it guards.
    And what destroys is taken back exactly or not at all.
    """
    guarded = {name: gate.id for gate in runbook.steps if gate.gate is not None for name in gate.gate.for_}
    for index, step in enumerate(runbook.steps):
        if step.undo is None:
            continue
        if not is_taken_back(step, runbook.steps):
            yield Problem(where=_at(index, "undo"), sentence=_no_undo(step))
        if undo_effect(step, runbook.steps) != "destroy":
            continue
        before = {*ancestors[step.id], step.id}
        same = [other for other in runbook.steps if other.id in before and is_inverse(step.undo, other)]
        if not any(guarded.get(other.id) in ancestors[step.id] for other in same):
            sentence = phrase(
                "{step}: its undo {action} destroys, but no gate before it guards what it takes back.",
                step=step.id,
                action=step.undo.do,
            )
            yield Problem(where=_at(index, "undo"), sentence=sentence)


def _no_undo(step: Step) -> str:
    if step.do is None or step.do not in INVERSES:
        return phrase(
            "{step}: {action} destroys, and nothing takes it back; leave its undo out.", step=step.id, action=step.do
        )
    action, names = INVERSES[step.do]
    wanted = ", ".join(f"{name}: {step.with_.get(other)}" for name, other in names.items())
    return phrase(
        "{step}: its undo does not take it back; write {example}.",
        step=step.id,
        example=f"{{do: {action}, with: {{{wanted}}}}}",
    )


def _keeps_nothing(step: Step) -> bool:
    """It takes nothing away, or what nothing brings back: two people read exactly that."""
    return step.do is not None and (ACTIONS[step.do].for_good or ACTIONS[step.do].asks)


def _gates(runbook: Runbook, ancestors: Ancestors) -> Iterator[Problem]:
    """A gate names steps that exist, cannot be passed by, and does not wait for what waits for it."""
    ids = {step.id for step in runbook.steps}
    for index, step in enumerate(runbook.steps):
        if step.gate is None:
            continue
        if step.gate.requester_counts:
            sentence = phrase(
                "{step}: `approvals` in dr.yml decides whether the requester's vote counts, not this file.",
                step=step.id,
            )
            yield Problem(where=_at(index, "gate"), sentence=sentence)
        for other in (name for name in (*step.gate.for_, *step.gate.proof) if name not in ids):
            yield Problem(where=_at(index, "gate"), sentence=_no_step(step.id, other, sorted(ids)))
        for proof in step.gate.proof:
            if step.id in ancestors.get(proof, frozenset()):
                sentence = phrase("{step}: its proof {proof} waits for the gate itself.", step=step.id, proof=proof)
                yield Problem(where=_at(index, "gate"), sentence=sentence)
        if step.unless or step.if_fails != "stop":
            yield Problem(where=_at(index, "id"), sentence=phrase("{step}: a gate may not be skipped.", step=step.id))


def _interrupting(runbook: Runbook, ancestors: Ancestors) -> Iterator[Problem]:
    """Where something is destroyed, services are interrupted only behind the gate too. And nothing stops services
    without one: if the run ends there, they stay stopped.
    """
    gates = {step.id for step in runbook.steps if step.gate is not None}
    destroys = gates or any(step.effect == "destroy" for step in runbook.steps)
    for index, step in enumerate(runbook.steps):
        if gates & ancestors[step.id]:
            continue
        if LEAVES_STOPPED in (step.do, step.undo.do if step.undo is not None else None):
            sentence = phrase(
                "{step}: {action} leaves services stopped, so two people are asked first; put a gate before it. "
                "compose.restart and compose.recreate start them again themselves.",
                step=step.id,
                action=LEAVES_STOPPED,
            )
            yield Problem(where=_at(index, "id"), sentence=sentence)
        elif destroys and step.do and ACTIONS[step.do].interrupts:
            sentence = phrase("{step}: {action} interrupts a service before the gate.", step=step.id, action=step.do)
            yield Problem(where=_at(index, "after"), sentence=sentence)


def _parallel(runbook: Runbook, ancestors: Ancestors) -> Iterator[Problem]:
    """Steps that may run at the same time do not change the same thing, and data moves alone."""
    numbered = [(index, step) for index, step in enumerate(runbook.steps) if step.do or step.run]
    for (_, one), (index, other) in combinations(numbered, 2):
        if one.id in ancestors[other.id] or other.id in ancestors[one.id]:
            continue
        moving = next((step for step in (one, other) if step.do in MOVES), None)
        shared = _touched(one) & _touched(other)
        if moving is not None:
            beside = other if moving is one else one
            sentence = phrase(
                "{step} may run while {other} moves data; put it before or after, with `after`.",
                step=beside.id,
                other=moving.id,
            )
            yield Problem(where=_at(index, "id"), sentence=sentence)
        elif shared:
            sentence = phrase(
                "{step} and {other} may run at the same time and both touch {names}.",
                step=one.id,
                other=other.id,
                names=listed(sorted(shared)),
            )
            yield Problem(where=_at(index, "id"), sentence=sentence)


def _touched(step: Step) -> set[str]:
    touched: set[str] = set()
    for name in ACTIONS[step.do].touches if step.do else ():
        value = step.with_.get(name, ())
        touched |= {value} if isinstance(value, str) else {str(part) for part in value}
    if "${services.all}" in touched:
        touched |= {"${services.apps}", "${services.fronts}"}
    return touched
