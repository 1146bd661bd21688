"""Rented machines and where names lead, for people: what a worker has seen last, and what it costs by dr.yml. Shown by
`status`, `kept`, `resolve` and the report until the machine is given back.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from drbot.commands.speech.messages import Table
from drbot.core.runbooks.effects import LEADS
from drbot.core.runs.run import Run, StepState
from drbot.core.site.cost import cost_of, cost_text
from drbot.core.site.level import Level
from drbot.core.site.site import Configuration
from drbot.core.text.messages import clauses, duration, listed, phrase, sentences
from drbot.core.text.words import ago, clock
from drbot.store.records import led_names, steps
from drbot.store.records.led_names import LedName
from drbot.store.records.machines import KnownMachine
from drbot.store.runs import runs

STALE = timedelta(minutes=10)
"""What was seen longer ago is told with its time."""


def machine_text(one: KnownMachine, configuration: Configuration, names: Sequence[LedName], now: datetime) -> str:
    what = listed((one.type, one.region, *one.addresses))
    long = ago(one.since, now).total_seconds()
    state, cost = _now(one, configuration, names, now), cost_text(cost_of(configuration, one.site), one.since, now)
    return phrase(
        "{machine} of {site} ({what}), rented for {long}, {cost}; {state}",
        machine=one.machine,
        site=one.site,
        what=what,
        long=duration(long),
        cost=cost,
        state=state,
    )


def machines_table(
    there: Iterable[KnownMachine], configuration: Configuration, names: Sequence[LedName], now: datetime
) -> Table:
    rows = tuple(
        (
            f"DR-{one.incident}" if one.incident is not None else "?",
            one.machine,
            " ".join(part for part in (one.type, one.region) if part) or "?",
            phrase("{since} UTC", since=f"{one.since:%Y-%m-%d %H:%M}"),
            cost_text(cost_of(configuration, one.site), one.since, now),
            _now(one, configuration, names, now),
        )
        for one in there
    )
    header = (
        phrase("Incident"),
        phrase("Machine"),
        phrase("Type"),
        phrase("Rented since"),
        phrase("Cost"),
        phrase("Now"),
    )
    return Table(rows=rows, header=header, title=phrase("Rented machines"))


def is_led_to(one: KnownMachine, configuration: Configuration, names: Iterable[LedName]) -> bool:
    """Whether users were led there, when a worker last looked."""
    site = configuration.sites.get(one.site)
    mine = {*one.addresses, *([site.address] if site is not None and site.address else [])}
    return any(mine.intersection((*name.addresses, *(name.told or ()))) for name in names)


def names_texts(names: Iterable[LedName], there: Iterable[KnownMachine], configuration: Configuration) -> list[str]:
    """Where each name leads, as it was asked last; also that no machine is left where it leads."""
    rented = {one.site for one in there}
    sites = {one.address: name for name, one in configuration.sites.items() if one.address}
    found: list[str] = []
    for name in names:
        site = next((sites[address] for address in name.addresses if address in sites), "")
        said = _leads(name, sites)
        if site and configuration.sites[site].provision is not None and site not in rented:
            said = sentences(
                phrase("{sentence}.", sentence=said), phrase("NO MACHINE is rented for {site} now", site=site)
            )
        found.append(phrase("{said} (asked at {moment})", said=said, moment=clock(name.seen_at)))
    return found


def _leads(name: LedName, sites: Mapping[str, str]) -> str:
    """Where it leads; what name servers tell is said where it is something else. `sites`: by their address."""
    to = listed(f"{one} ({sites[one]})" if one in sites else one for one in name.addresses)
    said = phrase("{name} points to {to}", name=name.name, to=to or phrase("nothing"))
    if name.told is None:
        return clauses((said, phrase("no name server answered")))
    if name.told == name.addresses:
        return said
    told = listed(name.told) or phrase("nothing")
    return clauses((said, phrase("a name server still answers {told}", told=told)))


def led_by(conn: Connection, incident: int) -> Run | None:
    """The newest run of the incident that may have led names, and did not take that back; None: there is none."""
    for run in sorted(runs.of_incident(conn, incident), key=lambda one: (one.created_at, one.id), reverse=True):
        leading = {step.id for step in run.plan.steps if step.do in LEADS} if run.plan is not None else set()
        records = steps.of_run(conn, run.id) if leading else []
        acted = (one for one in records if one.id in leading and one.may_have_acted)
        if any(one.state is not StepState.UNDONE for one in acted):
            return run
    return None


def names_of(conn: Connection, configuration: Configuration) -> list[LedName]:
    """Of dr.yml, as they were seen last."""
    mine = configuration.dns.names if configuration.dns is not None else ()
    return [one for one in led_names.list_of(conn) if one.name in mine]


def concerns_names(level: Level, run: Run | None, there: Collection[KnownMachine]) -> bool:
    """Whether people of an incident want to know where the names lead."""
    plans = run is not None and run.plan is not None and any(step.do in LEADS for step in run.plan.steps)
    return level is Level.DATACENTRE or plans or bool(there)


def _now(one: KnownMachine, configuration: Configuration, names: Sequence[LedName], now: datetime) -> str:
    if ago(one.seen_at, now) > STALE:
        return phrase("last seen at {moment} UTC", moment=f"{one.seen_at:%Y-%m-%d %H:%M}")
    if is_led_to(one, configuration, names):
        return phrase("DNS points there")
    if one.state != "running":
        return phrase("{state}, and still billed", state=one.state)
    return phrase("DNS does not point there")
