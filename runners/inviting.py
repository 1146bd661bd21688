"""One-time tokens for a step: the run's own view of store/invitations.py."""

from core.run import Run
from store import invitations
from store.database import Database


class Invitations:
    """Invites the worker of another site in the name of one run."""

    def __init__(self, database: Database, run: Run) -> None:
        self._database = database
        self._run = run

    def invite(self, site: str, seconds: float) -> str:
        """A token for one worker of the site, good for so long; it is not kept here and must not be logged."""
        with self._database.write() as tx:
            return invitations.invite(tx, site=site, run=self._run, seconds=seconds)

    def joined(self, site: str) -> str | None:
        """The worker that joined the site in this incident."""
        with self._database.read() as connection:
            found = invitations.joined(connection, self._run.incident, site)
        return found.owner if found else None
