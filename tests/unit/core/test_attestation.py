"""What must stand behind a vote: codes, keys, phone codes, break-glass, a day of waiting, a floor of two."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from drbot.core.approvals import approval
from drbot.core.approvals.approval import (
    HOLD_SECONDS,
    Ballot,
    EntryPoint,
    RequestState,
    Vote,
    claim_of,
    may_start,
    standing,
)
from drbot.core.base.signing import KeyPair, is_public, seal_for, verify
from drbot.core.ledger.attestation import Attestation, Claim, Proof, Purpose, holds, statement
from drbot.core.site.people import Roster
from tests.unit.core.test_approval import NOW, OTHER_SEAL, REQUEST, ROSTER, SEAL, ballot, vote

decide = partial(approval.decide, as_sealed=True)

WORKER, BEN, STRANGER = (KeyPair(bytes([number]) * 32) for number in (1, 2, 3))
WITH_KEYS = replace(
    ROSTER, worker_key=WORKER.public, people={**ROSTER.people, "ben": replace(ROSTER.people["ben"], key=BEN.public)}
)
TOTP = replace(WITH_KEYS, second_factor="totp")
GLASS = replace(WITH_KEYS, break_glass=True)


def attested(
    proof: Proof, person: str = "ben", by: KeyPair = WORKER, decision: str = "approve", **changes: Any
) -> Attestation:
    claim = Claim(
        purpose=Purpose.VOTE,
        person=person,
        decision=decision,
        seal=SEAL,
        request=REQUEST.id,
        gate=REQUEST.gate,
        run=REQUEST.run,
    )
    return Attestation(proof=proof, signature=by.sign(statement(proof, replace(claim, **changes))))


def code(person: str) -> Attestation:
    return attested(Proof.CODE, person)


def test_a_key_signs_seals_and_makes_codes_for_its_owner_only() -> None:
    sealed = seal_for(WORKER.public, b"secret", b"plan B")

    assert WORKER.open(sealed, b"plan B") == b"secret"
    for pair, about in ((BEN, b"plan B"), (WORKER, b"plan A")):
        with pytest.raises(ValueError, match="not sealed for this key"):
            pair.open(sealed, about)
    assert verify(BEN.public, b"yes", BEN.sign(b"yes"))
    assert not verify(BEN.public, b"no", BEN.sign(b"yes"))
    assert not verify("nonsense", b"yes", BEN.sign(b"yes"))
    assert is_public(BEN.public) and not is_public("drbot1:AAAA")
    assert BEN.phone_code(WORKER.public, b"q") == WORKER.phone_code(BEN.public, b"q")
    assert BEN.phone_code(WORKER.public, b"q") != STRANGER.phone_code(WORKER.public, b"q")


@pytest.mark.parametrize(
    ("paper", "roster", "expected"),
    [
        (ballot("ben"), TOTP, "needs_code"),
        (ballot("ben", problem="wrong_code"), TOTP, "wrong_code"),
        (ballot("ben", attestation=code("chika")), TOTP, "needs_code"),
        (ballot("ben", attestation=attested(Proof.CODE, by=STRANGER)), TOTP, "needs_code"),
        (ballot("ben", attestation=attested(Proof.CODE, seal=OTHER_SEAL)), TOTP, "needs_code"),
        (ballot("ben", attestation=attested(Proof.CODE, request="r1-q2")), TOTP, "needs_code"),
        (ballot("ben", attestation=attested(Proof.CODE, gate="another-gate")), TOTP, "needs_code"),
        (ballot("ben", attestation=attested(Proof.CODE, run="r2")), TOTP, "needs_code"),
        (ballot("ben", attestation=attested(Proof.CODE, policy=2)), TOTP, "needs_code"),
        (ballot("ben", attestation=attested(Proof.CODE, purpose=Purpose.ROSTER)), TOTP, "needs_code"),
        (ballot("ben", attestation=attested(Proof.CODE, decision="deny")), TOTP, "needs_code"),
        (ballot("ben", attestation=code("ben")), replace(TOTP, worker_key=None), "needs_code"),
        (ballot("ben", attestation=code("ben")), TOTP, "approved"),
        (ballot("ben", attestation=code("ben")), replace(TOTP, number=3), "needs_code"),
        (ballot("ben", attestation=attested(Proof.CODE, policy=3)), replace(TOTP, number=3), "approved"),
        (ballot("ben", decision="deny"), TOTP, "denied"),
        (ballot("ben", entry_point=EntryPoint.TERMINAL, account=None), WITH_KEYS, "needs_key"),
        (ballot("ben", entry_point=EntryPoint.TERMINAL, account=None, attestation=code("ben")), WITH_KEYS, "needs_key"),
        (
            ballot("ben", entry_point=EntryPoint.TERMINAL, account=None, attestation=attested(Proof.KEY, by=STRANGER)),
            WITH_KEYS,
            "needs_key",
        ),
        (
            ballot("ben", entry_point=EntryPoint.TERMINAL, account=None, attestation=attested(Proof.KEY, by=BEN)),
            TOTP,
            "approved",
        ),
        (ballot("chika", entry_point=EntryPoint.TERMINAL, account=None), WITH_KEYS, "approved"),
        (ballot("chika", entry_point=EntryPoint.PHONE, account=None), WITH_KEYS, "needs_phone_code"),
        (ballot("chika", entry_point=EntryPoint.PHONE, account=None, decision="deny"), WITH_KEYS, "needs_phone_code"),
        (
            ballot("chika", entry_point=EntryPoint.PHONE, account=None, attestation=attested(Proof.PHONE, "chika")),
            WITH_KEYS,
            "approved",
        ),
    ],
)
def test_a_vote_needs_what_policy_and_entry_point_ask_for(paper: Ballot, roster: Roster, expected: str) -> None:
    assert decide(REQUEST, [], paper, roster).code == expected


def test_nobody_is_asked_for_a_code_before_the_dialog_opens() -> None:
    assert decide(REQUEST, [], ballot("ben"), TOTP, early=True).counted


def test_a_vote_written_past_every_entry_point_does_not_count_where_codes_are_needed() -> None:
    forged = (vote("ben"), vote("chika"))
    real = tuple(replace(one, attestation=code(one.person)) for one in forged)
    granted = replace(REQUEST, state=RequestState.GRANTED, granted_at=NOW, proven_at=NOW)
    asked = {"run": "r1", "step": "swap", "seal": SEAL, "now": NOW + timedelta(minutes=1)}

    assert standing(REQUEST, forged, TOTP) == set()
    assert "Fewer than 2" in (may_start(granted, forged, TOTP, **asked) or "")  # type: ignore[arg-type]
    assert may_start(granted, real, TOTP, **asked) is None  # type: ignore[arg-type]


def test_who_is_new_waits_a_day() -> None:
    later = NOW + timedelta(hours=24)
    new = replace(ROSTER, people={**ROSTER.people, "ben": replace(ROSTER.people["ben"], counts_from=later)})
    patient = replace(REQUEST, expires_at=later + timedelta(hours=1))

    assert decide(patient, [], ballot("ben"), new).code == "too_new"
    assert decide(patient, [], ballot("ben", at=later), new).counted
    assert decide(patient, [], ballot("ben", decision="deny"), new).counted
    assert standing(patient, [vote("ben"), vote("chika")], new) == {"chika"}


def test_no_row_asks_fewer_than_two() -> None:
    lowered = replace(REQUEST, people=1)
    granted = replace(lowered, state=RequestState.GRANTED, granted_at=NOW, proven_at=NOW)

    assert decide(lowered, [], ballot("ben"), ROSTER).code == "approved"
    refused = may_start(granted, [vote("ben")], ROSTER, run="r1", step="swap", seal=SEAL, now=NOW)
    assert "Fewer than 2" in (refused or "")


def breaking(**changes: object) -> Ballot:
    whole = ballot("aiko", decision="break-glass", entry_point=EntryPoint.TERMINAL, account=None, rule="two approvers")
    signed = attested(Proof.HOST, "aiko", decision="break-glass")
    return replace(whole, **{"attestation": signed, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("paper", "roster", "expected"),
    [
        (breaking(), GLASS, "held"),
        (breaking(), WITH_KEYS, "break_glass_off"),
        (breaking(rule=" "), GLASS, "no_rule"),
        (breaking(reason=""), GLASS, "no_reason"),
        (breaking(target="staging"), GLASS, "wrong_target"),
        (breaking(seal=OTHER_SEAL), GLASS, "old_plan"),
        (breaking(attestation=None), GLASS, "break_glass_host"),
        (breaking(entry_point=EntryPoint.DIALOG), GLASS, "break_glass_host"),
        (breaking(attestation=attested(Proof.HOST, "aiko", by=STRANGER, decision="break-glass")), GLASS,
         "break_glass_host"),
        (breaking(person="dan"), GLASS, "not_approver"),
        (breaking(person=None), GLASS, "unknown_person"),
    ],
)  # fmt: skip
def test_break_glass_is_for_one_known_person_on_the_recovery_host(paper: Ballot, roster: Roster, expected: str) -> None:
    decision = decide(REQUEST, [], paper, roster)

    assert (decision.code, decision.state) == (expected, None)


def held(roster: Roster, seconds: float, holds: float | None = HOLD_SECONDS, **changes: object) -> str | None:
    glass = Vote(
        person="aiko",
        decision="break-glass",
        reason="nobody else is awake",
        seal=SEAL,
        at=NOW,
        entry_point=EntryPoint.TERMINAL,
        attestation=attested(Proof.HOST, "aiko", decision="break-glass"),
    )
    granted = replace(
        REQUEST,
        state=RequestState.GRANTED,
        granted_at=NOW,
        proven_at=NOW,
        hold_until=None if holds is None else NOW + timedelta(seconds=holds),
    )
    votes = (replace(glass, **changes),)  # type: ignore[arg-type]
    now = NOW + timedelta(seconds=seconds)
    return may_start(granted, votes, roster, run="r1", step="swap", seal=SEAL, now=now)


def test_break_glass_starts_after_ten_minutes_and_not_a_second_before() -> None:
    assert "Fewer than 2" in (held(GLASS, HOLD_SECONDS - 1) or "")
    assert held(GLASS, HOLD_SECONDS) is None
    assert held(GLASS, HOLD_SECONDS, holds=2 * HOLD_SECONDS) is not None
    assert held(GLASS, HOLD_SECONDS, holds=None) is not None


def test_break_glass_that_was_forged_or_forbidden_starts_nothing() -> None:
    assert held(WITH_KEYS, 700) is not None
    assert held(GLASS, 700, attestation=None) is not None
    assert held(GLASS, 700, seal=OTHER_SEAL) is not None
    another = attested(Proof.HOST, "aiko", decision="break-glass", seal=OTHER_SEAL)
    assert held(GLASS, 700, seal=OTHER_SEAL, attestation=another) is not None  # genuine, and about another plan
    assert held(GLASS, 700, at=NOW + timedelta(minutes=5)) is not None


def test_one_no_vetoes_break_glass_while_it_holds() -> None:
    holding = replace(REQUEST, hold_until=NOW + timedelta(seconds=HOLD_SECONDS))

    assert decide(holding, [], ballot("chika", decision="deny"), GLASS).state is RequestState.DENIED
    assert decide(holding, [], breaking(), GLASS).code == "twice"


@pytest.mark.parametrize("kind", [Proof.HOST, Proof.PHONE])
def test_what_the_worker_signed_as_one_kind_of_proof_is_none_of_another(kind: Proof) -> None:
    """It signs codes with the key that break-glass is signed with."""
    claim = claim_of(REQUEST, TOTP, person="ben", seal=REQUEST.seal, decision="approve")
    signed = WORKER.sign(statement(Proof.CODE, claim))

    assert holds(Attestation(proof=Proof.CODE, signature=signed), TOTP, {Proof.CODE, kind}, claim)
    assert not holds(Attestation(proof=kind, signature=signed), TOTP, {Proof.CODE, kind}, claim)
