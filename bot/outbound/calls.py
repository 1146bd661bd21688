"""Who must act is called: mentioned where everybody reads it, and by a direct message now. Drills call nobody.

The roster's roles decide (core/site/people.py): whoever may do what is needed is called. Once for one thing: a direct
message has the key of its batch, and is only sent while the thing is still to be done. A reminder only mentions.
"""

from collections.abc import Mapping
from dataclasses import replace

from drbot.bot.blocks.elements import one_line
from drbot.bot.blocks.lines import milestone
from drbot.commands.views.incident_view import IncidentView
from drbot.core.approvals.approval import LIVE, RequestState
from drbot.core.approvals.too_few import eligible
from drbot.core.ledger.events import Event, EventKind
from drbot.core.runs.incident import UsersSay
from drbot.core.runs.run import Run, RunState, StepState
from drbot.core.runs.stakes_words import ACTS
from drbot.core.site.people import ACCESS, Person
from drbot.core.text.messages import filled, phrase, say
from drbot.core.text.words import clock, cut

NEEDS: Mapping[EventKind, str] = {
    EventKind.INCIDENT_DECLARED: "recover",
    EventKind.REQUEST_OPENED: "approve",
    EventKind.REQUEST_HELD: "deny",
    EventKind.STEP_ASKED: "answer",
    EventKind.RUN_NEEDS_DECISION: "settle",
    EventKind.STEP_VOUCHED: "settle",
    EventKind.INCIDENT_NOT_RECOVERED: "recover",
    EventKind.INCIDENT_UNCONFIRMED: "answer",
    EventKind.RUN_BLOCKED: "recover",
    EventKind.RUN_REFUSED: "recover",
    EventKind.RUN_FAILED: "recover",
}
"""What somebody must do then, as the verb that does it."""

ASKING: Mapping[EventKind, frozenset[RequestState]] = {
    EventKind.REQUEST_OPENED: frozenset({RequestState.OPEN}),
    EventKind.REQUEST_REMINDED: frozenset({RequestState.OPEN}),
    EventKind.REQUEST_HELD: LIVE,
}
"""A granted request can still be denied, but needs no approval."""
LEFT_SO: Mapping[EventKind, RunState] = {
    EventKind.RUN_NEEDS_DECISION: RunState.NEEDS_DECISION,
    EventKind.STEP_VOUCHED: RunState.NEEDS_DECISION,
    EventKind.RUN_BLOCKED: RunState.BLOCKED,
    EventKind.RUN_REFUSED: RunState.FAILED,
    EventKind.RUN_FAILED: RunState.FAILED,
}
"""Nobody is called for what is decided by now, or goes on."""
SAID: Mapping[EventKind, UsersSay] = {
    EventKind.INCIDENT_NOT_RECOVERED: UsersSay.NO,
    EventKind.INCIDENT_UNCONFIRMED: UsersSay.NOTHING,
}
TOLD_BEFORE: Mapping[EventKind, tuple[str, ...]] = {
    EventKind.RUN_NEEDS_DECISION: ("finding",),  # what the check found, about a step that was told as unsure
    EventKind.RUN_FAILED: ("tried",),  # the survey's refusal
}
"""Payload of events that say more about something people were called for already."""

APPROVAL: str = phrase("Your approval is needed on {target}: {act}, by {until}.")
WHERE: str = phrase("{name}: {words} Everything about it is in <#{channel}>.")


def called(event: Event, situation: IncidentView, run: Run | None) -> tuple[Person, ...]:
    """Everybody who must act because of this, as long as it is still to be done; not who did it. `run`: the event's."""
    if situation.incident.is_drill or not situation.incident.is_open or not _is_due(event, situation, run):
        return ()
    if event.kind in ASKING and situation.request is not None:
        voted = {vote.person for vote in situation.votes}
        return tuple(one for one in eligible(situation.request, situation.roster) if one.id not in voted)
    able = ACCESS[NEEDS[event.kind]]
    people = situation.roster.people.values()
    return tuple(one for one in people if one.roles & able and one.id != event.person)


def _is_due(event: Event, situation: IncidentView, run: Run | None) -> bool:
    request = situation.request
    if event.kind in ASKING:
        wanted = str(event.payload["request"])
        is_asked = request is not None and request.id == wanted and request.state in ASKING[event.kind]
        return is_asked and situation.is_as_sealed
    if event.kind in LEFT_SO:
        if event.payload.get("sound") and situation.is_going:
            return False  # somebody looked while a recovery goes on, and found nothing to do
        return run is not None and run.state is LEFT_SO[event.kind] and not _is_told(event, situation)
    if event.kind in SAID:
        return situation.incident.users_say is SAID[event.kind]
    if event.kind is EventKind.STEP_ASKED:
        asked = next((one for one in situation.steps if one.id == event.step), None)
        return asked is None or asked.state is StepState.WAITING
    return event.kind in NEEDS


def _is_told(event: Event, situation: IncidentView) -> bool:
    """Whether it says more about what people were called for; a failed step is told at once with what was found."""
    if event.kind is EventKind.RUN_NEEDS_DECISION:
        step = event.step or str(event.payload.get("step") or "")
        if not any(one.id == step and one.state is StepState.UNSURE for one in situation.steps):
            return False
    return any(name in event.payload for name in TOLD_BEFORE.get(event.kind, ()))


def direct_words(events: tuple[Event, ...], situation: IncidentView, person: Person) -> str:
    """What somebody reads who is called: what, and where; in their own language."""
    configuration = situation.configuration.model_copy(update={"language": person.language})
    own = replace(situation, configuration=configuration)
    words = " ".join(_words(event, own) for event in events)
    incident = situation.incident
    return say(
        filled(WHERE, name=incident.name, words=cut(words, 1500), channel=incident.channel or ""), person.language
    )


def _words(event: Event, situation: IncidentView) -> str:
    request = situation.request
    if event.kind is EventKind.REQUEST_OPENED and request is not None:
        until = clock(request.expires_at)
        asked = filled(APPROVAL, target=one_line(request.target), act=ACTS[situation.act], until=until)
        return say(asked, situation.language)
    return milestone(event, situation) or ""
