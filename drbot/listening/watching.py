"""How drbot itself is watched: whether its process lives, whether it can work, and its figures. Reads only; whoever may
reach the port may read them, so it belongs on an address of the house.
"""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from drbot.core.base.errors import DrbotError
from drbot.core.base.heart import Heart
from drbot.core.site.site import Targets
from drbot.listening.metrics import StateCollector
from drbot.store.base.database import Database

SLOW_SECONDS, DEAD_SECONDS = 15.0, 120.0
"""Without a turn of one of its loops a process is not ready, and then not alive: it should be started again."""


def watching(database: Database, targets: Targets, heart: Heart) -> Starlette:
    """`/healthz`, `/readyz` and `/metrics` of one process."""
    registry = CollectorRegistry()
    registry.register(StateCollector(database, targets))
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)

    async def healthz(request: Request) -> Response:
        return _answer(_standing(heart, DEAD_SECONDS))

    async def readyz(request: Request) -> Response:
        return _answer(_standing(heart, SLOW_SECONDS) or await run_in_threadpool(state_fault, database))

    async def metrics(request: Request) -> Response:
        shown = await run_in_threadpool(generate_latest, registry)
        return Response(shown, media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route(f"/{one.__name__}", one, methods=["GET"]) for one in (healthz, readyz, metrics)])


def state_fault(database: Database) -> str:
    """Why the state does not answer; "" when it does."""
    try:
        with database.read():
            return ""
    except DrbotError as error:
        return f"drbot's own state does not answer: {error}"


def _standing(heart: Heart, seconds: float) -> str:
    loops = heart.standing(seconds)
    return f"no turn for {seconds:.0f} s: {', '.join(loops)}" if loops else ""


def _answer(fault: str) -> Response:
    return PlainTextResponse(f"{fault or 'ok'}\n", 503 if fault else 200)
