"""How somebody shows who they are: a key that lies at the terminal signs, a code goes to the site's worker."""

import threading
import time
from dataclasses import replace

from drbot.commands.facts.context import CommandContext
from drbot.commands.speech.messages import Signers
from drbot.core.approvals.approval import Ballot, EntryPoint, claim_of, decide, needed
from drbot.core.ledger.attestation import Attestation, Claim, Origin, Proof, statement
from drbot.store.records import codes, requests
from drbot.store.records.as_sealed import reads_as_sealed
from drbot.store.runs import runs

ANSWER_SECONDS = 10.0  # a worker looks for codes every 0.4 s
LOOK_SECONDS = 0.1


def proven(
    context: CommandContext, request_id: str, ballot: Ballot, *, code: str, sign: Signers, origin: Origin
) -> Ballot:
    """The ballot with what stands behind it, or why nothing does. A vote that could not count spends no code."""
    with context.database.read() as conn:
        asked = requests.get(conn, request_id)
        site = runs.get(conn, asked.run).site
        roster = context.rosters.look(conn, site)
        votes = requests.votes(conn, request_id)
        as_sealed = reads_as_sealed(conn, asked, roster.worker_key)
    person = roster.person(ballot.person) if ballot.person else None
    wanted = needed(person, ballot.entry_point, ballot.decision, roster) if person is not None else frozenset()
    if person is None or not wanted:
        return ballot
    early = decide(asked, votes, ballot, roster, early=True, as_sealed=as_sealed)
    if ballot.decision != "break-glass" and not early.counted:
        return ballot
    claim = claim_of(asked, roster, person=person.id, seal=ballot.seal, decision=ballot.decision)
    signed = by_key(sign, wanted, claim)
    if signed is not None or not code:
        return replace(ballot, attestation=signed)
    proof = Proof.PHONE if ballot.entry_point is EntryPoint.PHONE else Proof.CODE
    if proof not in wanted:
        return ballot
    attestation, problem = by_worker(context, site, proof, claim, code, origin, ballot.typed_by)
    return replace(ballot, attestation=attestation, problem=problem)


def by_key(sign: Signers, wanted: frozenset[Proof], claim: Claim) -> Attestation | None:
    """Signed with a key that lies here; None when none that is wanted does."""
    for proof in (Proof.KEY, Proof.HOST):
        if proof in wanted and proof in sign:
            return Attestation(proof=proof, signature=sign[proof](statement(proof, claim)))
    return None


def by_worker(
    context: CommandContext, site: str, proof: Proof, claim: Claim, code: str, origin: Origin, typed_by: str = ""
) -> tuple[Attestation | None, str]:
    """The site's worker checks the code: its signature, or the code of the refusal."""
    with context.database.write() as tx:
        context.rosters.workers.learn(tx, context.configuration.sites)
        key = context.rosters.workers.key(tx.connection, site)
        if key is None:
            return None, "unchecked"
        attempt_id = codes.ask(tx, site, proof, claim, key=key, code=code, origin=origin, typed_by=typed_by)
    until = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < until:
        with context.database.read() as conn:
            attempt = codes.get(conn, attempt_id)
        if attempt.signature is not None:
            return Attestation(proof=proof, signature=attempt.signature), ""
        if attempt.answer is not None:
            return None, attempt.answer
        threading.Event().wait(LOOK_SECONDS)
    return None, "unchecked"
