"""How many rows production holds now: counted once for all that one survey wants to know of it."""

from collections.abc import Mapping

from drbot.runners.clients.clients import Clients
from drbot.runners.clients.postgres_written import COUNT_SECONDS
from drbot.runners.foundation.watching import Cancelled, never


def rows_now(
    clients: Clients, labels: Mapping[str, str], cancelled: Cancelled, enough: Cancelled = never
) -> Mapping[str, int]:
    """Of every table. Raises TemporaryError when it does not answer, PermanentError when it takes too long: `enough`,
    and never longer than COUNT_SECONDS.
    """
    return clients.once.of(
        "rows", lambda: clients.postgres.rows(labels, cancelled, seconds=COUNT_SECONDS, enough=enough)
    )
