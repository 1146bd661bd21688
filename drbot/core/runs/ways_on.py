"""What people are told and offered after a failure, by what made it fail. Pure."""

from collections.abc import Mapping

from drbot.core.base.errors import Cause
from drbot.core.runs.run import Offer
from drbot.core.text.messages import phrase, sentences

REMEDIES: Mapping[Cause, str] = {
    Cause.DISK: phrase("The disk is full: make room on it, then try again."),
    Cause.MEMORY: phrase("There was not enough memory: free some on that machine, then try again."),
    Cause.TIME: phrase("It was not done in time: see what slows that machine down, then try again."),
    Cause.IMAGE: phrase("PostgreSQL's image does not start on an empty volume: see what it says, then try again."),
    Cause.ENGINE: phrase("The Docker engine failed: see that it works, then try again."),
}
NOT_THE_BACKUP = phrase("The backup is not the cause.")


def todo_of(cause: Cause | None, *, has_backup: bool) -> str:
    """What to do before the next try; "" where nobody knows more than why it failed."""
    if cause is None or cause not in REMEDIES:
        return ""
    return sentences(NOT_THE_BACKUP if has_backup else "", REMEDIES[cause])


def ways_on(cause: Cause | None) -> list[Offer]:
    """After a step beside production has failed, the best first. Another backup is older: it costs data, and helps only
    where this one is the cause.
    """
    best = [Offer.ASK_AGAIN, Offer.ANOTHER_BACKUP]
    return [*(reversed(best) if cause is Cause.BACKUP else best), Offer.DISCARD]
