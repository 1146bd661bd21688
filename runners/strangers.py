"""A container that is not the system's on a volume that a plan takes: found before anything is stopped.

No step would stop it, and it would go on writing into data that was moved aside. It is not touched silently: the plan
is not made while it runs, and one that comes later voids the approval, because it is part of the fingerprint.
"""

from collections.abc import Collection, Mapping
from typing import Any

from core.errors import UserError

STRANGERS = "strangers"  # in a fingerprint: volume → the names of those that run


def require_none(runbook: str, taken: Collection[str], fingerprint: Mapping[str, Any]) -> None:
    """`taken`: the volumes that permits of the plan will be for. Raises UserError with who is there and what to do."""
    for volume, names in fingerprint.get(STRANGERS, {}).items():
        if volume in taken and names:
            said = ", ".join(names)
            raise UserError(
                f"Planning {runbook}.",
                f"{said} also uses the volume {volume} and is no service of dr.yml, so no step would stop it.",
                f"Stop it (docker stop {' '.join(names)}) or add it to dr.yml, then plan again: /dr recover",
            )
