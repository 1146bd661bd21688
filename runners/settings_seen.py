"""dr.yml says which engine, services, volumes, backups and names are meant, and whoever may write it may say others. So
what differs from when two people last agreed to a plan stands on the next card, word by word.
"""

from runners.actions.fingerprint import settings_of
from runners.gate import differences
from runners.walk import Equipment

MOST = 8


def changes(equipment: Equipment) -> tuple[str, ...]:
    """One sentence for each difference; the first plan of all has nothing to be compared with."""
    now, agreed = settings_of(equipment.configuration), equipment.own.settings()
    if agreed is None:
        equipment.own.agreed_to(now)
        return ()
    found = differences(agreed, now)
    more = [f"{len(found) - MOST} more differences: read dr.yml before you agree"] if len(found) > MOST else []
    said = [equipment.redact(one) for one in [*found[:MOST], *more]]
    return tuple(f"Changed in dr.yml since two people last agreed to a plan: {one}" for one in said)


def services_of(equipment: Equipment) -> frozenset[str]:
    """Every service that this site has, or had when two people last agreed."""
    agreed = (equipment.own.settings() or {}).get("sites", {}).get(equipment.site_name, {}).get("services", {})
    return frozenset({*equipment.site.services, *agreed})
