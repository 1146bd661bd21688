"""`action` keeps what follows from a drill or an incident: who does what by when; `actions` lists what is open."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from drbot.commands.facts.context import CommandContext, incident_of, is_of_incident
from drbot.commands.speech.messages import Choice, Reply, Request, Table
from drbot.commands.speech.parser import Words, plain, printable
from drbot.commands.speech.refusal import Refusal
from drbot.core.base.yaml_file import did_you_mean
from drbot.core.runs.action_item import ActionItem
from drbot.core.runs.incident import Incident
from drbot.core.site.people import Person, Roster
from drbot.core.text.messages import listed, phrase, sentences
from drbot.store.records import action_items, incidents

QUOTES = " \"'“”„«»「」『』"
MENTION = re.compile(r"<@(\w+)(?:\|[^>]*)?>")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    text: str
    owner: Person
    due: date


def action(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """`action DRILL-7 add <what> @person 2026-12-15`, `action DRILL-7 done 2`."""
    with context.database.read() as connection:
        incident = incident_of(connection, request, words)
    kind = plain(words.rest[0]) if words.rest else ""
    if kind == "add":
        return _add(context, incident, words.rest[1:], person, request.at)
    if kind == "done":
        return _done(context, incident, words.rest[1:], person)
    raise Refusal(_tried(incident), phrase("Say what: add or done."), _how(incident))


def list_(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Of one incident all of them, else what is open of every one."""
    with context.database.read() as connection:
        if is_of_incident(connection, request, words):
            incident = incident_of(connection, request, words)
            found, said = action_items.of_incident(connection, incident.id), incident.name
        else:
            found, said = action_items.open_ones(connection), phrase("All drills and incidents")
        names = {number: incidents.get(connection, number).name for number in {one.incident for one in found}}
    if not found:
        how = phrase("Add one: /dr action DRILL-7 add <what> @person YYYY-MM-DD")
        return Reply(text=sentences(phrase("{name}: no action items.", name=said), how))
    today = context.configuration.day(request.at)
    late = sum(one.is_overdue(today) for one in found)
    header = (phrase("Of"), phrase("No."), phrase("What"), phrase("Owner"), phrase("Due"), phrase("State"))
    rows = tuple(_row(one, names[one.incident], context.roster, today) for one in found)
    text = phrase("{name}: action items: {count}, overdue: {late}.", name=said, count=len(found), late=late)
    return Reply(text=text, tables=(Table(header=header, rows=rows),))


def _row(item: ActionItem, name: str, roster: Roster, today: date) -> tuple[str, ...]:
    state = phrase("done") if item.is_done else phrase("overdue") if item.is_overdue(today) else phrase("open")
    return (name, f"{item.number}", item.text, roster.name_of(item.owner), item.due.isoformat(), state)


def _add(context: CommandContext, incident: Incident, rest: Sequence[str], person: Person, now: datetime) -> Reply:
    asked = _asked(context, incident, rest, now)
    with context.database.write() as tx:
        item = action_items.add(tx, incident.id, text=asked.text, owner=asked.owner.id, due=asked.due, person=person.id)
    said = phrase(
        "{name}, action item {number}: {text} ({owner}, by {due}).",
        name=incident.name,
        number=item.number,
        text=item.text,
        owner=asked.owner.name,
        due=item.due.isoformat(),
    )
    todo = phrase("When it is done: /dr action {name} done {number}", name=incident.name, number=item.number)
    return Reply(text=sentences(said, todo), in_channel=True)


def _asked(context: CommandContext, incident: Incident, rest: Sequence[str], now: datetime) -> Asked:
    """The last two words are who and when, in either order. Raises UserError."""
    *said, last, other = ["", "", *rest]
    if DAY.fullmatch(plain(last)):
        last, other = other, last
    text = " ".join(word for word in said if word).strip(QUOTES)
    due = _day(incident, other, context.configuration.day(now))
    owner = _owner(context.roster, incident, last)
    if not text:
        raise Refusal(_tried(incident), phrase("It does not say what is to be done."), _how(incident))
    return Asked(text=text, owner=owner, due=due)


def _day(incident: Incident, word: str, today: date) -> date:
    try:
        due = date.fromisoformat(plain(word)) if DAY.fullmatch(plain(word)) else None
    except ValueError:
        due = None
    if due is None:
        why = phrase('"{word}" is not a day.', word=printable(word)) if word else phrase("It does not say by when.")
        raise Refusal(_tried(incident), why, _how(incident))
    if due < today:
        why = phrase("{due} is over; today is {today}.", due=due.isoformat(), today=today.isoformat())
        raise Refusal(_tried(incident), why, phrase("Name today or a later day."))
    return due


def _owner(roster: Roster, incident: Incident, word: str) -> Person:
    mentioned = MENTION.fullmatch(word)
    name = plain(word).removeprefix("@")
    found = roster.of_account(mentioned[1]) if mentioned else roster.person(name)
    if found is not None:
        return found
    if not name:
        raise Refusal(_tried(incident), phrase("It does not say who does it."), _how(incident))
    why = phrase('"{word}" is not a person of dr.yml.', word=printable(word))
    known = phrase("There are: {names}.", names=listed(roster.people))
    raise Refusal(_tried(incident), sentences(why, did_you_mean(name, list(roster.people))), known)


def _done(context: CommandContext, incident: Incident, rest: Sequence[str], person: Person) -> Reply:
    typed = plain(rest[0]).removeprefix("#") if rest else ""
    with context.database.write() as tx:
        known = action_items.of_incident(tx.connection, incident.id)
        item = next((one for one in known if f"{one.number}" == typed), None)
        if item is None:
            raise Refusal(_tried(incident), _no_such(typed, known), choices=_of(incident))
        is_new = action_items.done(tx, item, person.id)
    if not is_new:
        who = context.roster.name_of(item.done_by)
        why = phrase("Action item {number} was done already: {who} said so.", number=item.number, who=who)
        raise Refusal(_tried(incident), why)
    said = phrase(
        "{name}, action item {number} is done: {text}", name=incident.name, number=item.number, text=item.text
    )
    return Reply(text=said, in_channel=True)


def _no_such(typed: str, known: Sequence[ActionItem]) -> str:
    numbers = listed(f"{one.number}" for one in known if not one.is_done)
    return sentences(
        phrase('It has no action item "{number}".', number=printable(typed))
        if typed
        else phrase("Say which one by its number."),
        phrase("Open are: {numbers}.", numbers=numbers) if numbers else phrase("None is open."),
    )


def _of(incident: Incident) -> tuple[Choice, ...]:
    return (Choice(label=phrase("Action items of {name}", name=incident.name), command=f"actions {incident.name}"),)


def _tried(incident: Incident) -> str:
    return phrase("{name}: action items.", name=incident.name)


def _how(incident: Incident) -> str:
    return phrase("For example: /dr action {name} add make the backup smaller @ben 2026-12-15", name=incident.name)
