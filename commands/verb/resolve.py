"""`resolve` closes the incident; the report is written from the ledger."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from drbot.commands.facts.context import CommandContext, asked_for, current_run, incident_of, must_be_open
from drbot.commands.facts.machines import machines_table
from drbot.commands.facts.making_way import in_progress, only_asks
from drbot.commands.speech.messages import Choice, DialogRequest, Reply, Request
from drbot.commands.speech.parser import Words, clean, plain
from drbot.commands.speech.refusal import Refusal
from drbot.commands.views.available_actions import available_actions
from drbot.commands.views.incident_view import IncidentView, view_of
from drbot.core.approvals.approval import EntryPoint
from drbot.core.runs.incident import Incident, UsersSay
from drbot.core.runs.run import Run
from drbot.core.runs.state_words import incident_text, sentence_of
from drbot.core.site.people import Person
from drbot.core.site.readiness import services_of
from drbot.core.text.messages import closed, phrase, sentences
from drbot.core.text.words import clock
from drbot.store.records import incidents, readiness, schedules
from drbot.store.records.readiness import Seen

NOT_REPAIRED, USERS_CAN_WORK = "not-repaired", "users-can-work"
SAYS: Mapping[str, UsersSay] = {USERS_CAN_WORK: UsersSay.YES, NOT_REPAIRED: UsersSay.NO}
"""The first word behind `resolve`, where it is not known that the system works."""


def resolve(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Close it with a summary. Where nothing shows that the system works, whoever closes it is told what is known, and
    says how it is. Slack asks for both in a dialog.
    """
    typed = words.rest[0] if words.rest and plain(words.rest[0]) in SAYS else ""
    said = SAYS.get(request.values.get("users") or plain(typed))
    summary = (clean(request.values.get("summary", "")).strip() or words.after(bool(typed))).strip()
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        must_be_open(incident, "resolve")
        run = current_run(tx.connection, incident)
        if run is not None and not run.is_over:
            raise _unanswered(incident) if only_asks(incident, run) else in_progress(incident, run, "resolve")
        doubt = "" if said is not None else _doubt(tx.connection, incident, run)
        if doubt or (not summary and request.entry_point is EntryPoint.COMMAND):
            return _asked(incident, doubt, {"text": summary, "doubt": doubt, "users": plain(typed)})
        if said is not None:
            incidents.users_say(tx, incident.id, said, person.id)
        incidents.resolve(tx, incident.id, person.id, summary)
        schedules.drop(tx, incident.id)
        view = view_of(tx.connection, context, incidents.get(tx.connection, incident.id), request.at)
    return _closed(context, view, request)


def _unanswered(incident: Incident) -> Refusal:
    return Refusal(
        asked_for("resolve", incident),
        phrase("Nobody has said yet whether users can work."),
        phrase("Say it first: /dr answer {name} yes, or no.", name=incident.name),
        choices=(
            Choice(label=phrase("Users can work"), command=f"answer {incident.name} yes", style="primary"),
            Choice(label=phrase("Users cannot work"), command=f"answer {incident.name} no"),
        ),
    )


def _doubt(connection: Connection, incident: Incident, run: Run | None) -> str:
    """Why nobody can say that it works: no check and no person has said so since production was changed last, or its
    worker has seen since then that it does not. "" = it works, as far as is known.
    """
    seen = _seen_broken(connection, incident, run)
    if incident.is_drill or (incident.is_repaired and not seen):
        return ""
    ended = run.outcome or "" if run is not None and not incident.is_repaired else ""
    found = (
        phrase("Seen at {moment}: {why}", moment=clock(one.looked_at), why=closed(one.line.reason)) for one in seen
    )
    return sentences(sentence_of(incident_text(incident, run)), ended, *found)


def _seen_broken(connection: Connection, incident: Incident, run: Run | None) -> Sequence[Seen]:
    """Only where the system is still there, and not what was seen before it was recovered."""
    if run is not None and run.site != incident.site:
        return ()
    what, known = services_of(incident.site), (incident.recovered_at, incident.confirmed_at)
    seen = [one for one in readiness.list_of(connection) if one.line.what == what and not one.line.well]
    return [one for one in seen if all(moment is None or one.looked_at > moment for moment in known)]


def _asked(incident: Incident, doubt: str, values: Mapping[str, str]) -> Reply:
    wanted: str = phrase("{name}: say in a sentence what happened: /dr resolve {name} <summary>", name=incident.name)
    if doubt:
        ways = phrase(
            "Say how it is: /dr resolve {name} {works} <summary>, or, to close it as it is: /dr resolve {name} "
            "{broken} <summary>",
            name=incident.name,
            works=USERS_CAN_WORK,
            broken=NOT_REPAIRED,
        )
        wanted = sentences(asked_for("resolve", incident), doubt, ways)
    again = Choice(label=phrase("Resolve and write the report"), command=f"resolve {incident.name}")
    dialog = DialogRequest(kind="resolve", incident=incident.id, values=values)
    return Reply(text=wanted, choices=(again,) if doubt else (), dialog=dialog, ok=False)


def _closed(context: CommandContext, view: IncidentView, request: Request) -> Reply:
    name, is_given_up = view.incident.name, view.incident.is_given_up
    is_shown = view.incident.channel is not None and not view.untold
    ended = (
        phrase("{name} is closed, not repaired.", name=name)
        if is_given_up
        else phrase("{name} is resolved.", name=name)
    )
    posted = phrase("The report is posted in its channel; /dr report {name} shows it again.", name=name)
    where = posted if is_shown else phrase("/dr report {name} shows the report.", name=name)
    said = sentences(ended, where, view.untold)
    if not view.rented:
        return Reply(text=said)
    reminder = phrase(
        "STILL RENTED and billed: {count}. Give back what is no longer needed (needs two approvals): /dr give-back",
        count=len(view.rented),
    )
    return Reply(
        text=sentences(said, reminder),
        tables=(machines_table(view.rented, context.configuration, view.names, request.at),),
        choices=tuple(action for action in available_actions(view) if action.verb == "give-back"),
    )
