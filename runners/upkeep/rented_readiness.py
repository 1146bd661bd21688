"""Machines that drbot has rented: whether each is still needed, for it costs money every hour."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from drbot.core.base.errors import DrbotError
from drbot.core.site.cost import cost_of, cost_text
from drbot.core.site.readiness import Line, bad, good
from drbot.core.site.site import Configuration
from drbot.core.text.messages import duration, listed, phrase
from drbot.core.text.words import ago
from drbot.runners.clients.name_service import NameService
from drbot.runners.contract.rented import Rented, all_rented, makers_of
from drbot.store.records import incidents, machines
from drbot.store.records.machines import KnownMachine


def rented_and_open(connection: Connection) -> tuple[Sequence[KnownMachine], frozenset[int]]:
    """What `rented_lines` has to know of the state: a read of its own, because makers answer slowly."""
    going_on = incidents.recent(connection, open_only=True, limit=1000)
    return machines.list_of(connection), frozenset(one.id for one in going_on)


def rented_lines(
    configuration: Configuration, known: Sequence[KnownMachine], going_on: Collection[int]
) -> Iterator[Line]:
    """Every machine that drbot has rented and nobody gave back, asked of its maker: one that no name leads to and no
    incident (`going_on`: those that are open) is about costs money for nothing. `known`: what a worker saw last, for
    makers that cannot say.
    """
    makers = makers_of(configuration)
    if not makers:
        return
    found, silent = all_rented(configuration)
    led = _led(configuration)
    for one in found:
        what, said = phrase("rented machine {machine}", machine=one.machine.id), _rented(one, configuration)
        if led is not None and one.machine.addresses & led:
            yield good(what, phrase("{said}; DNS points there", said=said))
        elif one.incident in going_on:
            yield good(what, phrase("{said}; DR-{incident} is open", said=said, incident=one.incident))
        else:
            yield bad(
                what,
                said,
                phrase("If nobody needs it, two people give it back: /dr give-back {machine}.", machine=one.machine.id),
            )
    seen = {one.machine.id for one in found}
    for last in (one for one in known if silent and one.machine not in seen):
        said = phrase(
            "{type}, for {site}, seen last at {moment} UTC",
            type=last.type or last.by,
            site=last.site,
            moment=f"{last.seen_at:%Y-%m-%d %H:%M}",
        )
        yield bad(
            phrase("rented machine {machine}", machine=last.machine),
            said,
            phrase("If nobody needs it: /dr give-back {machine}.", machine=last.machine),
        )
    for fault in silent:
        yield bad(
            phrase("rented machines"),
            fault,
            phrase("Ask where the control site's worker runs: it has the keys."),
        )
    if not found and not silent:
        yield good(phrase("rented machines"), phrase("none"))


def _rented(one: Rented, configuration: Configuration) -> str:
    purpose = phrase("for {site}", site=one.site)
    if one.incident is not None:
        purpose = phrase("for {site} in DR-{incident}", site=one.site, incident=one.incident)
    what = [part for part in (one.machine.type, one.region, one.machine.state, purpose) if part]
    if one.machine.since is None:
        return listed(what)
    now = datetime.now(UTC)
    rented, cost = duration(ago(one.machine.since, now).total_seconds()), cost_of(configuration, one.site)
    costs = cost_text(cost, one.machine.since, now)
    return listed([*what, phrase("rented for {duration}", duration=rented), costs])


def _led(configuration: Configuration) -> frozenset[str] | None:
    """Every address that users are led to; None = nobody can say."""
    if configuration.dns is None:
        return None
    try:
        return NameService(configuration.dns).led()
    except DrbotError:
        return None
