"""What a person must decide: what does not work, by name, and the buttons below. The rest is in the board's thread."""

from collections.abc import Mapping

from drbot.bot.blocks.elements import Block, choice_buttons, one_line
from drbot.commands.views.incident_view import IncidentView
from drbot.commands.views.shown_actions import Place, actions_at
from drbot.core.ledger.events import Event, EventKind
from drbot.core.runs.run import StepState
from drbot.core.text.messages import filled, listed, phrase, say

ASKS = frozenset(
    {
        EventKind.RUN_NEEDS_DECISION,
        EventKind.RUN_BLOCKED,
        EventKind.RUN_REFUSED,
        EventKind.RUN_FAILED,
        EventKind.RUN_STOPPED,
        EventKind.STEP_ASKED,
        EventKind.STEP_VOUCHED,
        EventKind.INCIDENT_NOT_RECOVERED,
        EventKind.INCIDENT_UNCONFIRMED,
    }
)
"""After these somebody has to choose; the message that says so carries the buttons."""

FAILED: str = phrase(":raised_hand: *{step}* failed.")
FAILED_BROKEN: str = phrase(":raised_hand: *{step}* failed, not working: *{names}*.")
LOOKING: str = phrase(
    ":raised_hand: *{step}*: its worker stopped, so nobody knows whether it was done. drbot is checking."
)
LOOKS: Mapping[bool, str] = {
    True: phrase(":raised_hand: *{step}*: nobody knows whether it was done; it looks *done*."),
    False: phrase(":raised_hand: *{step}*: nobody knows whether it was done; it looks *not done*."),
}
LOOKS_BROKEN: Mapping[bool, str] = {
    True: phrase(":raised_hand: *{step}*: nobody knows whether it was done; it looks *done*, not working: *{names}*."),
    False: phrase(
        ":raised_hand: *{step}*: nobody knows whether it was done; it looks *not done*, not working: *{names}*."
    ),
}


def decision_line(event: Event, situation: IncidentView) -> str:
    """The first line, about a step that is unsure or failed."""
    step = event.step or str(event.payload.get("step") or "")
    record = next((one for one in situation.steps if one.id == step), None)
    names = event.payload.get("broken") or ()
    if record is not None and record.state is StepState.FAILED:
        text = FAILED_BROKEN if names else FAILED
    elif record is None or record.finding_passed is None:
        text = LOOKING
    else:
        text = (LOOKS_BROKEN if names else LOOKS)[record.finding_passed]
    title = one_line(situation.title_of(step), 150)
    broken = one_line(say(listed(map(str, names)), situation.language), 300)
    return say(filled(text, step=title, names=broken), situation.language)


def decision_buttons(events: tuple[Event, ...], situation: IncidentView) -> list[Block]:
    """The second line: what can be done now, when one of these events asks for it."""
    asks = any(event.kind in ASKS and not _is_being_looked_at(event, situation) for event in events)
    return choice_buttons(actions_at(situation, Place.QUESTION), situation.language) if asks else []


def _is_being_looked_at(event: Event, situation: IncidentView) -> bool:
    if event.kind is not EventKind.RUN_NEEDS_DECISION:
        return False
    step = event.step or str(event.payload.get("step") or "")
    return any(one.id == step and one.state is StepState.UNSURE and one.finding is None for one in situation.steps)
