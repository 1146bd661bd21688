"""The roster and the policy in force, read from the ledger: what dr.yml says counts once two approvers agree."""

import threading
from dataclasses import replace

from sqlalchemy import Connection

from drbot.core.ledger.attestation import Attestation
from drbot.core.ledger.events import EventKind
from drbot.core.ledger.policy import AGREEING, ROSTER_EVENTS, Document, Policy, differences, hash_of, policy_of, stored
from drbot.core.site.people import Roster
from drbot.core.site.site import Approvals
from drbot.core.text.messages import phrase
from drbot.store.base import ledger
from drbot.store.base.database import Transaction
from drbot.store.records import requests
from drbot.store.records.known_workers import PASSING, KnownWorkers


class Rosters:
    """What one process knows; `look` reads what the ledger has new, cheaply enough for every vote and every start."""

    def __init__(
        self, given: Roster, approvals: Approvals, site: str = "", workers: KnownWorkers | None = None
    ) -> None:
        """`given`: dr.yml's. `site`: whose worker to believe about the roster itself; a worker believes only itself.
        `workers`: whose keys this host knows.
        """
        self.workers = workers or KnownWorkers()
        self._given = given
        self._approvals = approvals
        self._site = site
        self._read = 0
        self._policy: Policy | None = None
        self._doubt: str | None = None  # about a worker's key
        self._lock = threading.Lock()

    @property
    def roster(self) -> Roster:
        """As of the last look; before anything was accepted it is dr.yml's."""
        roster = self._policy.roster if self._policy is not None else self._given
        return replace(roster, fault=roster.fault or self._doubt) if self._doubt else roster

    @property
    def approvals(self) -> Approvals:
        return self._policy.approvals if self._policy is not None else self._approvals

    @property
    def policy(self) -> Policy | None:
        """All of it; None before the first acceptance."""
        return self._policy

    def look(self, connection: Connection, site: str = "") -> Roster:
        """The roster in force now; `site`: with the key of the worker that will recount the votes.
        A drill's knows no authenticators, and its votes are good nowhere else. Where the database names another key
        than this host knows, no gate opens.
        """
        with self._lock:
            given = self._given
            if self._site:
                given = replace(given, worker_key=self.workers.key(connection, self._site))
            again = given.worker_key != self._given.worker_key  # another key believes other acceptances
            fresh = ledger.of_kinds(connection, ROSTER_EVENTS, 0 if again else self._read)
            self._policy = policy_of(fresh, given, None if again else self._policy)
            self._given = given
            if fresh:
                self._read = fresh[-1].seq
            self._doubt = self.workers.fault(connection, {self._site, site} - {""})
            roster = self.roster if site not in PASSING else replace(self.roster, second_factor="none")
            return replace(roster, worker_key=self.workers.key(connection, site)) if site else roster


def settle(tx: Transaction, rosters: Rosters, document: Document, entry_point: str) -> None:
    """At the start of a process: accept the very first roster, propose one that dr.yml has changed since."""
    rosters.look(tx.connection)
    policy, hash_ = rosters.policy, hash_of(document)
    if policy is None:
        tx.record(
            EventKind.ROSTER_ACCEPTED, hash=hash_, document=document, changes=[], people=[], entry_point=entry_point
        )
    elif hash_ != policy.hash and hash_ not in policy.proposals:
        changes = differences(policy.document, document)
        tx.record(EventKind.ROSTER_PROPOSED, hash=hash_, document=document, changes=changes, entry_point=entry_point)


def agree(
    tx: Transaction, policy: Policy, proposal: str, person: str, proofs: tuple[Attestation, ...], entry_point: str
) -> bool:
    """An approver's yes. True: it was the second one, so the proposal is in force from now on."""
    tx.record(
        EventKind.ROSTER_VOTED,
        person=person,
        hash=proposal,
        proofs=[stored(proof) for proof in proofs],
        entry_point=entry_point,
    )
    agreed = policy.with_vote(proposal, person, proofs, tx.now).voters(proposal)
    if len(agreed) < AGREEING:
        return False
    document = policy.proposals[proposal]
    changes = differences(policy.document, document)
    tx.record(
        EventKind.ROSTER_ACCEPTED,
        person=person,
        hash=proposal,
        document=document,
        changes=changes,
        people=sorted(agreed),
        entry_point=entry_point,
    )
    # A vote says under which roster it was given, so none of what is asked now could be granted any more.
    requests.void_all(tx, why=phrase("Another roster has come into force since this was requested."))
    return True
