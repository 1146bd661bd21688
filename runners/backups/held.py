"""Whether a full backup holds what it says: asked with the survey, and once more of what was fetched."""

from collections.abc import Collection
from typing import Protocol

from drbot.core.base.errors import PermanentError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.full_manifest import DUMP, REDIS
from drbot.core.text.messages import listed, phrase


class Found(Protocol):
    @property
    def own(self) -> Collection[str]: ...
    @property
    def projects(self) -> Collection[str]: ...
    @property
    def volumes(self) -> Collection[str]: ...


def require_held(found: Found, sealed: BackupIdentity) -> None:
    """What the card says that the backup holds is there. Raises PermanentError."""
    holds = sealed.holds
    lacking: list[str] = [
        *([] if DUMP in found.own or not sealed.server_version else [phrase("dump of PostgreSQL")]),
        *([phrase("data of Redis")] if holds.redis and REDIS not in found.own else []),
        *([phrase("configuration")] if holds.configuration and not found.projects else []),
        *sorted(name for name in holds.files if "/" not in name and name not in found.volumes),
    ]
    if lacking:
        parts = (lacking[0], *(phrase("no {part}", part=one) for one in lacking[1:]))
        raise PermanentError(
            phrase("{name} holds no {parts}, although its manifest says so", name=sealed.name, parts=listed(parts))
        )
