"""Does the data that was put in place work? What keeps it is asked: kept data may be what was broken."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import clauses, listed, phrase
from drbot.runners.actions.compose import faults_within
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext

DEFAULT_WITHIN_SECONDS = 120.0
Ask = Callable[[], str | None]
"""Why it does not work, as a sentence; None: it does."""


def wait(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action data.wait: a server that was just started may have to read its log first. Whether it answers in the end
    says the step's check.
    """
    within = arguments.seconds(given, "within", DEFAULT_WITHIN_SECONDS)
    took, found = faults_within(context, partial(faults, context, given), len(asked_of(context, given)), within)
    said = (
        phrase("No answer after {seconds} s", seconds=round(took))
        if found
        else phrase("The data that is in place works")
    )
    return Outcome(summary=said, facts={"seconds": round(took, 3)})


def answers(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe data.answers: PostgreSQL in every database of dr.yml, Redis with all of its data loaded; files are there,
    and settings can be read.
    """
    found = faults(context, given)
    names = listed(asked_of(context, given))
    said = clauses(found.values()) or phrase("In place and working: {names}", names=names)
    return Finding(passed=not found, sentence=said, broken=tuple(found))


def faults(context: StepContext, given: Mapping[str, Any]) -> Mapping[str, str]:
    """Place → why what is there does not work."""
    found = ((place, ask()) for place, ask in asked_of(context, given).items())
    return {place: why for place, why in found if why}


def asked_of(context: StepContext, given: Mapping[str, Any]) -> Mapping[str, Ask]:
    """Of one place (`volume`), or of everything that dr.yml names."""
    known, place = dict(_places(context)), given.get("volume")
    if place is None:
        return known
    return {str(place): known.get(str(place), partial(_missing, context, str(place)))}


def _places(context: StepContext) -> Iterator[tuple[str, Ask]]:
    site, clients = context.site, context.clients
    for name in site.files:
        place = site.place_of(name)
        yield place, partial(_missing, context, place)
    yield str(site.projects.absolute()), partial(_unreadable, context)
    if site.postgres is not None:
        yield site.postgres.volume, partial(_silent, "PostgreSQL", clients.postgres.fault)
    if site.redis is not None:
        yield site.redis.volume, partial(_silent, "Redis", clients.redis.fault)


def _silent(title: str, ask: Ask) -> str | None:
    why = ask()
    return phrase("{what} does not answer: {why}", what=title, why=why) if why else None


def _missing(context: StepContext, place: str) -> str | None:
    return None if context.clients.have(place) else phrase("{what}: {why}", what=place, why=phrase("it is missing"))


def _unreadable(context: StepContext) -> str | None:
    read = context.clients.compose.readings(context.site.compose_projects(), context.cancelled).values()
    why = next((one for one in read if isinstance(one, PermanentError)), None)
    return phrase("The settings cannot be used: {why}", why=why) if why else None


IMPLEMENTED = Registry(actions={"data.wait": wait}, probes={"data.answers": answers})
