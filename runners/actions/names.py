"""DNS: users are moved by leading the names to another address. That is the one act of level 4 that people agree to."""

from collections.abc import Mapping, Sequence
from typing import Any

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.runbooks.runbook import names_in
from drbot.core.text.messages import clauses, duration, listed, phrase
from drbot.runners.actions.centre import address_of, dns_of, names_of, site_of, wait_for
from drbot.runners.clients.name_service import NameService, Record
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext, or_why_not
from drbot.runners.contract.led_names import RECORDS, answer_at, records_of
from drbot.runners.foundation import permit

WITHIN_SECONDS = 300.0
NOTHING = phrase("nothing")


def change(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Change all names at once, wait until Route 53 says INSYNC and the name server tells the new address."""
    site, _ = site_of(context, given)
    address, settings = address_of(context, given), dns_of(context)
    wanted = {name: Record(addresses=(address,), ttl=int(settings.ttl)) for name in settings.names}
    _lead(context, wanted, arguments.seconds(given, "within", WITHIN_SECONDS))
    return Outcome(
        summary=phrase(
            "DNS: {names} → {address} ({site}); users follow within {time}",
            names=listed(settings.names),
            address=address,
            site=site,
            time=duration(settings.ttl),
        ),
        facts={"address": address, "names": list(settings.names)},
    )


def change_back(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """To where the names led when the plan was sealed."""
    sealed = records_of(context.plan)
    _lead(context, sealed, WITHIN_SECONDS)
    said = clauses(_leads(name, record.addresses) for name, record in sealed.items())
    return Outcome(summary=phrase("{said} again", said=said))


def look(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Where the names of the plan lead now, and what answers at each address."""
    names, moves = names_of(context), context.plan.stakes.moves
    found = names.records()
    led = {move.name: found[move.name].addresses if move.name in found else () for move in moves}
    addresses = dict.fromkeys(address for move in moves for address in (*led[move.name], *move.to))
    said = [_leads(name, there) for name, there in led.items()]
    said += [one.said for one in (answer_at(context.configuration, address) for address in addresses)]
    return Outcome(summary=clauses(said))


def lead_back(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Lead the names to where the sealed plan says, all at once; done when Route 53 and the name server say so."""
    wanted = moves_of(context)
    if not wanted.keys() <= set(names_in(given.get("names"))):
        raise PermanentError(
            phrase("the plan changes {names}, but this step is about other names", names=listed(wanted))
        )
    _lead(context, wanted, arguments.seconds(given, "within", WITHIN_SECONDS))
    said = clauses(_leads(name, record.addresses) for name, record in wanted.items())
    return Outcome(
        summary=phrase(
            "{said} again; users follow within {time}",
            said=said,
            time=duration(max(record.ttl for record in wanted.values())),
        ),
        facts={
            "addresses": sorted({one for record in wanted.values() for one in record.addresses}),
            "names": [*wanted],
        },
    )


def lead_back_subjects(context: StepContext, given: Mapping[str, Any]) -> frozenset[str]:
    """Where each name leads from now on, as two people read it."""
    return frozenset(permit.name(move.name, move.to) for move in context.plan.stakes.moves)


def led_back(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Do Route 53 and the name server both lead where the plan leads?"""
    names = names_of(context)
    wanted = {name: record.addresses for name, record in moves_of(context).items()}
    wrong = _wrong(names, wanted)
    state = {"state": "before"} if wrong and _is_as_sealed(context, names) else {}
    said = clauses(wrong or [_leads(name, there) for name, there in wanted.items()])
    return Finding(passed=not wrong, sentence=said, facts=state)


def moves_of(context: StepContext) -> dict[str, Record]:
    """Of the sealed plan. Raises PermanentError for one that leads nothing back."""
    moves = context.plan.stakes.moves
    if not moves:
        raise PermanentError(phrase("the plan does not say where to point DNS back to"))
    return {move.name: Record(addresses=move.to, ttl=move.ttl) for move in moves}


def change_subjects(context: StepContext, given: Mapping[str, Any]) -> frozenset[str]:
    """Where each name leads from now on: other addresses than these were not approved."""
    address = address_of(context, given)
    return frozenset(permit.name(one, (address,)) for one in dns_of(context).names)


def change_back_subjects(context: StepContext, given: Mapping[str, Any]) -> frozenset[str]:
    """Where each name led when the plan was sealed."""
    return frozenset(permit.name(one, record.addresses) for one, record in records_of(context.plan).items())


@or_why_not
def changeable(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Is the zone ours, and may we change it? Asked without changing it."""
    names = names_of(context)
    names.require_right_to_change()
    outside = [name for name in names.settings.names if not _is_below(name, names.settings.zone)]
    names.records()
    if outside:
        return Finding(
            passed=False,
            sentence=phrase("{names} is not in the zone {zone}", names=listed(outside), zone=names.settings.zone),
        )
    return Finding(passed=True, sentence=phrase("The zone {zone} can be changed", zone=names.settings.zone))


def quick(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Is the time for which name servers keep the old answer short?"""
    longest = arguments.seconds(given, "ttl", 60.0)
    slow = {name: record.ttl for name, record in names_of(context).records().items() if record.ttl > longest}
    if not slow:
        return Finding(passed=True, sentence=phrase("Users follow within {time}", time=duration(longest)))
    said = listed(phrase("{name} ({note})", name=name, note=duration(ttl)) for name, ttl in slow.items())
    return Finding(
        passed=False,
        sentence=phrase(
            "Some users still reach the old address until their name servers' caches expire: {names}. Set a "
            "shorter TTL before the next disaster",
            names=said,
        ),
    )


def points_to(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Do Route 53 and the name server both lead to the site?"""
    address, names = address_of(context, given), names_of(context)
    wanted = dict.fromkeys(names.settings.names, (address,))
    wrong = _wrong(names, wanted)
    state = {"state": "before"} if wrong and _is_as_sealed(context, names) else {}
    said = clauses(wrong) or _leads(listed(wanted), (address,))
    return Finding(passed=not wrong, sentence=said, facts=state)


def fingerprint_of(names: NameService) -> dict[str, Any]:
    """Where the names lead now, sealed with the plan: if somebody else moves users meanwhile, nothing is changed."""
    found = names.records()
    return {
        name: {"addresses": list(found[name].addresses), "ttl": found[name].ttl} if name in found else "missing"
        for name in names.settings.names
    }


def _lead(context: StepContext, wanted: Mapping[str, Record], within: float) -> None:
    names = names_of(context)
    if all(names.records().get(name) == record for name, record in wanted.items()):
        context.log("Route 53 has these records already")
    else:
        done = names.change(wanted, context.permitted())
        context.log(f"Route 53 accepted the change {done}")
        wait_for(
            context,
            lambda: names.is_in_sync(done) or None,
            within,
            lambda: phrase("the change {change} is not in sync", change=done),
        )
    asked = {name: record.addresses for name, record in wanted.items()}
    wait_for(
        context,
        lambda: True if not _wrong(names, asked) else None,
        within,
        lambda: phrase("in sync, but {why}", why=clauses(_wrong(names, asked))),
    )


def _leads(name: str, addresses: Sequence[str]) -> str:
    return phrase("{name} points to {addresses}", name=name, addresses=listed(addresses) or NOTHING)


def _wrong(names: NameService, wanted: Mapping[str, tuple[str, ...]]) -> list[str]:
    found, wrong = names.records(), list[str]()
    for name, addresses in wanted.items():
        there = found[name].addresses if name in found else ()
        if tuple(sorted(addresses)) != there:
            wrong.append(
                phrase("{name} points to {addresses} in Route 53", name=name, addresses=listed(there) or NOTHING)
            )
            continue
        try:
            told = names.ask(name)
        except TemporaryError as error:
            wrong.append(str(error))
            continue
        if tuple(sorted(addresses)) != told:
            wrong.append(
                phrase(
                    "a name server still says that {name} points to {addresses}",
                    name=name,
                    addresses=listed(told) or NOTHING,
                )
            )
    return wrong


def _is_as_sealed(context: StepContext, names: NameService) -> bool:
    return context.plan.fingerprint.get(RECORDS) == fingerprint_of(names)


def _is_below(name: str, zone: str) -> bool:
    return f".{name.rstrip('.')}".endswith(f".{zone.rstrip('.')}")


IMPLEMENTED = Registry(
    actions={"dns.change": change, "dns.change_back": change_back, "dns.look": look, "dns.lead_back": lead_back},
    probes={"dns.changeable": changeable, "dns.quick": quick, "dns.points_to": points_to, "dns.led_back": led_back},
    subjects={
        "dns.change": change_subjects,
        "dns.change_back": change_back_subjects,
        "dns.lead_back": lead_back_subjects,
    },
)
