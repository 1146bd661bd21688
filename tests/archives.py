"""Full backups for tests, made without a system: an archive as drbot packs it, or as the document's scripts would."""

import atexit
import functools
import gzip
import io
import random
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from drbot.core.runbooks.runbook import Step
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.full_manifest import DUMP, MANIFEST, PREFIX, REDIS, SUFFIX, FullManifest, RedisState, full_name
from drbot.core.site.site import Configuration, Site
from drbot.runners.clients.full_folder import FolderStore
from drbot.runners.clients.full_store import FullBackup, FullBackupStore, RepositoryStore, tags_of
from drbot.runners.clients.object_store import ObjectStoreClient
from drbot.runners.clients.restic import Snapshot
from drbot.runners.contract.action import StepContext
from tests.cheap_key import make_cheap
from tests.step_contexts import step_context

SQL = b"""-- Dumped from database version 15.8
\\connect authdb
COPY public.users (id) FROM stdin;
1
2
\\.
-- PostgreSQL database cluster dump complete
"""
MOMENT = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)


def store_in(folder: Path) -> FullBackupStore:
    return FullBackupStore(FolderStore(folder))


def snapshot_of(backup: FullBackup) -> Snapshot:
    assert backup.snapshot is not None
    return backup.snapshot


def put(
    store: FullBackupStore,
    moment: datetime = MOMENT,
    *,
    sql: bytes = SQL,
    weight: int = 0,
    plant: Callable[[Path], object] = str,
    **changes: Any,
) -> FullBackup:
    """A full backup of a small system in this place; `weight`: bytes more that do not compress, `plant` changes its
    files, `changes` go into its manifest.
    """
    moment = moment.replace(microsecond=0)  # as a snapshot has it
    manifest = FullManifest.model_validate(
        {
            "name": full_name(moment), "system": "shop", "site": "production", "started_at": moment,
            "snapshot_at": moment, "projects": ("ai-micro-postgres",), "databases": ("authdb",),
            "rows": {"authdb.users": 2}, "sql_bytes": len(sql), "server_version": "15.8", "system_identifier": "1",
            "redis": RedisState(version="7.0", keys=3, appendonly=True), **changes,
        }
    )  # fmt: skip
    files = {
        f"own/{MANIFEST}": manifest.model_dump_json().encode(),
        f"own/{DUMP}": sql,
        f"own/{REDIS}": b"REDIS0011",
        "projects/ai-micro-postgres/.env": b"POSTGRES_PASSWORD=secret\n",
        "files/uploads/noise": noise(weight),
    }
    return put_files(store, moment, files, system=manifest.system, site=manifest.site, plant=plant)


def put_files(
    store: FullBackupStore,
    moment: datetime,
    files: Mapping[str, bytes],
    *,
    system: str = "shop",
    site: str = "production",
    plant: Callable[[Path], object] = str,
) -> FullBackup:
    """A snapshot of exactly these files that says it is a full backup of this moment."""
    restic = store.restic()
    if not store.has_repository():
        make(store)
    with tempfile.TemporaryDirectory() as top:
        for path, data in files.items():
            file = Path(top) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        plant(Path(top))
        tops = sorted({path.split("/")[0] for path in files})
        made = restic.backup(tops, host=site, tags=tags_of(full_name(moment), system), moment=moment, folder=Path(top))
    return next(one for one in store.newest_first() if one.snapshot and one.snapshot.id == made)


def make(store: RepositoryStore) -> None:
    """An empty repository; where it has no password a copy of one, whose key is tried fast."""
    if store.repository.is_encrypted:
        store.restic().make()
    elif isinstance(store.objects, ObjectStoreClient):
        for path in filter(Path.is_file, new_repository().rglob("*")):
            store.objects.write(f"{store.folder}/{path.relative_to(new_repository())}", path.read_bytes())
    else:
        shutil.copytree(new_repository(), store.repository.url)


def with_quick_key(configuration: Configuration) -> Configuration:
    """The same; the repository that its full backups go to is there already, and its key is tried fast."""
    store = store_in(configuration.backups.directory)
    if not Path(store.repository.url).exists():
        make(store)
    return configuration


@functools.cache
def new_repository() -> Path:
    """One for all tests of this process."""
    top = Path(tempfile.mkdtemp(prefix="repository-"))
    atexit.register(shutil.rmtree, top)
    new = store_in(top)
    new.restic().make()
    make_cheap(Path(new.repository.url))
    return Path(new.repository.url)


def make_foreign(folder: Path, moment: datetime = MOMENT, *, sql: bytes = SQL, top: str = "./backup") -> Path:
    """As the document's scripts leave it: the same parts, no manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{full_name(moment)}{SUFFIX}"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in content_of(moment, sql).items():
            add(archive, f"{top}/{name}", data)
    return path


def content_of(moment: datetime, sql: bytes) -> Mapping[str, bytes]:
    """The parts of a small system."""
    stamp = full_name(moment).removeprefix(PREFIX)
    configuration = io.BytesIO()
    with tarfile.open(fileobj=configuration, mode="w:gz") as archive:
        add(archive, "ai-micro-postgres/.env", b"POSTGRES_PASSWORD=secret\n")
    return {
        f"config_{stamp}.tar.gz": configuration.getvalue(),
        f"all_databases_{stamp}.sql.gz": gzip.compress(sql),
        f"redis_{stamp}.rdb.gz": gzip.compress(b"REDIS0011"),
    }


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    """One file."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def noise(count: int) -> bytes:
    """Bytes that no compression makes fewer, the same every time."""
    return random.Random(count).randbytes(count)  # noqa: S311 - repeatable, no secret


def fetching_context(
    home: Path, run: str, backup: BackupIdentity, site: Site, configuration: Configuration
) -> StepContext:
    """Of a run at the site "recovery" whose plan names this full backup. Of its clients only the folder is used."""
    step = Step(id="fetch", title={"en": "Fetch"})
    clients = SimpleNamespace(settings=SimpleNamespace(home=home))
    plan = {"level": 3, "steps": (step,), "backup": backup}
    return step_context(run, step, "recovery", configuration, clients, plan=plan, labels={}, site=site)
