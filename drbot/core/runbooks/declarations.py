"""What a declaration of an action or a probe consists of; the declarations are in core/runbooks/actions.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

ParameterKind = Literal[
    "site",
    "services",
    "service",
    "backup",
    "volume",
    "machine",
    "names",
    "text",
    "seconds",
    "bytes",
    "expect",
]
"""site: a name of dr.yml · services: a list of names of dr.yml · bytes: "2.5x backup", "10 GB" or a number ·
expect: "manifest"."""

Effect = Literal["none", "change", "destroy"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionDeclaration:
    """What an action takes and what it does to the system."""

    name: str
    parameters: Mapping[str, ParameterKind]
    effect: Effect
    sentence: str
    optional: frozenset[str] = frozenset()  # parameters that may be left out
    interrupts: bool = False  # stops or replaces a service that people use
    touches: tuple[str, ...] = ()  # the parameters that name what it changes
    makes: str | None = None  # the parameter that names what it makes anew
    puts_in_place: str | None = (
        None  # the parameter that names a copy, which a step of the same run has made and proven
    )
    takes_back: str | None = None  # the parameter that names something made by a step of the same run, to be removed
    asks: bool = False  # takes nothing away, and two people agree to it all the same
    brings: bool = False  # fetches, builds, makes or rents what was not there, from where dr.yml says
    for_good: bool = False  # destroys what nothing brings back: no `undo` is asked for, and nothing counts as kept


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeDeclaration:
    """A question with the answer yes or no; asking changes nothing."""

    name: str
    parameters: Mapping[str, ParameterKind]
    sentence: str
    optional: frozenset[str] = frozenset()


def action(
    name: str, takes: str, effect: Effect, sentence: str, *, touches: str = "", **more: Any
) -> ActionDeclaration:
    """A row of the table; `takes` as of `probe`, `touches`: names of parameters, `more`: the other fields."""
    parameters, optional = _read(takes)
    return ActionDeclaration(
        name=name, parameters=parameters, optional=optional, effect=effect, sentence=sentence,
        touches=tuple(touches.split()), **more,
    )  # fmt: skip


def probe(name: str, takes: str, sentence: str) -> ProbeDeclaration:
    """A row of the table. `takes`: parameters, e.g. "services within:seconds?" (the kind, where it is not called as the
    parameter is; ? = may be left out).
    """
    parameters, optional = _read(takes)
    return ProbeDeclaration(name=name, parameters=parameters, optional=optional, sentence=sentence)


def _read(takes: str) -> tuple[dict[str, ParameterKind], frozenset[str]]:
    """Raises KeyError for a kind that there is not."""
    kinds: dict[str, ParameterKind] = {kind: kind for kind in get_args(ParameterKind)}
    words = [(word.removesuffix("?").partition(":"), word.endswith("?")) for word in takes.split()]
    parameters = {name: kinds[kind or name] for (name, _, kind), _ in words}
    return parameters, frozenset(name for (name, _, _), may_lack in words if may_lack)
