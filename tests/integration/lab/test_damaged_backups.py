"""Damaged, foreign, stale and empty backups: each is found, named, and shown with what to do, before anybody needs it.

What can be seen without restoring is passed over with its reason; what only shows in a server or a volume, the proof
finds. The makers are those of the tests of choosing backups: what a recovery refuses, readiness tells.
"""

import gzip
import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drbot.core.site.full_manifest import DUMP as DUMP_FILE
from drbot.core.site.full_manifest import REDIS as REDIS_FILE
from drbot.core.site.proofs import LINES, ProofResult
from drbot.core.site.readiness import Colour
from drbot.core.site.stored_backups import BackupKind, StoredBackup
from drbot.lab.system import Lab
from drbot.runners.backups.make_dump import back_up_postgres, name_of
from drbot.runners.clients.backup_store import BackupStore, Manifest
from drbot.runners.clients.full_store import FullBackupStore
from drbot.runners.upkeep.backup_readiness import DUMP, FULL
from drbot.store.base.database import Database
from tests.archives import MOMENT, store_in
from tests.archives import put as put_full
from tests.cheap_key import cheap_keys
from tests.integration.archives import (
    test_crafted_archives,
    test_crafted_snapshots,
    test_full_backups,
    test_odd_backups,
)
from tests.integration.dumps.test_acting import with_act
from tests.integration.lab.provers import proving
from tests.unit.runners import test_backups

pytestmark = pytest.mark.docker

LATER = MOMENT + timedelta(hours=1)

FILES = (test_crafted_archives.FOLDER, test_crafted_archives.VOLUME)
LINE_OF = {BackupKind.POSTGRES: DUMP, BackupKind.FULL: FULL}


@dataclass(frozen=True, kw_only=True)
class Real:
    """A dump of the lab that is good as it is."""

    sql: bytes
    manifest: Manifest

    def put(self, folder: Path, sql: bytes | None = None, **changes: object) -> Path:
        """A newer one with these changes of its manifest, which fits the file in every other way."""
        given = self.sql if sql is None else sql
        data, moment = gzip.compress(given, 1), datetime.now(UTC)
        told = {
            "name": name_of(moment), "size": len(data), "sha256": hashlib.sha256(data).hexdigest(),
            "sql_bytes": len(given), "snapshot_at": moment, "system": "shop",
        }  # fmt: skip
        (folder / name_of(moment)).write_bytes(data)
        BackupStore(folder).write_manifest(self.manifest.model_copy(update={**told, **changes}))
        return folder / name_of(moment)


Make = Callable[[Path, Real], object]


@dataclass(frozen=True, kw_only=True)
class Bad:
    """How one is made in a folder, and what is said of it; None: nothing, for it is not ours."""

    make: Make
    said: str | None


def of_dump(make: Callable[[Path], object]) -> Make:
    return lambda folder, _: make(folder)


def of_file(make: Callable[[Path], object]) -> Make:
    return lambda folder, _: make(folder / test_odd_backups.ODD)


def of_full(make: Callable[[FullBackupStore], object]) -> Make:
    return lambda folder, _: make(store_in(folder))


def of_snapshot(plant: Callable[[Path], object]) -> Make:
    return lambda folder, _: put_full(store_in(folder), LATER, plant=plant, files=("uploads",))


def of_archive(make: Callable[[], dict[str, bytes]]) -> Make:
    return lambda folder, _: (folder / "full_backup_20261126_040000.tar.gz").write_bytes(next(iter(make().values())))


def without_a_row(folder: Path, real: Real) -> None:
    """Somebody cut a line out, and made a manifest for what was left."""
    begins = real.sql.index(b"\n", real.sql.index(b"COPY public.users")) + 1
    real.put(folder, real.sql[:begins] + real.sql[real.sql.index(b"\n", begins) + 1 :])


def with_another_value(folder: Path, real: Real) -> None:
    """As many rows as before."""
    begins = real.sql.index(b"\n", real.sql.index(b"COPY public.users")) + 1
    ends = real.sql.index(b"\n", begins)
    row = real.sql[begins:ends]
    real.put(folder, real.sql[:begins] + re.sub(rb"@", b"#", row, count=1) + real.sql[ends:])


def with_more_rows_told(folder: Path, real: Real) -> None:
    real.put(folder, rows={name: rows + 1 for name, rows in real.manifest.rows.items()})


def with_a_table_told(folder: Path, real: Real) -> None:
    real.put(folder, rows={**real.manifest.rows, "authdb.ghosts": 1})


def with_other_digests(folder: Path, real: Real) -> None:
    real.put(folder, digests=dict.fromkeys(real.manifest.digests, "0" * 32))


def acting(act: str) -> Make:
    return lambda folder, real: real.put(folder, with_act(real.sql, act))


def without_data(top: Path) -> None:
    """Settings and files alone: what is read first is small and lies anywhere."""
    for name in (DUMP_FILE, REDIS_FILE):
        (top / "own" / name).unlink()


def rotten_pack(folder: Path, _: Real) -> None:
    """One bit in the middle of the contents."""
    put_full(store_in(folder), LATER, weight=1 << 20, plant=without_data, redis=None, databases=(), server_version="")
    pack = max((folder / "restic" / "data").glob("*/*"), key=lambda path: path.stat().st_size)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(data)


def lost_pack(folder: Path, real: Real) -> None:
    put_full(store_in(folder), LATER, weight=1 << 20, plant=without_data, redis=None, databases=(), server_version="")
    max((folder / "restic" / "data").glob("*/*"), key=lambda path: path.stat().st_size).unlink()


NOT_OURS = ("of another system", "of another site")
SEEN: dict[str, Bad] = {
    **{f"dump, {name}": Bad(make=of_dump(make), said=said) for name, (make, said) in test_backups.FAULTS.items()},
    **{f"dump, {name}": Bad(make=of_file(make), said=said) for name, (make, said) in test_odd_backups.FILES.items()},
    **{
        f"archive, {name}": Bad(make=of_archive(make), said=said)
        for name, (make, said) in test_crafted_archives.KINDS.items()
    },
    **{
        f"full, {name}": Bad(make=of_full(make), said=None if name in NOT_OURS else said)
        for name, (make, said) in test_full_backups.FAULTS.items()
    },
    **{
        f"full, {name}": Bad(make=of_snapshot(make), said=said)
        for name, (make, said) in test_crafted_snapshots.CRAFTED.items()
    },
}
RESTORED: dict[str, Bad] = {
    "rows that are not there": Bad(make=with_more_rows_told, said="rows instead of"),
    "a table that is not there": Bad(make=with_a_table_told, said="authdb.ghosts is missing"),
    "a row that is gone": Bad(make=without_a_row, said="rows instead of"),
    "a value that is another": Bad(make=with_another_value, said="holds other rows than its source"),
    "digests of something else": Bad(make=with_other_digests, said="holds other rows than its source"),
    "an error in it": Bad(make=acting("SELECT 1/0;"), said="division by zero"),
    "a program in it": Bad(make=acting("\\! id"), said="runs a program"),
    "an end in the middle": Bad(make=acting("\\q"), said="middle of it"),
    "settings of the server in it": Bad(make=acting("ALTER SYSTEM SET work_mem = '1MB';"), said="own files"),
    "a full one that has rotted": Bad(make=rotten_pack, said="could not be read"),
    "a full one of which a part is gone": Bad(make=lost_pack, said="could not be read"),
}
ALWAYS_FULL = ("full, of another system", "full, without a manifest", "full, less than it says")


def is_quick(kind: str) -> bool:
    """A snapshot takes a second to make."""
    return not kind.startswith("full, ") or kind in ALWAYS_FULL


ALWAYS = ("rows that are not there", "a value that is another", "a full one that has rotted")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('state')}/state.db")
    made.migrate()
    yield made
    made.close()


@pytest.fixture(scope="module")
def real(lab: Lab, database: Database, tmp_path_factory: pytest.TempPathFactory) -> Real:
    with proving(lab, database, tmp_path_factory.mktemp("real")) as here:
        manifest = back_up_postgres(here.configuration, "production", clients=here.clients)
        packed = (here.configuration.backups.directory / manifest.name).read_bytes()
    return Real(sql=gzip.decompress(packed), manifest=manifest)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with one of each kind that nothing is wrong with."""
    folder = tmp_path_factory.mktemp("good")
    with cheap_keys(tmp_path_factory.mktemp("restic")):
        put_full(store_in(folder))
        test_backups.put(folder, 1)
        yield folder


def test_there_are_more_than_fifty_kinds() -> None:
    assert len(SEEN) + len(RESTORED) > 80


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if is_quick(kind) else pytest.mark.more) for kind in SEEN]
)
def test_what_a_recovery_would_refuse_is_told_before(
    lab: Lab, database: Database, real: Real, good: Path, tmp_path: Path, kind: str
) -> None:
    require_told(SEEN[kind], lab, database, real, good, tmp_path)


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind in ALWAYS else pytest.mark.long) for kind in RESTORED]
)
def test_what_only_shows_when_it_is_restored_is_told_before(
    lab: Lab, database: Database, real: Real, good: Path, tmp_path: Path, kind: str
) -> None:
    require_told(RESTORED[kind], lab, database, real, good, tmp_path)


def require_told(bad: Bad, lab: Lab, database: Database, real: Real, good: Path, folder: Path) -> None:
    """It is named with its reason, readiness is not green, and says what to do."""
    shutil.copytree(good, folder / "backups", dirs_exist_ok=True)
    names = {path.name for path in good.iterdir()}
    bad.make(folder / "backups", real)
    with proving(lab, database, folder, system="shop", files=FILES, databases=("authdb",)) as here:
        known = {one.name for one in here.look() if one.moment == MOMENT or one.name in names}
        odd: list[StoredBackup] = [one for one in here.look() if one.name not in known]
        if bad.said is None:
            assert not odd
            return
        (one,) = odd
        why = one.fault
        if not why:
            proof = here.prover.prove(one)
            assert proof is not None
            assert proof.result is ProofResult.FAILED, proof
            why = proof.fault
        line = here.lines()[LINE_OF[one.kind] if one.fault else LINES[one.kind]]
        assert bad.said in why
        assert line.colour is (Colour.AMBER if one.fault else Colour.RED), line
        assert one.name in line.reason and bad.said in line.reason
        assert "drbot backup" in line.remedy
        assert here.left_behind() == []


def test_one_that_is_too_old_and_none_at_all_are_told(lab: Lab, database: Database, tmp_path: Path) -> None:
    with proving(lab, database, tmp_path, system="shop", files=FILES, databases=("authdb",)) as here:
        assert "there is none" in here.lines()[DUMP].reason
        test_backups.put(here.configuration.backups.directory, 2)
        assert here.lines()[DUMP].colour is Colour.GREEN
    targets = here.configuration.targets.model_copy(update={"rpo": 3600.0})
    with proving(lab, database, tmp_path, system="shop", files=FILES, databases=("authdb",), targets=targets) as late:
        assert late.lines()[DUMP].colour is Colour.RED
        assert "more than the RPO" in late.lines()[DUMP].reason
