"""Whether dr.yml's own checks can be asked: that night none may stop a recovery because of its own mistake."""

from collections.abc import Iterator

from drbot.core.base.errors import DrbotError
from drbot.core.site.own_checks import OwnCheck
from drbot.core.site.readiness import Line, bad, good, of_site
from drbot.core.site.site import Configuration
from drbot.core.text.messages import phrase
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.health import fault_of_own

WHAT = phrase("own checks")


def own_check_lines(configuration: Configuration, clients: Clients) -> Iterator[Line]:
    """Of the default site, for which they are written: statements are planned and not carried out, URLs are asked."""
    checks, what = configuration.proof.checks, of_site(configuration.default_site, WHAT)
    faults = [fault for one in checks if (fault := _fault(one, clients))]
    for fault in faults:
        yield bad(what, fault, phrase("Correct it under `proof` in dr.yml, or what it asks."))
    if checks and not faults:
        yield good(what, phrase("all {count} can be asked", count=len(checks)))


def _fault(check: OwnCheck, clients: Clients) -> str | None:
    if check.http is not None:
        return fault_of_own(check, None, None)
    try:
        why = clients.postgres.refusal_of(check)
    except DrbotError as error:
        why = str(error)
    return check.named(why) if why else None
