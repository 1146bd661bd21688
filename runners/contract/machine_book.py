"""Writes down, for people, which machines are rented and where names lead: what was just done, and what is found."""

from datetime import UTC, datetime

import structlog

from drbot.core.base.errors import DrbotError, UserError
from drbot.core.runs.run import Run
from drbot.core.site.site import Configuration
from drbot.core.text.messages import phrase
from drbot.runners.clients.name_service import NameService
from drbot.runners.contract.rented import TERRAFORM, Maker, Rented, makers_of
from drbot.store.base.database import Database, Transaction
from drbot.store.records import kept, led_names, machines
from drbot.store.records.machines import KnownMachine
from drbot.store.runs import runs

log = structlog.get_logger()


class MachineBook:
    """Nothing depends on it: when the database is away, the next look writes the same. `run`: for which it is written,
    where the machine's tags do not say another.
    """

    def __init__(self, database: Database, run: Run | None = None) -> None:
        self._database = database
        self._run = run

    def saw(self, rented: Rented) -> None:
        """It was just rented, or found again."""
        try:
            with self._database.write() as tx:
                machines.saw(tx, self._known(tx, rented))
        except DrbotError as error:
            log.warning("Not written down yet.", machine=rented.machine.id, error=str(error))

    def gave_back(self, rented: Rented) -> None:
        """It is gone, and with it all that was kept on it."""
        try:
            with self._database.write() as tx:
                for one in machines.list_of(tx.connection):
                    if (one.machine, one.by) == (rented.machine.id, rented.by):
                        _gone(tx, one)
        except DrbotError as error:
            log.warning("Not written down yet.", machine=rented.machine.id, error=str(error))

    def _known(self, tx: Transaction, rented: Rented) -> KnownMachine:
        machine = rented.machine
        run = _run_of(tx, rented) if rented.run else self._run
        return KnownMachine(
            machine=machine.id,
            by=rented.by,
            site=rented.site,
            incident=run.incident if run else None,
            run=run.id if run else None,
            type=machine.type or (rented.settings.instance_type if rented.by != TERRAFORM else ""),
            region=rented.region,
            addresses=tuple(sorted(machine.addresses)),
            state=machine.state,
            since=machine.since or tx.now,
            seen_at=tx.now,
        )


def look_at_machines(database: Database, configuration: Configuration) -> None:
    """Ask every maker what is there, and write it down. One that cannot say changes nothing."""
    for maker in makers_of(configuration):
        try:
            _look(database, maker)
        except DrbotError as error:
            log.warning("Rented machines could not be looked at.", maker=maker.name, error=str(error))


def look_at_names(database: Database, configuration: Configuration) -> None:
    """Ask the zone and a name server, and write it down."""
    if configuration.dns is None:
        return
    names = NameService(configuration.dns)
    try:
        records = names.records()
        told = {name: names.told(name) for name in configuration.dns.names}
        with database.write() as tx:
            for name in configuration.dns.names:
                led_names.saw(tx, name, records[name].addresses if name in records else (), told[name])
    except DrbotError as error:
        log.warning("Where the names lead could not be looked at.", error=str(error))


def _look(database: Database, maker: Maker) -> None:
    found = maker.machines()
    with database.read() as connection:
        known = [one for one in machines.list_of(connection) if maker.would_list(one)]
    there = {one.machine.id for one in found}
    now = datetime.now(UTC)
    gone = [one for one in known if one.machine not in there and maker.knows_gone(one.machine, now - one.since)]
    book = MachineBook(database)
    for rented in found:
        book.saw(rented)
    if gone:
        with database.write() as tx:
            for one in gone:
                _gone(tx, one)


def _gone(tx: Transaction, one: KnownMachine) -> None:
    machines.gone(tx, one)
    rest = [other.since for other in machines.list_of(tx.connection, one.incident) if other.site == one.site]
    for there in kept.list_of(tx.connection, one.site):
        on_another = any(since <= there.created_at for since in rest)
        if there.incident == one.incident and not on_another:
            kept.moved(tx, there.id, phrase("gone with the machine {machine}", machine=one.machine))


def _run_of(tx: Transaction, rented: Rented) -> Run | None:
    """The run that rented it, where this state knows it: a tag may be of another drbot's."""
    try:
        return runs.get(tx.connection, rented.run)
    except UserError:
        return None
