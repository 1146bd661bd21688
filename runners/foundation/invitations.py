"""One-time tokens for a step: the run's own view of store/records/invitations.py."""

import hmac
from dataclasses import dataclass
from datetime import timedelta

from drbot.core.base.errors import UntrustedError
from drbot.core.base.signing import join_key, join_proof
from drbot.core.runs.run import Run
from drbot.core.text.messages import phrase
from drbot.runners.foundation.own_record import OwnInvitation, OwnRecord
from drbot.store.base.database import Database
from drbot.store.records import invitations

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

    def invite(self, site: str, seconds: float, *, alone: bool = False) -> str:
        """A token for one worker of the site, good for so long; it is not kept here and must not be logged. `alone`: it
        is for a new machine, so no earlier one counts there any more.
        """
        with self._database.write() as tx:
            token = invitations.invite(tx, site=site, run=self._run, seconds=seconds)
            mine = OwnInvitation(
                incident=self._run.incident,
                site=site,
                key=join_key(token).hex(),
                expires_at=self._own.now() + timedelta(seconds=seconds),
            )
            self._own.invited(invitations.digest(token), mine, alone=alone)
        return token

    def joined(self, site: str) -> Joined | None:
        """The worker that joined the site in this incident: whom a token of another incident or site lets in, by its
        row, is nobody. Raises UntrustedError when a row names another key than that of who used the token first and in
        time.
        """
        mine = self._own.invitations(self._run.incident, site)
        with self._database.read() as connection:
            found = invitations.joined(connection, mine.keys())
        if found is None:
            return None
        owner, public, key = found.owner or "", found.public_key or "", bytes.fromhex(mine[found.token_sha256].key)
        if not hmac.compare_digest(join_proof(key, site, public), found.proof or ""):
            raise UntrustedError(
                phrase(
                    "The database says that {owner} joined the site {site}, but there is no valid proof of its token",
                    owner=owner,
                    site=site,
                )
            )
        if self._own.used(found.token_sha256, public) != public:
            raise UntrustedError(
                phrase(
                    "The database says that {owner} joined the site {site}, but another worker used its token "
                    "first, or the token had expired. Give the machine of {site} back by hand, then plan again: "
                    "/dr recover",
                    owner=owner,
                    site=site,
                )
            )
        return Joined(owner=owner, public_key=public)
