"""One odd file hides no good backup and holds no survey: each is refused with its reason, in bounded time and room."""

import gzip
import json
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from isal import igzip

from drbot.core.base.errors import CancelledError, PermanentError, UserError
from drbot.core.site.backup_times import AHEAD, UNKNOWN, moment_in
from drbot.core.site.full_manifest import FullManifest, full_name
from drbot.runners.backups.choose_dump import choose, identify, newest
from drbot.runners.backups.choose_full import FullRules, choose_full_backup
from drbot.runners.clients.backup_reader import BackupReader
from drbot.runners.clients.backup_store import BackupStore, backup_at, manifest_path
from tests.archives import MOMENT, put_files, store_in
from tests.archives import put as put_full
from tests.strain import Strain
from tests.unit.runners.test_backups import RULES, SQL, put

ODD = "all_databases_20261126_020000.sql.gz"
MEBIBYTE = 1 << 20


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        folder = os.open(path.parent, os.O_RDONLY)  # a socket's path is short
        try:
            listening.bind(f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)


def a_pipe_as_manifest(path: Path) -> None:
    path.write_bytes(gzip.compress(SQL))
    os.mkfifo(manifest_path(path))


def a_folder_as_manifest(path: Path) -> None:
    path.write_bytes(gzip.compress(SQL))
    manifest_path(path).mkdir()


def a_link_as_manifest(path: Path) -> None:
    path.write_bytes(gzip.compress(SQL))
    manifest_path(path).symlink_to("gone")


def a_manifest_of(path: Path, text: str) -> None:
    path.write_bytes(gzip.compress(SQL))
    manifest_path(path).write_text(text)


def a_time_without_a_zone(path: Path) -> None:
    put(path.parent, 2)
    manifest = manifest_path(path)
    manifest.write_text(manifest.read_text().replace("Z", ""))


def a_manifest_that_says(path: Path, **changes: object) -> None:
    put(path.parent, 2)
    manifest = manifest_path(path)
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changes))


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pipe": (os.mkfifo, "it is a pipe"),
    "a socket": (a_socket, "it is a socket"),
    "a folder": (Path.mkdir, "it is a folder"),
    "a link to nowhere": (lambda path: path.symlink_to("gone"), "No such file"),
    "a link to itself": (lambda path: path.symlink_to(path), "symbolic links"),
    "a link to a device": (lambda path: path.symlink_to("/dev/zero"), "it is a device"),
    "empty": (Path.touch, "cut off"),
    "a pipe as manifest": (a_pipe_as_manifest, "it is a pipe"),
    "a folder as manifest": (a_folder_as_manifest, "it is a folder"),
    "a link to nowhere as manifest": (a_link_as_manifest, "is a broken link"),
    "a manifest of a million brackets": (lambda path: a_manifest_of(path, "[" * 10**6), "cannot be read"),
    "a manifest of a hundred megabytes": (lambda path: a_manifest_of(path, " " * 10**8), "it has more than"),
    "a manifest whose times have no zone": (a_time_without_a_zone, "cannot be read"),
    "a size that no disk has": (lambda path: a_manifest_that_says(path, size=10**400), "cannot be read"),
    "a version of a thousand digits": (
        lambda path: a_manifest_that_says(path, server_version="9" * 5000),
        "cannot be read",
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_an_odd_file_is_refused_with_its_reason_and_hides_no_good_one(tmp_path: Path, kind: str) -> None:
    make, said = FILES[kind]
    good = put(tmp_path, 1)
    make(tmp_path / ODD)
    store = BackupStore(tmp_path)

    chosen = choose(store, RULES)

    assert chosen.backup.name == good.name
    assert [why for why in chosen.refused if said in why and ODD in why], chosen.refused
    assert identify(store, chosen.backup) == chosen.backup


def test_a_full_backup_that_says_what_no_server_says_hides_no_good_one(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    good = put_full(store)
    later = MOMENT + timedelta(hours=1)
    plain = FullManifest(name=full_name(later), system="shop", site="production", started_at=later, snapshot_at=later)
    odd = json.loads(plain.model_dump_json()) | {"server_version": "9" * 5000}
    put_files(store, later, {"own/manifest.json": json.dumps(odd).encode()})

    chosen = choose_full_backup((store,), FullRules(system="shop", site="production", server_major=15))

    assert chosen.backup.name == good.name


def test_odd_files_among_full_backups_hide_no_good_one(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    good = put_full(store)
    kinds = ("a pipe", "a socket", "a folder", "a link to nowhere", "a link to itself", "a link to a device", "empty")
    for number, kind in enumerate(kinds):
        FILES[kind][0](tmp_path / f"full_backup_20261126_05000{number}.tar.gz")

    chosen = choose_full_backup((store,), FullRules(system="shop", site="production"))

    assert chosen.backup.name == good.name
    assert [why for why in chosen.refused if "full_backup_20261126_050006.tar.gz is damaged: empty file" in why]


@pytest.mark.parametrize("stamp", ["20261345_030000", "00000000_000000", "20260230_030000", "20261126_256199"])
def test_a_day_that_does_not_exist_hides_no_good_one_and_is_never_the_newest(tmp_path: Path, stamp: str) -> None:
    good = put(tmp_path, 1)
    odd = tmp_path / f"all_databases_{stamp}.sql.gz"
    odd.write_bytes(gzip.compress(SQL))
    (tmp_path / f"full_backup_{stamp}.tar.gz").touch()

    assert choose(BackupStore(tmp_path), RULES).backup.name == good.name
    assert newest(BackupStore(tmp_path), "shop", "production").name == good.name
    assert backup_at(odd).snapshot_at == UNKNOWN
    assert len(store_in(tmp_path).newest_first()) == 1


def test_a_file_that_this_user_may_not_read_hides_no_good_one() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        require_refused_unread(Path(folder))


def require_refused_unread(folder: Path) -> None:
    """Everybody may list the folder and nobody but root read one of its files."""
    good = put(folder, 1)
    (folder / ODD).write_bytes(gzip.compress(SQL))
    (folder / ODD).chmod(0)
    for readable in (good, manifest_path(good)):  # drbot itself makes both for their owner alone
        readable.chmod(0o644)
    script = (
        "import os, sys; from pathlib import Path; from drbot.runners.backups.choose_dump import choose; "
        "from drbot.runners.clients.backup_store import BackupStore; "
        "from tests.unit.runners.test_backups import RULES; "
        "store = BackupStore(Path(sys.argv[1])); choose(store, RULES); "  # imports what it needs
        "os.setgid(65534); os.setuid(65534); chosen = choose(store, RULES); "
        "print(chosen.backup.name, chosen.refused)"
    )

    ended = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True)

    assert ended.stdout.startswith(good.name), ended.stderr
    assert f"{ODD} cannot be read: Permission denied" in ended.stdout


def test_a_file_that_grows_while_it_is_read_is_refused_and_holds_nobody(tmp_path: Path) -> None:
    good = put(tmp_path, 1)
    growing = tmp_path / ODD
    growing.write_bytes(gzip.compress(SQL))

    def grow() -> bool:  # asked after each piece that was read
        with growing.open("ab") as file:
            file.write(b"\0" * MEBIBYTE)
        return False

    chosen = choose(BackupStore(tmp_path), replace(RULES, cancelled=grow))

    assert chosen.backup.name == good.name
    assert f"{ODD} is still being written" in chosen.refused[0]


@pytest.mark.parametrize("hours", [1, 24 * 365 * 4])
def test_a_manifest_of_the_future_is_not_the_newest_and_the_loss_is_that_of_the_good_one(
    tmp_path: Path, hours: int
) -> None:
    good = put(tmp_path, 1)
    put(tmp_path, 2, snapshot_at=datetime.now(UTC) + timedelta(hours=hours))
    store = BackupStore(tmp_path)

    chosen = choose(store, RULES)

    assert chosen.backup.name == newest(store, "shop", "production").name == good.name
    assert "in the future: a clock was wrong" in chosen.refused[0]
    with pytest.raises(UserError, match="in the future"):
        choose(store, RULES, ODD)


def test_clocks_that_differ_a_little_refuse_no_backup(tmp_path: Path) -> None:
    path = put(tmp_path, 2, snapshot_at=datetime.now(UTC) + AHEAD / 2)

    assert choose(BackupStore(tmp_path), RULES).backup.name == path.name


def test_a_name_of_a_host_further_east_is_taken_as_old_as_it_can_be() -> None:
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    here = datetime(2026, 11, 26, 20).astimezone().utcoffset() or timedelta()
    local = now + here + timedelta(hours=8)  # nine hours east of here, an hour ago

    moment = moment_in(f"{local:%Y%m%d_%H%M%S}", now)

    assert moment is not None
    assert now - timedelta(hours=25) < moment < now


def test_what_cannot_be_used_pushes_no_good_backup_out(tmp_path: Path) -> None:
    good = put(tmp_path, 1)
    for hour in (2, 3, 4):
        put(tmp_path, hour, snapshot_at=datetime.now(UTC) + timedelta(days=hour))

    assert BackupStore(tmp_path).remove_old(2, "shop", "production") == ()
    assert good.exists()


@pytest.fixture(scope="module")
def bomb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Eight GiB of zeros in eight MiB, with a row's beginning before them."""
    path = tmp_path_factory.mktemp("bomb") / ODD
    zeros = gzip.compress(bytes(64 * MEBIBYTE))
    beginning = gzip.compress(b"\\connect authdb\nCOPY public.users (id) FROM stdin;\n")
    path.write_bytes(beginning + zeros * (8 * 1024 // 64))
    yield path
    path.unlink()


@pytest.mark.parametrize("manifest", [False, True])
def test_eight_gibibytes_in_a_small_file_are_refused_on_the_way(tmp_path: Path, bomb: Path, manifest: bool) -> None:
    good = put(tmp_path, 1)
    if manifest:
        put(tmp_path, 2, size=bomb.stat().st_size)
        (tmp_path / ODD).unlink()
    (tmp_path / ODD).hardlink_to(bomb)
    started = time.process_time()
    told: list[float] = []

    chosen = choose(BackupStore(tmp_path), replace(RULES, progress=lambda done, total, unit: told.append(done)))

    assert chosen.backup.name == good.name
    assert ("longer than" if manifest else "unpacks to more than") in chosen.refused[0]
    assert time.process_time() - started < 30
    assert max(told) < bomb.stat().st_size * 2 / 5  # RATIO is a third of what zeros shrink to


@pytest.mark.timeout(180)
def test_eight_gibibytes_inside_a_full_backup_are_refused_on_the_way(tmp_path: Path, bomb: Path) -> None:
    archive = tmp_path / "full_backup_20261126_020000.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        packed.add(bomb, f"full_backup_20261126_020000/{ODD}")
    store = store_in(tmp_path)
    started = time.process_time()

    with pytest.raises(UserError, match="unpacks to more than"):
        choose_full_backup((store,), FullRules(system="shop", site="production"))

    assert time.process_time() - started < 30


def test_a_look_has_an_end_whatever_the_disk_does(tmp_path: Path) -> None:
    put(tmp_path, 1)
    backup = BackupStore(tmp_path).newest_first()[0]
    reader = BackupReader(backup, lambda done, total, unit: None, lambda: False, hurried=True)
    reader._deadline = 0.0  # the file system that hangs is not to be had here

    with pytest.raises(PermanentError, match="could not be read within"):
        list(reader.statements())


def test_a_row_of_128_mebibytes_is_read_as_fast_as_many_small_ones(tmp_path: Path) -> None:
    def seconds(row: bytes, times: int) -> float:
        folder = tmp_path / str(len(row))
        folder.mkdir()
        path = folder / ODD
        with igzip.open(path, "wb", compresslevel=1) as zipped:  # type: ignore[no-untyped-call]
            zipped.write(b"\\connect authdb\nCOPY public.users (id) FROM stdin;\n")
            for _ in range(times):
                zipped.write(row)
            zipped.write(b"\\.\n-- PostgreSQL database cluster dump complete\n")
        started = time.process_time()
        for _ in BackupReader(backup_at(path), lambda *_: None, lambda: False).statements():
            pass
        return time.process_time() - started

    small = seconds(b"x" * 1023 + b"\n", 128 * 1024)
    large = seconds(b"x" * 128 * MEBIBYTE + b"\n", 1)

    assert large < 3 * small + 1


def test_stop_ends_the_reading_of_a_large_backup_within_two_seconds(tmp_path: Path, bomb: Path) -> None:
    (tmp_path / ODD).hardlink_to(bomb)
    stopped: list[float] = []

    def progress(done: float, total: float | None, unit: str) -> None:
        stopped.append(time.monotonic())

    rules = replace(RULES, progress=progress, cancelled=lambda: bool(stopped))
    with Strain() as strain:
        with pytest.raises(CancelledError):
            choose(BackupStore(tmp_path), rules)
        took = time.monotonic() - stopped[0]

    assert took < strain.allows(2)
