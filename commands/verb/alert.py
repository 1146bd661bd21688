"""`alerts` lists what monitoring says; `alert` declares what one proposes, or says that somebody has seen it."""

from dataclasses import replace
from datetime import datetime, timedelta

from drbot.commands.facts.context import CommandContext
from drbot.commands.facts.data_named import Data
from drbot.commands.speech.messages import Choice, DialogRequest, Reply, Request, Table
from drbot.commands.speech.parser import Words, level_of, plain, printable
from drbot.commands.speech.refusal import Refusal
from drbot.commands.verb import declare
from drbot.commands.verb.declare import TITLE_LONGEST, Declaration
from drbot.commands.views.alert_view import SILENCE, alert_text, choices_of, proposal_text
from drbot.core.site.alerts import Alert, proposal_of
from drbot.core.site.level import Level
from drbot.core.site.people import Person
from drbot.core.text.messages import duration, listed, phrase
from drbot.core.text.words import ago, cut, seconds_of
from drbot.store.base.database import Transaction
from drbot.store.records import alerts, incidents
from drbot.store.records.alerts import AlertGroup, Answer

LONGEST_SILENCE = timedelta(days=7)


def list_(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """What fires now, and what was resolved lately."""
    with context.database.read() as connection:
        there = alerts.list_of(connection)
    if not there:
        return Reply(text=phrase("No alert has come in yet. How alerts get here: drbot docs watching"))
    firing = [group for group in there if group.firing]
    header = (phrase("Alert"), phrase("Names"), phrase("Began"), phrase("State"), phrase("Proposes"))
    return Reply(
        text=phrase("Alerts that fire: {count}.", count=len(firing)),
        tables=(Table(header=header, rows=tuple(_row(context, group, request.at) for group in there)),),
        choices=tuple(choice for group in firing[:2] for choice in choices_of(group, context.configuration)),
    )


def _row(context: CommandContext, group: AlertGroup, now: datetime) -> tuple[str, ...]:
    shown = group.firing or group.alerts
    state = phrase("fires") if group.firing else phrase("no longer fires")
    if group.incident is not None:
        state = phrase("{state}; declared as DR-{incident}", state=state, incident=group.incident)
    elif group.answer is Answer.SEEN:
        state = phrase("{state}, seen", state=state)
    elif group.is_silent(now):
        state = phrase("{state}, silent", state=state)
    return (
        str(group.id),
        listed(sorted({alert.name for alert in shown})),
        phrase("{time} ago", time=duration(ago(group.began, now).total_seconds())),
        state,
        proposal_text(proposal_of(context.configuration, shown)) or "-",
    )


def alert(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """`N declare`, `N seen` or `N silence 2h`; a number alone shows it."""
    number, said = _number(words), plain(words.rest[1]) if len(words.rest) > 1 else ""
    with context.database.write() as tx:
        group = alerts.get(tx.connection, number)
        if said == "declare":
            level = level_of(words.rest[2], f"alert {number} declare level2") if len(words.rest) > 2 else None
            return _declare(context, tx, group, person, level)
        if said not in ("", "seen", "silence"):
            raise _unknown(number, said)
        until = tx.now + _time(words.after(2) or SILENCE) if said == "silence" else None
        if said and group.incident is None:  # what has an incident is looked after there
            alerts.answer(tx, number, Answer.SILENCED if until else Answer.SEEN, person.id, until)
        group = alerts.get(tx.connection, number)
    return _shown(context, group, request.at)


def _shown(context: CommandContext, group: AlertGroup, now: datetime) -> Reply:
    who = context.roster.name_of(group.answered_by) if group.answered_by else ""
    return Reply(
        text=alert_text(group, context.configuration, now, who), choices=choices_of(group, context.configuration)
    )


def _number(words: Words) -> int:
    word = plain(words.rest[0]) if words.rest else ""
    if word.isascii() and word.isdigit() and len(word) < 10:
        return int(word)
    raise Refusal(
        phrase("You asked for alert."),
        phrase('"{word}" is not the number of an alert.', word=printable(word)) if word else phrase("Say its number."),
        phrase("See: /dr alerts"),
        choices=(Choice(label=phrase("Alerts"), command="alerts"),),
    )


def _unknown(number: int, said: str) -> Refusal:
    return Refusal(
        phrase("You asked for alert {number}.", number=number),
        phrase('"{word}" cannot be done with an alert.', word=printable(said)),
        phrase("Write declare, seen, or silence 2h."),
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


def declare_by_itself(context: CommandContext, group: AlertGroup) -> AlertGroup:
    """Where dr.yml says so for one of its alerts: the incident is opened, as by a tap; each group once."""
    by_itself = {*context.configuration.alerts.declare}
    if group.incident is not None or not any(one.name in by_itself for one in group.firing):
        return group
    with context.database.write() as tx:
        now = alerts.get(tx.connection, group.id)
        named = tuple(one for one in now.firing if one.name in by_itself)
        if now.incident is None and named:
            _declare(context, tx, now, MONITORING, about=named)
        return alerts.get(tx.connection, group.id)


MONITORING = Person(id="monitoring", name=phrase("monitoring"), roles=frozenset(), language="en")
"""Who declares when nobody does. Has no vote."""


def _declare(
    context: CommandContext,
    tx: Transaction,
    group: AlertGroup,
    person: Person,
    level: Level | None = None,
    about: tuple[Alert, ...] = (),
) -> Reply:
    """The incident and its link to the alert are one act: a second tap joins what the first has opened. `about`: what
    is declared follows from these of its alerts alone; none = from all that fire.
    """
    if group.incident is not None:
        return declare.joined(incidents.get(tx.connection, group.incident))
    shown = about or group.firing or group.alerts
    proposal = proposal_of(context.configuration, shown)
    title = cut(listed(sorted({one.name for one in shown})), TITLE_LONGEST)
    began = min(one.starts_at for one in shown)
    if level is not None and level not in (proposal.level, Level.SERVICE):
        proposal = replace(proposal, level=level, service=None, data=None)
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
