"""The tables, as a new database gets them. Once drbot was released, whoever changes them writes a file in `migrations/`
for those that are older.

Names of states and kinds are plain text: the tables of moves live in core/ and are applied in every UPDATE.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from drbot.store.base.column_types import Json, Moment, Sentence
from drbot.store.base.column_types import metadata as metadata
from drbot.store.base.night_tables import action_items as action_items
from drbot.store.base.night_tables import confirmations as confirmations
from drbot.store.base.night_tables import drills as drills
from drbot.store.base.night_tables import inventories as inventories
from drbot.store.base.night_tables import proofs as proofs
from drbot.store.base.night_tables import routines as routines
from drbot.store.base.night_tables import surveys as surveys

head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("incident", Integer, index=True),
    Column("run", Text),
    Column("step", Text),
    Column("person", Text),
    Column("payload", Json, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("declared_by", Text, nullable=False),
    Column("declared_at", Moment, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("service", Text),
    Column("channel", Text, index=True),
    Column("channel_name", Text),
    Column("recovered_at", Moment),
    Column("confirmed_at", Moment),
    Column("resolved_at", Moment),
    Column("rto_seconds", Float),
    Column("rpo_seconds", Float),
    Column("outage_seconds", Float),
    Column("summary", Sentence),
    Column("users_say", Text),
    sqlite_autoincrement=True,  # a number that people said aloud is never given out twice
)

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("incident", Integer, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("site", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("runbook", Text, nullable=False),
    Column("arguments", Json, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("epoch", Integer, nullable=False),
    Column("wakes", Integer, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("queued_at", Moment, nullable=False),
    Column("owner", Text),
    Column("lease_until", Moment),
    Column("stop_requested", Sentence),
    Column("stop_kind", Text),
    Column("waits_for", Text),  # the run that held the site
    Column("waits_for_drbot", Text),  # the holding of another drbot, as the target's engine names it
    Column("given_up", Text),  # the holding that the commander says is dead
    Column("offers", Json),
    Column("missed", Json),  # steps whose check did not pass, of a run that ended all the same
    Column("next_backup", Text),
    Column("fault_told_at", Moment),  # a fault of drbot itself is told once
    Column("plan", Json),
    Column("plan_signature", Text),  # of the worker that made it
    Column("end_signature", Text),  # of the worker that ended it, for the run that waits for it
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("outcome", Sentence),
)

steps = Table(
    "steps",
    metadata,
    Column("run", Text, ForeignKey("runs.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("epoch", Integer),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("seconds", Float),
    Column("summary", Sentence),
    Column("cause", Text),  # of its failure
    Column("taken_back", Sentence),  # what its undo said
    Column("facts", Json, nullable=False),
    Column("log", Text),
    Column("progress_done", Float),
    Column("progress_total", Float),
    Column("progress_unit", Text),
    Column("part", Text),  # the run that does it elsewhere
    Column("answers", Json),
    Column("answer", Text),
    Column("answered_by", Text),
    Column("settlement", Text),
    Column("settled_by", Text),
    Column("vouched_by", Text),
    Column("finding", Sentence),  # what its check said
    Column("finding_passed", Boolean),
    Column("leftover", Text),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("incident", Integer, ForeignKey("incidents.id"), nullable=False),
    Column("run", Text, ForeignKey("runs.id"), nullable=False),
    Column("number", Integer, nullable=False),  # n of "<run>-q<n>"
    Column("gate", Text, nullable=False),
    Column("guards", Json, nullable=False),
    Column("seal", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("people", Integer, nullable=False),
    Column("requesters", Json, nullable=False),
    Column("requester_counts", Boolean, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("opened_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("start_seconds", Float, nullable=False),
    Column("granted_at", Moment),
    Column("proven_at", Moment),
    Column("proof_signature", Text),  # of the worker that saw the proof
    Column("start_by", Moment),
    Column("used_by", Text),
    Column("hold_until", Moment),
    UniqueConstraint("run", "number"),
)

votes = Table(
    "votes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("request", Text, ForeignKey("requests.id"), nullable=False),
    Column("person", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("seal", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("entry_point", Text, nullable=False),
    Column("attestation", Json),
    Column("terminal", Text),  # at a terminal: login@host
    UniqueConstraint("request", "person", "decision"),
)

worker_keys = Table(
    "worker_keys",
    metadata,
    Column("site", Text, primary_key=True),
    Column("public", Text, nullable=False),
)

enrolments = Table(
    "enrolments",
    metadata,
    Column("site", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("sealed", Text, nullable=False),  # the authenticator's secret, for the site's worker only
)

codes = Table(
    "codes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site", Text, nullable=False),
    Column("proof", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("claim", Json, nullable=False),  # what it is for: core/ledger/attestation.py
    Column("sealed", Text, nullable=False),  # the code, for the site's worker only
    Column("typed_by", Text),  # by phone: who typed what the person read
    Column("entrance", Text, nullable=False),  # where it was typed: wrong ones count against that
    Column("place", Text, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("answer", Text),
    Column("signature", Text),
    Index(None, "site", "answer"),
)

served = Table(
    "served",
    metadata,
    Column("signature_sha256", Text, primary_key=True),  # of a delivery by HTTP
    Column("expires_at", Moment, nullable=False, index=True),
)

schedules = Table(
    "schedules",
    metadata,
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("incident", Integer),
    Column("request", Text),
    Column("volume", Text),
    Column("about", Text),  # the kind of event that people are woken for
    Column("attempt", Integer),
    Column("next_at", Moment, nullable=False),
    Column("every_seconds", Float),
    Index(None, "next_at"),
)

surfaces = Table(
    "surfaces",
    metadata,
    Column("incident", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("ts", Text, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

invitations = Table(
    "invitations",
    metadata,
    Column("token_sha256", Text, primary_key=True),  # the token itself is known to the machine alone
    Column("site", Text, nullable=False),
    Column("incident", Integer, nullable=False, index=True),
    Column("run", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
    Column("owner", Text),  # the worker that used it
    Column("public_key", Text),  # its key
    Column("proof", Text),  # that whoever had the token named this key
)

keys = Table(
    "keys",
    metadata,
    Column("name", Text, primary_key=True),
    Column("secret", Text, nullable=False),
)

leaders = Table(
    "leaders",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", Moment, nullable=False),
)

machines = Table(
    "machines",
    metadata,
    Column("key", Text, primary_key=True),  # of its maker and the next two: one machine is one row
    Column("machine", Text, nullable=False),  # as its maker calls it
    Column("by", Text, nullable=False),  # "ec2" or "terraform"
    Column("site", Text, nullable=False),
    Column("incident", Integer, index=True),  # None: rented by a drbot with another state
    Column("run", Text),  # that rented it
    Column("type", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("addresses", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("gone_at", Moment),
)

led_names = Table(
    "led_names",
    metadata,
    Column("name", Text, primary_key=True),
    Column("addresses", Json, nullable=False),  # by the zone
    Column("told", Json),  # by a name server; None = it did not answer
    Column("seen_at", Moment, nullable=False),
)

locks = Table(
    "locks",
    metadata,
    Column("site", Text, primary_key=True),
    Column("run", Text, nullable=False),
    Column("taken_at", Moment, nullable=False),
)

kept = Table(
    "kept",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site", Text, nullable=False, index=True),
    Column("incident", Integer, nullable=False),
    Column("run", Text, nullable=False),
    Column("volume", Text, nullable=False),
    Column("original", Text, nullable=False),
    Column("size_bytes", BigInteger),
    Column("created_at", Moment, nullable=False),
    Column("removed_at", Moment),
    Column("whole_host", Boolean, nullable=False, server_default=false()),
)

alert_groups = Table(
    "alert_groups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),  # of its key and of when its first alert began
    Column("key", Text, nullable=False, index=True),  # the sender's
    Column("opened_at", Moment, nullable=False),
    Column("resolved_at", Moment),
    Column("answer", Text, nullable=False),
    Column("answered_by", Text),
    Column("silent_until", Moment),
    Column("incident", Integer, index=True),
    Column("version", Integer, nullable=False),
    Column("shown", Integer, nullable=False),  # the version that people see
    Column("rings", Integer, nullable=False, server_default="1"),  # messages that announce it; 0: it began in a silence
    Column("beyond", Integer, nullable=False, server_default="0"),  # alerts that were too many to be kept
    sqlite_autoincrement=True,  # a number that people said aloud is never given out twice
)

alerts = Table(
    "alerts",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("starts_at", Moment, primary_key=True),
    Column("group_id", Integer, ForeignKey("alert_groups.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("labels", Json, nullable=False),
    Column("summary", Text, nullable=False),
    Column("ends_at", Moment),
    Column("heard_at", Moment),  # its sender said something new about it, or said the same again
)

readiness = Table(
    "readiness",
    metadata,
    Column("source", Text, primary_key=True),  # who looks: a worker's site, or the bot
    Column("what", Sentence, primary_key=True),
    Column("position", Integer, nullable=False),  # in the order in which it was looked at
    Column("colour", Text, nullable=False),
    Column("reason", Sentence, nullable=False),
    Column("remedy", Sentence, nullable=False),
    Column("since", Moment, nullable=False),  # it has this colour
    Column("looked_at", Moment, nullable=False),
)

backups = Table(
    "backups",
    metadata,
    Column("source", Text, primary_key=True),  # the site whose worker has seen it
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("place", Text, primary_key=True),
    Column("is_off_site", Boolean, nullable=False),
    Column("moment", Moment, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("fault", Sentence, nullable=False),
    Column("mark", Text, nullable=False),
    Column("seen_at", Moment, nullable=False),
)
