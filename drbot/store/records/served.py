"""Which signed deliveries were served, by any process: a row each, as long as its signature could be believed."""

import hashlib
from datetime import timedelta

from sqlalchemy import delete

from drbot.store.base.database import Transaction
from drbot.store.base.rows import insert_or
from drbot.store.base.schema import served


def is_first(tx: Transaction, signature: str, kept: timedelta) -> bool:
    """Whether nobody served it before; from here on somebody has."""
    tx.connection.execute(delete(served).where(served.c.expires_at < tx.now))
    digest = hashlib.sha256(signature.encode()).hexdigest()
    return insert_or(tx, served, {"signature_sha256": digest, "expires_at": tx.now + kept}, replace=False)
