"""A drill that no worker takes up would keep all others waiting for ever: it ends, and says why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from drbot.commands.facts.context import CommandContext
from drbot.core.runs.drill import TAKEN_UP_WITHIN, DrillEnd, DrillState
from drbot.core.text.messages import phrase
from drbot.store.records import drills, incidents, schedules

OWNER, LEASE_SECONDS = "ticker", 1.0


def end_forgotten(context: CommandContext) -> None:
    """Nothing of it was begun: no engine, no copy, no run."""
    with context.database.read() as connection:
        drill = drills.going_on(connection)
    if drill is None or drill.state is not DrillState.ASKED or datetime.now(UTC) - drill.asked_at < TAKEN_UP_WITHIN:
        return
    why = phrase(
        "No worker of {site} took it up within {minutes} minutes. Start one there: drbot worker --site {site}",
        site=drill.site,
        minutes=TAKEN_UP_WITHIN // timedelta(minutes=1),
    )
    with context.database.write() as tx:
        now = drills.get(tx.connection, drill.incident)
        if now is None or now.state is not DrillState.ASKED or not drills.take(tx, now, OWNER, LEASE_SECONDS):
            return
        drills.end(tx, replace(now, end=DrillEnd.BROKEN_OFF, why=why))
        if incidents.get(tx.connection, now.incident).is_open:
            incidents.resolve(tx, now.incident, now.asked_by, why)
        schedules.drop_all(tx, now.incident)
