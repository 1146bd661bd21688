"""From where a vote at a terminal came: without keys a login is all that tells two voters apart, and it may be one."""

from collections.abc import Iterable

from drbot.core.approvals.approval import EntryPoint, Vote
from drbot.core.text.messages import phrase


def one_terminal(votes: Iterable[Vote]) -> str:
    """The login ("root@host") from which several people's approvals came without a key or code; "" = none."""
    people: dict[str, set[str]] = {}
    for vote in votes:
        if (
            vote.entry_point is EntryPoint.TERMINAL
            and vote.decision == "approve"
            and vote.attestation is None
            and vote.terminal
        ):
            people.setdefault(vote.terminal, set()).add(vote.person)
    return next((terminal for terminal, who in people.items() if len(who) > 1), "")


def one_terminal_text(terminal: str) -> str:
    """One login cast the votes of several people, and nothing showed that they were there."""
    return phrase(
        "these approvals came from one login at a terminal ({terminal}), without keys: one person may have cast them",
        terminal=terminal,
    )
