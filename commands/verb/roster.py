"""`roster`: who may approve and by which rules, and what two approvers have to agree to."""

from collections.abc import Callable, Iterator

from drbot.commands.facts.context import CommandContext
from drbot.commands.facts.faults import fault_tables
from drbot.commands.speech.messages import Choice, Reply, Request, Table
from drbot.commands.speech.parser import Words, plain
from drbot.commands.speech.refusal import Refusal
from drbot.commands.verb.enrol import workers
from drbot.commands.verb.proving import by_key, by_worker
from drbot.core.approvals.refusals import REFUSALS
from drbot.core.ledger.attestation import Attestation, Claim, Proof
from drbot.core.ledger.policy import (
    ACCEPT,
    AGREEING,
    Document,
    Policy,
    differences,
    gained,
    is_too_new,
    needed_to_change,
    roster_seal,
)
from drbot.core.site.people import Account, Person
from drbot.core.text.messages import filled, listed, phrase
from drbot.core.text.words import clock
from drbot.store.records import rosters


def roster(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """What is in force and what is proposed; `roster accept SEAL [code]` agrees."""
    if words.rest and plain(words.rest[0]) == ACCEPT:
        return _agreed(context, request, words, person)
    policy = _policy(context)
    tables = [*(fault_tables(context) if policy.unbelieved else ()), _in_force(policy)]
    proposed = [proposal for proposal in policy.proposals if proposal != policy.hash]
    tables += [_proposed(policy, proposal) for proposal in proposed]
    return Reply(
        text=phrase(
            "Roster and policy no. {number} are in force, seal {seal}.",
            number=policy.number,
            seal=roster_seal(policy.hash),
        ),
        tables=tuple(tables),
        choices=tuple(
            Choice(
                label=phrase("Accept {seal}", seal=roster_seal(one)),
                command=f"roster accept {roster_seal(one)}",
            )
            for one in proposed
        ),
    )


def _policy(context: CommandContext) -> Policy:
    with context.database.read() as conn:
        context.rosters.look(conn)
    if context.rosters.policy is None:
        raise _refusal(phrase("No roster has been accepted yet; starting drbot does that."))
    return context.rosters.policy


def _agreed(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    known = _policy(context)
    proposal = _named(known, words.rest[1] if len(words.rest) > 1 else "")
    me = _voter(known, request, person)
    proofs = _proofs(context, request, known.claim(me.id, proposal), words.after(2) or request.values.get("code", ""))
    with context.database.write() as tx:
        context.rosters.look(tx.connection)
        policy = context.rosters.policy
        if policy is None or proposal not in policy.proposals:
            raise _refusal(phrase("It is not proposed any more."))
        if me.id in policy.voters(proposal):
            raise _refusal(phrase("You agreed already; another approver must too."))
        if me.id not in policy.with_vote(proposal, me.id, proofs, tx.now).voters(proposal):
            code = "needs_key" if request.sign else "unchecked"
            raise _refusal(REFUSALS[code], code)
        accepted = rosters.agree(tx, policy, proposal, me.id, proofs, request.entry_point.value)
    with context.database.read() as conn:
        context.rosters.look(conn)
    if not accepted:
        return Reply(text=phrase("Counted: 1 of {need}.", need=AGREEING))
    return Reply(text=phrase("In force now. New approvers, accounts and keys count after 24 hours."))


def _voter(policy: Policy, request: Request, person: Person) -> Person:
    """As the roster in force knows them; asked for what a vote asks for (core/approvals/approval.py)."""
    me = policy.roster.person(person.id)
    if me is None or "approver" not in me.roles or not policy.stayed(me.id):
        raise _refusal(phrase("Only approvers on the roster in force may do this."))
    if request.account is not None:
        _require_member(request.account, me)
    if me.counts_from is not None and is_too_new(me, request.at):
        when = f"{me.counts_from:%Y-%m-%d} {clock(me.counts_from)}"
        raise _refusal(filled(REFUSALS["too_new"], when=when), "too_new")
    return me


def _require_member(account: Account, me: Person) -> None:
    if not account.is_known:
        raise _refusal(
            phrase(
                "drbot cannot check with Slack right now whether this account is an active member's. Try again "
                "in a moment."
            ),
            "account",
        )
    if not account.is_full_member:
        raise _refusal(REFUSALS["account"], "account")
    if account.id not in me.slack:
        raise _refusal(REFUSALS["unknown_person"], "unknown_person")


def _named(policy: Policy, typed: str) -> str:
    """What was read is what is agreed to: the seal must be typed."""
    found = [one for one in policy.proposals if typed and roster_seal(one) == typed.upper()]
    if len(found) != 1:
        known = listed(map(roster_seal, policy.proposals)) or phrase("none")
        raise _refusal(phrase("Say which proposal: {known}.", known=known))
    return found[0]


def _proofs(context: CommandContext, request: Request, claim: Claim, code: str) -> tuple[Attestation, ...]:
    wanted = needed_to_change(context.roster)
    signed = by_key(request.sign, wanted, claim)
    if signed is not None or not wanted:
        return (signed,) if signed is not None else ()
    if not code:
        raise _refusal(REFUSALS["needs_code"], "needs_code")
    proofs = []
    for site in workers(context):
        proof, problem = by_worker(context, site, Proof.CODE, claim, code, request.origin)
        if proof is None:
            raise _refusal(REFUSALS.get(problem, REFUSALS["unchecked"]), problem)
        proofs.append(proof)
    return tuple(proofs)


RULES = phrase("{people} people, second factor {factor}, break-glass forbidden")
WITH_BREAK_GLASS = phrase("{people} people, second factor {factor}, break-glass allowed")


def _in_force(policy: Policy) -> Table:
    rows: list[tuple[str, ...]] = [
        (person.name, listed(sorted(person.roles)), _counts_from(person)) for person in policy.roster.people.values()
    ]
    rules = policy.approvals
    factor = phrase("none") if rules.second_factor == "none" else rules.second_factor
    said = filled(WITH_BREAK_GLASS if rules.break_glass else RULES, people=rules.people, factor=factor)
    rows.append((phrase("approvals"), said, ""))
    return Table(rows=tuple(rows), title=phrase("In force"))


def _counts_from(person: Person) -> str:
    if person.counts_from is None:
        return ""
    return phrase("counts from {moment} UTC", moment=f"{person.counts_from:%Y-%m-%d %H:%M}")


def _proposed(policy: Policy, proposal: str) -> Table:
    lines = differences(policy.document, policy.proposals[proposal])
    agreed = listed(sorted(policy.voters(proposal))) or "-"
    lines += _would_wait(policy, policy.proposals[proposal])
    return Table(
        rows=(*((line,) for line in lines), (phrase("Agreed so far: {agreed}", agreed=agreed),)),
        title=phrase("dr.yml proposes {seal}", seal=roster_seal(proposal)),
    )


def _would_wait(policy: Policy, proposed: Document) -> Iterator[str]:
    """Whose votes would count for nothing for a day, in whatever way they vote, and whether anything can be approved
    meanwhile.
    """
    new = gained(policy.document, proposed)
    if not new:
        return
    yield phrase("Once accepted, votes of {names} do not count for 24 hours.", names=listed(map(_name(proposed), new)))
    able = [key for key, one in proposed["people"].items() if "approver" in one["roles"] and key not in new]
    if len(able) < proposed["approvals"]["people"]:
        yield phrase(
            "⚠️ Then too few can vote ({names}), and no data can be recovered that day. Change one person a day.",
            names=listed(map(_name(proposed), able)) or phrase("nobody"),
        )


def _name(document: Document) -> Callable[[str], str]:
    return lambda key: str(document["people"][key]["name"])


def _refusal(why: str, code: str = "") -> Refusal:
    return Refusal(phrase("The roster stays as it is."), why, code=code)
