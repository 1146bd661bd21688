"""What the actions of level 4 share: the sections of dr.yml they need, said plainly when one is missing."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from drbot.core.base.errors import CancelledError, PermanentError
from drbot.core.base.yaml_file import did_you_mean
from drbot.core.site.site import Certificate, Dns, Provision, Site
from drbot.core.text.messages import listed, phrase, sentences
from drbot.runners.clients.name_service import NameService
from drbot.runners.contract import arguments
from drbot.runners.contract.action import StepContext
from drbot.runners.contract.led_names import ADDRESS, SITE

Answer = TypeVar("Answer")

LOOK_SECONDS = 0.5
_PAUSE = threading.Event()


def names_of(context: StepContext) -> NameService:
    return NameService(_present(context.configuration.dns, "dns"))


def dns_of(context: StepContext) -> Dns:
    return _present(context.configuration.dns, "dns")


def certificate_of(context: StepContext) -> Certificate:
    return _present(context.configuration.certificate, "certificate")


def site_of(context: StepContext, given: Mapping[str, Any]) -> tuple[str, Site]:
    """The site a step is about. Raises PermanentError for one that dr.yml does not know."""
    name, sites = arguments.text(given, "site"), context.configuration.sites
    if name not in sites:
        raise PermanentError(
            sentences(
                phrase('dr.yml has no site "{name}".', name=name),
                did_you_mean(name, list(sites)),
                phrase("Sites are: {names}", names=listed(sites)),
            )
        )
    return name, sites[name]


def provision_of(context: StepContext, given: Mapping[str, Any]) -> Provision:
    name, site = site_of(context, given)
    return _present(site.provision, f"sites: {name}: provision")


def address_of(context: StepContext, given: Mapping[str, Any]) -> str:
    """Where users reach a site: as dr.yml says, else as the cloud said when the machine was made."""
    name, site = site_of(context, given)
    if site.address:
        return site.address
    for facts in context.facts.values():
        if facts.get(SITE) == name and facts.get(ADDRESS):
            return str(facts[ADDRESS])
    raise PermanentError(
        phrase("nobody knows the address of {name}: dr.yml names none, and no machine was made in this run", name=name)
    )


def wait_for(
    context: StepContext, look: Callable[[], Answer | None], seconds: float, why_not: Callable[[], str]
) -> Answer:
    """The first answer. Raises CancelledError, and PermanentError with `why_not` when the time is over."""
    # Counted in looks: a clock that is set must not end it, and each look may take its own time.
    for turn in range(max(1, round(seconds / LOOK_SECONDS))):
        found = look()
        if found is not None:
            return found
        if context.cancelled():
            raise CancelledError(phrase("Stopped while waiting"))
        context.progress(turn * LOOK_SECONDS, seconds, "seconds")
        _PAUSE.wait(LOOK_SECONDS)
    raise PermanentError(why_not())


def _present(section: Answer | None, name: str) -> Answer:
    if section is None:
        raise PermanentError(phrase("dr.yml has no section `{name}`", name=name))
    return section
