"""Who holds a target, in the words that its engine keeps."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A run of one drbot that wants to change the target."""

    instance: str  # which drbot: the same for all workers of one state
    owner: str  # host and process, for people
    incident: str
    run: str
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """The claim that has it, and this very holding: the next one has another id."""

    id: str
    claim: Claim
