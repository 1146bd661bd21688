"""`alerts` lists what monitoring says; `alert` declares what one proposes, or says that somebody has seen it."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from drbot.commands.facts.context import CommandContext, require_role
from drbot.commands.facts.data_named import Data
from drbot.commands.speech.messages import Choice, DialogRequest, Reply, Request
from drbot.commands.speech.parser import Words, level_of, plain, printable
from drbot.commands.speech.refusal import Refusal
from drbot.commands.verb import declare
from drbot.commands.verb.declare import TITLE_LONGEST, Declaration, find_service
from drbot.commands.views.alert_view import SILENCE, alert_text, choices_of, read_mark
from drbot.core.site.alert_groups import AlertGroup, Answer
from drbot.core.site.alerts import Alert, Proposal, at_level, proposal_of
from drbot.core.site.level import Level
from drbot.core.site.people import Person
from drbot.core.text.messages import listed, phrase, sentences
from drbot.core.text.words import cut, seconds_of
from drbot.store.base.database import Transaction
from drbot.store.records import alerts, incidents

LONGEST_SILENCE = timedelta(days=7)
ANSWERS = {"seen": Answer.SEEN, "silence": Answer.SILENCED, "close": Answer.CLOSED}
OPTION = re.compile(r"(read|since)=(\S+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is to be done with an alert. `read`: what a button stood for; "" where somebody typed."""

    number: int
    act: str
    rest: tuple[str, ...]
    read: str


def alert(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """`N declare`, `N seen`, `N silence 2h` or `N close`; a number alone shows it."""
    asked = _asked(words)
    with context.database.write() as tx:
        group = alerts.get(tx.connection, asked.number)
        if asked.act in ANSWERS:
            require_role(person, "alert")  # who looks on may declare, and makes nothing quiet
        elif asked.act not in ("", "declare"):
            raise _unknown(asked)
        until = tx.now + _time(" ".join(asked.rest) or SILENCE) if asked.act == "silence" else None
        if asked.read and group.incident is None and asked.read != read_mark(group, context.configuration):
            return _changed(context, group, request.at)
        if asked.act == "declare":
            return _declare(context, tx, group, person, _meant(context, group, asked))
        if asked.act and group.firing and group.incident is None:  # what has an incident is looked after there
            alerts.answer(tx, asked.number, ANSWERS[asked.act], person.id, until)
        elif asked.act == "close" and group.firing:
            alerts.answer(tx, asked.number, Answer.CLOSED, person.id)
        group = alerts.get(tx.connection, asked.number)
    return _shown(context, group, request.at)


def _asked(words: Words) -> Asked:
    options = {name: value for word in words.rest for name, value in OPTION.findall(word)}
    rest = tuple(word for word in words.rest if not OPTION.fullmatch(word))
    act = plain(rest[1]) if len(rest) > 1 else ""
    return Asked(number=_number(rest), act=act, rest=rest[2:], read=options.get("read", ""))


def _changed(context: CommandContext, group: AlertGroup, now: datetime) -> Reply:
    """Nothing is done with what nobody has read."""
    shown = _shown(context, group, now)
    changed = phrase("Nothing was done: the alert has changed since you read it.")
    return replace(shown, text=sentences(changed, shown.text), ok=False)


def _shown(context: CommandContext, group: AlertGroup, now: datetime) -> Reply:
    who = context.roster.name_of(group.answered_by) if group.answered_by else ""
    return Reply(
        text=alert_text(group, context.configuration, now, who), choices=choices_of(group, context.configuration)
    )


def _number(rest: tuple[str, ...]) -> int:
    word = plain(rest[0]) if rest else ""
    if word.isascii() and word.isdigit() and len(word) < 10:
        return int(word)
    raise Refusal(
        phrase("You asked for alert."),
        phrase('"{word}" is not the number of an alert.', word=printable(word)) if word else phrase("Say its number."),
        phrase("See: /dr alerts"),
        choices=(Choice(label=phrase("Alerts"), command="alerts"),),
    )


def _unknown(asked: Asked) -> Refusal:
    return Refusal(
        phrase("You asked for alert {number}.", number=asked.number),
        phrase('"{word}" cannot be done with an alert.', word=printable(asked.act)),
        phrase("Write declare, seen, silence 2h, or close."),
    )


def _time(word: str) -> timedelta:
    try:
        time = timedelta(seconds=seconds_of(plain(word)))
    except (ValueError, OverflowError):
        time = timedelta(0)
    if timedelta(0) < time <= LONGEST_SILENCE:
        return time
    raise Refusal(
        phrase("You asked for silence."),
        phrase('"{word}" is not a time between a second and seven days.', word=printable(word)),
        phrase("Write silence 2h."),
    )


def _meant(context: CommandContext, group: AlertGroup, asked: Asked) -> Proposal:
    """What drbot proposes, or the level that was typed; behind level 1 the service."""
    shown = group.firing or group.alerts
    if not asked.rest:
        return proposal_of(context.configuration, shown)
    level = level_of(asked.rest[0], f"alert {group.id} declare level2")
    meant = at_level(context.configuration, shown, level)
    if level is Level.SERVICE and len(asked.rest) > 1:
        site = context.configuration.site(meant.site)
        service = find_service(site, asked.rest[1])
        return replace(meant, level=level if service else None, service=service)
    return meant


def declare_by_itself(context: CommandContext, group: AlertGroup) -> AlertGroup:
    """Where dr.yml says so for one of its alerts: the incident is opened, as by a tap; each group once."""
    highest = context.configuration.alerts.declare
    if group.answer is not Answer.NONE or not any(one.name in highest for one in group.firing):
        return group
    with context.database.write() as tx:
        now = alerts.get(tx.connection, group.id)
        named = tuple(one for one in now.firing if one.name in highest)
        if now.answer is Answer.NONE and named:
            proposal = proposal_of(context.configuration, named, highest)
            _declare(context, tx, now, MONITORING, proposal, about=named)
        return alerts.get(tx.connection, group.id)


MONITORING = Person(id="monitoring", name=phrase("monitoring"), roles=frozenset(), language="en")
"""Who declares when nobody does. Has no vote."""


def _declare(
    context: CommandContext,
    tx: Transaction,
    group: AlertGroup,
    person: Person,
    proposal: Proposal,
    about: tuple[Alert, ...] = (),
) -> Reply:
    """The incident and its link to the alert are one act: a second tap joins what the first has opened. `about`: what
    is declared follows from these of its alerts alone; none = from all that fire.
    """
    if group.incident is not None:
        return declare.joined(incidents.get(tx.connection, group.incident))
    shown = about or group.firing or group.alerts
    title = cut(listed(sorted({one.name for one in shown})), TITLE_LONGEST)
    began = min(one.starts_at for one in shown)
    if proposal.level is None:
        values = {"site": proposal.site, "since": f"{began.isoformat(timespec='minutes')}", "title": title}
        return Reply(
            text=phrase(
                "Alert {number} names no service of dr.yml. Say the level: /dr alert {number} declare level2, or for a "
                "service: /dr declare level1",
                number=group.id,
            ),
            dialog=DialogRequest(kind="declare", values=values),
            ok=False,
        )
    known = Declaration(
        site=proposal.site,
        level=proposal.level,
        service=proposal.service,
        title=title,
        started_at=began,
        anyway=False,
        data=Data(kind=proposal.data) if proposal.data else None,
    )
    same = declare.similar(tx, known)
    incident = same or declare.open_incident(context, tx, known, person)
    alerts.declared(tx, group, incident.id, person.id)
    return declare.joined(incident) if same is not None else declare.opened(context, incident, known.data)
