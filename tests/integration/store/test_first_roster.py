"""Bots and a worker that start at the same moment, for the first time, on one PostgreSQL."""

import threading
from pathlib import Path

from sqlalchemy import text

from drbot.cli.processes import settle_roster
from drbot.core.ledger.events import EventKind
from drbot.core.ledger.policy import document_of
from drbot.core.site.configuration import Loaded
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.records.rosters import Rosters, settle
from tests.integration.runners.worker_fixture import configuration_in
from tests.waiting import PATIENCE, wait_for

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def test_one_roster_is_accepted_whoever_starts_meanwhile(fresh_postgres_url: str, tmp_path: Path) -> None:
    database, loaded = Database(fresh_postgres_url), Loaded(configuration=configuration_in(tmp_path))
    database.migrate()
    other = threading.Thread(target=settle_roster, args=(database, loaded))

    def waits_or_is_done() -> bool:
        with database.read() as connection:
            return bool(connection.execute(text(WAITING)).scalar_one()) or not other.is_alive()

    with database.write() as tx:
        rosters = Rosters(loaded.roster, loaded.configuration.approvals, "production")
        settle(tx, rosters, document_of(loaded.configuration), "terminal")
        other.start()
        wait_for(waits_or_is_done, PATIENCE, "the other process to get there")
    other.join(PATIENCE)

    with database.read() as connection:
        kinds = [event.kind for event in ledger.after(connection, 0)]
    database.close()
    assert kinds == [EventKind.ROSTER_ACCEPTED]
