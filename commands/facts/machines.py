"""Rented machines and where names lead, for people: what a worker has seen last, and what it costs by dr.yml. Shown by
`status`, `kept`, `resolve` and the report until the machine is given back.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from drbot.commands.speech.messages import Table, text
from drbot.core.cost import cost_of, cost_text
from drbot.core.effects import LEADS
from drbot.core.level import Level
from drbot.core.run import Run, StepState
from drbot.core.site import Configuration
from drbot.core.words import Text, ago, clock, duration
from drbot.store.records import led_names, steps
from drbot.store.records.led_names import LedName
from drbot.store.records.machines import KnownMachine
from drbot.store.runs import runs

STALE = timedelta(minutes=10)
"""What was seen longer ago is told with its time."""


def machine_text(one: KnownMachine, configuration: Configuration, names: Sequence[LedName], now: datetime) -> Text:
    """One machine in a sentence."""
    what = ", ".join(part for part in (one.type, one.region, *one.addresses) if part)
    long = ago(one.since, now).total_seconds()
    state, cost = _now(one, configuration, names, now), cost_text(cost_of(configuration, one.site), one.since, now)
    return text(
        f"{one.machine} of {one.site} ({what}), rented for {duration(long)}, {cost['en']}; {state['en']}",
        f"{one.site} の {one.machine} ({what})、借用 {duration(long, 'ja')}、{cost['ja']}、{state['ja']}",
    )


def machines_table(
    there: Iterable[KnownMachine], configuration: Configuration, names: Sequence[LedName], now: datetime
) -> Table:
    """Every rented machine with what it costs."""
    rows = tuple(
        (
            f"DR-{one.incident}" if one.incident is not None else "?",
            one.machine,
            " ".join(part for part in (one.type, one.region) if part) or "?",
            text(f"{one.since:%Y-%m-%d %H:%M} UTC", f"{one.since:%Y-%m-%d %H:%M} UTC"),
            cost_text(cost_of(configuration, one.site), one.since, now),
            _now(one, configuration, names, now),
        )
        for one in there
    )
    header = (
        text("Incident", "インシデント"),
        text("Machine", "マシン"),
        text("What", "種類"),
        text("Rented since", "借用開始"),
        text("Cost", "料金"),
        text("Now", "現在"),
    )
    return Table(rows=rows, header=header, title=text("Rented machines", "借りているマシン"))


def is_led_to(one: KnownMachine, configuration: Configuration, names: Iterable[LedName]) -> bool:
    """Whether users were led there, when a worker last looked."""
    site = configuration.sites.get(one.site)
    mine = {*one.addresses, *([site.address] if site is not None and site.address else [])}
    return any(mine.intersection((*name.addresses, *(name.told or ()))) for name in names)


def names_texts(names: Iterable[LedName], there: Iterable[KnownMachine], configuration: Configuration) -> list[Text]:
    """Where each name leads, as it was asked last; also that no machine is left where it leads."""
    rented = {one.site for one in there}
    sites = {one.address: name for name, one in configuration.sites.items() if one.address}
    found = []
    for name in names:
        site = next((sites[address] for address in name.addresses if address in sites), "")
        to = ", ".join(f"{one} ({sites[one]})" if one in sites else one for one in name.addresses)
        english, japanese = f"{name.name} leads to {to or 'nothing'}", f"{name.name} の向き先は {to or 'なし'}"
        if name.told is None:
            english, japanese = f"{english}; no name server answered", f"{japanese}、ネームサーバー応答なし"
        elif name.told != name.addresses:
            told = ", ".join(name.told) or "nothing"
            english += f"; a name server still tells users {told}"
            japanese += f"、ネームサーバーの応答は {told}"
        if site and configuration.sites[site].provision is not None and site not in rented:
            english += f". NO MACHINE is rented for {site} now"
            japanese += f"。現在 {site} に借りているマシンはありません"
        found.append(text(f"{english} (asked at {clock(name.seen_at)})", f"{japanese} ({clock(name.seen_at)} に確認)"))
    return found


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


def _now(one: KnownMachine, configuration: Configuration, names: Sequence[LedName], now: datetime) -> Text:
    if ago(one.seen_at, now) > STALE:
        moment = f"{one.seen_at:%Y-%m-%d %H:%M} UTC"
        return text(f"last seen at {moment}", f"最終確認 {moment}")
    if is_led_to(one, configuration, names):
        return text("users are led there", "利用者の向き先")
    if one.state != "running":
        return text(f"{one.state}, and paid for", f"{one.state} (課金は継続)")
    return text("no name leads there", "DNS の向き先ではない")
