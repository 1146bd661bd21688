"""One-time tokens: the worker of a machine that a run had made proves with one that it belongs there.

A token opens nothing by itself: it is no credential, one worker may use it, for one site, and only its digest is kept.
"""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from drbot.core.base.errors import UserError
from drbot.core.runs.run import Run
from drbot.core.text.messages import phrase, sentences
from drbot.store.base.database import Transaction
from drbot.store.base.schema import invitations
from drbot.store.records import incidents

TRIED = phrase("Joining with a one-time token.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Invitation:
    site: str
    incident: int
    run: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    owner: str | None = None
    public_key: str | None = None
    proof: str | None = None
    token_sha256: str


def invite(tx: Transaction, *, site: str, run: Run, seconds: float) -> str:
    """A new token for the worker of a site; whoever asked hands it on and forgets it."""
    token = secrets.token_urlsafe(32)
    values = {
        "token_sha256": digest(token),
        "site": site,
        "incident": run.incident,
        "run": run.id,
        "made_at": tx.now,
        "expires_at": tx.now + timedelta(seconds=seconds),
    }
    tx.connection.execute(insert(invitations).values(**values))
    return token


def join(tx: Transaction, token: str, owner: str, *, public_key: str, proof: str) -> Invitation:
    """Use the token up, and name the key of who did: for that key it stays good, for a worker that died comes again.

    Raises UserError when it is unknown, used by another, or too old: `refuse` then records it."""
    mine = update(invitations).where(invitations.c.token_sha256 == digest(token))
    again = mine.where(invitations.c.public_key == public_key).values(owner=owner)
    first = mine.where(invitations.c.used_at.is_(None), invitations.c.expires_at > tx.now)
    first = first.values(used_at=tx.now, owner=owner, public_key=public_key, proof=proof)
    is_back = tx.connection.execute(again).rowcount == 1
    if not is_back and tx.connection.execute(first).rowcount == 0:
        raise UserError(TRIED, _why_not(find(tx.connection, token)), phrase("A new plan makes a new one: /dr recover"))
    invitation = find(tx.connection, token)
    assert invitation is not None
    if not is_back:
        incidents.note(
            tx,
            invitation.incident,
            None,
            phrase("The worker {owner} joined the site {site}.", owner=owner, site=invitation.site),
        )
    return invitation


def refuse(tx: Transaction, token: str, owner: str) -> None:
    """Somebody came with a token that is used or too old: the incident's people should know."""
    invitation = find(tx.connection, token)
    if invitation is not None:
        refused = phrase("{owner} wanted to join the site {site} and was refused.", owner=owner, site=invitation.site)
        text = sentences(refused, _why_not(invitation))
        incidents.note(tx, invitation.incident, None, text)


def find(connection: Connection, token: str) -> Invitation | None:
    query = select(invitations).where(invitations.c.token_sha256 == digest(token))
    row = connection.execute(query).mappings().first()
    return None if row is None else Invitation(**row)


def joined(connection: Connection, tokens: Collection[str]) -> Invitation | None:
    """The newest worker that joined with one of these tokens, given by their digests."""
    query = (
        select(invitations)
        .where(invitations.c.token_sha256.in_(tokens), invitations.c.used_at.is_not(None))
        .order_by(invitations.c.used_at.desc())
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else Invitation(**row)


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _why_not(invitation: Invitation | None) -> str:
    if invitation is None:
        return phrase("This token was never issued.")
    if invitation.used_at is not None:
        return phrase("{owner} has used this token already.", owner=invitation.owner)
    return phrase("This token could be used until {moment} UTC.", moment=f"{invitation.expires_at:%Y-%m-%d %H:%M}")
