"""Which worker's key this host believes: the first that it saw published, until somebody on this host says otherwise.

Codes and authenticators' secrets are sealed for a worker's key, and the table that publishes it is a row like others:
whoever writes the database could name a key of their own there, and read what is typed next. So every host that seals
remembers in a file of its own (`<home>/known-workers.json`), as SSH does.
"""

import json
import socket
from collections.abc import Collection, Mapping
from pathlib import Path

from sqlalchemy import Connection

from drbot.core.base.signing import fingerprint
from drbot.core.ledger.events import EventKind
from drbot.core.site.site import DRILL_CONTROL, DRILL_SITE
from drbot.core.text.messages import phrase
from drbot.store.base.database import Transaction
from drbot.store.base.file_modes import write_private
from drbot.store.records import codes

FILE = "known-workers.json"
PASSING = frozenset({DRILL_SITE, DRILL_CONTROL})
"""Each drill's worker has a key of its own. It knows no authenticators, and no one-time code is sealed for it."""


class KnownWorkers:
    """`home`: of this process; None = remembered in memory alone."""

    def __init__(self, home: Path | None = None) -> None:
        self._path = home / FILE if home is not None else None
        self._known: Mapping[str, str] = {}

    def key(self, connection: Connection, site: str) -> str | None:
        """The key that counts here for this site. Where nothing is known yet it is what is published."""
        published, known = codes.worker_key(connection, site), self._read()
        if site in PASSING or known == {}:
            return published
        if known is None:
            return None
        return known.get(site) or (published if published in known.values() else None)

    def learn(self, tx: Transaction, sites: Collection[str]) -> None:
        """The first use on this host: what is published now is believed from now on, and the ledger says so.
        Later nothing is learnt: a site that comes with a key of its own is told by a person (`believe`).
        """
        if self._read() != {}:
            return
        found = {site: key for site in sites if (key := codes.worker_key(tx.connection, site)) is not None}
        if found:
            self._write(found)
            for site, key in found.items():
                _record(tx, site, key, is_first=True)

    def believe(self, tx: Transaction, site: str, key: str) -> None:
        """Somebody on this host says that this is the worker's key, whatever was known before."""
        self._write({**(self._read() or {}), site: key})
        _record(tx, site, key, is_first=False)

    def fault(self, connection: Connection, sites: Collection[str]) -> str | None:
        """Why no gate may open: what is published is not what is believed here."""
        known = self._read()
        if known is None:
            return phrase(
                "{path} cannot be read, so this host does not know the workers' keys and no gate can open. Bring it "
                "back, or remove it on purpose: then the keys that are published are believed once more.",
                path=self._path,
            )
        for site in sites:
            published = codes.worker_key(connection, site)
            if site in known and published not in (None, known[site]):
                return phrase(
                    "The key that the database names for the worker of {site} ({published}) is not the one that this "
                    "host knows ({known}), so no gate can open. If the worker's key was replaced, run drbot dr key "
                    "believe {site} KEY on this host; if not, somebody has changed the database (drbot docs security)",
                    site=site,
                    published=fingerprint(published or ""),
                    known=fingerprint(known[site]),
                )
        return None

    def _read(self) -> Mapping[str, str] | None:
        """Site → key; None = the file is damaged."""
        if self._path is None:
            return self._known
        try:
            found = json.loads(self._path.read_text())
            return {str(site): str(key) for site, key in found.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError):
            return None

    def _write(self, known: Mapping[str, str]) -> None:
        if self._path is None:
            self._known = dict(known)
            return
        part = self._path.with_suffix(".part")
        write_private(part, json.dumps(known, indent=1))
        part.replace(self._path)  # whole or not at all


def _record(tx: Transaction, site: str, key: str, *, is_first: bool) -> None:
    place = socket.gethostname()
    tx.record(EventKind.WORKER_KEY_BELIEVED, site=site, key=fingerprint(key), place=place, is_first=is_first)
