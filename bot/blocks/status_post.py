"""Stakeholder posts in plain language: what is affected, what we do, when the next news comes, expected end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from drbot.bot.blocks.elements import TEXT, Block, context, escape, header, one_line, section
from drbot.bot.blocks.lines import STATUS
from drbot.commands.views.incident_view import IncidentView
from drbot.core.approvals.approval import RequestState
from drbot.core.ledger.events import Event, EventKind
from drbot.core.runs.clocks import minutes_up, next_update_by, up_to_minute
from drbot.core.runs.incident import Incident, IncidentState, UsersSay
from drbot.core.runs.run import RunState
from drbot.core.site.data_kinds import BROUGHT_BACK_BY, DOWN, LOOK, DataKind
from drbot.core.site.level import Level
from drbot.core.text.messages import duration, filled, listed, phrase, say, sentences

TITLES: Mapping[IncidentState, str] = {
    IncidentState.DECLARED: phrase("{system}: there is a problem"),
    IncidentState.RECOVERING: phrase("{system}: being repaired"),
    IncidentState.RECOVERED: phrase("{system}: works again"),
    IncidentState.RESOLVED: phrase("{system}: resolved"),
}
AFFECTED: Mapping[Level, str] = {
    Level.SERVICE: phrase("One service does not work: {service}."),
    Level.DATABASE: phrase("Data may be lost or damaged. Work with it may fail."),
    Level.HOST: phrase("The whole system is down."),
    Level.DATACENTRE: phrase("The whole site is down."),
}
DAMAGED: Mapping[DataKind, str] = {
    DataKind.POSTGRES: phrase("The data store is damaged. Signing in and all work with data may fail."),
    DataKind.REDIS: phrase("Short-lived data (Redis) is lost or damaged. People may have to sign in again."),
    DataKind.FILES: phrase("Files are lost or damaged."),
    DataKind.SETTINGS: phrase("Settings are wrong. Parts of the system may not work."),
}
"""What level 2 is about, once it is known."""
UNDAMAGED: str = phrase("No damaged data was found. We are finding out what is wrong.")
DOING: Mapping[IncidentState, str] = {
    IncidentState.DECLARED: phrase("We are finding out what is needed and preparing the repair."),
    IncidentState.RECOVERING: phrase("The repair is under way."),
    IncidentState.RECOVERED: phrase("The services answer again. We are confirming that people can work."),
    IncidentState.RESOLVED: phrase("The incident is closed."),
}
NOT_YET: str = phrase("{system}: does not work yet")
ONE_OF_SEVERAL: str = phrase("{system}: one problem is repaired, another one is still open")
ALSO_OPEN: str = phrase("Still open: {incidents}.")
CLOSED: str = phrase("{system}: closed, not repaired")
NOT_REPAIRED: str = phrase("The incident is closed. The system was not repaired.")
STILL_BROKEN: str = phrase("The repair was made, but people cannot work yet. We are on it.")
UNCONFIRMED: str = phrase("The services answer again. No person has confirmed yet that it works.")
CONFIRMED: str = phrase("The services answer again, and people confirmed that it works.")
PREPARED: str = phrase("The repair is being prepared; nothing is replaced without approval.")
STUCK: str = phrase("A decision by our team is needed before it goes on.")
LOST: str = phrase("Anything entered between {age} before the outage and the repair has to be entered again.")
AFTER_PEOPLE: str = phrase("Once our team has decided, we expect it to take {rest} more.")
LATE: str = phrase("It is taking longer than we expected; we are on it.")
EXPECTED: str = phrase("We expect to be back at about {when}.")
TOOK: str = phrase("From the outage until it worked again: {used}.")
NEXT: str = phrase("Next update at {when} at the latest.")
SAYS: str = phrase("*{who}:* {words}")
SAID: str = phrase("{who}: {words}")
TITLE: str = phrase("{title} ({name}).")

STUCK_STATES = frozenset({RunState.NEEDS_DECISION, RunState.BLOCKED, RunState.FAILED, RunState.STOPPED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A person's own words; two people's are never put into one mouth."""

    who: str
    words: str


def status_post(situation: IncidentView, said_by: Sequence[Said] = ()) -> list[Block]:
    """The post about the incident as it is now, and what people say themselves."""
    language = situation.language
    said = [section(say(filled(SAYS, who=one_line(one.who), words=escape(one.words)), language)) for one in said_by]
    lines = "\n".join(_lines(situation))
    return [header(_title(situation)), *said, section(lines), context(_next(situation))]


def status_sentence(situation: IncidentView, said_by: Sequence[Said] = ()) -> str:
    """The same as one line of text."""
    words = [filled(SAID, who=one.who, words=one.words) for one in said_by] or _lines(situation)[:2]
    title = filled(TITLE, title=_title(situation), name=situation.incident.name)
    return one_line(say(sentences(title, *words), situation.language), TEXT)


def is_news(event: Event, situation: IncidentView) -> bool:
    """Whether stakeholders are told at once. A drill is nobody's news."""
    incident, run = situation.incident, situation.run
    if incident.is_drill:
        return False
    is_of_run = run is not None and run.id == event.run
    if event.kind is EventKind.RUN_REFUSED:  # a survey found nothing damaged
        return is_of_run and bool(event.payload.get("sound")) and incident.level is Level.DATABASE
    if event.kind is EventKind.RUN_BLOCKED:  # a repair that was told as being prepared was denied
        return is_of_run and situation.request is not None and situation.request.state is RequestState.DENIED
    if event.kind is EventKind.RUN_FAILED:  # one that was told as under way; what people say of it is told by itself
        return incident.state is IncidentState.RECOVERING and incident.users_say is None
    return event.kind in STATUS


def _title(situation: IncidentView) -> str:
    title = NOT_YET if _is_denied(situation.incident) else TITLES[situation.incident.state]
    if _is_well(situation.incident) and situation.also_open:
        title = ONE_OF_SEVERAL
    if situation.incident.is_given_up:
        title = CLOSED
    return say(filled(title, system=situation.configuration.system), situation.language)


def _is_well(incident: Incident) -> bool:
    """Over, and not given up: this problem is gone."""
    return incident.state in (IncidentState.RECOVERED, IncidentState.RESOLVED) and not incident.is_given_up


def _affected(situation: IncidentView) -> str:
    """At level 2 by the data that the recovery brings back; while the survey looks nobody knows which."""
    incident, run = situation.incident, situation.run
    if incident.level is Level.DATABASE and run is not None and DOWN in run.arguments:
        return UNDAMAGED  # its survey looked at everything
    kind = BROUGHT_BACK_BY.get(run.runbook) if run is not None and LOOK not in run.arguments else None
    if incident.level is Level.DATABASE and kind is not None:
        return DAMAGED[kind]
    return filled(AFFECTED[incident.level], service=incident.service or incident.title)


def _is_denied(incident: Incident) -> bool:
    """People say that it does not work, whatever the checks said."""
    return incident.state is IncidentState.RECOVERING and incident.users_say is UsersSay.NO


def _lines(situation: IncidentView) -> list[str]:
    language, incident = situation.language, situation.incident
    is_over = _is_well(incident)
    lines = [] if is_over else [one_line(say(_affected(situation), language))]
    lines.append(_doing(situation))
    if situation.also_open:
        names = listed(one.name for one in situation.also_open)
        lines.append(say(filled(ALSO_OPEN, incidents=names), language))
    lines += _times(situation)
    if is_over and incident.rpo_seconds:  # a backup is in place: before that nothing has to be entered again
        lines.append(say(filled(LOST, age=duration(incident.rpo_seconds)), language))
    return lines


def _doing(situation: IncidentView) -> str:
    incident, run, language = situation.incident, situation.run, situation.language
    if _is_denied(incident):
        return say(STILL_BROKEN, language)
    if incident.is_given_up:
        return say(NOT_REPAIRED, language)
    if incident.state is IncidentState.RECOVERED and incident.users_say is not None:
        return say(CONFIRMED if incident.users_say is UsersSay.YES else UNCONFIRMED, language)
    if incident.state in (IncidentState.DECLARED, IncidentState.RECOVERING) and run is not None:
        if run.state in STUCK_STATES:
            return say(STUCK, language)
        if incident.state is IncidentState.DECLARED and run.plan is not None:
            return say(PREPARED, language)
    return say(DOING[incident.state], language)


def _times(situation: IncidentView) -> list[str]:
    clocks, language = situation.clocks, situation.language
    if situation.incident.rto_seconds is not None:
        return [say(filled(TOOK, used=duration(situation.incident.rto_seconds)), language)]
    run = situation.run
    if clocks.rto_forecast is None or run is None or run.state in STUCK_STATES or run.is_over:
        return []
    late = [say(LATE, language)] if clocks.is_late else []
    if _waits_for_people(situation):
        return [*late, say(filled(AFTER_PEOPLE, rest=duration(minutes_up(clocks.rest or 0.0))), language)]
    end = up_to_minute(situation.incident.started_at + timedelta(seconds=clocks.rto_forecast))
    return [*late, say(filled(EXPECTED, when=_hour(situation, end)), language)]


def _waits_for_people(situation: IncidentView) -> bool:
    """No hour can be promised while two people have not agreed yet."""
    is_asked = situation.request is not None and situation.request.state is RequestState.OPEN
    return is_asked or (situation.run is not None and situation.run.state is RunState.WAITING)


def _next(situation: IncidentView) -> str:
    incident = situation.incident
    name = escape(incident.name)
    if incident.state is IncidentState.RESOLVED:
        return name
    cadence = situation.configuration.cadence.of(incident.level.value)
    when = _hour(situation, next_update_by(situation.now, cadence))
    return f"{name} · {say(filled(NEXT, when=when), situation.language)}"


def _hour(situation: IncidentView, moment: datetime) -> str:
    """By the clocks of those who read it, and which those are."""
    return f"{situation.configuration.local(moment):%H:%M %Z}"
