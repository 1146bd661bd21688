"""Where names are led back to, found out by the survey: from this worker's own memory and the plans it has sealed,
never from rows; and where they lead now, from the zone and a name server.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from drbot.core.base.errors import PermanentError, UserError
from drbot.core.runbooks.effects import LEADS
from drbot.core.runs.plan import SETTINGS, Plan
from drbot.core.runs.run import StepState
from drbot.core.runs.stakes import AddressAnswer, NameMove
from drbot.core.text.messages import clauses, closed, listed, phrase
from drbot.runners.clients.name_service import NameService, Record
from drbot.runners.contract.led_names import ADDRESS, RECORDS, SITE, answer_at, records_of
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.execution.sealed_plans import sealed_here
from drbot.runners.foundation.own_record import OwnRun, OwnStep

NOT_CONTROLLED = phrase("this site does not control them")
NOT_LED = frozenset({StepState.SKIPPED, StepState.UNDONE, StepState.PENDING})

Addresses = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Back:
    """What a plan leads back, and since when users were elsewhere."""

    moves: tuple[NameMove, ...]
    answers: tuple[AddressAnswer, ...]
    since: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Led:
    """A run that led names, as this worker remembers it."""

    run: str
    zone: str
    before: Mapping[str, Record]
    after: Mapping[str, Addresses]  # empty where that was not seen
    at: datetime | None


def back_of(worker_context: WorkerContext, incident: int, fingerprint: Mapping[str, Any]) -> Back:
    """The newest change in the incident that still stands. Raises UserError, which says where the names lead now."""
    settings, records = worker_context.configuration.dns, fingerprint.get(RECORDS)
    if settings is None or not isinstance(records, Mapping):
        why = phrase("Where DNS points now could not be read: {why}.", why=str(records or NOT_CONTROLLED))
        raise _refusal(why, phrase("Let the control site's worker do it, and correct `dns` in dr.yml."))
    now: dict[str, Addresses] = {
        name: tuple(record["addresses"]) if isinstance(record, Mapping) else () for name, record in records.items()
    }
    known = list(_led(worker_context, incident))
    led = next((one for one in known if any(now.get(name) != at.addresses for name, at in one.before.items())), None)
    if led is None:
        raise _nothing_to_lead_back(incident, now, known)
    _require_same_zone(led, str(fingerprint.get("zone")), now)
    names = NameService(settings)
    moves = tuple(
        NameMove(
            name=name,
            now=now[name],
            told=names.told(name),
            led=led.after.get(name, ()),
            to=record.addresses,
            ttl=record.ttl,
        )
        for name, record in led.before.items()
    )
    addresses = dict.fromkeys(address for move in moves for address in (*move.now, *move.to))
    answers = tuple(answer_at(worker_context.configuration, address) for address in addresses)
    return Back(moves=moves, answers=answers, since=led.at)


def _led(worker_context: WorkerContext, incident: int) -> Iterator[_Led]:
    """The runs that led names in this incident, newest first, but those whose plan is not as it was sealed here."""
    mine = [
        (name, known) for name, known in worker_context.own.runs() if known.incident == incident and _leading(known)
    ]
    for name, known in sorted(mine, key=_when, reverse=True):
        steps, plan = _leading(known), sealed_here(worker_context, name)
        if plan is None:
            continue
        try:
            before = records_of(plan)
        except PermanentError as error:
            raise _refusal(
                phrase("{run}: {why}", run=name, why=closed(str(error))), phrase("Change the zone by hand.")
            ) from error
        zone = str(plan.fingerprint.get("zone"))
        yield _Led(run=name, zone=zone, before=before, after=_after(plan, known, before), at=steps[-1].ended_at)


def _leading(known: OwnRun) -> list[OwnStep]:
    """The steps by which it may have led names, and did not take that back."""
    return [step for step in known.steps.values() if step.does in LEADS and step.state not in NOT_LED]


def _when(one: tuple[str, OwnRun]) -> tuple[str, datetime]:
    """By when it was queued, which its name tells to the second, then by when it was done."""
    name, known = one
    ended = _leading(known)[-1].ended_at
    return name.rpartition("-")[0], ended or datetime.max.replace(tzinfo=UTC)


def _after(plan: Plan, known: OwnRun, before: Mapping[str, Record]) -> dict[str, Addresses]:
    """Where it led them, by the plan and by what this worker has seen."""
    if plan.stakes.moves:
        return {move.name: move.to for move in plan.stakes.moves}
    sites = {str(step.with_.get("site")) for step in plan.steps if step.do == "dns.change"}
    settings = plan.fingerprint.get(SETTINGS, {}).get("sites", {})
    found = {address for site in sites if (address := settings.get(site, {}).get("address"))}
    found = found or {facts.get(ADDRESS) for facts in known.facts.values() if facts.get(SITE) in sites} - {None}
    return {name: (str(next(iter(found))),) for name in before} if len(found) == 1 else {}


def _require_same_zone(led: _Led, zone: str, now: Mapping[str, Addresses]) -> None:
    """Raises UserError where dr.yml means other names than were led."""
    missing = [name for name in led.before if name not in now]
    if led.zone != zone or missing:
        what = (
            phrase("the names {names}", names=listed(missing)) if missing else phrase("the zone {zone}", zone=led.zone)
        )
        raise _refusal(
            phrase("{run} changed {what}, which `dns` in dr.yml no longer names.", run=led.run, what=what),
            phrase("Put that back into dr.yml, or change the zone by hand."),
        )


def _nothing_to_lead_back(incident: int, now: Mapping[str, Addresses], known: list[_Led]) -> UserError:
    there = clauses(
        phrase("{name} points to {addresses}", name=name, addresses=listed(found))
        if found
        else phrase("{name} points to nothing", name=name)
        for name, found in now.items()
    )
    if known:
        return _refusal(
            phrase("DNS already points there: {there}.", there=there), phrase("There is nothing to point back.")
        )
    return _refusal(
        phrase(
            "This worker's host has no record of a run of DR-{incident} that changed DNS. Now {there}.",
            incident=incident,
            there=there,
        ),
        phrase("If that is wrong, change the zone by hand: the report says where DNS pointed before."),
    )


def _refusal(why: str, todo: str) -> UserError:
    return UserError(phrase("Planning to point DNS back."), why, todo)
