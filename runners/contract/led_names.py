"""Where names led, as a plan's fingerprint holds it, and what users would get at an address."""

from collections.abc import Mapping

from drbot.core.base.errors import DrbotError, PermanentError
from drbot.core.runs.plan import Plan
from drbot.core.runs.stakes import AddressAnswer
from drbot.core.site.site import Configuration
from drbot.core.text.messages import listed, phrase
from drbot.runners.clients.name_service import Record
from drbot.runners.clients.outside import fetch

RECORDS = "records"  # of the fingerprint
ADDRESS, SITE = "address", "site"  # facts of host.provision


def answer_at(configuration: Configuration, address: str) -> AddressAnswer:
    """What users would get at an address: the URL of dr.yml, opened there whatever the name server says."""
    settings, certificate = configuration.dns, configuration.certificate
    if settings is None or not settings.url:
        said = phrase(
            "what answers at {address} is not known: dr.yml names no `url` in its section `dns`", address=address
        )
        return AddressAnswer(address=address, answers=False, said=said)
    try:
        answer = fetch(settings.url, lambda _: (address,), certificate.roots if certificate else None)
    except DrbotError as error:
        return AddressAnswer(
            address=address, answers=False, said=phrase("nothing answers users there: {why}", why=error)
        )
    said = phrase("{url} at {address} answers {status}", url=settings.url, address=address, status=answer.status)
    return AddressAnswer(address=address, answers=answer.status == 200, said=said)


def records_of(plan: Plan) -> dict[str, Record]:
    """Where the names led that a plan is about; of one that leads some back, of these alone. Raises PermanentError."""
    found = plan.fingerprint.get(RECORDS)
    if not isinstance(found, Mapping):
        raise PermanentError(phrase("the plan does not say where DNS pointed before"))
    moved = {move.name for move in plan.stakes.moves}
    found = {name: record for name, record in found.items() if name in moved or not moved}
    missing = [name for name, record in found.items() if not isinstance(record, Mapping)]
    if missing:
        raise PermanentError(
            phrase("{names} pointed nowhere before, so there is nothing to point back to", names=listed(missing))
        )
    return {
        name: Record(addresses=tuple(record["addresses"]), ttl=int(record["ttl"])) for name, record in found.items()
    }
