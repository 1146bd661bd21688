"""A container that is not the system's on a volume that a plan replaces: found before anything is stopped.

No step would stop it, and it would go on writing into data that was moved aside. It is not touched silently: the plan
is not made while it runs, and one that comes later voids the approval, because it is part of the fingerprint.
"""

from collections.abc import Mapping
from typing import Any

from core.effects import effect_of
from core.errors import UserError
from core.runbook import Step

STRANGERS = "strangers"  # in a fingerprint: volume → the names of those that run


def require_none(runbook: str, steps: tuple[Step, ...], fingerprint: Mapping[str, Any]) -> None:
    """Raises UserError with who is there and what to do."""
    replaced = {str(step.with_.get("volume")) for step in steps if effect_of(step, steps) == "destroy"}
    for volume, names in fingerprint.get(STRANGERS, {}).items():
        if volume in replaced and names:
            said = ", ".join(names)
            raise UserError(
                f"Planning {runbook}.",
                f"{said} also uses the volume {volume} and is no service of dr.yml, so no step would stop it.",
                f"Stop it (docker stop {' '.join(names)}) or add it to dr.yml, then plan again: /dr recover",
            )
