"""What each event says, to whom: one sentence for the channel, the board's thread, the timeline and the report.

{who} the person · {step} its title · {run} · {name} the incident · all of the payload; what is missing stays empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from drbot.core.ledger.events import EventKind
from drbot.core.text.messages import phrase


class Audience(StrEnum):
    """Where an event is told beside the timeline and the report, which tell all."""

    CHANNEL = "channel"  # wakes people
    THREAD = "thread"  # of the board
    RECORD = "record"  # nowhere else, or by a surface of its own


@dataclass(frozen=True, kw_only=True, slots=True)
class EventText:
    """`hint`: what can be done about it, said where people can do it; it may need values that only Slack has."""

    audience: Audience
    icon: str  # the name of an emoji; empty: none
    text: str
    hint: str | None = None


def _channel(icon: str, text: str, hint: str | None = None) -> EventText:
    return EventText(audience=Audience.CHANNEL, icon=icon, text=text, hint=hint)


def _thread(icon: str, text: str, hint: str | None = None) -> EventText:
    return EventText(audience=Audience.THREAD, icon=icon, text=text, hint=hint)


def _record(text: str) -> EventText:
    return EventText(audience=Audience.RECORD, icon="", text=text)


_NEXT = phrase("{next}")
_TODO = phrase("{todo}")
_MOVED = phrase("{moved}")

EVENT_TEXTS: Mapping[EventKind, EventText] = {
    EventKind.INCIDENT_DECLARED: _channel("rotating_light", phrase("{who} declared level {level}: {title}")),
    EventKind.INCIDENT_LEVEL_CHANGED: _channel(
        "arrow_up_down",
        phrase("{who} changed the level from {old} to {new}. {why}"),
    ),
    EventKind.INCIDENT_START_CORRECTED: _channel(
        "pushpin", phrase("{who}: the outage began on {since}, not on {before}. {why}")
    ),
    EventKind.INCIDENT_CHANNEL_OPENED: _record(phrase("Channel #{name} was opened.")),
    EventKind.INCIDENT_RECOVERING: _channel("hammer_and_wrench", phrase("Production is changed from here on.")),
    EventKind.INCIDENT_RECOVERED: _channel(
        "tada",
        phrase(
            "Recovered: the services passed their checks. Since the outage began (RTO): {rto_seconds}. "
            "Data lost (RPO): {rpo_seconds}. Services stopped during the recovery: {outage_seconds}."
        ),
    ),
    EventKind.INCIDENT_CONFIRMED: _thread("", phrase("{who} confirms that users can work.")),
    EventKind.INCIDENT_NOT_RECOVERED: _channel(
        "x",
        phrase("{who}: users cannot work yet. It is not recovered."),
    ),
    EventKind.INCIDENT_UNCONFIRMED: _channel(
        "grey_question",
        phrase("The services passed their checks, but nobody has said whether users can work."),
        hint=phrase("`/dr answer yes` or `/dr answer no` records it at any time."),
    ),
    EventKind.INCIDENT_RESOLVED: _channel("checkered_flag", phrase("{who} resolved the incident. {summary}")),
    EventKind.ALERT_RAISED: _thread(
        "bell", phrase("{who} declared it for the alert {names}, which has fired since {since}.")
    ),
    EventKind.ALERT_JOINED: _channel("bell", phrase("An alert of this incident fires: {names}, since {since}.")),
    EventKind.ALERT_RESOLVED: _channel("bell", phrase("The alert is resolved: {names}.")),
    EventKind.INCIDENT_NOTE: _thread("pushpin", phrase("{who}: {text}")),
    EventKind.STATUS_UPDATE: _thread("", phrase("{who} told the stakeholders: {text}")),
    EventKind.STATUS_DUE: _record(phrase("Regular post to the stakeholders.")),
    EventKind.LEVEL_PROPOSED: _channel(
        "bulb",
        phrase("drbot proposes level {level}: {why}"),
        hint=phrase("`/dr level {level}` changes to it."),
    ),
    EventKind.RUN_QUEUED: _thread("", phrase("{who} started {runbook} ({run}).")),
    EventKind.RUN_CLAIMED: _thread("", phrase("A worker took {run} ({owner}).")),
    EventKind.RUN_PLANNED: _channel(
        "clipboard",
        phrase("The plan is ready: {headline}. Seal `{seal}`."),
    ),
    EventKind.RUN_REFUSED: _channel(
        "no_entry",
        phrase("This cannot work, so nothing was touched. {why} {todo}"),
        hint=_NEXT,
    ),
    EventKind.RUN_WAITING: _thread("", phrase("Waiting for people.")),
    EventKind.SITE_BUSY: _channel(
        "hourglass",
        phrase("{there} is changing this system, or waits for people in the middle of it. This recovery waits for it."),
        hint=phrase("`/dr status {there}` shows what is missing there."),
    ),
    EventKind.SITE_HELD: _channel(
        "hourglass",
        phrase(
            "Another drbot has held this target since {since}: {owner}, for its {there}. This recovery waits for it."
        ),
        hint=phrase("The commander may take over, but only if that drbot is dead: `/dr takeover {name} <why>`."),
    ),
    EventKind.SITE_TAKEN_OVER: _channel(
        "arrows_counterclockwise",
        phrase("{who} says that the other drbot is dead and took the target over: {why}"),
    ),
    EventKind.RUN_RESUMED: _thread("", phrase("It goes on. {why}")),
    EventKind.RUN_NEEDS_DECISION: _thread("raised_hand", phrase("{question}")),
    EventKind.RUN_BLOCKED: _channel("construction", phrase("Blocked. {why}"), hint=_NEXT),
    EventKind.RUN_STOP_REQUESTED: _channel("octagonal_sign", phrase("{who} asked to end the run. {why}")),
    EventKind.RUN_HANDED_OVER: _thread("", phrase("The worker {owner} handed the run over.")),
    EventKind.RUN_SUCCEEDED: _channel("white_check_mark", phrase("The run succeeded."), hint=_MOVED),
    EventKind.RUN_FAILED: _channel("x", phrase("The run failed at {step}: {why}"), hint=_TODO),
    EventKind.RUN_STOPPED: _channel("octagonal_sign", phrase("Stopped. {safe_state} {why}")),
    EventKind.STEP_STARTED: _thread("arrow_forward", phrase("{step} began.")),
    EventKind.STEP_RETRIED: _thread("repeat", phrase("{step}, again: {why}")),
    EventKind.STEP_SUCCEEDED: _thread("heavy_check_mark", phrase("{step}: {summary} ({seconds})")),
    EventKind.STEP_FAILED: _thread("x", phrase("{step} failed: {why}"), hint=phrase("{tail}")),
    EventKind.STEP_SKIPPED: _thread("fast_forward", phrase("{step} was not needed. {why}")),
    EventKind.STEP_STOPPED: _thread("octagonal_sign", phrase("{step} was stopped. {why}")),
    EventKind.STEP_UNSURE: _thread("grey_question", phrase("Nobody knows whether {step} was done: {why}")),
    EventKind.STEP_SETTLED: _thread("", phrase("{who} decided about {step}: {decision}")),
    EventKind.STEP_VOUCHED: _channel(
        "raised_hand",
        phrase("{who} says that {step} is done; its check does not agree. A second person must say so too."),
    ),
    EventKind.STEP_DOUBTED: _channel(
        "warning",
        phrase("{step} was settled as done, but its check does not agree. {finding}"),
    ),
    EventKind.STEP_UNDONE: _thread("leftwards_arrow_with_hook", phrase("{step} was taken back. {summary}")),
    EventKind.STEP_ASKED: _channel("question", phrase("{text}")),
    EventKind.STEP_ANSWERED: _thread("", phrase("{who} answered {step}: {answer}")),
    EventKind.REQUEST_OPENED: _record(phrase("Approvals asked for: {people}.")),
    EventKind.REQUEST_REMINDED: _channel(
        "bell",
        phrase("Approvals that are still needed: {missing}, until {expires_at}."),
    ),
    EventKind.REQUEST_GRANTED: _channel("white_check_mark", phrase("Approved.")),
    EventKind.REQUEST_PROVEN: _thread("", phrase("The steps of the proof have ended: see the card.")),
    EventKind.REQUEST_USED: _thread("", phrase("The approval is used for {step}.")),
    EventKind.REQUEST_DENIED: _channel("no_entry", phrase("{who} denied it: {reason}")),
    EventKind.REQUEST_WITHDRAWN: _thread("", phrase("{who} withdrew the request. {reason}")),
    EventKind.REQUEST_EXPIRED: _channel("hourglass", phrase("The approval request has expired.")),
    EventKind.REQUEST_VOID: _channel("warning", phrase("The approval is void: {why}")),
    EventKind.REQUEST_STOPPED: _thread("", phrase("The approval request ended with STOP.")),
    EventKind.REQUEST_HELD: _channel(
        "rotating_light",
        phrase("BREAK-GLASS by {who}, overriding the rule: {rule}. Reason: {reason}"),
        hint=phrase("It starts after {starts_at} unless one approver presses Deny."),
    ),
    EventKind.REVIEW_DUE: _channel(
        "memo",
        phrase("The review of yesterday's break-glass is due. Was it right? What would have made it unnecessary?"),
    ),
    EventKind.ROSTER_PROPOSED: _record(phrase("dr.yml proposes another roster or policy.")),
    EventKind.ROSTER_VOTED: _record(phrase("{who} agreed to the proposed roster.")),
    EventKind.ROSTER_ACCEPTED: _record(phrase("The roster and the policy are in force.")),
    EventKind.FACTOR_ENROLLED: _record(phrase("{who} enrolled an authenticator.")),
    EventKind.FACTOR_REFUSED: _record(phrase("Wrong code for {who}, from {entrance} {place}.")),
    EventKind.FACTOR_LOCKED: _record(
        phrase("Codes for {who} from {entrance} {place} are locked."),
    ),
    EventKind.FACTOR_RESET: _record(phrase("The authenticator of {who}: {what}.")),
    EventKind.WORKER_KEY_BELIEVED: _record(phrase("The host {place} takes {key} for the key of {site}'s worker.")),
    EventKind.WORKER_KEY_CHANGED: _record(
        phrase("The database named {published} for the key of {site}'s worker; the worker has {own}.")
    ),
    EventKind.VOTE_COUNTED: _thread("", phrase("{who}: {decision}, {reason} ({have} of {need})")),
    EventKind.VOTE_REFUSED: _thread("", phrase("Vote of {who}: {why}")),
    EventKind.COMMAND_REFUSED: _record(phrase("{who}: {verb} was refused: {why}")),
    EventKind.KEPT_CREATED: _thread("", phrase("The old data is kept: {volume} ({size}).")),
    EventKind.KEPT_ASKED: EventText(
        audience=Audience.RECORD,
        icon="package",
        text=phrase(
            "The old data of {original} is still kept in `{volume}` ({size}), since {since}. Is it still needed?"
        ),
        hint=phrase("Nothing is deleted unless two people agree; without an answer it is kept."),
    ),
    EventKind.MACHINE_RENTED: _thread(
        "",
        phrase("Rented machine: {machine} ({type}, {region}) for {site}."),
    ),
    EventKind.MACHINE_GONE: _thread(
        "",
        phrase("The rented machine {machine} of {site} is gone."),
    ),
    EventKind.UNREADABLE: _record(phrase("A record that cannot be read: drbot audit verify")),
    EventKind.STATE_SIGNED_BY: _record(
        phrase("The worker of {site} signs copies of drbot's state from here on."),
    ),
    EventKind.STATE_BROUGHT_BACK: _record(
        phrase("drbot's state was restored from {place}, as of record {record}."),
    ),
    EventKind.DRILL_STEP: _thread("", phrase("Drill: {text}")),
    EventKind.DRILL_ENDED: _channel(
        "checkered_flag",
        phrase("The drill is over: {end}. RTO: {rto_seconds}. RPO: {rpo_seconds}. {why}"),
    ),
    EventKind.DRILL_SKIPPED: _record(phrase("{who} put off the drill of level {level} that was due at {due}.")),
    EventKind.ACTION_ADDED: _record(phrase("{who} added action item {number}: {text} ({owner}, by {due})")),
    EventKind.ACTION_DONE: _record(phrase("{who}: action item {number} is done: {text}")),
    EventKind.CONTROL_FAILED: _channel(
        "rotating_light",
        phrase("drbot has a problem. {what} {why}"),
        hint=_TODO,
    ),
}

ENDED_BY_ANSWER = _channel(
    "raised_hand",
    phrase("The recovery ended with this answer."),
    hint=phrase("Choose how to go on."),
)
"""A run that failed because people said no: who said it is told by an event of its own."""
NOTHING_BROKEN = _channel("mag", phrase("{why} {todo}"))
"""A survey that was to find out what is lost, and found nothing."""

NOT_REPAIRED = _channel("checkered_flag", phrase("{who} closed the incident; it is not repaired. {summary}"))
COPY_CHANGED = _channel("hammer_and_wrench", phrase("The copy is changed from here on. Production is not."))
NOT_ALL_PASSED = _channel(
    "warning",
    phrase("The run ended, but not everything passed: {missed}."),
    hint=_MOVED,
)
SITE_CHANGED = _channel("hammer_and_wrench", phrase("From here on {site} is changed."))
ONLY_A_PLAN = _thread("", phrase("The plan was only looked at; nothing was changed."))
ASKED_FOR_A_PLAN = _thread("", phrase("{who} asked for a plan of {runbook} ({run})."))
FAILED_NOWHERE = _channel("x", phrase("The run failed: {why}"), hint=_TODO)
"""At no step: its plan is not believed any more, or another service is the cause."""
ENDS_WITH_ANOTHER = _channel(
    "octagonal_sign",
    phrase("This run ends because a related run ended. {why}"),
)
"""Nobody asked for that, whoever is noted with it."""
