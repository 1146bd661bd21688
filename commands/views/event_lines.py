"""One event of the ledger in words, the same on every surface: how it is put together for people of one language."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from drbot.commands.speech.event_texts import (
    ASKED_FOR_A_PLAN,
    COPY_CHANGED,
    ENDED_BY_ANSWER,
    ENDS_WITH_ANOTHER,
    EVENT_TEXTS,
    FAILED_NOWHERE,
    NOT_ALL_PASSED,
    NOT_REPAIRED,
    NOTHING_BROKEN,
    ONLY_A_PLAN,
    SITE_CHANGED,
    EventText,
)
from drbot.commands.views.incident_view import IncidentView
from drbot.core.approvals.state_words import word_of
from drbot.core.ledger.events import Event, EventKind
from drbot.core.runs.plan import Plan, short_seal
from drbot.core.runs.run import Run, RunKind, StopKind
from drbot.core.site.people import Roster
from drbot.core.text.messages import Message, duration, listed, say
from drbot.core.text.words import clock, size

NOBODYS_STOPS = frozenset({StopKind.WHOLE, StopKind.PART})
SEAL_LETTERS = 64


_NAMES = re.compile(r"\{(\w+)\}")


class Values(dict[str, str]):
    """What an event does not say stays empty: a missing word must stop nobody who tells it."""

    def __missing__(self, key: str) -> str:
        return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Voice:
    """In which language it is told, and how people and steps are called."""

    language: str
    roster: Roster
    incident: str  # its name
    plans: Mapping[str, Plan]  # of runs

    def plan_of(self, event: Event) -> Plan | None:
        return self.plans.get(event.run or "")

    def title_of(self, event: Event) -> str:
        plan, step = self.plan_of(event), step_of(event)
        return say(plan.title_of(step), self.language) if plan is not None else step

    def is_question(self, event: Event) -> bool:
        """Whether the event is about a step that asks people."""
        plan, step = self.plan_of(event), step_of(event)
        return plan is not None and any(one.id == step and one.ask is not None for one in plan.steps)


def voice_of(view: IncidentView, runs: Iterable[Run] = (), language: str | None = None) -> Voice:
    """For the channel, or for somebody of another language; `runs`: beside those of the view."""
    known = [run for run in (*runs, *view.others, view.run) if run is not None]
    return Voice(
        language=language or view.language,
        roster=view.roster,
        incident=view.incident.name,
        plans={run.id: run.plan for run in known if run.plan is not None},
    )


def step_of(event: Event) -> str:
    """The step that it is about; empty: none."""
    return event.step or str(event.payload.get("step") or "")


def text_of(event: Event, voice: Voice) -> EventText:
    """Where people ended it by an answer, who said what is told by an event of its own."""
    is_ended = event.kind is EventKind.RUN_FAILED and voice.is_question(event)
    return ENDED_BY_ANSWER if is_ended else whole_text_of(event)


def whole_text_of(event: Event) -> EventText:
    """What its kind says, or what this very event does."""
    told = event.payload
    others: Mapping[EventKind, Sequence[tuple[object, EventText]]] = {
        EventKind.RUN_FAILED: ((not step_of(event), FAILED_NOWHERE),),
        EventKind.RUN_REFUSED: ((told.get("sound"), NOTHING_BROKEN),),
        EventKind.RUN_QUEUED: ((told.get("kind") == RunKind.PLAN, ASKED_FOR_A_PLAN),),
        EventKind.RUN_SUCCEEDED: ((told.get("plan_only"), ONLY_A_PLAN), (told.get("missed"), NOT_ALL_PASSED)),
        EventKind.INCIDENT_RESOLVED: ((told.get("repaired") is False, NOT_REPAIRED),),
        EventKind.RUN_STOP_REQUESTED: ((told.get("stop") in NOBODYS_STOPS, ENDS_WITH_ANOTHER),),
        EventKind.INCIDENT_RECOVERING: ((told.get("drill"), COPY_CHANGED), (told.get("site"), SITE_CHANGED)),
    }
    return next((text for is_so, text in others.get(event.kind, ()) if is_so), EVENT_TEXTS[event.kind])


def values_of(event: Event, voice: Voice) -> Values:
    """Everything that its sentence may need, in words, not escaped for any surface."""
    values = Values({key: say(_word(key, value), voice.language) for key, value in event.payload.items()})
    values["who"] = voice.roster.name_of(event.person)
    values["run"] = event.run or ""
    values["step"] = voice.title_of(event)
    if event.kind is not EventKind.INCIDENT_CHANNEL_OPENED:
        values["name"] = voice.incident
    return values


def once(event: Event, values: Values) -> Values:
    """A run ends with one sentence that often says what is to be done, how things are, and where it failed, too."""
    said = {name: "" for name in ("todo", "safe_state") if values[name] in values["why"]}
    if event.kind is EventKind.RUN_FAILED:
        said["why"] = values["why"].removeprefix(f"{values['step']}: ")
    return Values({**values, **said})


def line_of(event: Event, voice: Voice) -> str:
    """The sentence alone, whole and on one line: for timeline and report."""
    sentence = say(whole_text_of(event).text, voice.language).replace("`", "")  # its own marks, nobody's words
    return " ".join(worded(sentence, once(event, values_of(event, voice))).split())


def worded(sentence: str, values: Values) -> str:
    """A sentence with its {names} filled in, whoever translated it; the values are in its language already."""
    return _NAMES.sub(lambda found: values[found[1]], sentence)


def _word(key: str, value: object) -> str:
    """What drbot has written is a message; a person's own words stay as they are."""
    if isinstance(value, Message):
        return value
    if isinstance(value, str):
        return _known_word(key, value)
    if isinstance(value, Mapping):
        return ""
    if isinstance(value, (list, tuple)):
        return listed(map(str, value))
    if isinstance(value, (int, float)):
        return _number(key, value)
    return "-" if value is None else str(value)


def _number(key: str, value: float) -> str:
    if key.endswith("seconds"):
        return duration(value)
    return size(value) if key == "size" else str(value)


def _known_word(key: str, value: str) -> str:
    if key == "seal" and len(value) == SEAL_LETTERS:
        return short_seal(value)
    if key in ("decision", "answer"):
        return word_of(value)
    if key in ("since", "before"):
        return _since(value)
    return clock(datetime.fromisoformat(value)) if key.endswith(("_at", "_by")) and "T" in value else value


def _since(value: str) -> str:
    """A day and a time; words that say it already stay as they are."""
    try:
        return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return value
