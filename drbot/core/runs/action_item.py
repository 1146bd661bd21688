"""An action item: what follows from a drill or an incident, who does it, and by when."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionItem:
    """A row of `action_items`. Days are those of dr.yml's time zone."""

    incident: int
    number: int  # from 1, of its incident
    text: str
    owner: str  # a person of the roster, when it was added
    due: date
    done_at: datetime | None = None
    done_by: str | None = None

    @property
    def is_done(self) -> bool:
        return self.done_at is not None

    def is_overdue(self, today: date) -> bool:
        return not self.is_done and self.due < today
