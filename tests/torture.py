"""A tree of everything that files can be, and a picture of a tree in which every difference shows."""

import hashlib
import os
import stat
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

SPARSE_BYTES = 300 << 20
MANY = 500
ACL = struct.pack(
    "<I" + "HHI" * 5, 2, 1, 6, NOBODY := 0xFFFFFFFF, 2, 4, 1234, 4, 4, NOBODY, 16, 4, NOBODY, 32, 0, NOBODY
)
NAMES = (
    "契約書.pdf", "Straße.txt", "with space", "a\nnewline", "quote'\"\\", "-dash", "*", "$(x)", "n" * 255,
    "Case", "case", ".hidden", "trailing ", "tab\there", os.fsdecode(b"latin-\xe9.txt"),
)  # fmt: skip


def plant(top: Path, *, many: int = MANY, sparse: int = SPARSE_BYTES) -> None:
    """Fill a folder. As root: owners, devices."""
    for name in NAMES:
        (top / name).write_text(f"content of {name!r}")
    deep = top.joinpath(*(["deeper" * 8] * 20))
    deep.mkdir(parents=True)
    (deep / "bottom").write_text("far down")
    (top / "empty").mkdir(mode=0o711)
    (top / "nothing").touch()
    links(top)
    modes(top)
    with (top / "sparse").open("wb") as file:
        file.truncate(sparse)
        file.seek(sparse // 2)
        file.write(b"an island")
    crowd = top / "many"
    crowd.mkdir()
    for number in range(many):
        (crowd / f"{number}").write_text(str(number))
    os.utime(top / "nothing", ns=(1, 1_000_000_001))
    os.utime(top / "empty", ns=(1, 1_600_000_000_123_456_789))


def links(top: Path) -> None:
    """Hard, absolute, relative, leading nowhere."""
    (top / "one").write_text("the same file twice")
    os.link(top / "one", top / "two")
    (top / "absolute").symlink_to("/etc/hostname")
    (top / "relative").symlink_to("empty")
    (top / "dangling").symlink_to("gone/away")


def modes(top: Path) -> None:
    """Owners, special bits, kinds, attributes."""
    (top / "program").write_bytes(b"#!/bin/sh\n")
    os.chown(top / "program", 1000, 1001)
    (top / "program").chmod(0o4755)
    (top / "shared").mkdir()
    os.chown(top / "shared", 33, 33)
    (top / "shared").chmod(0o3777)
    (top / "secret").write_text("nobody reads this")
    (top / "secret").chmod(0o000)
    os.mkfifo(top / "pipe", 0o640)
    os.mknod(top / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    (top / "listed").write_text("user 1234 reads this by the list alone")
    (top / "listed").chmod(0o640)
    os.setxattr(top / "listed", "system.posix_acl_access", ACL)
    os.setxattr(top / "program", "user.note", b"\x00\xff")


def picture(top: Path) -> Mapping[str, Any]:
    """Path → kind, mode, owner, time, content, links, attributes; the top itself is "."."""
    first: dict[tuple[int, int], str] = {}
    found = {}
    for path in (top, *sorted(top.rglob("*"))):
        inside, state = str(path.relative_to(top)), path.lstat()
        twin = first.setdefault((state.st_dev, state.st_ino), inside) if stat.S_ISREG(state.st_mode) else ""
        found[inside] = (
            stat.S_IFMT(state.st_mode), stat.S_IMODE(state.st_mode), state.st_uid, state.st_gid,
            state.st_mtime_ns, content(path, state), twin, attributes(path), state.st_rdev,
        )  # fmt: skip
    return found


def content(path: Path, state: os.stat_result) -> str:
    """A file's digest, or where a link leads."""
    if stat.S_ISLNK(state.st_mode):
        return str(path.readlink())
    if not stat.S_ISREG(state.st_mode):
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def attributes(path: Path) -> tuple[tuple[str, bytes], ...]:
    """The extended ones."""
    with suppress(OSError):
        names = sorted(os.listxattr(path, follow_symlinks=False))
        return tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in names)
    return ()
