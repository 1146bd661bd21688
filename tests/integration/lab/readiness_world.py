"""A system of which nothing is wrong, and one thing after another that can be: on a real lab, buckets and a zone."""

import datetime as times
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import delete, update

from drbot.core.base.signing import KeyPair
from drbot.core.runs.drill import DrillEnd
from drbot.core.site.confirmations import Subject
from drbot.core.site.level import Level
from drbot.core.site.people import roster_of
from drbot.core.site.proofs import BackupProof, ProofResult
from drbot.core.site.readiness import Line
from drbot.core.site.site import (
    Approvals,
    Certificate,
    Configuration,
    Dns,
    Monitoring,
    ObjectStore,
    Recovery,
    Repository,
    Site,
)
from drbot.core.site.stored_backups import StoredBackup
from drbot.lab.cloud import NAME, ZONE, Cloud
from drbot.lab.object_store import BUCKET, SECOND_BUCKET, Bucket
from drbot.lab.system import Lab
from drbot.runners.backups.make_dump import copy_elsewhere
from drbot.runners.clients.backup_store import BackupStore, manifest_path
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.dump_store import dump_stores
from drbot.runners.clients.object_store import ObjectStoreClient
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.own_state.documents import Documents
from drbot.runners.own_state.state_copies import Signer, StateCopies
from drbot.runners.own_state.state_readiness import state_line
from drbot.runners.upkeep.backup_readiness import look_at_backups
from drbot.runners.upkeep.readiness_keeper import look
from drbot.store.base.database import Database
from drbot.store.base.schema import confirmations as confirmation_rows
from drbot.store.base.schema import proofs as proof_rows
from drbot.store.records import action_items, confirmations, drills, incidents, proofs, readiness
from tests.archives import put as put_full
from tests.archives import store_in

TTL = 60
PROGRAMS = ("docker", "restic", "git", "certbot", "sh")
LIMITS = "    mem_limit: 512m\n    cpus: 1\n"


@dataclass(frozen=True, kw_only=True)
class World:
    """What is looked at, and by whom."""

    lab: Lab
    clients: Clients
    database: Database
    cloud: Cloud
    prometheus: "Prometheus"
    worker_context: WorkerContext
    home: Path
    past: float = 0.0  # seconds that the copies of the state are said to be older

    @property
    def configuration(self) -> Configuration:
        return self.worker_context.configuration

    def changed(self, **changes: Any) -> "World":
        configuration = self.configuration.model_copy(update=changes)
        return replace(self, worker_context=replace(self.worker_context, configuration=configuration))

    def with_site(self, **changes: Any) -> "World":
        site = self.configuration.site().model_copy(update=changes)
        return self.changed(sites={**self.configuration.sites, "production": site})

    def with_people(self, without: str) -> "World":
        people = {name: one for name, one in self.configuration.people.items() if name != without}
        roster = roster_of(people, self.configuration.approvals)
        return replace(self, worker_context=replace(self.worker_context, roster=roster))

    def override(self, service: str, said: str) -> Path:
        about = self.configuration.site().services[service]
        path = self.clients.compose.folder(about.project) / "docker-compose.override.yml"
        path.write_text(f"services:\n  {about.service}:\n{said}")
        return path

    def look(self) -> dict[str, Line]:
        """What the workers of production and of the control site see."""
        later = times.datetime.now(times.UTC) + times.timedelta(seconds=self.past)
        for site in ("production", "control"):
            seen = replace(self.worker_context, site_name=site)
            look(seen, lambda: state_line(self.configuration, self.database, later))
        with self.database.read() as connection:
            return {one.line.what: one.line for one in readiness.list_of(connection)}


class Prometheus:
    """Answers what rules it has."""

    def __init__(self) -> None:
        self.rules = ["AuthServiceDown"]
        outer = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                rules = [{"name": name, "type": "alerting"} for name in outer.rules]
                said = json.dumps({"status": "success", "data": {"groups": [{"rules": rules}]}}).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                """Silent."""

        self._server = HTTPServer(("127.0.0.1", 0), Answers)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def certificate_for(days: float) -> bytes:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = times.datetime.now(times.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - times.timedelta(days=90))
        .not_valid_after(now + times.timedelta(days=days)).sign(key, hashes.SHA256())
    )  # fmt: skip
    return made.public_bytes(serialization.Encoding.PEM)


def configuration_of(lab_s: Configuration, home: Path, bucket: Bucket, cloud: Cloud, prometheus: str) -> Configuration:
    """The lab's, with everything that can be configured."""
    watching = lab_s.site().services["postgres"].project  # any that is there
    production = lab_s.site().model_copy(
        update={"monitoring": Monitoring(project=watching, prometheus=prometheus, alertmanager=prometheus)}
    )
    recovery = Site.model_validate({"docker": {"host": production.docker.host}})
    return lab_s.model_copy(
        update={
            "sites": {"production": production, "recovery": recovery, "control": Site()},
            "backups": lab_s.backups.model_copy(update={"directory": home / "backups"}),
            "object_store": ObjectStore(
                bucket=BUCKET, second_bucket=SECOND_BUCKET, prefix="ready/", endpoint=bucket.endpoint
            ),
            "dns": Dns(zone=ZONE, names=(NAME,), ttl=TTL, endpoint=cloud.endpoint),
            "certificate": Certificate(names=(NAME,), email="dr@example.com", install="edge"),
            "repository": Repository(url="https://git.invalid/system", commit="0" * 40),
            "recovery": Recovery(site="recovery", control="control"),
            "approvals": Approvals(second_factor="totp"),
            "alerts": lab_s.alerts.model_copy(update={"declare": ("AuthServiceDown",)}),
            "runbooks": home / "runbooks",
        }
    )


def note_proofs(database: Database, found: tuple[StoredBackup, ...], result: ProofResult) -> None:
    with database.write() as tx:
        for one in found:
            proofs.tried(
                tx,
                BackupProof(
                    site=one.site, kind=one.kind, name=one.name, place=one.place, mark=one.mark, sha256="",
                    proven_at=tx.now, seconds=1.0, version="1", result=result, fault="it is torn",
                ),
            )  # fmt: skip


def confirm_everything(world: World) -> None:
    with world.database.write() as tx:
        for person in world.worker_context.roster.people:
            for subject in Subject:
                confirmations.said(tx, subject, person)


def copy_state(world: World) -> None:
    """As the worker does it by itself."""
    assert world.configuration.object_store is not None
    bucket = ObjectStoreClient(world.configuration.object_store)
    documents = Documents(configuration=None, runbooks=None)
    StateCopies(world.database, bucket, documents, Signer(owner="test", site="production", key=KeyPair.new())).copy()


@contextmanager
def programs_in(folder: Path, *, without: str = "") -> Iterator[None]:
    """Only these are found; Python's own are called by their paths."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in PROGRAMS:
        if name != without and (found := shutil.which(name)):
            (folder / name).symlink_to(found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(folder))
        yield


Break = Callable[[World], AbstractContextManager[World]]


def by(change: Callable[[World], World]) -> Break:
    """What only dr.yml says."""

    @contextmanager
    def broken(world: World) -> Iterator[World]:
        yield change(world)

    return broken


def by_doing(act: Callable[[World], Callable[[], object]]) -> Break:
    """What is done and, by what `act` returns, undone."""

    @contextmanager
    def broken(world: World) -> Iterator[World]:
        mend = act(world)
        try:
            yield world
        finally:
            mend()

    return broken


def renamed(path: Path) -> Callable[[], object]:
    """It is elsewhere until the call."""
    elsewhere = path.with_name(f"{path.name}.elsewhere")
    path.rename(elsewhere)
    return partial(elsewhere.rename, path)


def rewritten(path: Path, data: bytes) -> Callable[[], object]:
    """It holds this until the call."""
    before = path.read_bytes()
    path.write_bytes(data)
    return partial(path.write_bytes, before)


def newer_manifest(world: World) -> Callable[[], object]:
    """The newest dump says that it is a petabyte of SQL."""
    (backup,) = BackupStore(world.configuration.backups.directory).newest_first()
    path = manifest_path(backup.path)
    return rewritten(path, json.dumps({**json.loads(path.read_text()), "sql_bytes": 10**15}).encode())


def without_copies(world: World, count: int) -> Callable[[], object]:
    """So many buckets hold no dump, the second one first, until the call."""
    (backup,) = BackupStore(world.configuration.backups.directory).newest_first()
    manifest = backup.manifest
    assert manifest is not None
    stores = dump_stores(world.configuration)[-count:]
    for store in stores:
        store.restic().forget([one.snapshot.id for one in store.newest_first()])

    def mend() -> None:
        copy_elsewhere(world.configuration, manifest, stores)
        note_proofs(world.database, look_at_backups(world.configuration).found, ProofResult.PROVEN)

    return mend


def full_only_here(world: World, later: times.timedelta) -> Callable[[], object]:
    """A newer full backup that lies in the folder alone; `later` than now, by a clock that was wrong."""
    store = store_in(world.configuration.backups.directory)
    made = put_full(store, times.datetime.now(times.UTC) + later, system=world.configuration.system)
    assert made.snapshot is not None
    return partial(store.restic().forget, [made.snapshot.id])


def row_gone(subject: Subject) -> Break:
    def act(world: World) -> Callable[[], object]:
        with world.database.write() as tx:
            tx.connection.execute(delete(confirmation_rows).where(confirmation_rows.c.subject == subject.value))
        return partial(confirm_everything, world)

    return by_doing(act)


def proofs_failed(kind: str) -> Break:
    def act(world: World) -> Callable[[], object]:
        def become(result: ProofResult) -> None:
            with world.database.write() as tx:
                mine = update(proof_rows).where(proof_rows.c.kind == kind)
                tx.connection.execute(mine.values(result=result.value))

        become(ProofResult.FAILED)
        return partial(become, ProofResult.PROVEN)

    return by_doing(act)


def stopped(world: World) -> Callable[[], object]:
    """A front that nothing needs."""
    container = world.clients.docker.container(world.configuration.site().services["front-user"])
    assert container is not None
    api = world.clients.docker.client.api
    api.stop(container.id, timeout=2)
    return partial(api.start, container.id)


def without_role(world: World) -> World:
    """The server's user of dr.yml may not restore."""
    postgres = world.configuration.site().postgres
    assert postgres is not None
    return world.with_site(postgres=postgres.model_copy(update={"user": "reader"}))


def with_volume(world: World) -> World:
    """dr.yml names one that is not there. The right one is then in no backup, which would be a line of its own."""
    redis = world.configuration.site().redis
    assert redis is not None
    forgotten = {redis.volume: "it is about another volume"}
    return world.with_site(redis=redis.model_copy(update={"volume": "nowhere"}), not_needed=forgotten)


def with_bucket(world: World) -> World:
    """A second bucket that nobody has made."""
    store = world.configuration.object_store
    assert store is not None
    return world.changed(object_store=store.model_copy(update={"second_bucket": "nobody-has-made-it"}))


def pointed(world: World, ttl: int) -> Callable[[], object]:
    """So long users would stay where they are."""
    world.cloud.point(NAME, "192.0.2.1", ttl)
    return partial(world.cloud.point, NAME, "192.0.2.1", TTL)


def ruled(world: World, rules: list[str]) -> Callable[[], object]:
    before, world.prometheus.rules = world.prometheus.rules, rules
    return lambda: setattr(world.prometheus, "rules", before)


def overridden(service: str, said: str) -> Break:
    def act(world: World) -> Callable[[], object]:
        world.override(service, said)
        return lambda: world.override(service, LIMITS)

    return by_doing(act)


def without_project(world: World) -> Callable[[], object]:
    """The folder of a front is gone; what runs goes on."""
    project = world.configuration.site().services["front-user"].project
    return renamed(world.clients.compose.folder(project))


def note_drill(world: World, level: Level, end: DrillEnd) -> int:
    """One that ended so just now; its number."""
    with world.database.write() as tx:
        incident = drills.ask(tx, level, site="production", service=None, person="aiko", rehearsed=True)
        asked = drills.get(tx.connection, incident.id)
        assert asked is not None
        drills.end(tx, replace(asked, end=end))
        incidents.resolve(tx, incident.id, "aiko", "done")
    return incident.id


def drilled(world: World, end: DrillEnd) -> Callable[[], object]:
    """The newest of level 2 ended so; then it is as if there had been none."""
    number = note_drill(world, Level.DATABASE, end)

    def forget() -> None:
        with world.database.write() as tx:
            drills.change(tx, number, end=None)

    return forget


def overdue(world: World) -> Callable[[], object]:
    """Something that was to be done by the day before yesterday is not."""
    with world.database.write() as tx:
        day = tx.now.date() - times.timedelta(days=2)
        item = action_items.add(tx, 1, text="shrink the backup", owner="ben", due=day, person="aiko")

    def do() -> None:
        with world.database.write() as tx:
            action_items.done(tx, item, "ben")

    return do
