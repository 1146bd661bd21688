"""What a drill does that nothing else may: it breaks the system, in its own copy and nowhere else."""

from collections.abc import Callable, Mapping
from typing import Any

from drbot.core.runs.drill import PRACTISED
from drbot.core.site.data_kinds import BROUGHT_BACK_BY, FILES, DataKind
from drbot.core.text.messages import phrase
from drbot.runners.clients.breaking import ALL, COMPOSE_FILES, Breaker
from drbot.runners.contract.action import Outcome, Registry, StepContext


def break_copy(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action drill.break: the service of the run is stopped; where none is named the data that the drill practises is
    broken. Raises PermanentError on every engine that is not a drill's own.
    """
    given_to_run = context.run.arguments
    breaker = Breaker(engine=context.clients.docker, labels=context.labels, cancelled=context.cancelled)
    if service := given_to_run.get("service"):
        breaker.stop(context.site.services[service])
        return Outcome(summary=phrase("{service} was stopped in the copy", service=service))
    kind = BROUGHT_BACK_BY.get(given_to_run.get(PRACTISED, ""), DataKind.POSTGRES)
    return Outcome(summary=BREAKS[kind](context, breaker, given_to_run.get(FILES, "")))


def _postgres(context: StepContext, breaker: Breaker, _: str) -> str:
    postgres = context.site.postgres
    assert postgres is not None
    image = context.clients.postgres.image(context.cancelled)
    breaker.spoil(context.site.services[postgres.service], postgres.volume, image)
    return phrase("PostgreSQL's files were overwritten in the copy: it does not start any more")


def _redis(context: StepContext, breaker: Breaker, _: str) -> str:
    redis = context.site.redis
    assert redis is not None
    breaker.wipe(redis.volume, ALL, context.site.services[redis.service])
    return phrase("The data of Redis was deleted in the copy")


def _files(context: StepContext, breaker: Breaker, name: str) -> str:
    breaker.wipe(context.site.place_of(name), ALL)
    return phrase("The files of {name} were deleted in the copy", name=name)


def _settings(context: StepContext, breaker: Breaker, _: str) -> str:
    breaker.wipe(str(context.site.projects), COMPOSE_FILES)
    return phrase("The compose files were deleted in the copy")


BREAKS: Mapping[DataKind, Callable[[StepContext, Breaker, str], str]] = {
    DataKind.POSTGRES: _postgres,
    DataKind.REDIS: _redis,
    DataKind.FILES: _files,
    DataKind.SETTINGS: _settings,
}


IMPLEMENTED = Registry(actions={"drill.break": break_copy})
