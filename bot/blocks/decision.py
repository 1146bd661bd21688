"""What a person must decide, in two lines: what does not work, by name, and below it the buttons. The rest is in the
board's thread.
"""

from collections.abc import Mapping

from drbot.bot.blocks.elements import Block, choice_buttons, one_line
from drbot.commands.views.incident_view import IncidentView
from drbot.commands.views.shown_actions import Place, actions_at
from drbot.core.events import Event, EventKind
from drbot.core.run import StepState
from drbot.core.words import Text, say

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

FAILED: Text = {"en": ":raised_hand: *{step}* failed{broken}.", "ja": ":raised_hand: *{step}* が失敗しました{broken}。"}
BROKEN: Text = {"en": ", not working: *{names}*", "ja": " (動いていないもの: *{names}*)"}
LOOKING: Text = {
    "en": ":raised_hand: *{step}*: its worker stopped, so nobody knows whether it was done. drbot is looking.",
    "ja": ":raised_hand: *{step}*: ワーカーが停止し、完了したか不明です。確認しています。",
}
LOOKS: Mapping[bool, Text] = {
    True: {
        "en": ":raised_hand: *{step}*: nobody knows whether it was done; it looks *done*{broken}.",
        "ja": ":raised_hand: *{step}*: 完了したか不明です。*完了している*ようです{broken}。",
    },
    False: {
        "en": ":raised_hand: *{step}*: nobody knows whether it was done; it looks *not done*{broken}.",
        "ja": ":raised_hand: *{step}*: 完了したか不明です。*完了していない*ようです{broken}。",
    },
}


def decision_line(event: Event, situation: IncidentView) -> str:
    """The first line, about a step that is unsure or failed."""
    step = event.step or str(event.payload.get("step") or "")
    record = next((one for one in situation.steps if one.id == step), None)
    names = event.payload.get("broken") or ()
    broken = say(BROKEN, situation.language, names=one_line(", ".join(map(str, names)), 300)) if names else ""
    if record is not None and record.state is StepState.FAILED:
        text = FAILED
    elif record is None or record.finding_passed is None:
        text = LOOKING
    else:
        text = LOOKS[record.finding_passed]
    return say(text, situation.language, step=one_line(situation.title_of(step), 150), broken=broken)


def decision_buttons(events: tuple[Event, ...], situation: IncidentView) -> list[Block]:
    """The second line: what can be done now, when one of these events asks for it."""
    asks = any(event.kind in ASKS and not _is_being_looked_at(event, situation) for event in events)
    return choice_buttons(actions_at(situation, Place.QUESTION), situation.language) if asks else []


def _is_being_looked_at(event: Event, situation: IncidentView) -> bool:
    if event.kind is not EventKind.RUN_NEEDS_DECISION:
        return False
    step = event.step or str(event.payload.get("step") or "")
    return any(one.id == step and one.state is StepState.UNSURE and one.finding is None for one in situation.steps)
