"""One sentence per event: milestones wake people in the channel, the rest goes into the board's thread."""

from drbot.bot.blocks.decision import decision_line
from drbot.bot.blocks.elements import escape, one_line
from drbot.commands.speech.event_texts import Audience, EventText
from drbot.commands.views.event_lines import Values, Voice, once, text_of, values_of, voice_of, whole_text_of, worded
from drbot.commands.views.incident_view import IncidentView
from drbot.core.ledger.events import Event, EventKind
from drbot.core.text.messages import duration, filled, phrase, say
from drbot.core.text.words import cut

STATUS = frozenset(
    {
        EventKind.INCIDENT_DECLARED,
        EventKind.INCIDENT_LEVEL_CHANGED,
        EventKind.INCIDENT_RECOVERING,
        EventKind.INCIDENT_RECOVERED,
        EventKind.INCIDENT_NOT_RECOVERED,
        EventKind.INCIDENT_RESOLVED,
        EventKind.STATUS_DUE,
        EventKind.STATUS_UPDATE,
    }
)
"""What the stakeholders hear about."""

CARDS = frozenset(kind for kind in EventKind if kind.value.startswith(("request.", "vote.counted")))
"""What changes an approval card."""

URGENT = CARDS | {
    EventKind.RUN_STOP_REQUESTED,
    EventKind.RUN_STOPPED,
    EventKind.RUN_FAILED,
    EventKind.RUN_SUCCEEDED,
    EventKind.RUN_NEEDS_DECISION,
    EventKind.RUN_BLOCKED,
    EventKind.RUN_REFUSED,
    EventKind.STEP_ASKED,
    EventKind.INCIDENT_RECOVERED,
    EventKind.INCIDENT_NOT_RECOVERED,
    EventKind.INCIDENT_RESOLVED,
}
"""After these the board is drawn at once: final states, approvals and stops jump the queue."""

OTHER: str = phrase(
    "The next good backup is `{name}`; with it, everything written since {loss} before the outage is lost."
)
NO_OTHER: str = phrase("There is no other good backup.")

LOUD = frozenset({EventKind.STEP_ASKED, EventKind.INCIDENT_NOT_RECOVERED})
"""In bold: what people are asked, and that they said no."""

TAIL_LINES = 12
SHORT, LONG = 300, 2200  # letters of a value in the channel, and in the thread


def milestone(event: Event, situation: IncidentView, mentions: str = "") -> str | None:
    """The channel's sentence, or None when the event is none."""
    if event.kind is EventKind.RUN_FAILED and "tried" in event.payload:
        return None  # the survey's refusal, told already
    if event.kind is EventKind.RUN_NEEDS_DECISION:
        return f"{decision_line(event, situation)} {mentions}".strip()
    voice = voice_of(situation)
    text = text_of(event, voice)
    if text.audience is not Audience.CHANNEL:
        return None
    return f"{_filled(text, event, voice, SHORT)} {mentions}".strip()


def kept_line(event: Event, situation: IncidentView) -> str:
    """The question about kept data, for a message of its own."""
    voice = voice_of(situation)
    return _filled(text_of(event, voice), event, voice)


def detail(event: Event, situation: IncidentView) -> str | None:
    """The thread's line with its time, or None when there is nothing to say."""
    voice = voice_of(situation)
    text, shown = whole_text_of(event), text_of(event, voice)
    if text.audience is Audience.RECORD:
        return None
    said = _filled(text, event, voice)
    # What the channel has only the beginning of, or says in other words, is in the thread as a whole.
    is_told = text.audience is Audience.THREAD or _filled(shown, event, voice, SHORT) != said
    return f"`{event.at:%H:%M:%S}` {said}" if is_told else None


def _filled(text: EventText, event: Event, voice: Voice, longest: int = LONG) -> str:
    """`longest`: of each value, which is escaped, and one line, or its second would look like an event of its own; the
    sentence around it is never cut away.
    """
    shown = {key: cut(one_line(value), longest) for key, value in values_of(event, voice).items()}
    values = once(event, Values(shown))
    values["tail"] = tail_block(event.payload.get("tail"))
    values["next"] = _next_backup(event, voice.language)
    said = worded(say(text.text, voice.language), values).strip()
    said = f"*{said}*" if event.kind in LOUD else said
    hint = worded(say(text.hint, voice.language), values) if text.hint is not None else ""
    icon = f":{text.icon}:" if text.icon else ""
    return cut(f"{icon} {said} {hint}".replace("  ", " ").strip(), 2500)


def _next_backup(event: Event, language: str) -> str:
    """The backup that would be taken instead, and what it would lose more."""
    if "next" not in event.payload:
        return ""
    offered = event.payload["next"]
    if not isinstance(offered, dict):
        return say(NO_OTHER, language)
    loss = duration(float(offered.get("loss_seconds", 0)))
    return say(filled(OTHER, name=one_line(str(offered.get("name", ""))), loss=loss), language)


def tail_block(tail: object) -> str:
    """The last lines of a failing step, as code; backticks would end the code early."""
    whole = "\n".join(map(str, tail)) if isinstance(tail, (list, tuple)) else str(tail or "")
    lines = [line for line in whole.replace("`", "'").splitlines() if line.strip()][-TAIL_LINES:]
    return "\n```" + escape(cut("\n".join(lines), 1800)) + "```" if lines else ""
