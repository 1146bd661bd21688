"""One sentence per event: milestones wake people in the channel, the rest goes into the board's thread."""

from datetime import datetime

from drbot.bot.blocks.decision import decision_line
from drbot.bot.blocks.elements import escape, one_line
from drbot.bot.blocks.event_texts import DETAILS, MILESTONES
from drbot.commands.incident_view import IncidentView
from drbot.core.events import Event, EventKind
from drbot.core.plan import short_seal
from drbot.core.run import StopKind
from drbot.core.state_words import state_text
from drbot.core.words import Text, clock, cut, duration, say, size

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

OTHER: Text = {
    "en": "The next good backup is `{name}`; it loses everything from {loss} before the outage on.",
    "ja": "次に使えるバックアップは `{name}` です。障害の {loss} 前より後の書き込みがすべて失われます。",
}
NO_OTHER: Text = {"en": "There is no other good backup.", "ja": "他に使えるバックアップはありません。"}

KEPT_ASKED: Text = {
    "en": ":package: *{name}*: the old data of {original} is still kept in `{volume}` ({size}), since {since}. "
    "Is it still needed? Nothing is deleted unless two people agree; without an answer it stays.",
    "ja": ":package: *{name}*: {original} の元のデータを `{volume}` ({size}) に {since} から保管しています。"
    "まだ必要ですか。二人が承認しない限り削除せず、回答がなければ保管を続けます。",
}

ENDED_BY_ANSWER: Text = {
    "en": ":raised_hand: The recovery ended with this answer. Choose how to go on.",
    "ja": ":raised_hand: まだ復旧していません。自動処理はここで止まりました。次の操作を選んでください。",
}
NOT_ALL_PASSED: Text = {
    "en": ":warning: The run ended, but not everything passed: *{missed}*.",
    "ja": ":warning: 実行は終わりましたが、不合格の検査があります: *{missed}*",
}

FAILED_NOWHERE: Text = {"en": ":x: The run failed: {why} {todo}", "ja": ":x: 実行は失敗しました: {why} {todo}"}
"""Of no step: its plan is not believed any more, or another service is the cause."""
ENDS_WITH_ANOTHER: Text = {
    "en": ":octagonal_sign: This run ends, because one that belongs to it ended. {why}",
    "ja": ":octagonal_sign: 関連する実行が終わったため、この実行も終了します。{why}",
}
"""Nobody asked for that, whoever is noted with it."""
NOBODYS_STOPS = frozenset({StopKind.WHOLE, StopKind.PART})

OF_DRBOT = frozenset({"why", "safe_state", "todo", "question", "finding", "summary", "what"})
"""What drbot has written, in English; a person's own words stay as they are."""

TAIL_LINES = 12
SHORT, LONG = 300, 2200  # letters of a value in the channel, and in the thread
SEAL_LETTERS = 64


class _Values(dict[str, str]):
    """What an event does not say stays empty: a missing word must not stop the publisher."""

    def __missing__(self, key: str) -> str:
        return ""


def milestone(event: Event, situation: IncidentView, mentions: str = "") -> str | None:
    """The channel's sentence, or None when the event is none."""
    if event.kind is EventKind.RUN_FAILED and "tried" in event.payload:
        return None  # the survey's refusal, told already
    if event.kind is EventKind.RUN_NEEDS_DECISION:
        return f"{decision_line(event, situation)} {mentions}".strip()
    text = _milestone_text(event, situation)
    if text is None:
        return None
    line = _filled(text, event, situation, mentions, SHORT)
    is_in = not mentions or "{mentions}" in say(text, situation.language)
    return line if is_in else f"{line} {mentions}"


def _milestone_text(event: Event, situation: IncidentView) -> Text | None:
    if _ended_by_answer(event, situation):
        return ENDED_BY_ANSWER
    if event.kind is EventKind.RUN_SUCCEEDED and event.payload.get("missed"):
        return NOT_ALL_PASSED
    return _whole_text(event)


def _whole_text(event: Event) -> Text | None:
    """What the event itself says, as far as it says it."""
    if event.kind is EventKind.RUN_FAILED and not (event.step or event.payload.get("step")):
        return FAILED_NOWHERE
    if event.kind is EventKind.RUN_STOP_REQUESTED and event.payload.get("stop") in NOBODYS_STOPS:
        return ENDS_WITH_ANOTHER
    return MILESTONES.get(event.kind)


def kept_line(event: Event, situation: IncidentView) -> str:
    """The question about kept data, for a message of its own."""
    return _filled(KEPT_ASKED, event, situation)


def detail(event: Event, situation: IncidentView) -> str | None:
    """The thread's line with its time, or None when there is nothing to say."""
    text = DETAILS.get(event.kind) or (_whole_text(event) if _is_too_long(event, situation) else None)
    return f"`{event.at:%H:%M:%S}` {_filled(text, event, situation)}" if text else None


def _ended_by_answer(event: Event, situation: IncidentView) -> bool:
    """The run ended because people said no: who said it is told already, by an event of its own."""
    plan = situation.run.plan if situation.run else None
    if event.kind is not EventKind.RUN_FAILED or plan is None or situation.run is None or event.run != situation.run.id:
        return False
    step = str(event.payload.get("step") or "")
    return any(one.id == step and one.ask is not None for one in plan.steps)


def _is_too_long(event: Event, situation: IncidentView) -> bool:
    """What the channel has only the beginning of is in the thread as a whole."""
    text = _whole_text(event)
    if _ended_by_answer(event, situation):
        return True
    return text is not None and _filled(text, event, situation) != _filled(text, event, situation, "", SHORT)


def _filled(text: Text, event: Event, situation: IncidentView, mentions: str = "", longest: int = LONG) -> str:
    """`longest`: of each value; the sentence around it is never cut away."""
    said = {
        key: situation.spoken(value) if key in OF_DRBOT and isinstance(value, str) else value
        for key, value in event.payload.items()
    }
    values = _Values({key: _shown(key, value, situation.language) for key, value in said.items()})
    values = _Values({key: value if key == "tail" else cut(value, longest) for key, value in values.items()})
    for name in ("todo", "safe_state"):  # runs end with one sentence that often says both
        if values[name] and values[name] in values["why"]:
            values[name] = ""
    values["name"] = situation.incident.name
    values["who"] = one_line(situation.name_of(event.person))
    values["run"] = one_line(event.run or "")
    values["step"] = one_line(situation.title_of(event.step or str(event.payload.get("step") or "")))
    values["mentions"] = mentions
    values["next"] = _next_backup(event, situation.language)
    sentence = say(text, situation.language).format_map(values)
    return cut(sentence.replace("  ", " ").strip(), 2500)


def _next_backup(event: Event, language: str) -> str:
    """The backup that would be taken instead, and what it would lose more."""
    if "next" not in event.payload:
        return ""
    offered = event.payload["next"]
    if not isinstance(offered, dict):
        return say(NO_OTHER, language)
    loss = duration(float(offered.get("loss_seconds", 0)), language)
    return say(OTHER, language, name=one_line(str(offered.get("name", ""))), loss=loss)


def _shown(key: str, value: object, language: str) -> str:
    """A payload value as people read it: escaped, and one line, or its second would look like an event of its own."""
    if key == "tail":
        return tail_block(value)
    if key == "seal" and isinstance(value, str) and len(value) == SEAL_LETTERS:
        return short_seal(value)
    if key in ("decision", "answer") and isinstance(value, str):
        value = state_text(value)
    if isinstance(value, dict):  # a Text
        value = value.get(language) or value.get("en") or ""
    elif isinstance(value, (list, tuple)):
        value = ", ".join(map(str, value))
    elif isinstance(value, (int, float)) and key.endswith("seconds"):
        value = duration(value, language)
    elif isinstance(value, (int, float)) and key == "size":
        value = size(value)
    elif isinstance(value, str) and key == "since":
        value = _since(value)
    elif isinstance(value, str) and key.endswith(("_at", "_by")) and "T" in value:
        value = clock(datetime.fromisoformat(value))
    return one_line("-" if value is None else str(value))


def _since(value: str) -> str:
    """A day and a time; words that say it already stay as they are."""
    try:
        return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return value


def tail_block(tail: object) -> str:
    """The last lines of a failing step, as code; backticks would end the code early."""
    whole = "\n".join(map(str, tail)) if isinstance(tail, (list, tuple)) else str(tail or "")
    lines = [line for line in whole.replace("`", "'").splitlines() if line.strip()][-TAIL_LINES:]
    return "\n```" + escape(cut("\n".join(lines), 1800)) + "```" if lines else ""
