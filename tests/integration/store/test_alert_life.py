"""The same life of alerts as tests/unit/core/test_alert_life.py plays it, with the groups in a database."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import delete

from drbot.core.site.alert_groups import AlertGroup, Answer
from drbot.core.site.alerts import Alert
from drbot.core.site.level import Level
from drbot.store.base.database import Database, Transaction
from drbot.store.base.schema import alert_groups
from drbot.store.base.schema import alerts as alert_rows
from drbot.store.records import alerts, incidents
from tests.alert_life import play

ACTS = 18


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The store, at a time that is played."""

    database: Database

    @contextmanager
    def at(self, now: datetime) -> Iterator[Transaction]:
        with self.database.write() as tx:
            tx.now = now
            yield tx

    def groups(self) -> list[AlertGroup]:
        with self.database.read() as connection:
            return sorted(alerts.list_of(connection), key=lambda one: one.id)

    def take(self, key: str, came: Sequence[Alert], now: datetime) -> None:
        with self.at(now) as tx:
            alerts.take(tx, key, came)

    def answer(self, group: int, said: Answer, now: datetime, until: datetime | None = None) -> None:
        with self.at(now) as tx:
            alerts.answer(tx, group, said, "ben", until)

    def declare(self, group: int, now: datetime) -> int:
        with self.at(now) as tx:
            opened = incidents.declare(
                tx, site="production", level=Level.HOST, title="It fires", person="ben", started_at=None, service=None
            )
            alerts.declared(tx, alerts.get(tx.connection, group), opened.id, "ben")
            return opened.id

    def resolve(self, incident: int, now: datetime) -> None:
        with self.at(now) as tx:
            incidents.resolve(tx, incident, "ben", "It works")

    def look(self, now: datetime, show: Callable[[AlertGroup], bool]) -> None:
        with self.at(now) as tx:
            if alerts.is_due(tx.connection, now):
                alerts.due(tx)
            for group in alerts.unshown(tx.connection):
                if show(group):
                    alerts.shown(tx, group)


def lives(folder: Path, seeds: range) -> None:
    database = Database(f"sqlite:///{folder / 'state.db'}")
    database.migrate()
    for seed in seeds:
        play(Kept(database=database), seed, ACTS)
        with database.write() as tx:
            tx.connection.execute(delete(alert_rows))
            tx.connection.execute(delete(alert_groups))
    database.close()


def test_what_fires_and_nobody_has_answered_is_on_the_screen(tmp_path: Path) -> None:
    lives(tmp_path, range(40))


@pytest.mark.more
def test_so_it_is_after_more_sequences(tmp_path: Path) -> None:
    lives(tmp_path, range(40, 160))
