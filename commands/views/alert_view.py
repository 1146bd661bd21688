"""A group of alerts as people see it: what fires, since when, what it proposes, and what can be done with one tap."""

import hashlib
from datetime import datetime

from drbot.commands.speech.messages import Choice
from drbot.core.site.alert_groups import AlertGroup, Answer
from drbot.core.site.alerts import Proposal, proposal_of
from drbot.core.site.data_kinds import LOST
from drbot.core.site.site import Configuration
from drbot.core.text.messages import and_more, duration, phrase, sentences
from drbot.core.text.words import ago, clock

NAMED = 6  # alerts of a group
SILENCE = "2h"
READ_LETTERS = 12


def alert_text(group: AlertGroup, configuration: Configuration, now: datetime, who: str) -> str:
    """Headline and what it proposes. `who` answered it; "" = nobody did."""
    answered = answered_text(group, now, who)
    if not group.firing:
        said = phrase("Alert {number} is resolved: {names}", number=group.id, names=shown_names(group))
        return sentences(phrase("{what}.", what=said), answered)
    more = phrase("{count} more alerts came with it than drbot keeps.", count=group.beyond) if group.beyond else ""
    return sentences(phrase("{what}.", what=headline(group, now)), more, _proposed(group, configuration), answered)


def headline(group: AlertGroup, now: datetime) -> str:
    return phrase(
        "Alert {number}: {names}, since {since} ({duration})",
        number=group.id,
        names=shown_names(group),
        since=clock(group.began),
        duration=duration(ago(group.began, now).total_seconds()),
    )


def shown_names(group: AlertGroup) -> str:
    return and_more(sorted({one.name for one in group.firing or group.alerts}), NAMED)


def _proposed(group: AlertGroup, configuration: Configuration) -> str:
    if group.incident is not None:
        return phrase("DR-{incident} was declared for it.", incident=group.incident)
    proposal = proposal_of(configuration, group.firing)
    if proposal.level is None:
        return phrase("It names no service of dr.yml: if something is broken, you choose the level.")
    return phrase("drbot proposes {proposal}.", proposal=proposal_text(proposal))


def proposal_text(proposal: Proposal) -> str:
    """Level and what is meant; "" where a person has to choose."""
    if proposal.level is None:
        return ""
    if proposal.service is not None:
        return phrase("level {level} for {service}", level=proposal.level.value, service=proposal.service)
    what = proposal.level.text if proposal.data is None else LOST[proposal.data]
    return phrase("level {level}: {what}", level=proposal.level.value, what=what)


def urgency(group: AlertGroup, configuration: Configuration) -> tuple[bool, bool, int]:
    """To sort by: what fires, then what nobody has answered, then the higher level that is proposed."""
    level = proposal_of(configuration, group.firing).level
    is_answered = group.answer is not Answer.NONE or group.incident is not None
    return not group.firing, is_answered, -(level.value if level is not None else 0)


def answered_text(group: AlertGroup, now: datetime, who: str) -> str:
    """Who did what about it, while that holds; "" = nobody did, or a silence is over."""
    if group.answer is Answer.SEEN:
        return phrase("{who} has seen it: not now.", who=who)
    if group.answer is Answer.CLOSED:
        return phrase("{who} says that it is over.", who=who)
    if group.answer is Answer.SILENCED and group.is_silent(now) and group.silent_until is not None:
        until = f"{group.silent_until:%Y-%m-%d %H:%M} UTC"
        return phrase("{who} silenced it until {until}.", who=who, until=until)
    return ""


def read_mark(group: AlertGroup, configuration: Configuration) -> str:
    """What a button stands for: what fires, since when, and what is proposed. Another one where any of it changes."""
    proposal = proposal_of(configuration, group.firing)
    firing = sorted((one.fingerprint, one.starts_at.isoformat()) for one in group.firing)
    said = repr((group.id, proposal.site, proposal.level, proposal.service, proposal.data, firing))
    return hashlib.sha256(said.encode()).hexdigest()[:READ_LETTERS]


def choices_of(group: AlertGroup, configuration: Configuration, *, named: bool = False) -> tuple[Choice, ...]:
    """What can be done with it now. What is resolved asks for nothing. `named`: beside those of other alerts."""
    if group.incident is not None:
        name = f"DR-{group.incident}"
        return (Choice(label=phrase("Show {name}", name=name), command=f"status {name}"),)
    if not group.firing:
        return ()
    proposal = proposal_of(configuration, group.firing)
    proposed = proposal_text(proposal)
    label = phrase("Declare {proposal}", proposal=proposed) if proposed else phrase("Declare…")
    read = f"read={read_mark(group, configuration)}"
    said = (
        Choice(label=label, command=_declare(group, proposal, read), style="primary"),
        Choice(label=phrase("Seen, not now"), command=f"alert {group.id} seen {read}"),
        Choice(label=phrase("Silence for {time}", time=SILENCE), command=f"alert {group.id} silence {SILENCE} {read}"),
    )
    if not named:
        return said
    about = phrase("Alert {number}", number=group.id)
    return tuple(
        Choice(label=phrase("{about}: {what}", about=about, what=one.label), command=one.command, style=one.style)
        for one in said
    )


def _declare(group: AlertGroup, proposal: Proposal, read: str) -> str:
    """In words that a person could type: level, service and since when are those that were read."""
    words = [f"alert {group.id} declare"]
    if proposal.level is not None:
        words += [f"level{proposal.level.value}", proposal.service or proposal.data or ""]
    words += [f"since={group.began:%Y-%m-%dT%H:%M:%SZ}", read]
    return " ".join(word for word in words if word)
