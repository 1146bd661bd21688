"""`approve` opens the vote dialog, `deny` says no at once; both end in store.requests.cast and its `decide()`."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection

from drbot.commands.facts.context import CommandContext, incident_of, live_request
from drbot.commands.facts.runbook_selection import ring
from drbot.commands.speech.messages import Choice, DialogRequest, Reply, Request
from drbot.commands.speech.parser import Words
from drbot.commands.speech.refusal import Refusal
from drbot.commands.verb.proving import proven
from drbot.commands.views.vote_dialog import VoteDialog, dialog_from, table_of
from drbot.core.approvals.approval import ApprovalRequest, Ballot, Decision, EntryPoint, RequestState, Vote, decide
from drbot.core.approvals.refusals import REFUSALS
from drbot.core.approvals.terminals import one_terminal, one_terminal_text
from drbot.core.approvals.too_few import too_few
from drbot.core.runs.clocks import clocks_of
from drbot.core.runs.plan import short_seal
from drbot.core.site.people import Account, Person, Roster
from drbot.core.text.messages import phrase, sentences
from drbot.store.records import incidents, requests, steps
from drbot.store.records.as_sealed import is_as_sealed, reads_as_sealed
from drbot.store.runs import runs

Decided = Literal["approve", "deny", "break-glass"]


def dialog_of(
    context: CommandContext,
    request_id: str,
    person: Person | None,
    *,
    account: Account | None = None,
    decision: Decided = "approve",
    at: datetime | None = None,
) -> VoteDialog:
    """What the dialog shows now. Raises UserError when this person's `decision` could not count anyway."""
    now = at or datetime.now(UTC)
    with context.database.read() as conn:
        asked = requests.get(conn, request_id)
        _refuse_early(conn, context, asked, person, account=account, decision=decision, now=now)
        return _draw(conn, context, asked, now)


PINNED = ("target", "reason", "seal")
"""What a vote at a terminal needs; without the seal a plan that nobody has read could be meant."""


def is_ballot(request: Request) -> bool:
    """Everything that a vote needs was sent: a dialog about one request, or a terminal that names what was read.
    Whoever sent it, `decide` judges it, and says no on the record.
    """
    if request.entry_point is EntryPoint.TERMINAL:
        return all(request.values.get(name) for name in PINNED)
    return request.entry_point is EntryPoint.DIALOG and "request" in request.values


def approve(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Show what would be replaced, and how to agree to it."""
    with context.database.read() as conn:
        incident = incident_of(conn, request, words)
        asked = live_request(conn, incident, "approve")
        _refuse_early(conn, context, asked, person, account=request.account, decision="approve", now=request.at)
        dialog = _draw(conn, context, asked, request.at)
    return Reply(
        text=sentences(dialog.sound, _how_to(dialog, request.entry_point)),
        tables=(table_of(dialog),),
        dialog=DialogRequest(kind="vote", incident=incident.id, request=asked.id, values=_kept(asked, dialog)),
    )


def _kept(asked: ApprovalRequest, dialog: VoteDialog) -> dict[str, str]:
    """What an entry point that asks in two steps brings back."""
    return {"seal": asked.seal} | ({"needs_code": "yes"} if dialog.needs_code else {})


def deny(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """One no is enough; the reason goes into the report."""
    with context.database.read() as conn:
        asked = live_request(conn, incident_of(conn, request, words), "deny")
    reason = words.text or request.values.get("reason", "")
    ballot = ballot_of(request, "deny", reason=reason, seal=asked.seal, target=asked.target)
    return vote(context, request, asked.id, ballot)


def cast(context: CommandContext, request: Request, words: Words) -> Reply:
    """What `is_ballot` found: one vote, for the request that a dialog names or for the one that waits."""
    values = request.values
    with context.database.read() as conn:
        if "request" in values:
            asked = requests.get(conn, values["request"])
        else:
            asked = live_request(conn, incident_of(conn, request, words), words.verb)
    seal = values.get("seal", "")
    if request.entry_point is EntryPoint.TERMINAL:
        seal = typed_seal(seal, asked.seal)
    decision: Decided = "deny" if words.verb == "deny" else "approve"
    reason, target = values.get("reason", ""), values.get("target", "")
    ballot = ballot_of(request, decision, reason=reason, seal=seal, target=target)
    return vote(context, request, asked.id, ballot, code=values.get("code", ""))


def ballot_of(request: Request, decision: Decided, *, reason: str, seal: str, target: str) -> Ballot:
    return Ballot(
        person=request.person.id if request.person else None,
        account=request.account,
        decision=decision,
        reason=reason,
        seal=seal,
        target=target,
        entry_point=request.entry_point,
        at=request.at,
        terminal=request.terminal,
    )


def vote(context: CommandContext, request: Request, asked_id: str, ballot: Ballot, *, code: str = "") -> Reply:
    """Cast one ballot; whether it counts is decided and recorded in the store's transaction. `code`: of an
    authenticator, or read over the phone.
    """
    ballot = proven(context, asked_id, ballot, code=code, sign=request.sign, origin=request.origin)
    context.voters(fresh=True)  # the whole ledger is read before the transaction, not inside
    with context.database.write() as tx:
        asked = requests.get(tx.connection, asked_id)
        run = runs.get(tx.connection, asked.run)
        voters = context.voters(among=context.rosters.look(tx.connection, run.site))
        outcome = requests.cast(tx, asked_id, ballot, voters)
        cast_votes = requests.votes(tx.connection, asked_id)
        approved_here = outcome.counted and ballot.terminal and ballot.decision == "approve"
        shared = one_terminal(cast_votes) if approved_here else ""
        few = _too_few(outcome, requests.get(tx.connection, asked_id), cast_votes, voters)
        ring(context, tx, run)
    said = outcome.message if few is None else _warned(outcome.message, few)
    said = said if not shared else _warned(said, one_terminal_text(shared))
    return Reply(text=said, ok=outcome.counted, code=outcome.code)


def approved_in_slack(context: CommandContext, asked_id: str) -> list[tuple[Person, tuple[str, ...]]]:
    """Whose votes count so far, and came from Slack; with the account, or all of theirs where nobody has noted it."""
    with context.database.read() as connection:
        votes = requests.votes(connection, asked_id)
        used = requests.accounts_of(connection, requests.get(connection, asked_id))
    # The row of a vote may say anything; what the ledger has of it counts too.
    in_slack = {one.person for one in votes if one.decision == "approve" and (not one.terminal or one.person in used)}
    people = [person for person in context.roster.people.values() if person.id in in_slack and person.slack]
    return [(one, (used[one.id],) if used.get(one.id) in one.slack else one.slack) for one in people]


def void_without(context: CommandContext, asked_id: str, gone: Person) -> Reply:
    """Somebody who voted is no longer an active member of the workspace: nothing starts on that vote."""
    why = phrase("{person}, who approved, is no longer an active member of this workspace.", person=gone.name)
    with context.database.write() as tx:
        requests.close(tx, asked_id, RequestState.VOID, why=why)
        ring(context, tx, runs.get(tx.connection, requests.get(tx.connection, asked_id).run))
    void = phrase("The approval is void, and your vote was not counted.")
    return Reply(text=sentences(why, void, phrase("To go on, ask again in its channel.")), ok=False)


def _warned(message: str, warning: str) -> str:
    return phrase("{message}\n⚠ {warning}", message=message, warning=warning)


def _too_few(outcome: Decision, asked: ApprovalRequest, votes: Iterable[Vote], roster: Roster) -> str | None:
    """Told to whoever approved and to whoever asked; others cannot change it."""
    return too_few(asked, votes, roster) if outcome.code in {"approved", "requester"} else None


def _draw(conn: Connection, context: CommandContext, asked: ApprovalRequest, now: datetime) -> VoteDialog:
    run = runs.get(conn, asked.run)
    incident = incidents.get(conn, asked.incident)
    records, roster = steps.of_run(conn, run.id), context.rosters.look(conn, run.site)
    if run.plan is None or not is_as_sealed(asked, incident, run, records, roster.worker_key):
        raise Refusal("", REFUSALS["not_as_sealed"], code="not_as_sealed")
    return dialog_from(
        incident=incident,
        plan=run.plan,
        request=asked,
        votes=requests.votes(conn, asked.id),
        steps={record.id: record for record in records},
        roster=roster,
        clocks=clocks_of(incident, run.plan, records, context.configuration.targets, now),
    )


def _refuse_early(
    conn: Connection,
    context: CommandContext,
    asked: ApprovalRequest,
    person: Person | None,
    *,
    account: Account | None,
    decision: Decided,
    now: datetime,
) -> None:
    """Tell somebody whose vote cannot count before they read and type; the real decision comes with the vote."""
    ballot = Ballot(
        person=person.id if person else None,
        account=account,
        decision=decision,
        reason="-",
        seal=asked.seal,
        target=asked.target,
        entry_point=EntryPoint.DIALOG,
        at=now,
    )
    voters = context.voters(among=context.rosters.look(conn, runs.get(conn, asked.run).site))
    votes = requests.votes(conn, asked.id)
    as_sealed = reads_as_sealed(conn, asked, voters.worker_key)
    outcome = decide(asked, votes, ballot, voters, as_sealed=as_sealed, early=True)
    if not outcome.counted:
        few = _too_few(outcome, asked, votes, voters)
        raise Refusal(
            "",
            outcome.message if few is None else _warned(outcome.message, few),
            choices=(Choice(label=phrase("Status"), command=f"status DR-{asked.incident}"),),
            code=outcome.code,
        )


def typed_seal(typed: str, seal: str) -> str:
    """At a terminal the short seal pins the plan that was read; another one is an old plan."""
    return seal if typed.strip().upper() in {short_seal(seal), seal.upper()} else typed


def _how_to(dialog: VoteDialog, entry_point: EntryPoint) -> str:
    if entry_point is not EntryPoint.TERMINAL:
        return phrase(
            "{name}: read what will be replaced, then decide in the dialog.",
            name=dialog.incident_name,
        )
    command = (
        f'drbot dr approve {dialog.incident_name} --target {dialog.target} --seal {dialog.short_seal} --reason "…"'
    )
    return phrase(
        '{name}: to approve exactly this, run\n  {command}\nTo deny it: drbot dr deny {name} "why"',
        name=dialog.incident_name,
        command=command,
    )
