"""The tables of what was proven and what was confirmed; part of schema.py, whence they are used."""

from sqlalchemy import Column, Float, Table, Text

from drbot.store.base.column_types import Moment, Sentence
from drbot.store.base.metadata import metadata

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
