"""Are the services healthy, and if not, is PostgreSQL or Redis to blame?"""

from collections.abc import Mapping
from typing import Any

from drbot.core.site.own_checks import passed_text
from drbot.core.text.messages import clauses, listed, phrase
from drbot.runners.actions.compose import wait_healthy
from drbot.runners.clients.health import fault_of_own
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext, holds_for_none, unless_none

DEFAULT_WITHIN_SECONDS = 120.0


@unless_none
def wait(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Wait until all are healthy; ends at the first moment they are."""
    names = tuple(arguments.services(context, given))
    within = arguments.seconds(given, "within", DEFAULT_WITHIN_SECONDS)
    took = wait_healthy(context, names, within)
    return Outcome(
        summary=phrase("Healthy: {names}", names=listed(names)),
        facts={"seconds": round(took, 3), "healthy": list(names)},
    )


@holds_for_none
def services(context: StepContext, given: Mapping[str, Any]) -> Finding:
    names = tuple(arguments.services(context, given))
    faults = context.clients.health.faults(names)
    if not faults:
        return Finding(passed=True, sentence=phrase("Healthy: {names}", names=listed(names)))
    said = clauses(phrase("{what}: {why}", what=name, why=fault) for name, fault in faults.items())
    return Finding(
        passed=False,
        sentence=phrase("Not healthy: {why}", why=said),
        broken=tuple(faults),
        facts={"faults": dict(faults)},
    )


def own_checks(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe own_checks.http: what dr.yml asks of the system where it runs now."""
    checks, before = context.configuration.proof.of_http, context.configuration.site().address
    faults = [fault for one in checks if (fault := fault_of_own(one, before, context.site.address))]
    return Finding(passed=not faults, sentence=clauses(faults) if faults else passed_text(len(checks)))


def dependencies(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Look at what every service needs; the culprit decides whether a higher level is proposed."""
    found: dict[str, str | None] = {}
    if context.site.postgres:
        found["postgres"] = context.clients.postgres.fault()
    if context.site.redis:
        found["redis"] = context.clients.redis.fault()
    is_misnamed = bool(found.get("postgres")) and context.clients.postgres.misnamed() is not None
    culprit = next((name for name, fault in found.items() if fault and not (is_misnamed and name == "postgres")), None)
    titles = {"postgres": "PostgreSQL", "redis": "Redis"}
    said = clauses(
        phrase("{what}: {why}", what=titles[name], why=fault or phrase("works")) for name, fault in found.items()
    )
    return Outcome(summary=said or phrase("Nothing to ask"), facts={"culprit": culprit, **found})


IMPLEMENTED = Registry(
    actions={"health.wait": wait, "dependencies.probe": dependencies},
    probes={"health.services": services, "own_checks.http": own_checks},
)
