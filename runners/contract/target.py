"""What survey and executor need of the system; the real one is in site_target.py, tests bring a harmless one."""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.data_kinds import DataKind
from drbot.core.site.inventory import Inventory
from drbot.core.site.occupants import Occupant
from drbot.core.site.old_server import OldServer
from drbot.core.site.proofs import BackupProof
from drbot.core.text.messages import phrase
from drbot.runners.foundation.lock import Claim, Holder
from drbot.runners.foundation.watching import Cancelled, never

if TYPE_CHECKING:  # the executor and its tests need no docker package
    from drbot.runners.clients.backup_store import Backup
    from drbot.runners.clients.clients import Clients
    from drbot.runners.clients.postgres_written import Written


FINGERPRINT = "fingerprint"


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The backup a plan uses, and what was passed over for it; one sentence each."""

    backup: BackupIdentity
    refused: tuple[str, ...] = ()  # newer ones that were not good enough
    copies: tuple[str, ...] = ()  # of the same backup, that were not good enough
    twins: tuple[str, ...] = ()  # others of the same name
    failed: tuple[str, ...] = ()  # that it could not be restored the last time: a person has named it all the same
    silent: tuple[str, ...] = ()  # places that could not be asked


@dataclass(frozen=True, kw_only=True, slots=True)
class PassedOver:
    """A backup, or a copy of one, that was looked at and not used."""

    name: str
    place: str  # where it lies
    why: str

    def is_copy_of(self, backup: BackupIdentity) -> bool:
        """Whether it lies there under the same name: the newest one is no newer than itself."""
        return self.name == backup.name


def chosen_over(
    passed_over: Collection[PassedOver],
    backup: BackupIdentity,
    *,
    failed: str = "",
    twins: Iterable[str] = (),
    silent: tuple[str, ...] = (),
) -> Chosen:
    """The choice, with what was passed over sorted into newer ones and copies of it."""
    copies = [one for one in passed_over if one.is_copy_of(backup)]
    return Chosen(
        backup=backup,
        refused=tuple(one.why for one in passed_over if not one.is_copy_of(backup)),
        copies=tuple(phrase("{what}: {why}", what=one.place, why=one.why) for one in copies),
        twins=tuple(twins),
        failed=(phrase("{what}: {why}", what=backup.name, why=failed),) if failed else (),
        silent=silent,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    site: str
    name: str | None = None  # None: the newest
    before: BackupIdentity | None = None  # only older ones
    cancelled: Cancelled = never
    damaged: "Callable[[Backup, str], None]" = lambda backup, why: None  # told of each that was read and is no use
    failures: tuple[BackupProof, ...] = ()  # of the site, that this host has seen


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """Data that level 2 can restore, and seems to have to."""

    kind: DataKind
    why: str
    files: str = ""  # which entry of `files` in dr.yml


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a survey saw of a system's data."""

    broken: tuple[Broken, ...] = ()  # what the others need comes first
    works: str = ""  # the first that answers, and how much it holds; "" = nothing was asked
    down: tuple[str, ...] = ()  # where no data is broken: services that do not work though what they need does

    @property
    def is_sound(self) -> bool:
        """Something was seen to work, and nothing to be broken."""
        return bool(self.works) and not self.broken

    @property
    def sentence(self) -> str:
        """That no data looks broken; whether services work is another question."""
        works = phrase("No data looks broken: {what}.", what=self.works)
        return works if self.works else phrase("No data looks broken.")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptVolume:
    """A volume of kept data, as its own labels on the engine tell it."""

    original: str  # the volume whose data it is
    run: str  # that put it aside
    incident: int | None
    made_at: str  # Docker's word for when it was made


class Target(Protocol):
    """The target system as a whole; every method only reads, but for `remove_survivors` and the lock."""

    @property
    def clients(self) -> "Clients":
        """What actions work with."""

    def fingerprint(self, cancelled: Cancelled) -> dict[str, Any]:
        """What makes this target this target; "unreadable" is a value. Raises TemporaryError, CancelledError."""

    def inventory(self, cancelled: Cancelled = never) -> Inventory:
        """What the system consists of, read from Compose and the engine. Raises TemporaryError, CancelledError."""

    def knowing(self, inventory: Inventory) -> "Target":
        """The same target, with every service that is in there."""

    def for_survey(self) -> "Target":
        """The same target for one survey: what has been looked for in it is not looked for again."""

    def ahead(self, names: Collection[str], cancelled: Cancelled) -> AbstractContextManager[None]:
        """Begin to look, all at the same time, for what a plan with these acts and probes will ask, and for the
        FINGERPRINT, which waits for the inventory; for as long as it is open.
        """

    def old_server(self, cancelled: Cancelled = never) -> OldServer | None:
        """What is in PostgreSQL's volume that no dump brings back. Raises TemporaryError, CancelledError."""

    def choose_backup(self, search: Search) -> Chosen:
        """The newest good one; each is read from start to end. Raises UserError if none is good, CancelledError."""

    def choose_full_backup(self, search: Search) -> Chosen:
        """The same among the full backups of the site that was lost."""

    def identify(self, backup: BackupIdentity) -> BackupIdentity:
        """The identity of the bytes that lie there now. Raises PermanentError when they are gone."""

    def kept(self, volume: str) -> KeptVolume | None:
        """The kept data in a volume; None = there is no such volume, or it holds none. Raises TemporaryError."""

    def occupants(
        self, run: str, suffix: str, mounted: Collection[str], cancelled: Cancelled = never
    ) -> tuple[Occupant, ...]:
        """What lies where a recovery by this run would go (core/site/occupants.py). Raises UserError when somebody else
        uses some of it, TemporaryError, CancelledError.
        """

    def made_by(self, run: str) -> tuple[str, ...]:
        """Volumes and the folder of the projects that bear the name of this run. Raises TemporaryError."""

    def put_aside(self, run: str) -> tuple[Occupant, ...]:
        """Everything that this run has put aside of the host, as far as it is there. Raises TemporaryError."""

    def rows(self, cancelled: Cancelled) -> Mapping[str, int]:
        """Rows of every table of the running production. Raises DrbotError saying why not, CancelledError."""

    def keys(self) -> int:
        """Keys of the running Redis. Raises DrbotError saying why not."""

    def other_settings(self, backup: BackupIdentity, cancelled: Cancelled = never) -> tuple[str, ...]:
        """Files below the projects that are missing, or not as in the full backup; of data none. Raises DrbotError."""

    def kept_settings(self, volume: str, cancelled: Cancelled = never) -> tuple[str, ...]:
        """Files below the projects that this kept data of settings puts back, or removes. Raises DrbotError."""

    def look(
        self, cancelled: Cancelled = never, kind: DataKind | None = None, files: str = "", *, brief: bool = False
    ) -> Look:
        """What of the data is broken; `kind`, `files`: of this alone; `brief`: rows are counted no longer than a plan
        takes anyway, and may then be not counted. Raises TemporaryError, CancelledError.
        """

    def written_since(self, transaction: int, cancelled: Cancelled) -> "Written":
        """What the running production wrote since then. Raises DrbotError saying why not, CancelledError."""

    def remove_survivors(self, run_id: str, step_id: str | None) -> None:
        """Remove what a killed or cancelled step left running."""

    def lock(self, claim: Claim, gone: str | None) -> Holder | None:
        """Keeps other drbots away from this target. None: it is ours. Else the drbot that holds it; `gone`: the
        holding that the commander gave up. Raises TemporaryError.
        """

    def holder(self) -> Holder | None:
        """Who keeps others away now. Raises TemporaryError."""

    def unlock(self, instance: str, run: str) -> None:
        """Give it back, if this run of this drbot has it. Raises TemporaryError."""
