"""The tables of what is done before the night: drills, what follows from them, proofs, work by the calendar; part of
schema.py, whence they are used.
"""

from sqlalchemy import Boolean, Column, Date, Float, ForeignKey, Integer, Table, Text

from drbot.store.base.column_types import Json, Moment, Sentence, metadata

inventories = Table(
    "inventories",
    metadata,
    Column("site", Text, primary_key=True),
    Column("document", Text, nullable=False),  # core/site/inventory.py, as JSON
    Column("seen_at", Moment, nullable=False),
)

confirmations = Table(
    "confirmations",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("at", Moment, nullable=False),
)

proofs = Table(
    "proofs",
    metadata,
    Column("site", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("place", Text, primary_key=True),
    Column("mark", Text, nullable=False),  # of the bytes that were tried
    Column("sha256", Text, nullable=False, index=True),
    Column("proven_at", Moment, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("version", Text, nullable=False),  # of drbot
    Column("result", Text, nullable=False),
    Column("fault", Sentence, nullable=False),
)

drills = Table(
    "drills",
    metadata,
    Column("incident", Integer, ForeignKey("incidents.id"), primary_key=True, autoincrement=False),
    Column("level", Integer, nullable=False),
    Column("site", Text, nullable=False),  # whose system is copied
    Column("runbook", Text, nullable=False),
    Column("service", Text),
    Column("files", Text),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("rehearsed", Boolean, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("owner", Text),
    Column("lease_until", Moment),
    Column("instance", Text, nullable=False),
    Column("broke_at", Moment),
    Column("ended_at", Moment),
    Column("end", Text),
    Column("why", Sentence),
    Column("rto_seconds", Float),
    Column("rpo_seconds", Float),
    Column("production_changes", Json, nullable=False),
    Column("leftovers", Json, nullable=False),
    Column("packets_to_production", Integer),
    Column("lost_packets", Integer),
    Column("recovery_seconds", Float),
    Column("half_seconds", Float),
    Column("steps", Json, nullable=False),
)

routines = Table(
    "routines",
    metadata,
    Column("key", Text, primary_key=True),
    Column("expression", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("next_at", Moment, nullable=False),  # later than `due_at` when it is tried again
    Column("taken_by", Text),
    Column("taken_until", Moment),
    Column("began_at", Moment),  # the first try of the last due time
    Column("seconds", Float),
    Column("fault", Sentence, nullable=False),
    Column("done_at", Moment),  # the last due time that was done
    Column("succeeded_at", Moment),
    Column("skip_at", Moment),  # the due time that passes without it
    Column("skipped_by", Text),
)

action_items = Table(
    "action_items",
    metadata,
    Column("incident", Integer, ForeignKey("incidents.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 1, of its incident
    Column("text", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("due", Date, nullable=False),
    Column("done_at", Moment),
    Column("done_by", Text),
)

surveys = Table(
    "surveys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site", Text, nullable=False, index=True),  # whose worker looks
    Column("lost", Text, nullable=False),  # the site that a recovery would be about
    Column("runbook", Text, nullable=False),
    Column("arguments", Json, nullable=False),
    Column("person", Text, nullable=False),  # who asked, and is told alone
    Column("asked_at", Moment, nullable=False),
    Column("taken_at", Moment),
    Column("ended_at", Moment),
    Column("found", Sentence),  # what looked broken
    Column("plan", Json),
    Column("refusal", Sentence),  # why there can be no plan
    Column("timeline", Json),  # of PostgreSQL, where that was asked
)
