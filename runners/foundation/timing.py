"""How often the worker looks and how long it waits. Tests shorten them; the values were measured on a prototype."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """All in seconds."""

    lease: float = 10.0  # a worker that is silent for so long is taken for dead
    renew: float = 3.0
    look: float = 0.4  # for STOP, votes and answers
    tick: float = 2.0  # upkeep: dead workers, overdue requests, runs nobody picked up
    patience: float = 5.0  # a check that fails is asked again for so long: servers need a moment
    pause: float = 0.5  # between two questions of a check, and before a busy database is tried again
    grace: float = 20.0  # a cancelled act that has not ended by then is unsure
