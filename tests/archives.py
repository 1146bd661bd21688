"""Full backups for tests, made without a system: an archive as drbot packs it, or as the document's scripts would."""

import gzip
import io
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from core.full_manifest import MANIFEST, SUFFIX, FullManifest, RedisState, full_name
from core.plan import BackupIdentity, Plan
from core.run import Run, RunKind, RunState
from core.runbook import Step
from core.site import Configuration, Site
from runners.action import StepContext
from runners.clients.byte_streams import DigestingWriter
from runners.clients.full_store import FullBackup, FullBackupStore
from runners.clients.full_writer import FASTEST, Packer, zipped_into

SQL = b"""-- Dumped from database version 15.8
\\connect authdb
COPY public.users (id) FROM stdin;
1
2
\\.
-- PostgreSQL database cluster dump complete
"""
MOMENT = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)


def make(folder: Path, moment: datetime = MOMENT, *, sql: bytes = SQL, weight: int = 0, **changes: Any) -> FullManifest:
    """An archive in `folder` and its manifest; `weight`: bytes more that do not compress, `changes` go into it."""
    name = full_name(moment)
    parts = folder / "parts"
    for path, data in {**content_of(moment, sql), "files_backup_x.tar.gz": gzip.compress(noise(weight))}.items():
        (parts / path).parent.mkdir(parents=True, exist_ok=True)
        (parts / path).write_bytes(data)
    with (
        (folder / name).open("wb") as file,
        zipped_into(target := DigestingWriter(file), FASTEST) as zipped,
        tarfile.open(fileobj=zipped, mode="w|") as archive,
    ):
        packer = Packer(archive, name.removesuffix(SUFFIX), lambda: False)
        members = packer.add(parts, lambda done, total, unit: None)
        manifest = FullManifest.model_validate(
            {
                "name": name, "system": "shop", "site": "production", "started_at": moment, "finished_at": moment,
                "snapshot_at": moment, "members": members, "databases": ("authdb",), "rows": {"authdb.users": 2},
                "server_version": "15.8", "system_identifier": "1", "completed": True,
                "redis": RedisState(version="7.0", keys=3, appendonly=True), **changes,
            }
        )  # fmt: skip
        packer.add_document(MANIFEST, manifest.model_dump_json().encode())
    return manifest.model_copy(update={"size": target.size, "sha256": target.sha256.hexdigest()} | changes)


def put(store: FullBackupStore, folder: Path, moment: datetime = MOMENT, **changes: Any) -> FullBackup:
    """The same, stored with its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = make(folder, moment, **changes)
    return store.add(folder / full_name(moment), manifest)


def make_foreign(folder: Path, moment: datetime = MOMENT, *, sql: bytes = SQL, top: str = "./backup") -> Path:
    """As the document's scripts leave it: the same parts, no manifest."""
    path = folder / full_name(moment)
    with tarfile.open(path, "w:gz") as archive:
        for name, data in content_of(moment, sql).items():
            if not name.startswith("databases/"):
                add(archive, f"{top}/{name}", data)
    return path


def content_of(moment: datetime, sql: bytes) -> Mapping[str, bytes]:
    """The parts of a small system."""
    stamp = full_name(moment).removesuffix(SUFFIX).removeprefix("full_backup_")
    configuration = io.BytesIO()
    with tarfile.open(fileobj=configuration, mode="w:gz") as archive:
        add(archive, "ai-micro-postgres/.env", b"POSTGRES_PASSWORD=secret\n")
    return {
        f"config_{stamp}.tar.gz": configuration.getvalue(),
        f"all_databases_{stamp}.sql.gz": gzip.compress(sql),
        "databases/authdb/toc.dat": b"table of contents",
        f"redis_{stamp}.rdb.gz": gzip.compress(b"REDIS0011"),
    }


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    """One file."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def noise(count: int) -> bytes:
    """Bytes that no compression makes fewer, the same every time."""
    return b"".join((number * 2654435761 % 2**64).to_bytes(8, "big") for number in range(count // 8))


def fetching_context(
    home: Path, run: str, backup: BackupIdentity, site: Site, configuration: Configuration
) -> StepContext:
    """Of a run at the site "recovery" whose plan names this full backup. Of its clients only the folder is used."""
    step = Step(id="fetch", title={"en": "Fetch"})
    return StepContext(
        run=Run(
            id=run, incident=1, site="recovery", kind=RunKind.RECOVER, runbook="x", arguments={},
            state=RunState.RUNNING, epoch=1, requested_by="aiko", created_at=datetime.now(UTC),
        ),
        plan=Plan(
            runbook="x", runbook_sha256="0", level=3, site="recovery", run=run, steps=(step,), fingerprint={},
            backup=backup, surveyed_at=datetime.now(UTC),
        ),
        step=step,
        attempt=1,
        site=site,
        configuration=configuration,
        clients=cast(Any, SimpleNamespace(settings=SimpleNamespace(home=home))),
        facts={},
        cancelled=lambda: False,
        progress=lambda done, total, unit: None,
        log=lambda line: None,
        labels={},
    )  # fmt: skip
