"""Whether a full backup holds what it says: asked with the survey, and once more of what was fetched."""

from collections.abc import Collection
from typing import Protocol

from drbot.core.errors import PermanentError
from drbot.core.full_manifest import DUMP, REDIS
from drbot.core.plan import BackupIdentity


class Found(Protocol):
    """What is in it."""

    @property
    def own(self) -> Collection[str]: ...
    @property
    def projects(self) -> Collection[str]: ...
    @property
    def volumes(self) -> Collection[str]: ...


def require_held(found: Found, sealed: BackupIdentity) -> None:
    """What the card says that the backup holds is there. Raises PermanentError."""
    holds = sealed.holds
    lacking = [
        *([] if DUMP in found.own or not sealed.server_version else ["dump of PostgreSQL"]),
        *(["data of Redis"] if holds.redis and REDIS not in found.own else []),
        *(["configuration"] if holds.configuration and not found.projects else []),
        *sorted(name for name in holds.files if "/" not in name and name not in found.volumes),
    ]
    if lacking:
        raise PermanentError(f"{sealed.name} holds no {', no '.join(lacking)}, although its manifest says so")
