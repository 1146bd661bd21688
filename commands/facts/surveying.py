"""A question to a site's worker by somebody alone, outside of every incident: put, and waited for as long as somebody
does.
"""

import threading
import time
from collections.abc import Mapping

from drbot.commands.facts.context import CommandContext
from drbot.commands.facts.unheard import unheard
from drbot.commands.speech.messages import Choice, Reply
from drbot.core.site.people import Person
from drbot.core.text.messages import phrase
from drbot.store.records import surveys

WAIT_SECONDS = 90.0  # for the worker's survey; asked again, the same one is waited for
TAKEN_SECONDS = 8.0  # a worker looks twice a second, also on a busy machine: by then nobody is there for it
LOOK_SECONDS = 0.2


def answered(
    context: CommandContext,
    *,
    site: str,
    lost: str,
    runbook: str,
    arguments: Mapping[str, str],
    person: Person,
    again: Choice,
) -> surveys.Survey | Reply:
    """The worker's answer, else why there is none."""
    with context.database.write() as tx:
        asked = surveys.ask(tx, site=site, lost=lost, runbook=runbook, arguments=arguments, person=person.id)
    until, taken_until = time.monotonic() + WAIT_SECONDS, time.monotonic() + TAKEN_SECONDS
    while time.monotonic() < until:
        with context.database.read() as connection:
            now = surveys.get(connection, asked.id)
            is_busy = surveys.is_busy(connection, site, context.database.now(connection))
        if now.ended_at is not None:
            return now
        if now.taken_at is None and not is_busy and time.monotonic() > taken_until:
            with context.database.read() as connection:
                return Reply(text=unheard(connection, context.database, site, 0), choices=(again,), ok=False)
        threading.Event().wait(LOOK_SECONDS)
    return Reply(text=phrase("The survey is not done yet; it goes on."), choices=(again,), ok=False)
