"""A drill: the same runbooks, votes and clocks as in an incident, on a copy of the system that can reach nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from drbot.core.site.data_kinds import BROUGHT_BACK_BY, FILES, RUNBOOKS, DataKind, runbook_of
from drbot.core.site.level import RUNBOOK_OF, Level
from drbot.core.site.site import Configuration, Site, Targets
from drbot.core.site.stored_backups import BackupKind
from drbot.core.text.messages import phrase
from drbot.core.text.words import ago

COPY_RUNBOOKS: Mapping[BackupKind, str] = {BackupKind.POSTGRES: "drill-copy", BackupKind.FULL: "drill-copy-full"}
"""Each makes the copy and breaks it; levels 3 and 4 need none, for there the host is gone."""

PRACTISED = "practised"
"""Argument of these: the runbook that brings back what they break."""

OF_COPIES = frozenset({PRACTISED, FILES})


TAKEN_UP_WITHIN = timedelta(minutes=10)
"""A drill that no worker has begun by then ends: it would keep all others waiting for ever."""


def backup_for(runbook: str, site: Site) -> BackupKind:
    """What a drill of this runbook goes back to: a dump of PostgreSQL where that is enough, else a full backup."""
    is_enough = runbook in (RUNBOOK_OF[Level.SERVICE], RUNBOOKS[DataKind.POSTGRES])
    return BackupKind.POSTGRES if is_enough and site.postgres is not None else BackupKind.FULL


def service_for(level: Level, site: Site) -> str | None:
    """Level 1 practises one service: where none is named, the first that people use."""
    return next(iter((*site.apps, *site.fronts, *site.services)), None) if level is Level.SERVICE else None


def needs_password(level: Level, configuration: Configuration) -> bool:
    """Of a drill by the calendar: whoever writes in a bucket would say what is started on this host, with nobody asked,
    were its backups not encrypted.
    """
    site = configuration.site()
    return backup_for(runbook_of(level, site), site) is BackupKind.FULL and configuration.object_store is not None


STAND_INS = ("stand-in-1", "stand-in-2")
"""Who votes where nobody is asked: known to the drill's own worker, and to nobody else."""


def title_of(level: Level) -> str:
    """What a drill is called; its row keeps the English alone."""
    return phrase("Drill of level {level}", level=int(level))


def routine_of(level: Level) -> str:
    """The row of `routines` by which it begins by the calendar."""
    return f"drill.level{int(level)}"


ROUTINES = frozenset(map(routine_of, Level))
"""All of them: nothing else that comes by the calendar may be put off."""


class DrillState(StrEnum):
    """Moves only forward."""

    ASKED = "asked"
    PREPARING = "preparing"  # the copy is made, then broken
    RECOVERING = "recovering"  # the clocks run
    ENDED = "ended"  # nothing of it is left, or `leftovers` says what is


class DrillEnd(StrEnum):
    PASSED = "passed"  # recovered within RTO and RPO
    MISSED = "missed"  # recovered, and a goal was missed
    FAILED = "failed"  # not recovered
    STOPPED = "stopped"  # by a person, or because a real incident came
    BROKEN_OFF = "broken_off"  # its worker died, or none took it up: `why` says which


ENDS: Mapping[DrillEnd, str] = {
    DrillEnd.PASSED: phrase("✓ recovered in time"),
    DrillEnd.MISSED: phrase("✗ recovered, but a goal was missed"),
    DrillEnd.FAILED: phrase("✗ not recovered"),
    DrillEnd.STOPPED: phrase("stopped"),
    DrillEnd.BROKEN_OFF: phrase("broken off"),
}
UNCLEAN: str = phrase(
    "! recovered in time, but production changed meanwhile, something is left behind, or the copy was not seen shut in"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Drill:
    """A row of `drills`. Durations are seconds; None = not measured."""

    incident: int
    level: Level
    site: str  # whose system is copied
    runbook: str  # that is practised
    service: str | None
    asked_by: str  # a person of the roster, or drbot by its calendar
    asked_at: datetime
    instance: str  # of its sandbox: several drbots may share an engine
    rehearsed: bool  # True: nobody votes; gates open by themselves, in the copy only
    files: str | None = None  # level 2: which entry of `files`
    state: DrillState = DrillState.ASKED
    owner: str | None = None  # the worker that has it
    lease_until: datetime | None = None
    broke_at: datetime | None = None
    ended_at: datetime | None = None
    end: DrillEnd | None = None
    why: str | None = None
    rto_seconds: float | None = None
    rpo_seconds: float | None = None
    production_changes: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    packets_to_production: int | None = None  # that a link could have carried there
    lost_packets: int | None = None  # sent to where no link led
    recovery_seconds: float | None = None  # of the recovery itself, from its survey on
    half_seconds: float | None = None  # what was forecast for the whole when half of it was over
    steps: Mapping[str, float] = field(default_factory=dict)  # step of the runbook → seconds

    @property
    def name(self) -> str:
        """What people type, as `Incident.name`."""
        return f"DRILL-{self.incident}"

    @property
    def is_over(self) -> bool:
        return self.state is DrillState.ENDED

    @property
    def is_clean(self) -> bool:
        """Production did not change meanwhile, nothing is left behind, and no way led out of the copy."""
        return not self.production_changes and not self.leftovers and self.packets_to_production == 0

    @property
    def how(self) -> str:
        """How it ended; "" while it goes on."""
        if self.end is DrillEnd.PASSED and not self.is_clean:
            return UNCLEAN
        return ENDS[self.end] if self.end is not None else ""

    @property
    def arguments(self) -> Mapping[str, str]:
        """What its runbook is given."""
        return ({"service": self.service} if self.service else {}) | ({FILES: self.files} if self.files else {})

    def age(self, now: datetime) -> timedelta:
        """Since its end, whoever tells it; of one that goes on since it was asked for."""
        return ago(self.ended_at or self.asked_at, now)

    @property
    def what(self) -> str:
        """The level, and what of it is practised, as people type it."""
        words = (str(int(self.level)), BROUGHT_BACK_BY.get(self.runbook), self.service or self.files)
        return " ".join(filter(None, words))


def end_of(rto: float | None, rpo: float | None, targets: Targets) -> DrillEnd:
    if rto is None:
        return DrillEnd.FAILED
    kept = rto <= targets.rto and (rpo is None or rpo <= targets.rpo)
    return DrillEnd.PASSED if kept else DrillEnd.MISSED
