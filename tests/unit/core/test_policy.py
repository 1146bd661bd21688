"""Which rosters the ledger puts in force: what two existing approvers agreed to, whoever else wrote there."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from drbot.core.ledger.events import Event, EventKind
from drbot.core.ledger.policy import Policy, document_of, hash_of, policy_of
from drbot.core.site.people import Roster, roster_of
from drbot.core.site.site import Approvals, Configuration

Told = tuple[EventKind, str | None, Mapping[str, Any]]
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
PEOPLE = {
    "aiko": {"name": "Aiko", "slack": ["U1"], "roles": ["commander", "approver"]},
    "ben": {"name": "Ben", "slack": ["U2"], "roles": ["approver"]},
    "chika": {"name": "Chika", "slack": ["U3"], "roles": ["approver"]},
    "dan": {"name": "Dan", "slack": ["U5"], "roles": ["observer"]},
}
EVE = {"eve": {"name": "Eve", "slack": ["U7"], "roles": ["approver"]}}


def document(people: Mapping[str, Any]) -> dict[str, Any]:
    """What dr.yml with these people proposes."""
    site = {"projects": "/srv", "services": {"postgres": {"project": "p", "service": "p", "role": "database"}}}
    whole = {"system": "s", "sites": {"production": site}, "backups": {"directory": "/b"}, "people": people}
    return document_of(Configuration.model_validate(whole))


def ledger(*told: Told) -> list[Event]:
    """These events, one after the other."""
    return [
        Event(seq=number, at=NOON, kind=kind, person=person, payload=payload)
        for number, (kind, person, payload) in enumerate(told, 1)
    ]


def proposed_and_accepted(people: Mapping[str, Any], *voters: str) -> list[Told]:
    """A proposal, who agreed, and that it is in force now, as whoever may write the ledger can say it."""
    asked = document(people)
    votes: list[Told] = [(EventKind.ROSTER_VOTED, who, {"hash": hash_of(asked), "proofs": []}) for who in voters]
    proposed: Told = (EventKind.ROSTER_PROPOSED, None, {"document": asked})
    return [proposed, *votes, (EventKind.ROSTER_ACCEPTED, None, {"document": asked})]


def folded(*told: Told) -> Policy:
    given: Roster = roster_of({}, Approvals())
    policy = policy_of(ledger((EventKind.ROSTER_ACCEPTED, None, {"document": document(PEOPLE)}), *told), given)
    assert policy is not None
    return policy


def test_two_approvers_put_another_roster_in_force() -> None:
    policy = folded(*proposed_and_accepted(PEOPLE | EVE, "ben", "chika"))

    assert (policy.number, policy.unbelieved) == (2, ())
    assert "eve" in policy.roster.people


def test_one_approver_and_an_observer_do_not() -> None:
    policy = folded(*proposed_and_accepted(PEOPLE | EVE, "ben", "dan"))

    assert policy.number == 1
    assert "eve" not in policy.roster.people
    assert policy.roster.fault is not None


def test_who_was_removed_by_a_roster_that_cannot_be_verified_agrees_to_no_further_one() -> None:
    without_ben = {name: entry for name, entry in PEOPLE.items() if name != "ben"}
    removed = proposed_and_accepted(without_ben)  # by a key that is lost: nobody can tell whether two agreed

    policy = folded(*removed, *proposed_and_accepted(PEOPLE, "ben", "chika"))

    assert policy.number == 1
    assert len(policy.unbelieved) == 2
    assert policy.roster.fault is not None


def test_a_faulty_dr_yml_opens_no_gate_whatever_was_accepted_before() -> None:
    given = replace(roster_of({}, Approvals()), fault="dr.yml:3: no such key")
    accepted = ledger((EventKind.ROSTER_ACCEPTED, None, {"document": document(PEOPLE)}))

    policy = policy_of(accepted, given)
    later = policy_of(ledger(*proposed_and_accepted(PEOPLE | EVE, "ben", "chika")), given, policy)

    assert [one and one.roster.fault for one in (policy, later)] == ["dr.yml:3: no such key"] * 2
