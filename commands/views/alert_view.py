"""A group of alerts as people see it: what fires, since when, what it proposes, and what can be done with one tap."""

from datetime import datetime

from drbot.commands.speech.messages import Choice
from drbot.core.site.alerts import Proposal, proposal_of
from drbot.core.site.data_kinds import LOST
from drbot.core.site.site import Configuration
from drbot.core.text.messages import and_more, clauses, duration, phrase, sentences
from drbot.core.text.words import ago, clock, cut
from drbot.store.records.alerts import AlertGroup, Answer

NAMED, SUMMARY = 6, 300  # alerts of a group that are named; letters of what each says
SILENCE = "2h"


def alert_text(group: AlertGroup, configuration: Configuration, now: datetime, who: str) -> str:
    """Headline and what it proposes. `who` answered it; "" = nobody did."""
    fires = group.firing
    shown = fires or group.alerts
    names = and_more(sorted({one.name for one in shown}), NAMED)
    if not fires:
        said = phrase("Alert {number} is resolved: {names}", number=group.id, names=names)
        return sentences(phrase("{what}.", what=said), _answered(group, now, who))
    said = phrase(
        "Alert {number}: {names}, since {since} ({duration})",
        number=group.id,
        names=names,
        since=clock(group.began),
        duration=duration(ago(group.began, now).total_seconds()),
    )
    return sentences(phrase("{what}.", what=said), _proposed(group, configuration), _answered(group, now, who))


def details(group: AlertGroup) -> str:
    """What each alert says of itself, as its sender wrote it."""
    shown = (group.firing or group.alerts)[:NAMED]
    said = [phrase("{name}: {text}", name=one.name, text=cut(one.summary, SUMMARY)) for one in shown if one.summary]
    return clauses(dict.fromkeys(said))


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


def _answered(group: AlertGroup, now: datetime, who: str) -> str:
    if group.answer is Answer.SEEN:
        return phrase("{who} has seen it: not now.", who=who)
    if group.answer is Answer.SILENCED and group.is_silent(now) and group.silent_until is not None:
        until = f"{group.silent_until:%Y-%m-%d %H:%M} UTC"
        return phrase("{who} silenced it until {until}.", who=who, until=until)
    return ""


def choices_of(group: AlertGroup, configuration: Configuration) -> tuple[Choice, ...]:
    """What can be done with it now. What is resolved asks for nothing."""
    if group.incident is not None:
        name = f"DR-{group.incident}"
        return (Choice(label=phrase("Show {name}", name=name), command=f"status {name}"),)
    if not group.firing:
        return ()
    proposed = proposal_text(proposal_of(configuration, group.firing))
    label = phrase("Declare {proposal}", proposal=proposed) if proposed else phrase("Declare…")
    return (
        Choice(label=label, command=f"alert {group.id} declare", style="primary"),
        Choice(label=phrase("Seen, not now"), command=f"alert {group.id} seen"),
        Choice(label=phrase("Silence for {time}", time=SILENCE), command=f"alert {group.id} silence {SILENCE}"),
    )
