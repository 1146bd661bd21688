"""What is not the run's own, although it could be taken for that: found before anything is planned or stopped.

A container that is not the system's on a volume that a plan takes: no step would stop it, and it would go on writing
into data that was moved aside. It is not touched silently: the plan is not made while it runs, and one that comes later
voids the approval, because it is part of the fingerprint.
"""

from collections.abc import Collection, Mapping
from typing import Any

from drbot.core.base.errors import UserError
from drbot.core.text.messages import listed, phrase

STRANGERS = "strangers"  # in a fingerprint: volume → the names of those that run


def require_none(runbook: str, taken: Collection[str], fingerprint: Mapping[str, Any]) -> None:
    """`taken`: the volumes that permits of the plan will be for. Raises UserError with who is there and what to do."""
    for volume, names in fingerprint.get(STRANGERS, {}).items():
        if volume in taken and names:
            raise UserError(
                phrase("Planning {runbook}.", runbook=runbook),
                phrase(
                    "{names} also uses the volume {volume} and is no service of dr.yml, so no step would stop it.",
                    names=listed(names),
                    volume=volume,
                ),
                phrase(
                    "Stop it (docker stop {names}) or add it to dr.yml, then plan again: /dr recover",
                    names=" ".join(names),
                ),
            )


def require_new_name(runbook: str, run: str, found: Collection[str]) -> None:
    """`found`: what bears this run's name on the host. A run that is planned has made nothing yet, and a row says how
    it is called: under the name of one of before it would take for its own, and empty, what users work with now.
    Raises UserError.
    """
    if found:
        raise UserError(
            phrase("Planning {runbook}.", runbook=runbook),
            phrase(
                "{names}: on this host under the name of this run, {run}, but the run has made nothing yet.",
                names=listed(found),
                run=run,
            ),
            phrase("Ask once more, so that a run of a new name is planned: /dr recover"),
        )
