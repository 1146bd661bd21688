"""The ledger's vocabulary: what can happen, and the hash that chains one event to the one before.

Everything people see (Slack, report, audit trail) is read from these events.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from drbot.core.text.stored_messages import restored, stored

GENESIS = "0" * 64


class EventKind(StrEnum):
    """What happened; the comment names the payload."""

    INCIDENT_DECLARED = "incident.declared"  # level, title, service, reported_at
    INCIDENT_LEVEL_CHANGED = "incident.level_changed"  # old, new, why
    INCIDENT_START_CORRECTED = "incident.start_corrected"  # before, since, why
    INCIDENT_CHANNEL_OPENED = "incident.channel_opened"  # channel, name
    INCIDENT_RECOVERING = "incident.recovering"  # drill; the first step that touches production starts
    INCIDENT_RECOVERED = "incident.recovered"  # every check passed; rto_seconds, rpo_seconds, outage_seconds
    INCIDENT_CONFIRMED = "incident.confirmed"  # a person says that users can work again
    INCIDENT_NOT_RECOVERED = "incident.not_recovered"  # a person says that they cannot: the RTO clock runs on
    INCIDENT_UNCONFIRMED = "incident.unconfirmed"  # nobody answered in time whether they can
    INCIDENT_RESOLVED = "incident.resolved"  # summary, repaired
    INCIDENT_NOTE = "incident.note"  # text: a line for the timeline
    STATUS_UPDATE = "status.update"  # text: a person's words to the stakeholders
    STATUS_DUE = "status.due"  # the regular post to the stakeholders is due
    LEVEL_PROPOSED = "level.proposed"  # level, why
    RUN_QUEUED = "run.queued"  # kind, runbook, arguments
    RUN_CLAIMED = "run.claimed"  # owner, epoch
    RUN_PLANNED = "run.planned"  # seal, headline, warnings
    RUN_REFUSED = "run.refused"  # why, todo: the survey found that this cannot work; sound: that nothing looks broken
    RUN_WAITING = "run.waiting"  # step
    SITE_BUSY = "site.busy"  # holder, there: another run of this drbot has the site
    SITE_HELD = "site.held"  # owner, there, since: another drbot holds the target
    SITE_TAKEN_OVER = "site.taken_over"  # why: the commander says that the other drbot is dead
    RUN_RESUMED = "run.resumed"  # why
    RUN_NEEDS_DECISION = "run.needs_decision"  # step, question, choices; once looked at: finding, passed, broken
    RUN_BLOCKED = "run.blocked"  # why, choices
    RUN_STOP_REQUESTED = "run.stop_requested"  # why, stop: a StopKind
    RUN_HANDED_OVER = "run.handed_over"  # owner
    RUN_SUCCEEDED = "run.succeeded"
    RUN_FAILED = "run.failed"  # step, why, todo
    RUN_STOPPED = "run.stopped"  # why, safe_state
    STEP_STARTED = "step.started"  # attempt, title
    STEP_RETRIED = "step.retried"  # attempt, why
    STEP_SUCCEEDED = "step.succeeded"  # summary, seconds
    STEP_FAILED = "step.failed"  # why, cause, tail
    STEP_SKIPPED = "step.skipped"  # why
    STEP_STOPPED = "step.stopped"  # why
    STEP_UNSURE = "step.unsure"  # why, probe
    STEP_SETTLED = "step.settled"  # decision, with: who said so first, where it needs two
    STEP_VOUCHED = "step.vouched"  # finding: a person says that it is done, its check does not; a second is needed
    STEP_DOUBTED = "step.doubted"  # finding: settled as done, and its own check says otherwise
    STEP_UNDONE = "step.undone"  # summary
    STEP_ASKED = "step.asked"  # text, answers
    STEP_ANSWERED = "step.answered"  # answer
    REQUEST_OPENED = "request.opened"  # request, seal, gate, people, expires_at
    REQUEST_REMINDED = "request.reminded"  # request, missing, expires_at
    REQUEST_GRANTED = "request.granted"  # request
    REQUEST_PROVEN = "request.proven"  # request, start_by
    REQUEST_USED = "request.used"  # request, step, epoch
    REQUEST_DENIED = "request.denied"  # request, reason
    REQUEST_WITHDRAWN = "request.withdrawn"  # request, reason
    REQUEST_EXPIRED = "request.expired"  # request, which
    REQUEST_VOID = "request.void"  # request, why
    REQUEST_STOPPED = "request.stopped"  # request
    REQUEST_HELD = "request.held"  # request, rule, reason, starts_at: break-glass has begun
    REVIEW_DUE = "review.due"  # request: a day after break-glass
    ROSTER_PROPOSED = "roster.proposed"  # hash, document, changes: dr.yml says something else
    ROSTER_VOTED = "roster.voted"  # hash, proofs, entry_point
    ROSTER_ACCEPTED = "roster.accepted"  # hash, document, changes, people: from here on in force
    FACTOR_ENROLLED = "factor.enrolled"  # site: the person's authenticator is known to this site's worker
    FACTOR_REFUSED = "factor.refused"  # site, why, left, entrance, place, typed_by: a wrong code
    FACTOR_LOCKED = "factor.locked"  # site, entrance, place, typed_by: five wrong codes from there
    FACTOR_RESET = "factor.reset"  # site, what: unlocked or forgotten, on the worker's host
    WORKER_KEY_BELIEVED = "worker.key_believed"  # site, key, place, is_first: a host takes this for the worker's key
    WORKER_KEY_CHANGED = "worker.key_changed"  # site, published, own: another key stood where the worker's belongs
    VOTE_COUNTED = "vote.counted"  # request, decision, reason, entry_point, have, need
    VOTE_REFUSED = "vote.refused"  # request, decision, code, why, entry_point
    COMMAND_REFUSED = "command.refused"  # verb, why, code, entry_point
    KEPT_CREATED = "kept.created"  # volume, size, from_step, expires_at
    KEPT_ASKED = "kept.asked"  # volume, original, size, since: is it still needed?
    MACHINE_RENTED = "machine.rented"  # machine, site, type, region, since
    MACHINE_GONE = "machine.gone"  # machine, site, type, region: nobody pays for it any more
    STATE_SIGNED_BY = "state.signed_by"  # site, key: a worker whose word about copies of this state holds
    STATE_BROUGHT_BACK = "state.brought_back"  # place, record, hash, forgotten: up to which record; believed: by nobody
    ALERT_RAISED = "alert.raised"  # names, since: alerts that the incident was declared for
    ALERT_JOINED = "alert.joined"  # names, since: what fires since then and is like them
    ALERT_RESOLVED = "alert.resolved"  # names: none of them fires any more
    DRILL_STEP = "drill.step"  # text: what is being prepared or cleared away
    DRILL_ENDED = "drill.ended"  # end, why, rto_seconds, rpo_seconds
    DRILL_SKIPPED = "drill.skipped"  # level, due: a person put off what was due by the calendar
    ACTION_ADDED = "action.added"  # number, text, owner, due
    ACTION_DONE = "action.done"  # number, text
    CONTROL_FAILED = "control.failed"  # what, why: drbot itself could not do something
    UNREADABLE = "unreadable"  # never written: a kind that was edited, or that only a newer drbot knows

    @classmethod
    def _missing_(cls, value: object) -> "EventKind":
        """One record that cannot be read must not hide the others; `verify` finds that its hash is wrong."""
        return cls.UNREADABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One record of the chain. `seq` starts at 1 and has no gaps; 0 = it has no place yet."""

    seq: int
    at: datetime
    kind: EventKind
    incident: int | None = None
    run: str | None = None
    step: str | None = None
    person: str | None = None  # id of the roster, or None when drbot itself did it
    payload: Mapping[str, Any] = field(default_factory=dict)
    previous: str = GENESIS
    hash: str = ""


def canonical(value: object) -> bytes:
    """The one JSON of a value, of which seals and hashes are made: sorted keys, no spaces, UTF-8, messages as made."""
    return json.dumps(stored(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parsed(text: str | bytes) -> Any:
    """JSON values of a row, with messages as they were made."""
    return restored(json.loads(text))


def record_of(event: Event) -> dict[str, Any]:
    """Everything of the event but its own hash, as plain JSON values."""
    return {
        "seq": event.seq,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "kind": event.kind.value,
        "incident": event.incident,
        "run": event.run,
        "step": event.step,
        "person": event.person,
        "payload": stored(event.payload),
        "previous": event.previous,
    }


def hash_of(event: Event) -> str:
    return hashlib.sha256(canonical(record_of(event))).hexdigest()
