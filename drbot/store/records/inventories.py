"""What each site consists of, as its worker has read it last: so that people can name what dr.yml does not."""

from pydantic import ValidationError
from sqlalchemy import Connection, delete, insert, select

from drbot.core.site.inventory import NOTHING, Inventory
from drbot.store.base.database import Transaction
from drbot.store.base.schema import inventories


def saw(tx: Transaction, site: str, found: Inventory) -> None:
    """In place of what was read before."""
    tx.connection.execute(delete(inventories).where(inventories.c.site == site))
    row = {"site": site, "document": found.model_dump_json(exclude_defaults=True), "seen_at": tx.now}
    tx.connection.execute(insert(inventories), [row])


def of_site(connection: Connection, site: str) -> Inventory:
    """Nothing where no worker has looked yet, or a newer one has written what is not understood here."""
    document = connection.execute(select(inventories.c.document).where(inventories.c.site == site)).scalar()
    try:
        return Inventory.model_validate_json(document) if document is not None else NOTHING
    except ValidationError:
        return NOTHING
