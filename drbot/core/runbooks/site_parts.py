"""Parts that a site may have or not: a step that is about one which dr.yml does not name is left out of the plan.

Before the variables are filled in, because for such a step most of them have no value.
"""

from drbot.core.runbooks.runbook import Runbook, Step, without
from drbot.core.site.site import Configuration, Site

HAS = "site.has"
"""The probe of `when` that asks for one of these, by `part`."""


def parts_of(configuration: Configuration, site: Site) -> frozenset[str]:
    """What this site has, by dr.yml."""
    has = {
        "postgres": site.postgres is not None,
        "redis": site.redis is not None,
        "stores": bool(site.stores),
        "files": bool(site.files),
        "repository": configuration.repository is not None,
        "monitoring": site.monitoring is not None,
    }
    return frozenset(part for part, is_there in has.items() if is_there)


def steps_for(runbook: Runbook, configuration: Configuration, site: Site) -> tuple[Step, ...]:
    """The steps of a runbook that make sense for this site, without the questions that are answered by that."""
    has = parts_of(configuration, site)
    wanted = {step.id: {str(one.with_.get("part")) for one in step.when if one.probe == HAS} for step in runbook.steps}
    left = without(runbook.steps, {name for name, parts in wanted.items() if not parts <= has})
    return tuple(
        step.model_copy(update={"when": tuple(one for one in step.when if one.probe != HAS)})
        if wanted[step.id]
        else step
        for step in left
    )
