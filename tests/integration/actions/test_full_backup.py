"""A full backup of a running lab: everything is in it, and what it says of itself is so."""

import gzip
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import CancelledError, PermanentError
from core.full_manifest import FullManifest, digest_of_files
from core.plan import Holds
from core.site import Backups, Configuration
from runners.actions import backup as backups
from runners.actions.fetching import require_held
from runners.actions.postgres import restore_beside
from runners.clients import helper
from runners.clients.backup_store import BackupStore
from runners.clients.full_archive import Unpacked, unpack
from runners.clients.full_folder import FolderStore
from runners.clients.full_store import FullBackupStore
from runners.clients.helper import HelperOrder, Mount
from runners.full_backup import back_up_full
from runners.full_choice import FullRules, choose_full_backup
from tests.integration.actions.conftest import Bench, own

pytestmark = pytest.mark.docker

FILL = "mkdir -p /files/a && echo one > /files/a/one && echo two > /files/two && ln -s two /files/link"
SUMS = {
    "a/one": "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806",
    "two": "27dd8ed44a83ff94d557f9fd0412ed5a8cbca69ea04922d88c01184a07300a5a",
}


@pytest.fixture(scope="module")
def files(shared: Bench) -> Iterator[str]:
    """A volume with two files and a link."""
    name = own("uploads")
    engine = shared.clients.docker
    engine.create_volume(name, {})
    try:
        order = HelperOrder(
            image=shared.clients.postgres.recipe(lambda: False).image, name=None, labels={},
            entrypoint=("sh", "-c", FILL), mounts=(Mount(source=name, target="/files"),),
        )  # fmt: skip
        assert helper.run(engine, order, lambda: False).code == 0
        yield name
    finally:
        engine.client.api.remove_volume(name)


def with_files(bench: Bench, folder: Path, *names: str) -> Configuration:
    site = bench.configuration.site().model_copy(update={"files": names})
    return bench.configuration.model_copy(
        update={"sites": {"production": site}, "backups": Backups(directory=folder), "object_store": None}
    )


@pytest.fixture(scope="module")
def made(shared: Bench, files: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[FullManifest, Unpacked, Path]:
    """A backup with 1000 keys, unpacked, and the folder it lies in; its copy is in `copy` beside it."""
    folder = tmp_path_factory.mktemp("full")
    redis = shared.clients.docker.container(shared.configuration.site().services["redis"])
    assert redis is not None
    script = 'for i = 1, 1000 do redis.call("SET", "key:" .. i, i) end redis.call("EXPIRE", "key:1", 9999)'
    assert shared.clients.docker.execute(redis.id, ["redis-cli", "EVAL", script, "0"], seconds=20).code == 0
    stores = [FullBackupStore(FolderStore(folder / name)) for name in ("backups", "copy")]
    manifest = back_up_full(
        with_files(shared, folder / "backups", files), "production", clients=shared.clients,
        document=shared.lab.configuration, stores=stores,
    )  # fmt: skip
    archive = folder / "copy" / manifest.name
    return manifest, unpack(archive, folder / "out", lambda done, total, unit: None, lambda: False), folder


def test_it_is_good_in_every_place_and_nothing_else_is_left(
    shared: Bench, files: str, made: tuple[FullManifest, Unpacked, Path]
) -> None:
    manifest, found, folder = made
    rules = FullRules(system=shared.configuration.system, site="production", server_major=15)

    for name in ("backups", "copy"):
        chosen = choose_full_backup((FullBackupStore(FolderStore(folder / name)),), rules)
        assert (chosen.backup.name, chosen.backup.sha256, chosen.refused) == (manifest.name, manifest.sha256, ())
        assert chosen.backup.holds == Holds(redis=True, configuration=True, files=(files,))
        require_held(found, chosen.backup)
    assert len(list((folder / "backups").iterdir())) == 2  # archive and manifest
    assert not [v for v in shared.clients.docker.client.volumes.list() if v.name.startswith("drbot-full_backup")]


def test_its_rows_are_the_servers_and_both_forms_of_each_database_are_there(
    shared: Bench, made: tuple[FullManifest, Unpacked, Path]
) -> None:
    manifest, found, _ = made

    assert manifest.rows == shared.backup.rows
    assert set(found.databases) == {"authdb", "apidb", "admindb", "postgres", "template1"}
    assert all((folder / "toc.dat").exists() for folder in found.databases.values())
    assert manifest.system_identifier == shared.backup.system_identifier


def test_its_dump_restores_like_one_of_pg_dumpall(
    bench: Bench, made: tuple[FullManifest, Unpacked, Path], tmp_path: Path
) -> None:
    _, found, _ = made
    path = tmp_path / found.dump.name
    path.write_bytes(found.dump.read_bytes())
    clients = bench.with_backups(tmp_path)
    context = bench.context(clients=clients)
    identity = backups.check(BackupStore(tmp_path).get(path.name), backups.rules_of(context))
    volume = own("restored")
    try:
        done = restore_beside(
            bench.context(clients=clients, backup=identity), {"backup": identity.name, "volume": volume}
        )
    finally:
        clients.docker.client.api.remove_volume(volume)

    assert done.facts["rows"] == bench.backup.rows


def test_its_redis_files_and_settings_are_what_the_manifest_says(
    shared: Bench, files: str, made: tuple[FullManifest, Unpacked, Path], tmp_path: Path
) -> None:
    manifest, found, _ = made
    assert manifest.redis and found.redis and found.files and found.configuration

    assert manifest.redis.keys >= 1000
    assert manifest.redis.expires >= 1
    assert manifest.redis.appendonly
    assert gzip.decompress(found.redis.read_bytes()).startswith(b"REDIS")
    assert manifest.files[files].count == 2
    assert manifest.files[files].digest == digest_of_files(SUMS)
    with tarfile.open(found.files) as archive:
        assert archive.getmember(f"{files}/link").linkname == "two"
    with tarfile.open(found.configuration) as archive:
        archive.extractall(tmp_path, filter="data")
    project = shared.configuration.site().services["postgres"].project
    assert (tmp_path / project / ".env").read_text() == (shared.lab.projects / project / ".env").read_text()
    assert set(manifest.configuration) >= {"dr.yml", f"{project}/.env", f"{project}/docker-compose.yml"}


def test_the_documents_script_finds_every_part_where_it_looks(
    made: tuple[FullManifest, Unpacked, Path], tmp_path: Path
) -> None:
    manifest, _, folder = made
    unpacked = ["tar", "-xzf", str(folder / "backups" / manifest.name), "-C", str(tmp_path)]
    subprocess.run(unpacked, check=True)

    for pattern in ("*/config_*.tar.gz", "*/all_databases_*.sql.gz", "*/redis_*.rdb.gz", "*/files_backup_*.tar.gz"):
        assert len(list(tmp_path.glob(pattern))) == 1, pattern


def test_a_volume_that_is_not_there_and_stop_leave_nothing(bench: Bench, tmp_path: Path) -> None:
    configuration = with_files(bench, tmp_path / "backups", own("no-such-volume"))

    with pytest.raises(PermanentError, match="does not exist"):
        back_up_full(configuration, "production", clients=bench.clients)
    with pytest.raises(CancelledError):
        back_up_full(configuration, "production", clients=bench.clients, cancelled=lambda: True)

    assert list((tmp_path / "backups").iterdir()) == []
    assert not [v for v in bench.clients.docker.client.volumes.list() if v.name.startswith("drbot-full_backup")]
