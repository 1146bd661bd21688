"""The last look: the system as its users reach it. Only this says that a data centre's loss is over."""

from collections.abc import Mapping
from typing import Any

import httpx

from drbot.core.base.errors import DrbotError, PermanentError
from drbot.core.text.messages import duration, listed, phrase
from drbot.runners.actions.centre import names_of, wait_for
from drbot.runners.clients.outside import Answer, fetch
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext

WITHIN_SECONDS = 300.0


def check(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Open the URL of dr.yml until it answers 200, with a certificate that is checked."""
    within = arguments.seconds(given, "within", WITHIN_SECONDS)
    url, last = url_of(context), str(phrase("it was not asked yet"))

    def look() -> Answer | None:
        nonlocal last
        try:
            return _ask(context)
        except DrbotError as error:
            last = str(error)
            return None

    answer = wait_for(
        context,
        look,
        within,
        lambda: phrase("not reachable from outside within {time}: {why}", time=duration(within), why=last),
    )
    until = answer.certificate_until
    said = phrase("{url} answers from {address}", url=url, address=answer.address)
    secured = phrase("certificate valid until {date}", date=f"{until:%Y-%m-%d}") if until else ""
    return Outcome(
        summary=listed((said, secured)),
        facts={"address": answer.address, "url": url, "certificate_until": until.isoformat() if until else None},
    )


def answers(context: StepContext, given: Mapping[str, Any]) -> Finding:
    try:
        answer = _ask(context)
    except DrbotError as error:
        return Finding(passed=False, sentence=str(error))
    return Finding(
        passed=True, sentence=phrase("{url} answers from {address}", url=url_of(context), address=answer.address)
    )


def url_of(context: StepContext) -> str:
    """What users open. Raises PermanentError when dr.yml does not say."""
    dns = context.configuration.dns
    if dns is None or not dns.url:
        raise PermanentError(phrase("dr.yml names no `url` in its section `dns`, so there is nothing to open"))
    return dns.url


def _ask(context: StepContext) -> Answer:
    url, certificate = url_of(context), context.configuration.certificate
    names = names_of(context)
    address = _expected(context, httpx.URL(url).host)
    answer = fetch(url, names.ask, certificate.roots if certificate else None)
    if address and answer.address not in address:
        raise PermanentError(
            phrase(
                "{url} still points to {address} instead of {wanted}",
                url=url,
                address=answer.address,
                wanted=listed(address),
            )
        )
    if answer.status != 200:
        raise PermanentError(
            phrase(
                "{url} at {address} answers {status}: {text}",
                url=url,
                address=answer.address,
                status=answer.status,
                text=answer.text,
            )
        )
    return answer


def _expected(context: StepContext, name: str) -> tuple[str, ...]:
    """Where this run led the name, if it did."""
    for facts in context.facts.values():
        if name in facts.get("names", ()):
            led = facts.get("addresses") or [facts.get("address")]
            return tuple(str(address) for address in led if address)
    return ()


IMPLEMENTED = Registry(
    actions={"outside.check": check},
    probes={"outside.answers": answers},
)
