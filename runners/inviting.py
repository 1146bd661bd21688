"""One-time tokens for a step: the run's own view of store/invitations.py."""

import hmac
from dataclasses import dataclass

from core.errors import UntrustedError
from core.run import Run
from core.signing import join_key, join_proof
from runners.own_record import OwnRecord
from store import invitations
from store.database import Database

SERVES, WORKER_KEY = "serves", "worker_key"  # facts of worker.join: the site, and the key of who joined it


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """The worker of another site, and the key by which its word is believed."""

    owner: str
    public_key: str


class Invitations:
    """Invites the worker of another site in the name of one run."""

    def __init__(self, database: Database, run: Run, own: OwnRecord) -> None:
        self._database = database
        self._run = run
        self._own = own

    def invite(self, site: str, seconds: float) -> str:
        """A token for one worker of the site, good for so long; it is not kept here and must not be logged."""
        with self._database.write() as tx:
            token = invitations.invite(tx, site=site, run=self._run, seconds=seconds)
            self._own.invited(invitations.digest(token), join_key(token))
        return token

    def joined(self, site: str) -> Joined | None:
        """The worker that joined the site in this incident. Raises UntrustedError when it is not the one that got a
        token of this host's.
        """
        with self._database.read() as connection:
            found = invitations.joined(connection, self._run.incident, site)
        if found is None:
            return None
        owner, public, key = found.owner or "", found.public_key or "", self._own.join_key(found.token_sha256)
        if key is None or not hmac.compare_digest(join_proof(key, site, public), found.proof or ""):
            raise UntrustedError(f"{owner} joined the site {site}, says the database; it does not prove its token")
        return Joined(owner=owner, public_key=public)
