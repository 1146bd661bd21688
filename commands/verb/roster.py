"""`roster`: who may approve and by which rules, and what two approvers have to agree to."""

from drbot.commands.facts.context import CommandContext
from drbot.commands.facts.faults import fault_tables
from drbot.commands.speech.messages import Choice, Reply, Request, Table, both, text
from drbot.commands.speech.parser import Words, plain
from drbot.commands.speech.refusal import Refusal
from drbot.commands.verb.enrol import workers
from drbot.commands.verb.proving import by_key, by_worker
from drbot.core.attestation import Attestation, Claim, Proof
from drbot.core.people import Account, Person
from drbot.core.policy import ACCEPT, AGREEING, Policy, differences, is_too_new, needed_to_change, roster_seal
from drbot.core.refusals import REFUSALS
from drbot.core.words import Text, clock
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
        text=text(
            f"Roster and policy no. {policy.number} are in force, seal {roster_seal(policy.hash)}.",
            f"名簿と方針 第 {policy.number} 版 (封印 {roster_seal(policy.hash)}) が有効です。",
        ),
        tables=tuple(tables),
        choices=tuple(
            Choice(
                label=text(f"Accept {roster_seal(one)}", f"{roster_seal(one)} に同意"),
                command=f"roster accept {roster_seal(one)}",
            )
            for one in proposed
        ),
    )


def _policy(context: CommandContext) -> Policy:
    with context.database.read() as conn:
        context.rosters.look(conn)
    if context.rosters.policy is None:
        raise _refusal(text("Nothing was accepted yet; starting drbot does it.", "まだ有効な名簿がありません。"))
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
            raise _refusal(text("It is not proposed any more.", "この提案はもう有効ではありません。"))
        if me.id in policy.voters(proposal):
            raise _refusal(text("You agreed already; another approver must too.", "同意済みです。もう一人必要です。"))
        if me.id not in policy.with_vote(proposal, me.id, proofs, tx.now).voters(proposal):
            code = "needs_key" if request.sign else "unchecked"
            raise _refusal(REFUSALS[code], code)
        accepted = rosters.agree(tx, policy, proposal, me.id, proofs, request.entry_point.value)
    with context.database.read() as conn:
        context.rosters.look(conn)
    if not accepted:
        return Reply(text=text(f"Counted: 1 of {AGREEING}.", f"同意を受け付けました: 1/{AGREEING}"))
    return Reply(
        text=text(
            "In force now. New approvers, accounts and keys count after 24 hours.",
            "発効しました。新しい承認者・アカウント・鍵は 24 時間後から数えます。",
        )
    )


def _voter(policy: Policy, request: Request, person: Person) -> Person:
    """As the roster in force knows them. The same is asked of person and account as for a vote (core/approval.py)."""
    me = policy.roster.person(person.id)
    if me is None or "approver" not in me.roles or not policy.stayed(me.id):
        raise _refusal(text("Only approvers of the roster in force may.", "有効な名簿の承認者だけが同意できます。"))
    if request.account is not None:
        _require_member(request.account, me)
    if me.counts_from is not None and is_too_new(me, request.at):
        when = f"{me.counts_from:%Y-%m-%d} {clock(me.counts_from)}"
        raise _refusal({language: said.format(when=when) for language, said in REFUSALS["too_new"].items()}, "too_new")
    return me


def _require_member(account: Account, me: Person) -> None:
    if not account.is_known:
        raise _refusal(
            text(
                "Slack does not tell just now whether this is the account of an active member. Try again in a moment.",
                "Slack がアカウントの情報を返さないため、確認できません。少し待って再実行してください。",
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
        known = ", ".join(roster_seal(one) for one in policy.proposals) or "none"
        raise _refusal(text(f"Say which proposal: {known}.", f"提案の封印を指定してください: {known}"))
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


def _in_force(policy: Policy) -> Table:
    rows = [
        (
            person.name,
            ", ".join(sorted(person.roles)),
            f"counts from {person.counts_from:%Y-%m-%d %H:%M} UTC" if person.counts_from else "",
        )
        for person in policy.roster.people.values()
    ]
    rules = policy.approvals
    rows.append(
        (
            "approvals",
            f"{rules.people} people, second factor {rules.second_factor}, "
            f"break-glass {'allowed' if rules.break_glass else 'forbidden'}",
            "",
        )
    )
    return Table(rows=tuple(rows), title=text("In force", "有効"))


def _proposed(policy: Policy, proposal: str) -> Table:
    lines = differences(policy.document, policy.proposals[proposal])
    agreed = ", ".join(sorted(policy.voters(proposal))) or "-"
    return Table(
        rows=(*((both(line),) for line in lines), (text(f"Agreed so far: {agreed}", f"同意済み: {agreed}"),)),
        title=text(f"dr.yml proposes {roster_seal(proposal)}", f"dr.yml の提案 {roster_seal(proposal)}"),
    )


def _refusal(why: Text, code: str = "") -> Refusal:
    return Refusal(text("The roster stays as it is.", "名簿は変わりません。"), why, code=code)
