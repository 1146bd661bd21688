"""Destroying is a capability: who holds no `Permit` cannot take data or users away, whatever a plan or a row says.

Every call of a client that destroys takes one as a parameter, or an `OwnWork` for what the same run has made. Only
runners/execution/issuing.py can build them, right before the act and after a recount of its own (docs/approvals.md).
"""

from collections.abc import Iterable
from dataclasses import InitVar, dataclass
from pathlib import Path

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import listed, phrase

ISSUER = object()
"""Known to runners/execution/issuing.py alone; a test looks after that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Permit:
    """What one step of one run may take away, exactly. `subjects`: texts of the functions below."""

    run: str
    step: str
    request: str  # "" = a plan that replaces nothing and asks nobody: it may interrupt services, no more
    subjects: frozenset[str]
    issuer: InitVar[object] = None

    def __post_init__(self, issuer: object) -> None:
        """Raises TypeError for whoever is not the issuer."""
        _only_for(issuer)

    def require(self, *subjects: str) -> None:
        """Raises PermanentError unless all of them may be taken away."""
        missing = sorted(set(subjects) - self.subjects)
        if missing:
            raise PermanentError(
                phrase(
                    "Nobody approved that {step} touches {things}; nothing was touched",
                    step=self.step,
                    things=listed(missing),
                )
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnWork:
    """What this very run has made, as its labels say, it may remove until users or another run count on it."""

    run: str
    counted_on: frozenset[str] = frozenset()  # sites and addresses where others' users and proofs are
    issuer: InitVar[object] = None

    def __post_init__(self, issuer: object) -> None:
        """Raises TypeError for whoever is not the issuer."""
        _only_for(issuer)


def volume(name: str) -> str:
    """A volume whose data is replaced, brought back or given up."""
    return phrase("volume {name}", name=name)


def volumes_in(subjects: Iterable[str]) -> frozenset[str]:
    kinds = (subject.partition(" ") for subject in subjects)
    return frozenset(name for kind, _, name in kinds if kind == "volume")


def emptied(name: str) -> str:
    """A volume's name, once its data has moved to where it belongs."""
    return phrase("emptied volume {name}", name=name)


def services(project: str, names: Iterable[str]) -> tuple[str, ...]:
    """Services that are stopped, restarted or made anew."""
    return tuple(phrase("service {project}/{name}", project=project, name=name) for name in names)


def container(name: str, identity: str) -> str:
    """A container with its own layer: this one, and no other that gets its name."""
    return phrase("container {name} {identity}", name=name, identity=identity)


def image(name: str, identity: str) -> str:
    """An image that keeps exactly this container."""
    return phrase("image {name} of {identity}", name=name, identity=identity)


def kept(keeper: str) -> str:
    """What an image, a volume or a folder keeps, to bring it back where it was; it may not be removed by this."""
    return phrase("what {keeper} keeps", keeper=keeper)


def folder(path: Path) -> str:
    """A folder with everything in it, that is moved aside."""
    return phrase("folder {path}", path=path)


def name(dns_name: str, addresses: Iterable[str]) -> str:
    """Where a name leads from now on."""
    return phrase("name {name} to {addresses}", name=dns_name, addresses=listed(sorted(addresses)))


def machine(name: str) -> str:
    """A rented machine, with everything on it."""
    return phrase("machine {name}", name=name)


def _only_for(issuer: object) -> None:
    if issuer is not ISSUER:
        raise TypeError("only runners/execution/issuing.py gives permits")
