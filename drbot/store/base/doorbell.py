"""The doorbell: tells a worker that a run may be claimed. Nothing is lost when it is not heard.

A message carries a run id and nothing else; claim, lease and fencing live in SQL. The reconcile loop rings
again for what nobody picked up.
"""

import logging
from collections.abc import Callable
from typing import Protocol

import dramatiq
import structlog
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import DramatiqError

from drbot.core.base.errors import UserError
from drbot.core.text.messages import phrase

log = structlog.get_logger()

REDIS_TIMEOUT_SECONDS = 5.0


class Doorbell(Protocol):
    def ring(self, site: str, run_id: str) -> None:
        """Never raises because the other side is away."""

    def listen(self, site: str, handler: Callable[[str], None], threads: int = 2) -> None:
        """Call `handler` with the run id, in threads of this process, until `stop`."""

    def stop(self) -> None:
        """Finish the handlers that are running and end the threads."""


class DramatiqDoorbell:
    """One dramatiq queue per site; the same code with Redis and in process.

    No middleware at all: that is dramatiq without retries, time limits, results, delays and metrics, all of
    which would compete with what SQL decides.
    """

    def __init__(self, broker: dramatiq.Broker, *away: type[Exception]) -> None:
        """`away`: what the broker raises besides when its other side is."""
        self._broker = broker
        self._away: tuple[type[Exception], ...] = (*away, DramatiqError, OSError)
        self._workers: list[dramatiq.Worker] = []

    def ring(self, site: str, run_id: str) -> None:
        queue = queue_of(site)
        message: dramatiq.Message[None] = dramatiq.Message(
            queue_name=queue, actor_name=_actor_of(site), args=(run_id,), kwargs={}, options={}
        )
        try:
            self._broker.declare_queue(queue)
            self._broker.enqueue(message)
        except self._away as error:
            log.warning("The doorbell is silent; the run will be found by looking.", run=run_id, error=str(error))

    def listen(self, site: str, handler: Callable[[str], None], threads: int = 2) -> None:
        queue = queue_of(site)

        def take_run(run_id: str) -> None:
            handler(run_id)

        dramatiq.actor(broker=self._broker, actor_name=_actor_of(site), queue_name=queue)(take_run)
        # The workers of several sites share one broker on purpose; dramatiq would warn of it at each.
        logging.getLogger("dramatiq.broker").setLevel(logging.ERROR)
        worker = dramatiq.Worker(self._broker, queues={queue}, worker_threads=threads, worker_timeout=200)
        worker.queue_prefetch = threads  # a message that waits in this process is one that no other can take
        worker.start()
        self._workers.append(worker)

    def stop(self) -> None:
        for worker in self._workers:
            worker.stop()
        self._workers.clear()
        self._broker.close()


def doorbell_of(redis_url: str | None) -> Doorbell:
    """Redis where there is one, else inside this process. Raises UserError when the URL is none of Redis."""
    return DramatiqDoorbell(StubBroker(middleware=[])) if redis_url is None else _through_redis(redis_url)


def _through_redis(url: str) -> Doorbell:
    # Imported here: who has no Redis waits for none of it.
    from dramatiq.brokers.redis import RedisBroker
    from redis import ConnectionPool, Redis
    from redis.exceptions import RedisError

    try:
        pool = ConnectionPool.from_url(
            url, socket_timeout=REDIS_TIMEOUT_SECONDS, socket_connect_timeout=REDIS_TIMEOUT_SECONDS
        )
    except ValueError as error:
        raise UserError(
            phrase("Connecting to Redis."),
            phrase("REDIS_URL does not lead to Redis."),
            phrase("Write it as redis://host:6379/0 (rediss:// with TLS), or unset it: then drbot polls."),
        ) from error
    # A worker that died is noticed after 15 s, and every command looks for such messages.
    broker = RedisBroker(  # type: ignore[no-untyped-call]
        client=Redis(connection_pool=pool),
        middleware=[],
        heartbeat_timeout=15_000,
        maintenance_chance=1_000_000,
    )
    return DramatiqDoorbell(broker, RedisError)


def queue_of(site: str) -> str:
    return f"site-{site}"


def _actor_of(site: str) -> str:
    # An actor belongs to one queue, so each site has its own.
    return f"take-run-{site}"
