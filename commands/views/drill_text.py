"""What is told of a drill while it has no recovery to show: before its copy is broken, or if it never came so far."""

from collections.abc import Mapping

from drbot.commands.views.incident_view import IncidentView
from drbot.core.runs.drill import TAKEN_UP_WITHIN, DrillState
from drbot.core.text.messages import closed, duration, filled, phrase, sentences
from drbot.core.text.words import clock

STATES: Mapping[DrillState, str] = {
    DrillState.ASKED: phrase(
        "No worker of {site} has begun it yet; it ends {time} after it was asked for. If none runs there, start one: "
        "drbot worker --site {site}"
    ),
    DrillState.PREPARING: phrase("The copy is being made. Then it is broken, and its clocks begin."),
    DrillState.RECOVERING: phrase("The copy is broken. Its recovery begins."),
}
LOST: str = phrase(
    "Its worker has not been heard of since {moment}. The next worker of {site} removes the copy and ends the drill. "
    "If none runs there, start one: drbot worker --site {site}"
)


def drill_text(view: IncidentView) -> str:
    """Where it stands, in one sentence or two; "" = it is no drill, or its run says that."""
    drill = view.drill
    if drill is None:
        return ""
    heard = None if drill.is_over else drill.lease_until
    if heard is not None and heard < view.now:
        return filled(LOST, moment=clock(heard), site=drill.site)
    if view.run is not None:
        return ""
    if drill.is_over:
        return sentences(closed(drill.how), drill.why or "")
    return filled(STATES[drill.state], site=drill.site, time=duration(TAKEN_UP_WITHIN.total_seconds()))
