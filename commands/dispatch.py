"""The one way in for slash command, button, dialog and terminal: `dispatch`, and its table of verbs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from drbot.commands.facts.context import CommandContext, actor, asked_for, incident_of
from drbot.commands.speech.messages import Choice, Reply, Request
from drbot.commands.speech.parser import Words, parse
from drbot.commands.speech.refusal import Refusal, reply_of
from drbot.commands.verb import (
    action,
    alert,
    alerts,
    answer,
    approve,
    backups,
    confirm,
    declare,
    drill,
    enrol,
    give_back,
    give_up,
    kept,
    lead_back,
    level,
    moments,
    plan,
    readiness,
    recover,
    report,
    resolve,
    roster,
    run,
    settle,
    since,
    special_votes,
    status,
    stop,
    takeover,
    undo,
    update,
)
from drbot.commands.verb import help as helping
from drbot.core.base.errors import BrokenStateError, DrbotError, TemporaryError, UnreadableError, UserError
from drbot.core.ledger.events import EventKind
from drbot.core.site.level import Level
from drbot.core.site.people import Person
from drbot.core.text.messages import phrase

log = structlog.get_logger(__name__)

Act = Callable[[CommandContext, Request, Words, Person], Reply]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verb:
    """What a verb does and the row of core.site.people.ACCESS that guards it; "" = it changes nothing."""

    act: Act
    access: str = ""
    cast: Callable[[CommandContext, Request, Words], Reply] | None = None  # for a request that is a ballot


TABLE: Mapping[str, Verb] = {
    "menu": Verb(act=helping.menu),
    "help": Verb(act=helping.help_),
    "whoami": Verb(act=helping.whoami),
    "alerts": Verb(act=alerts.list_),
    "alert": Verb(act=alert.alert, access="declare"),
    "readiness": Verb(act=readiness.readiness),
    "backups": Verb(act=backups.backups),
    "confirm": Verb(act=confirm.confirm, access="confirm"),
    "declare": Verb(act=declare.declare, access="declare"),
    "drill": Verb(act=drill.drill, access="drill"),
    "drills": Verb(act=drill.list_),
    "action": Verb(act=action.action, access="action"),
    "actions": Verb(act=action.list_),
    "level": Verb(act=level.level, access="level"),
    "plan": Verb(act=plan.plan, access="plan"),
    "moments": Verb(act=moments.moments, access="plan"),
    "status": Verb(act=status.status),
    "list": Verb(act=status.list_),
    "approve": Verb(act=approve.approve, access="approve", cast=approve.cast),
    "deny": Verb(act=approve.deny, access="deny", cast=approve.cast),
    "phone": Verb(act=special_votes.phone, access="phone"),
    "break-glass": Verb(act=special_votes.break_glass, access="break-glass"),
    "enrol": Verb(act=enrol.enrol, access="enrol"),
    "roster": Verb(act=roster.roster, access="roster"),
    "stop": Verb(act=stop.stop, access="stop"),
    "settle": Verb(act=settle.settle, access="settle"),
    "takeover": Verb(act=takeover.takeover, access="takeover"),
    "answer": Verb(act=answer.answer, access="answer"),
    "undo": Verb(act=undo.undo, access="undo"),
    "lead-back": Verb(act=lead_back.lead_back, access="lead-back"),
    "kept": Verb(act=kept.kept),
    "give-up": Verb(act=give_up.give_up, access="give-up"),
    "give-back": Verb(act=give_back.give_back, access="give-back"),
    "update": Verb(act=update.update, access="update"),
    "since": Verb(act=since.since, access="level"),
    "resolve": Verb(act=resolve.resolve, access="resolve"),
    "recover": Verb(act=recover.recover, access="recover"),
    "run": Verb(act=run.run, access="run"),
    "discard": Verb(act=recover.discard, access="recover"),
    "restart": Verb(act=recover.restart, access="recover"),
    "report": Verb(act=report.report),
    "timeline": Verb(act=report.timeline),
}


def dispatch(context: CommandContext, request: Request) -> Reply:
    """Do what was asked. Never raises: a refusal, a busy database, everything foreseen is an answer."""
    words = None
    try:
        words = parse(request.verb_text)
        verb = TABLE[words.verb]
        if context.is_rehearsal and words.verb in OF_PRODUCTION:
            raise rehearsal_of(words.verb)
        if verb.cast is not None and approve.is_ballot(request):
            return verb.cast(context, request, words)
        return verb.act(context, request, words, actor(context, request, verb.access, words.verb))
    except UserError as error:
        _record(context, request, words, error)
        return reply_of(error)
    except (TemporaryError, SQLAlchemyError) as error:
        log.warning("The state database does not answer; nothing was recorded.", error=str(error))
        return Reply(text=NOT_RECORDED, ok=False)
    except BrokenStateError as error:
        log.error("The state database cannot be read; nothing was recorded.", error=str(error))
        return Reply(text=_not_recorded(error), ok=False)
    except DrbotError as error:
        log.warning("A command could not be done.", verb=words.verb if words else "", error=str(error))
        return Reply(text=str(error), ok=False)


NOT_RECORDED: str = phrase(
    "Not recorded, nothing started and nothing stopped: drbot's own database does not answer just now. "
    "Try again in a moment."
)


def _not_recorded(error: BrokenStateError) -> str:
    return phrase(
        "Not recorded, nothing started and nothing stopped. {error}. To restore it: drbot bootstrap", error=error
    )


OF_NO_INCIDENT = frozenset({"declare", "alert"})
"""What fails there concerns no incident, even when one happens to be open."""


OF_PRODUCTION = frozenset({"declare", "alert", "plan", "give-up", "give-back", "lead-back"})
"""What would begin something there; everything else goes on in a drill, or only reads."""


def rehearsal_of(verb: str) -> Refusal:
    """What can be typed instead."""
    levels = [(phrase("Drill of level {level}", level=int(one)), f"drill level{int(one)}") for one in Level]
    return Refusal(
        asked_for(verb),
        phrase("This is a rehearsal: nothing is begun on production."),
        phrase("/dr drill level2 is the same on a copy; two people approve. `drbot slack --for-real` lifts it."),
        choices=tuple(Choice(label=label, command=command) for label, command in levels),
    )


def _record(context: CommandContext, request: Request, words: Words | None, error: UserError) -> None:
    """Refusals are recorded like grants where they concern an incident."""
    if words is None or words.verb in OF_NO_INCIDENT or not TABLE[words.verb].access:
        return
    incident = None
    try:
        with context.database.write() as tx:
            incident = incident_of(tx.connection, request, words).id
            tx.record(
                EventKind.COMMAND_REFUSED,
                incident=incident,
                person=request.person.id if request.person else None,
                verb=words.verb,
                why=str(error),
                code=error.code if isinstance(error, Refusal) else "",
                entry_point=request.entry_point.value,
            )
    except UserError:
        return
    except (TemporaryError, BrokenStateError, UnreadableError, SQLAlchemyError) as busy:
        log.warning("A refusal could not be recorded.", incident=incident, why=str(error), error=str(busy))
