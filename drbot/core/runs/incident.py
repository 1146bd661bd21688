"""An incident: what is broken, since when, how bad, and how far we are."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from drbot.core.site.level import Level
from drbot.core.site.site import DRILL_SITE


class IncidentState(StrEnum):
    """Moves only along INCIDENT_MOVES."""

    DECLARED = "declared"  # open; nothing has touched production yet
    RECOVERING = "recovering"  # a run is changing production
    RECOVERED = "recovered"  # every automatic check passed; the RTO clock has stopped
    RESOLVED = "resolved"  # closed by a person; the report is written


class UsersSay(StrEnum):
    """What people said when they were asked whether users can work."""

    YES = "yes"
    NO = "no"  # whatever the checks said: it is not recovered
    NOTHING = "nothing"  # nobody answered in time; the checks passed, and that is all that is known


INCIDENT_TRANSITIONS: Mapping[IncidentState, frozenset[IncidentState]] = {
    IncidentState.DECLARED: frozenset({IncidentState.RECOVERING, IncidentState.RECOVERED, IncidentState.RESOLVED}),
    IncidentState.RECOVERING: frozenset({IncidentState.RECOVERED, IncidentState.RESOLVED}),
    IncidentState.RECOVERED: frozenset({IncidentState.RECOVERING, IncidentState.RESOLVED}),
    IncidentState.RESOLVED: frozenset(),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Incident:
    """A row of `incidents`. Times are UTC; durations are seconds."""

    id: int
    site: str
    level: Level
    title: str
    state: IncidentState
    declared_by: str
    declared_at: datetime
    started_at: datetime  # of the outage, as reported; else the declaration
    service: str | None = None  # the service named in the declaration
    channel: str | None = None  # Slack id, once the channel is there
    channel_name: str | None = None
    recovered_at: datetime | None = None
    confirmed_at: datetime | None = None
    resolved_at: datetime | None = None
    rto_seconds: float | None = None
    rpo_seconds: float | None = None
    outage_seconds: float | None = None
    summary: str | None = None
    users_say: UsersSay | None = None

    @property
    def name(self) -> str:
        """What people type: "DR-7"; of a drill "DRILL-7", wherever it is named."""
        return f"DRILL-{self.id}" if self.is_drill else f"DR-{self.id}"

    @property
    def is_drill(self) -> bool:
        """Nobody's users are affected, whatever it says."""
        return self.site == DRILL_SITE

    @property
    def has_begun(self) -> bool:
        """Whether the outage has: the copy of a drill is whole until it is broken."""
        return not (self.is_drill and self.started_at == self.declared_at)

    @property
    def is_repaired(self) -> bool:
        """By drbot's checks or a person's word, the newest of them."""
        return self.users_say is UsersSay.YES or (self.recovered_at is not None and self.users_say is not UsersSay.NO)

    @property
    def is_given_up(self) -> bool:
        """Closed over a system that does not work, by a person who said so."""
        return self.state is IncidentState.RESOLVED and self.users_say is UsersSay.NO

    @property
    def is_open(self) -> bool:
        return self.state is not IncidentState.RESOLVED


def incident_number(word: str) -> int | None:
    """The number in "DR-7", "drill-7", "dr7" or "#7"; None if the word is no incident."""
    found = re.fullmatch(r"(?:dr-?|drill-?|#)(\d{1,9})", word.strip().lower())
    return int(found.group(1)) if found else None


def channel_name(incident: Incident) -> str:
    """`dr-<date>-l<level>-<slug>`, of a drill `drill-…`; Slack allows lower case, no dots, at most 80 characters."""
    plain = unicodedata.normalize("NFKD", incident.title).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:40].strip("-")
    kind = "drill" if incident.is_drill else "dr"
    date = incident.declared_at.strftime("%Y%m%d")
    return "-".join(part for part in (f"{kind}-{date}-l{incident.level.value}", slug, str(incident.id)) if part)
