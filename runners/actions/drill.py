"""What a drill does that nothing else may: it breaks the system, in its own copy and nowhere else."""

from collections.abc import Mapping
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import phrase
from drbot.runners.clients.breaking import Breaker
from drbot.runners.contract.action import Outcome, Registry, StepContext


def break_copy(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action drill.break: the service of the run is stopped; where none is named PostgreSQL's files are overwritten.
    Raises PermanentError on every engine that is not a drill's own.
    """
    breaker = Breaker(engine=context.clients.docker, labels=context.labels, cancelled=context.cancelled)
    if service := context.run.arguments.get("service"):
        breaker.stop(context.site.services[service])
        return Outcome(summary=phrase("{service} was stopped in the copy", service=service))
    postgres = context.site.postgres
    if postgres is None:
        raise PermanentError(phrase("dr.yml names no PostgreSQL to break"))
    image = context.clients.postgres.recipe(context.cancelled).image
    breaker.spoil(context.site.services[postgres.service], postgres.volume, image)
    return Outcome(summary=phrase("PostgreSQL's files were overwritten in the copy: it does not start any more"))


IMPLEMENTED = Registry(actions={"drill.break": break_copy})
