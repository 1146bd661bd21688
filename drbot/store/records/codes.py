"""One-time codes on their way from an entry point to the worker that checks them, and the workers' signed answers.

Codes and authenticators' secrets lie here only sealed for the site's worker, each for the very question it was typed
for: in another row it cannot be opened. What the worker answers is signed by it, so that whoever may write this
database can still not make a vote count.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, insert, select, update

from drbot.core.base.signing import KeyPair, seal_for
from drbot.core.ledger.attestation import Claim, Entrance, Origin, Proof, claim_in, document_of
from drbot.core.ledger.events import canonical
from drbot.store.base.database import Transaction
from drbot.store.base.rows import insert_or
from drbot.store.base.schema import codes, enrolments, worker_keys

TOO_OLD = timedelta(seconds=60)
"""Nobody waits for the answer any more, and a code lives half a minute."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    id: int
    site: str
    proof: Proof
    claim: Claim  # what the entry point says it is for
    sealed: str
    asked_at: datetime
    origin: Origin
    typed_by: str | None = None  # by phone: who typed what the person read
    answer: str | None = None  # "valid", or the code of a refusal
    signature: str | None = None

    @property
    def person(self) -> str:
        """Whose secret the code is looked up with: nobody but whom the answer will speak of."""
        return self.claim.person

    def code(self, pair: KeyPair) -> str:
        """What was typed. Raises ValueError unless it was typed for exactly this, and sealed for this worker."""
        about = _about(self.site, self.proof, self.claim, self.origin, self.typed_by)
        return pair.open(self.sealed, about).decode()


def publish(tx: Transaction, site: str, public: str) -> None:
    insert_or(tx, worker_keys, {"site": site, "public": public}, replace=True)


def worker_key(connection: Connection, site: str) -> str | None:
    return connection.execute(select(worker_keys.c.public).where(worker_keys.c.site == site)).scalar_one_or_none()


def enrol(tx: Transaction, site: str, person: str, key: str, secret: str) -> None:
    """Offer a secret to the site's worker, whose key this is; it takes it over with the first right code."""
    sealed = seal_for(key, secret.encode(), _offer(site, person))
    insert_or(tx, enrolments, {"site": site, "person": person, "sealed": sealed}, replace=True)


def offered(connection: Connection, site: str, person: str, pair: KeyPair) -> str:
    """The secret that waits for a first code; "" = none that was sealed for this worker and this person."""
    query = select(enrolments.c.sealed).where(enrolments.c.site == site, enrolments.c.person == person)
    sealed = connection.execute(query).scalar_one_or_none()
    try:
        return pair.open(sealed, _offer(site, person)).decode() if sealed else ""
    except ValueError:
        return ""


def ask(
    tx: Transaction, site: str, proof: Proof, claim: Claim, *, key: str, code: str, origin: Origin, typed_by: str = ""
) -> int:
    """Put a code before the site's worker, whose key this is; the attempt's id."""
    sealed = seal_for(key, code.encode(), _about(site, proof, claim, origin, typed_by))
    values = {"site": site, "proof": proof.value, "person": claim.person, "claim": document_of(claim)}
    values |= {"entrance": origin.entrance.value, "place": origin.name}
    values |= {"typed_by": typed_by} if typed_by else {}
    statement = insert(codes).values(**values, sealed=sealed, asked_at=tx.now)
    return int(tx.connection.execute(statement.returning(codes.c.id)).scalar_one())


def _about(site: str, proof: Proof, claim: Claim, origin: Origin, typed_by: str | None) -> bytes:
    """Everything that a code was typed for, and where."""
    where = {"entrance": origin.entrance.value, "place": origin.name, "typed_by": typed_by or ""}
    return canonical({"drbot": 3, "site": site, "proof": proof.value, **document_of(claim), **where})


def _offer(site: str, person: str) -> bytes:
    return canonical({"drbot": 3, "site": site, "offered_for": person})


def get(connection: Connection, attempt_id: int) -> Attempt:
    row = connection.execute(select(codes).where(codes.c.id == attempt_id)).mappings().one()
    return _attempt_of(row)


def unanswered(connection: Connection, site: str, now: datetime) -> list[int]:
    """Ids of what the site's worker has to look at, oldest first. One may be no attempt at all."""
    query = select(codes.c.id).where(codes.c.site == site, codes.c.answer.is_(None), codes.c.asked_at > now - TOO_OLD)
    return list(connection.execute(query.order_by(codes.c.id)).scalars())


def answer(tx: Transaction, attempt_id: int, result: str, signature: str | None = None) -> None:
    """Once only: another worker may have been faster."""
    statement = update(codes).where(codes.c.id == attempt_id, codes.c.answer.is_(None))
    tx.connection.execute(statement.values(answer=result, signature=signature))


def _attempt_of(row: RowMapping) -> Attempt:
    values = dict(row)
    values.pop("person")  # for people who read the table
    origin = Origin(entrance=Entrance(values.pop("entrance")), name=values.pop("place"))
    return Attempt(**(values | {"proof": Proof(row["proof"]), "claim": claim_in(row["claim"]), "origin": origin}))
