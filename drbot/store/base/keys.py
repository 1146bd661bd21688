"""Keys drbot makes for itself, one per purpose and installation: every replica signs and reads with the same one.

They lie in drbot's own database, whose file only its owner can read; they are never in Slack and never in an event.
"""

import base64
import secrets

from sqlalchemy import Connection, delete, insert, select

from drbot.store.base.database import Transaction
from drbot.store.base.reading import value
from drbot.store.base.schema import keys

BYTES = 32


def find(connection: Connection, name: str) -> str | None:
    """The key of this purpose, or None while there is none: what another has written there is none."""
    known = value(connection.execute(select(keys.c.secret).where(keys.c.name == name)), keys)
    return known if _is_key(known) else None


def find_or_make(tx: Transaction, name: str) -> str:
    """The key of this purpose: 32 random bytes in URL-safe base64, made when nobody made it before."""
    known = find(tx.connection, name)
    if known is not None:
        return known
    made = base64.urlsafe_b64encode(secrets.token_bytes(BYTES)).decode()
    tx.connection.execute(delete(keys).where(keys.c.name == name))
    tx.connection.execute(insert(keys).values(name=name, secret=made))
    return made


def _is_key(known: object) -> bool:
    try:
        return isinstance(known, str) and len(base64.b64decode(known, b"-_", validate=True)) == BYTES
    except ValueError:
        return False
