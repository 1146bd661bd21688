"""Restores every new backup once, beside production, and writes down what came of it: a backup is one when it was seen
to come back. One at a time, the newest first, never while a run is at work on the site, and in what production leaves.
A copy in a bucket of a dump that was restored is read back from there: the same bytes need not be restored twice.
"""

import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

import structlog

from drbot.core.base.errors import CancelledError, DrbotError, PermanentError, TemporaryError, UserError
from drbot.core.base.repeating import repeat
from drbot.core.runs.plan import BackupIdentity
from drbot.core.runs.ways_on import REMEDIES
from drbot.core.site.proofs import BackupProof, ProofResult, to_prove
from drbot.core.site.site import Configuration
from drbot.core.site.stored_backups import BackupKind, StoredBackup
from drbot.core.text.messages import phrase
from drbot.runners.backups.choose_dump import check, judged
from drbot.runners.backups.in_places import One, Place
from drbot.runners.backups.prove import ROOM, Bench, prove_copy, prove_dump, prove_full
from drbot.runners.clients.backup_store import BackupStore
from drbot.runners.clients.clients import Clients, clients_of
from drbot.runners.clients.dump_store import dump_stores
from drbot.runners.clients.full_store import full_stores
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.execution.settings_seen import require_agreed_place
from drbot.runners.foundation.causes import cause_of
from drbot.runners.foundation.own_proofs import OwnCopy, OwnProof, OwnProofs
from drbot.runners.foundation.own_record import FOLDER
from drbot.runners.foundation.private_folder import PrivateFolder
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.foundation.watching import Progress, unheard
from drbot.store.base.database import Database
from drbot.store.records import proofs, stored_backups
from drbot.store.runs import runs

log = structlog.get_logger(__name__)

BEGIN_SECONDS, LOOK_SECONDS = 300.0, 60.0
REST = 3.0
"""As many times as a try took, nothing is tried after it: the host has other things to do."""
LONGEST_REST_SECONDS = 3600.0
LOCK = "proofs"


@dataclass(frozen=True, kw_only=True, slots=True)
class Prover:
    """What it takes to try a backup of a site and to write down what came of it."""

    configuration: Configuration
    site_name: str
    clients: Clients
    database: Database
    redact: Callable[[str], str]
    stop: threading.Event
    progress: Progress = unheard
    room: float = ROOM
    require_agreed: Callable[[], None] = lambda: None  # raises TemporaryError while dr.yml may start nothing unasked

    def prove(self, one: StoredBackup) -> BackupProof | None:
        """None: the site was needed meanwhile. Raises TemporaryError while another process of this home does it."""
        with self._bench() as bench:
            return self._prove(bench, one)

    def prove_next(self) -> BackupProof | None:
        """The newest without a proof; None: there is none, or the site is needed. Raises TemporaryError."""
        if not self._wanted():
            return None
        with self._bench() as bench:
            wanted = self._wanted()  # what another process has proven by now is not proven again
            return self._prove(bench, wanted[0], may_read=True) if wanted else None

    def _wanted(self) -> list[StoredBackup]:
        with self.database.write() as tx:
            found = stored_backups.list_of(tx.connection, self.site_name)
            proofs.forget_gone(tx, self.site_name, found, places_of(self.configuration))
            return to_prove(found, proofs.list_of(tx.connection, self.site_name), datetime.now(UTC))

    def _prove(self, bench: Bench, one: StoredBackup, *, may_read: bool = False) -> BackupProof | None:
        """`may_read`: what came back once on this host is only read, to see that it is still the same."""
        if bench.cancelled():
            return None
        started = time.monotonic()
        try:
            self.require_agreed()
            bench.require_ready()
            result, identity = self._tried(bench, one, may_read=may_read)
            return self._note(one, result, started, identity=identity)
        except CancelledError:
            return None
        except TemporaryError as error:
            return self._note(one, ProofResult.POSTPONED, started, fault=str(error))
        except (PermanentError, UserError) as error:
            result = ProofResult.POSTPONED if cause_of(error) in REMEDIES else ProofResult.FAILED
            return self._note(one, result, started, fault=str(error))

    @property
    def run(self) -> str:
        """What all containers of this home's proofs carry."""
        return f"proof-{hashlib.sha256(str(self.clients.settings.home).encode()).hexdigest()[:8]}"

    def tidy(self) -> None:
        """What a process that was killed has left behind goes. Raises TemporaryError."""
        with self._bench():
            pass

    @contextmanager
    def _bench(self) -> Iterator[Bench]:
        """Ours alone, and clean. Raises TemporaryError while another process of this home has it."""
        bench = Bench(
            configuration=self.configuration,
            site_name=self.site_name,
            clients=self.clients,
            run=self.run,
            cancelled=Interrupted(self.database, self.site_name, self.stop),
            progress=self.progress,
            room=self.room,
        )
        with PrivateFolder(self.clients.settings.home / FOLDER).taken(LOCK) as ours:
            if not ours:
                raise TemporaryError(phrase("Another process is proving a backup"), kind="busy")
            bench.clear()
            try:
                yield bench
            finally:
                shutil.rmtree(bench.folder, ignore_errors=True)

    def _tried(self, bench: Bench, one: StoredBackup, *, may_read: bool) -> tuple[ProofResult, BackupIdentity]:
        own = OwnProofs(self.clients.settings.home)
        if one.kind is BackupKind.FULL:
            stores = full_stores(bench.configuration, bench.cache)
            return ProofResult.PROVEN, prove_full(bench, _seen(bench, stores, one))
        if one.place == self.clients.backups.place:
            here = self.clients.backups.get(one.name)
            if may_read and here.manifest is not None and own.of(here.manifest.sha256) is not None:
                return ProofResult.SAME, check(here, bench.reading_rules)
            return ProofResult.PROVEN, prove_dump(bench, here)
        copy = _seen(bench, dump_stores(bench.configuration, bench.cache), one)
        sealed = judged(copy, bench.dump_rules)
        if own.of(sealed.sha256) is None:  # what a row of the database says is not believed
            return ProofResult.PROVEN, prove_copy(bench, copy, sealed)
        try:
            copy.store.require_whole(copy, sealed.sha256, bench.progress, bench.cancelled)
        except PermanentError as error:
            own.note_copy(sealed.sha256, one.place, OwnCopy(read_at=datetime.now(UTC), fault=self.redact(str(error))))
            raise
        own.note_copy(sealed.sha256, one.place, OwnCopy(read_at=datetime.now(UTC)))
        return ProofResult.SAME, sealed

    def _note(
        self,
        one: StoredBackup,
        result: ProofResult,
        started: float,
        *,
        identity: BackupIdentity | None = None,
        fault: str = "",
    ) -> BackupProof:
        with self.database.write() as tx:
            proof = BackupProof(
                site=self.site_name, kind=one.kind, name=one.name, place=one.place, mark=one.mark,
                sha256=identity.sha256 if identity is not None else "", proven_at=tx.now,
                seconds=time.monotonic() - started, version=version("drbot-chatops"), result=result,
                fault=self.redact(fault),
            )  # fmt: skip
            proofs.tried(tx, proof)
        own = OwnProofs(self.clients.settings.home)
        own.tried(proof)
        if result is ProofResult.PROVEN:
            own.note(OwnProof(sha256=proof.sha256, proven_at=proof.proven_at, seconds=proof.seconds))
        return proof


class Interrupted:
    """Whether somebody else needs the site, or this process ends. Asked often: the state is looked at once a second."""

    def __init__(self, database: Database, site: str, stop: threading.Event) -> None:
        self._database, self._site, self._stop = database, site, stop
        self._looked_at, self._busy = float("-inf"), False

    def __call__(self) -> bool:
        """A state that does not answer counts as a need: who knows what happens."""
        if not self._busy and time.monotonic() - self._looked_at >= 1.0:
            try:
                with self._database.read() as connection:
                    self._busy = runs.going_on(connection, self._site)
            except DrbotError:
                self._busy = True
            self._looked_at = time.monotonic()
        return self._busy or self._stop.is_set()


def _seen(bench: Bench, stores: Iterable[Place[One]], one: StoredBackup) -> One:
    """The one that was seen there. Raises PermanentError when it is gone."""
    store = next((found for found in stores if found.place == one.place), None)
    for backup in store.newest_first(bench.cancelled) if store is not None else ():
        if backup.name == one.name and backup.mark == one.mark:
            return backup
    raise PermanentError(phrase("{name} is not in {place} any more", name=one.name, place=one.place))


def keep_proving(worker_context: WorkerContext, stop: threading.Event) -> None:
    site, configuration = worker_context.site_name, worker_context.configuration
    if site not in {configuration.default_site, *configuration.backups.schedule.sites}:
        return
    prover = prover_of(worker_context, stop)
    try:
        prover.tidy()
    except DrbotError as error:
        log.warning("What a proof may have left behind was not looked for yet.", error=str(error))
    repeat(lambda: _next(prover), LOOK_SECONDS, stop, "proof of backups", begin=BEGIN_SECONDS)


def prover_of(worker_context: WorkerContext, stop: threading.Event) -> Prover:
    """The worker's own, whom nobody asks to try a backup."""
    configuration, site = worker_context.configuration, worker_context.site
    return Prover(
        configuration=configuration,
        site_name=worker_context.site_name,
        clients=clients_of(site, configuration, RunnerSettings.from_environment(worker_context.home)),
        database=worker_context.database,
        redact=worker_context.redact,
        stop=stop,
        require_agreed=partial(_require_agreed, worker_context),
    )


def _require_agreed(worker_context: WorkerContext) -> None:
    """Redis is tried as its compose file says, with whatever rights that gives it."""
    redis = worker_context.site.redis
    if redis is not None:
        require_agreed_place(worker_context, redis.service)


def _next(prover: Prover) -> None:
    """The newest without a proof, as the worker has seen them last; then a rest."""
    proof = prover.prove_next()
    if proof is None:
        return
    log.info("A backup was tried.", name=proof.name, place=proof.place, result=proof.result.value, fault=proof.fault)
    prover.stop.wait(min(REST * proof.seconds, LONGEST_REST_SECONDS))


def places_of(configuration: Configuration) -> frozenset[str]:
    folder = BackupStore(configuration.backups.directory).place
    return frozenset({folder, *(store.place for store in full_stores(configuration))})
