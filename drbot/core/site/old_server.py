"""What a dump cannot bring back: the settings of the server whose volume is replaced. Sealed with the plan."""

from collections.abc import Iterator

from pydantic import Field

from drbot.core.base.model import Model
from drbot.core.text.messages import and_more, listed, phrase
from drbot.core.text.stored_messages import Sentence

ALTER_SYSTEM = "postgresql.auto.conf"
MOST_SETTINGS = 8  # in one sentence


NOT_IN_A_FULL_BACKUP = phrase(
    "What ALTER SYSTEM has set, pg_hba.conf, postgresql.conf and PostgreSQL's certificates are not in the backup: "
    "set them anew."
)
"""For a plan that restores PostgreSQL where there is no old volume."""


class OldServer(Model):
    """The server's own files in the volume that is replaced, as the survey found them."""

    volume: str
    readable: bool
    files: dict[str, str] = Field(default_factory=dict)  # path below the data folder → SHA-256: these are carried over
    settings: tuple[str, ...] = ()  # names that ALTER SYSTEM has set; their values may be secrets
    left: tuple[Sentence, ...] = ()  # what cannot be carried over


def notes_of(old: OldServer | None) -> Iterator[str]:
    """What approvers read about it."""
    if old is None:
        return
    if not old.readable:
        yield phrase(
            "The old volume {volume} cannot be read: what ALTER SYSTEM has set, pg_hba.conf, postgresql.conf and "
            "certificates are in no dump and must be set anew.",
            volume=old.volume,
        )
        return
    if old.files:
        yield phrase("Not in a dump, copied from the old volume: {files}.", files=said_of(old))
    if old.left:
        yield phrase("Not in a dump, and not carried over: {files}.", files=listed(old.left))


def said_of(old: OldServer) -> str:
    files = [name for name in sorted(old.files) if name != ALTER_SYSTEM]
    if ALTER_SYSTEM not in old.files or not old.settings:
        return listed(files)
    settings = phrase("ALTER SYSTEM ({settings})", settings=and_more(old.settings, MOST_SETTINGS))
    return listed([settings, *files])
