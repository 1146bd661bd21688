"""A dump that this host has read is not read again before somebody writes to its file."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from drbot.core.base.errors import BackupError, UserError
from drbot.core.runs.plan import BackupIdentity
from drbot.runners.backups.choose_dump import BackupRules, check, choose
from drbot.runners.backups.readings import FILE, FOLDER, Readings, stamp_of
from drbot.runners.clients.backup_store import BackupStore, manifest_path
from tests.unit.runners.test_backups import RULES, SQL, put


class Reads:
    """How often somebody was told how far a look has come."""

    def __init__(self, readings: Readings) -> None:
        self.count = 0
        self.rules: BackupRules = replace(RULES, readings=readings, progress=self._progress)

    def _progress(self, done: float, total: float | None, unit: str) -> None:
        self.count += 1

    def choose(self, folder: Path) -> tuple[BackupIdentity, bool]:
        """What is chosen, and whether a dump was read for it."""
        before = self.count
        return choose(BackupStore(folder), self.rules).backup, self.count > before


@pytest.fixture
def reads(tmp_path: Path) -> Reads:
    return Reads(Readings(tmp_path / "home", settled=0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"


@pytest.mark.parametrize("manifest", [True, False])
def test_it_is_read_once(reads: Reads, folder: Path, manifest: bool) -> None:
    path = put(folder, 1)
    if not manifest:
        manifest_path(path).unlink()

    (first, was_read), (second, was_read_again) = reads.choose(folder), reads.choose(folder)

    assert first == second
    assert (was_read, was_read_again) == (True, False)


def test_one_that_was_written_a_moment_ago_is_read_again(tmp_path: Path, folder: Path) -> None:
    """Its next change may have the same moment."""
    put(folder, 1)
    reads = Reads(Readings(tmp_path / "home", settled=3600))

    assert [reads.choose(folder)[1] for _ in range(2)] == [True, True]


def flipped(path: Path) -> None:
    """One bit, and the time of the change is put back."""
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[-6] ^= 1
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def exchanged(path: Path) -> None:
    """Another file of the same size and time is moved there."""
    before, other = path.stat(), path.with_name("other")
    other.write_bytes(bytes(before.st_size))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("changed", [flipped, exchanged])
def test_whoever_changes_it_is_noticed(reads: Reads, folder: Path, changed: Callable[[Path], None]) -> None:
    path = put(folder, 1)
    reads.choose(folder)

    changed(path)

    with pytest.raises(UserError, match=r"is damaged|its SHA-256 is not"):
        reads.choose(folder)


def spoiled(path: Path, notes: Path) -> None:
    """By its disk: nothing that the file system tells of it has changed."""
    flipped(path)
    known = json.loads(notes.read_text())
    known[str(path)]["stamp"] = stamp_of(path)
    notes.write_text(json.dumps(known))


def test_what_a_disk_has_spoiled_is_noticed_by_whoever_reads_anew_and_by_all_afterwards(
    reads: Reads, folder: Path, tmp_path: Path
) -> None:
    path = put(folder, 1)
    reads.choose(folder)
    spoiled(path, tmp_path / "home" / FOLDER / FILE)
    assert reads.choose(folder)[1] is False

    with pytest.raises(BackupError, match="is damaged"):
        check(BackupStore(folder).get(path.name), replace(reads.rules, readings=Readings(tmp_path / "home", anew=True)))

    with pytest.raises(UserError, match="is damaged"):
        reads.choose(folder)


def bytes_from_disks() -> int:
    """That this process has asked for: proc(5)."""
    said = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(said["read_bytes"])


@pytest.fixture
def on_a_disk() -> Iterator[Path]:
    """A folder that is not in memory as the others are, where this host has one."""
    with TemporaryDirectory(dir="/var/tmp") as folder:
        probe = Path(folder) / "probe"
        probe.write_bytes(b"a")
        with probe.open("rb") as file:
            try:
                os.preadv(file.fileno(), [bytearray(1)], 0, os.RWF_NOWAIT)
            except OSError:
                pytest.skip("no disk is below /var/tmp")
        yield Path(folder)


def test_whoever_reads_anew_reads_from_the_disk_and_not_from_memory(
    reads: Reads, on_a_disk: Path, tmp_path: Path
) -> None:
    """The host keeps what was read or written; a disk that has spoiled it is not noticed there."""
    path, anew = put(on_a_disk, 1), replace(reads.rules, readings=Readings(tmp_path / "home", anew=True))
    reads.choose(on_a_disk)
    before = bytes_from_disks()

    check(BackupStore(on_a_disk).get(path.name), anew)

    assert bytes_from_disks() - before >= path.stat().st_size


@pytest.mark.parametrize("note", ["{", "[]", '{"%s": 1}', '{"%s": {"stamp": [], "reading": {}}}'])
def test_a_note_that_cannot_be_read_is_none(reads: Reads, folder: Path, tmp_path: Path, note: str) -> None:
    path = put(folder, 1)
    reads.choose(folder)
    (tmp_path / "home" / FOLDER / FILE).write_text(note.replace("%s", str(path)))

    assert [reads.choose(folder)[1] for _ in range(2)] == [True, False]


def test_what_is_gone_is_forgotten(reads: Reads, folder: Path, tmp_path: Path) -> None:
    gone = put(folder, 1)
    reads.choose(folder)
    gone.unlink()
    put(folder, 2, SQL + b"\n")

    reads.choose(folder)

    assert str(gone) not in (tmp_path / "home" / FOLDER / FILE).read_text()
