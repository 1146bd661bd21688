"""Whether drbot's own state would survive the loss of its host."""

from datetime import UTC, datetime

from drbot.core.base.errors import DrbotError
from drbot.core.site.readiness import Line, bad, good, soon
from drbot.core.site.site import Configuration
from drbot.core.text.messages import duration, phrase
from drbot.core.text.words import ago
from drbot.runners.clients.object_store import ObjectStoreClient
from drbot.runners.own_state.state_bucket import COPY, folder_of, named
from drbot.store.base import ledger
from drbot.store.base.database import Database

LATE_SECONDS = 10 * 60.0
"""So old may a record be that is in no copy."""


def state_line(configuration: Configuration, database: Database, now: datetime | None = None) -> Line:
    """Raises TemporaryError when the state does not answer."""
    what = phrase("copy of drbot's own state")
    if configuration.object_store is None:
        why = phrase("there is none: what drbot knows is lost with its host")
        return soon(what, why, phrase("Name a bucket under `object_store` in dr.yml."))
    with database.read() as connection:
        first = ledger.after(connection, 0, 1)
    if not first:
        return good(what, phrase("there is nothing to copy yet"))
    try:
        copies = named(COPY, ObjectStoreClient(configuration.object_store).list(folder_of(first[0].hash)))
    except DrbotError as error:
        return bad(what, str(error), phrase("Check that the bucket can be reached from here, with its keys."))
    with database.read() as connection:
        missing = ledger.after(connection, copies[0].last if copies else 0, 1)
    late = ago(missing[0].at, now or datetime.now(UTC)).total_seconds() if missing else 0.0
    if late > LATE_SECONDS:
        why = phrase("what happened {time} ago is in no copy", time=duration(late))
        return bad(what, why, phrase("The worker copies it to the bucket: its log says why it does not."))
    return good(what, phrase("in the bucket"))
