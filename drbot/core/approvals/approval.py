"""The two-person rule: one `decide()` for every entry point, one `may_start()` for the worker (approvals.md).

Pure: the same functions run in the bot, in the terminal, in the worker's recount and in the search of the tests.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from drbot.core.approvals.refusals import COUNTED, REFUSALS
from drbot.core.approvals.state_words import REQUEST
from drbot.core.ledger.attestation import Attestation, Claim, Proof, Purpose, holds
from drbot.core.site.people import ACCESS, Account, Person, Roster
from drbot.core.text.messages import filled, listed, phrase
from drbot.core.text.words import clock


class RequestState(StrEnum):
    """Moves only along REQUEST_MOVES. A final request is never reopened and votes do not travel."""

    OPEN = "open"
    GRANTED = "granted"
    USED = "used"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    VOID = "void"
    STOPPED = "stopped"


_REFUSALS = frozenset(
    {
        RequestState.DENIED,
        RequestState.WITHDRAWN,
        RequestState.EXPIRED,
        RequestState.VOID,
        RequestState.STOPPED,
    }
)

REQUEST_TRANSITIONS: Mapping[RequestState, frozenset[RequestState]] = {
    RequestState.OPEN: frozenset({RequestState.GRANTED}) | _REFUSALS,
    RequestState.GRANTED: frozenset({RequestState.USED}) | _REFUSALS,
    RequestState.USED: frozenset(),
    RequestState.DENIED: frozenset(),
    RequestState.WITHDRAWN: frozenset(),
    RequestState.EXPIRED: frozenset(),
    RequestState.VOID: frozenset(),
    RequestState.STOPPED: frozenset(),
}

LIVE = frozenset({RequestState.OPEN, RequestState.GRANTED})


class EntryPoint(StrEnum):
    """Where a vote came in; all of them lead to `decide()`."""

    DIALOG = "dialog"
    TERMINAL = "terminal"
    COMMAND = "command"
    PHONE = "phone"


FLOOR = 2
"""No policy, runbook or row can ask fewer people; only break-glass starts with one."""

HOLD_SECONDS = 600.0
"""How long break-glass waits, loudly, for a veto."""

SKEW_SECONDS = 60.0
"""By how much the clocks of bot and worker may differ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """A vote that was counted."""

    person: str
    decision: str  # "approve" | "deny" | "break-glass"
    reason: str
    seal: str
    at: datetime
    entry_point: EntryPoint
    attestation: Attestation | None = None
    terminal: str = ""  # at a terminal: "login@host"; tells people, decides nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalRequest:
    """A row of `requests`: one question to two people about one sealed plan."""

    id: str
    incident: int
    run: str
    gate: str  # step id of the gate
    guards: tuple[str, ...]  # steps it lets start
    seal: str
    question: str  # core.plan.question_of
    target: str
    people: int
    requesters: tuple[str, ...]
    requester_counts: bool
    state: RequestState
    opened_at: datetime
    expires_at: datetime
    start_seconds: float
    granted_at: datetime | None = None
    proven_at: datetime | None = None  # all proof steps have succeeded
    proof_signature: str | None = None  # of the worker that saw them: what people read of the proof
    start_by: datetime | None = None
    used_by: str | None = None  # "run/step/epoch"
    hold_until: datetime | None = None  # break-glass: not granted before


@dataclass(frozen=True, kw_only=True, slots=True)
class Ballot:
    """Somebody tries to vote."""

    person: str | None  # roster id; None = unknown account
    account: Account | None  # None at a terminal
    decision: str
    reason: str
    seal: str  # of the plan that the dialog showed
    target: str  # typed by the approver
    entry_point: EntryPoint
    at: datetime
    attestation: Attestation | None = None
    problem: str = ""  # code of the refusal when the voter's code was no good
    rule: str = ""  # break-glass: the rule that is overridden
    typed_by: str = ""  # phone: who typed the code in
    terminal: str = ""  # terminal: "login@host"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    counted: bool
    code: str
    message: str
    state: RequestState | None = None  # the request's new state, if it moves


def _refuse(code: str, **values: object) -> Decision:
    return Decision(counted=False, code=code, message=filled(REFUSALS[code], **values))


def decide(
    request: ApprovalRequest,
    votes: Iterable[Vote],
    ballot: Ballot,
    roster: Roster,
    *,
    as_sealed: bool,
    early: bool = False,
) -> Decision:
    """Whether the ballot counts, and what the request becomes. `early`: before the dialog, when nobody can have shown
    who they are yet. `as_sealed`: people read what the request's seal covers; a no needs no reading.
    """
    refusal = _about_the_request(request, ballot, roster, as_sealed)
    if refusal is None and ballot.decision == "break-glass":
        return _break_glass(request, ballot, roster)
    refusal = refusal or _about_the_person(request, ballot, roster)
    if refusal is not None:
        return refusal
    earlier = {vote.person: vote for vote in votes if vote.decision != "break-glass"}
    before = earlier.get(ballot.person or "")
    # A deny after one's own approval is a change of mind for the safe side, so it counts.
    if before is not None and not (before.decision == "approve" and ballot.decision == "deny"):
        return _refuse("twice", when=clock(before.at))
    refusal = _about_the_dialog(request, ballot)
    if refusal is None and not early:
        refusal = _about_the_proof(request, ballot, roster)
    if refusal is not None:
        return refusal
    if ballot.decision == "deny":
        return Decision(counted=True, code="denied", message=COUNTED["denied"], state=RequestState.DENIED)
    have, need = len(standing(request, earlier.values(), roster) | {ballot.person}), max(FLOOR, request.people)
    granted = have >= need and request.state is RequestState.OPEN
    code = "granted" if have >= need else "approved"
    return Decision(
        counted=True,
        code=code,
        message=filled(COUNTED[code], have=have, need=need),
        state=RequestState.GRANTED if granted else None,
    )


def _about_the_request(request: ApprovalRequest, ballot: Ballot, roster: Roster, as_sealed: bool) -> Decision | None:
    if request.state not in LIVE:
        return _refuse("not_live", state=REQUEST[request.state])
    if request.state is RequestState.OPEN and ballot.at >= request.expires_at:
        return _refuse("expired", when=clock(request.expires_at))
    if roster.fault is not None and ballot.decision != "deny":
        return _refuse("roster_fault", fault=roster.fault)
    if not as_sealed and ballot.decision != "deny":
        return _refuse("not_as_sealed")
    return None


def _about_the_person(request: ApprovalRequest, ballot: Ballot, roster: Roster) -> Decision | None:
    account = ballot.account
    if account is not None and not account.is_full_member:
        return _refuse("account")
    person = roster.person(ballot.person) if ballot.person else None
    if person is None or (account is not None and account.id not in person.slack):
        return _refuse("unknown_person")
    barred = frozenset() if request.requester_counts else frozenset(request.requesters)
    names = listed(someone.name for someone in roster.approvers(without=barred))
    if "approver" not in person.roles:
        return _refuse("not_approver", approvers=names)
    if person.id in barred and ballot.decision != "deny":
        return _refuse("requester", approvers=names)
    if person.counts_from is not None and ballot.at < person.counts_from and ballot.decision != "deny":
        return _refuse("too_new", when=f"{person.counts_from:%Y-%m-%d} {clock(person.counts_from)}")
    return None


def _about_the_dialog(request: ApprovalRequest, ballot: Ballot) -> Decision | None:
    if ballot.seal != request.seal:
        return _refuse("old_plan")
    if ballot.decision == "approve" and ballot.target.strip() != request.target:
        return _refuse("wrong_target", typed=ballot.target.strip(), target=request.target)
    if not ballot.reason.strip():
        return _refuse("no_reason")
    return None


def needed(person: Person, entry_point: EntryPoint, decision: str, roster: Roster) -> frozenset[Proof]:
    """The proofs of which a vote needs one; none: the entry point's word counts. A no needs none but over the phone."""
    if decision == "break-glass":
        return frozenset({Proof.HOST})
    if entry_point is EntryPoint.PHONE:
        return frozenset({Proof.PHONE})
    if decision == "deny":
        return frozenset()
    own = {Proof.KEY} if entry_point is EntryPoint.TERMINAL and person.key is not None else set()
    return frozenset(own | ({Proof.CODE} if roster.second_factor == "totp" else set()))


_MISSING: Mapping[Proof, str] = {
    Proof.HOST: "break_glass_host",
    Proof.PHONE: "needs_phone_code",
    Proof.KEY: "needs_key",
    Proof.CODE: "needs_code",
}


def claim_of(request: ApprovalRequest, roster: Roster, *, person: str, seal: str, decision: str) -> Claim:
    """Everything that a vote says; it counts while this very roster is in force."""
    return Claim(
        purpose=Purpose.VOTE,
        person=person,
        decision=decision,
        seal=seal,
        request=request.id,
        gate=request.gate,
        run=request.run,
        policy=roster.number,
    )


def is_attested(request: ApprovalRequest, vote: Vote | Ballot, roster: Roster) -> bool:
    """Whether the voter showed who they are, as far as the policy and the entry point ask for it."""
    person = roster.person(vote.person or "")
    if person is None:
        return False
    wanted = needed(person, vote.entry_point, vote.decision, roster)
    claim = claim_of(request, roster, person=person.id, seal=vote.seal, decision=vote.decision)
    return not wanted or holds(vote.attestation, roster, wanted, claim)


def _about_the_proof(request: ApprovalRequest, ballot: Ballot, roster: Roster) -> Decision | None:
    if is_attested(request, ballot, roster):
        return None
    person = roster.person(ballot.person or "")
    wanted = needed(person, ballot.entry_point, ballot.decision, roster) if person else frozenset()
    return _refuse(ballot.problem or next((code for proof, code in _MISSING.items() if proof in wanted), "needs_code"))


def _break_glass(request: ApprovalRequest, ballot: Ballot, roster: Roster) -> Decision:
    """One person, from the recovery host only; it holds for ten minutes before it grants."""
    person = roster.person(ballot.person) if ballot.person else None
    if person is None or not person.roles & ACCESS["break-glass"]:
        return _refuse("unknown_person" if person is None else "not_approver", approvers="")
    if not roster.break_glass:
        return _refuse("break_glass_off")
    if request.hold_until is not None:
        return _refuse("twice", when=clock(request.hold_until - timedelta(seconds=HOLD_SECONDS)))
    if not ballot.rule.strip():
        return _refuse("no_rule")
    refusal = _about_the_dialog(request, replace(ballot, decision="approve"))
    if refusal is None and (ballot.entry_point is not EntryPoint.TERMINAL or not is_attested(request, ballot, roster)):
        refusal = _refuse("break_glass_host")
    if refusal is not None:
        return refusal
    until = clock(ballot.at + timedelta(seconds=HOLD_SECONDS))
    return Decision(counted=True, code="held", message=filled(COUNTED["held"], when=until))


def has_broken_glass(request: ApprovalRequest, votes: Iterable[Vote], roster: Roster) -> bool:
    """Whether somebody wants to act alone, from the recovery host."""
    return any(vote.decision == "break-glass" and is_attested(request, vote, roster) for vote in votes)


def held_long_enough(request: ApprovalRequest, votes: Iterable[Vote], roster: Roster, now: datetime) -> bool:
    """Whether break-glass stands instead of the second person: allowed, from the recovery host, ten minutes ago."""
    if not roster.break_glass or request.hold_until is None or now < request.hold_until:
        return False
    return any(
        vote.decision == "break-glass"
        and vote.seal == request.seal
        and now >= vote.at + timedelta(seconds=HOLD_SECONDS)
        and is_attested(request, vote, roster)
        for vote in votes
    )


def deniers(votes: Iterable[Vote]) -> tuple[str, ...]:
    """Who said no, the first one first: one no is enough, and nobody else asks for the same again."""
    return tuple(dict.fromkeys(vote.person for vote in votes if vote.decision == "deny"))


def standing(request: ApprovalRequest, votes: Iterable[Vote], roster: Roster) -> set[str]:
    """The people whose approval stands today: one vote each, on the roster, about this very plan, as themselves."""
    votes = tuple(votes)
    barred = set() if request.requester_counts else set(request.requesters)
    denied = set(deniers(votes))
    return {
        vote.person
        for vote in votes
        if vote.decision == "approve"
        and vote.seal == request.seal
        and vote.person not in barred | denied
        and (person := roster.person(vote.person)) is not None
        and "approver" in person.roles
        and (person.counts_from is None or vote.at >= person.counts_from)
        and is_attested(request, vote, roster)
    }


def start_deadline(request: ApprovalRequest) -> datetime | None:
    """When a permit ends: start_seconds after the later of grant and proof; None before both are there."""
    if request.granted_at is None or request.proven_at is None:
        return None
    return max(request.granted_at, request.proven_at) + timedelta(seconds=request.start_seconds)


def may_start(
    request: ApprovalRequest,
    votes: Iterable[Vote],
    roster: Roster,
    *,
    run: str,
    step: str,
    seal: str,
    now: datetime,
) -> str | None:
    """None if the destructive step may start now, else the sentence why not. The worker's own recount."""
    votes = tuple(votes)
    deadline, need = start_deadline(request), max(FLOOR, request.people)
    checks: tuple[tuple[bool, str], ...] = (
        (
            request.state is RequestState.GRANTED,
            phrase("The request is not granted: {state}.", state=REQUEST[request.state]),
        ),
        (request.run == run, phrase("The approval is for another run.")),
        (step in request.guards, phrase("The approval does not cover the step {step}.", step=step)),
        (request.seal == seal, phrase("The plan or the target is not the one that was approved.")),
        (roster.fault is None, roster.fault or ""),
        (not deniers(votes), phrase("Somebody denied it.")),
        (
            len(standing(request, votes, roster)) >= need or held_long_enough(request, votes, roster, now),
            phrase("Fewer than {need} approvals are valid.", need=need),
        ),
        (request.proven_at is not None, phrase("The proof is not there yet.")),
        (deadline is not None and now < deadline, phrase("The time to start has passed.")),
        (request.granted_at is not None and now >= request.granted_at, phrase("The clock jumped backwards.")),
    )
    return next((why for holds, why in checks if not holds), None)
