"""What goes wrong on demand: the settings a test or a drill turns while the simulator runs."""

from dataclasses import asdict, dataclass, field
from typing import Any

ANY = "*"
ACK_SECONDS = 3.0
"""How long Slack waits for an ack."""


@dataclass(kw_only=True, slots=True)
class Faults:
    """Every field may be changed at any time; control.md tells what each one does."""

    rate_limits: bool = True
    down: bool = False
    refusals: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    delays: dict[str, float] = field(default_factory=dict)
    lost_answers: dict[str, int] = field(default_factory=dict)
    duplicate_envelopes: bool = False
    late_envelope_seconds: float = 0.0
    ack_seconds: float = ACK_SECONDS

    def change(self, fields: dict[str, Any]) -> None:
        """Set the fields that are named. Raises ValueError for one that does not exist."""
        known = asdict(self)
        for name, value in fields.items():
            if name not in known:
                raise ValueError(f"there is no fault {name}; there are: {', '.join(known)}")
            setattr(self, name, value)

    def as_seen(self) -> dict[str, Any]:
        return asdict(self)

    def delay_seconds(self, method: str) -> float:
        return self.delays.get(method, self.delays.get(ANY, 0.0))

    def next_error(self, method: str) -> dict[str, Any] | None:
        """The HTTP error this call gets, used up by asking."""
        for error in self.errors:
            if error["method"] in (method, ANY) and error.get("times", 1) > 0:
                error["times"] = error.get("times", 1) - 1
                return error
        return None

    def refusal(self, method: str, places: frozenset[str], content: str) -> str:
        """Slack's code for why this call is refused, or nothing. `places`: names and id of its channel.

        `content` is what it wants to show, as JSON; a refusal with `times` is used up by asking.
        """
        for one in self.refusals:
            left = one.get("times", 1)
            is_meant = one.get("method", ANY) in (method, ANY) and left > 0
            here = one.get("channel", ANY)
            if is_meant and (here == ANY or here in places) and one.get("holds", "") in content:
                if "times" in one:
                    one["times"] = left - 1
                return str(one["error"])
        return ""

    def loses_answer(self, method: str) -> bool:
        """Whether the connection is cut before the answer of this call, used up by asking."""
        for name in (method, ANY):
            if self.lost_answers.get(name, 0) > 0:
                self.lost_answers[name] -= 1
                return True
        return False
