"""An archive of the document's scripts that somebody has crafted, or that has rotted: a survey refuses it, and whatever
a survey lets through comes back whole.
"""

import gzip
import io
import random
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.runners.actions.host import unpacked_size
from drbot.runners.backups.choose_full import FullRules, choose_full_backup
from drbot.runners.clients.archive_files import folders_in, repacked, write_folder
from drbot.runners.clients.document_archive import read_archive, unpack
from drbot.runners.clients.tar_entries import entries
from drbot.runners.foundation.watching import never, unheard
from tests.archives import SQL, add, store_in

NAME, FOLDER, VOLUME = "full_backup_20261126_030000.tar.gz", "app/uploads", "uploads"
STAMP = "20261126_030000"


@dataclass(frozen=True, kw_only=True)
class Crafted:
    """One entry of a tar, as nobody's tar would write it."""

    name: str
    kind: bytes = tarfile.REGTYPE
    link: str = ""
    data: bytes = b""
    claims: int | None = None  # bytes, whatever it has
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def packed(self) -> bytes:
        info = tarfile.TarInfo(self.name)
        info.type, info.linkname, info.pax_headers = self.kind, self.link, self.headers
        info.size = len(self.data) if self.claims is None else self.claims
        header = info.tobuf(tarfile.PAX_FORMAT if self.headers else tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
        return header + self.data + bytes(-len(self.data) % 512)


END = bytes(1024)
WHOLE = (Crafted(name="shop/.env", data=b"PASSWORD=secret\n"), Crafted(name="shop/compose.yml", data=b"services: {}\n"))


def tar(*entries: Crafted, end: bytes = END) -> bytes:
    return b"".join(entry.packed for entry in entries) + end


def archive(*, settings: bytes = tar(*WHOLE), files: bytes | None = None, more: tuple[Crafted, ...] = ()) -> bytes:
    """A full backup with these archives inside, and `more` beside them."""
    parts = {f"all_databases_{STAMP}.sql.gz": SQL, f"config_{STAMP}.tar.gz": settings}
    if files is not None:
        parts[f"files_backup_{STAMP}.tar.gz"] = files
    packed = (Crafted(name=f"backup/{name}", data=gzip.compress(data, 1)) for name, data in parts.items())
    return gzip.compress(tar(*packed, *more), 1)


def survey(data: bytes) -> None:
    read_archive([data], NAME, (FOLDER, VOLUME), never)


def restored(data: bytes, top: Path) -> dict[str, bytes]:
    """Everything that comes out of it, as the steps of a recovery do it, and the tar of a helper."""
    top.mkdir()
    (top / NAME).write_bytes(data)
    out, projects, volume = top / "out", top / "projects", top / "volume"
    for folder in (projects, volume):
        folder.mkdir()
    files = unpack(top / NAME, out, unheard, never)
    for name in folders_in([files.read_bytes()], NAME, (FOLDER, VOLUME)) if files else ():
        assert files is not None
        if name == FOLDER:
            write_folder([files.read_bytes()], NAME, FOLDER, projects, never)
        else:
            stream = b"".join(repacked([files.read_bytes()], NAME, VOLUME, never))
            subprocess.run(["tar", "-xpf", "-", "-C", str(volume)], input=stream, check=True, capture_output=True)
    found = (path for part in (out, projects, volume) for path in part.rglob("*") if not path.is_dir())
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in found if path.is_file()}


def rotten(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def both(*entries: Crafted) -> dict[str, bytes]:
    """Among the settings, and among the files."""
    below = [
        Crafted(name=one.name.replace("shop", FOLDER), kind=one.kind, link=one.link.replace("shop", FOLDER))
        for one in entries
    ]
    return {"settings": archive(settings=tar(*WHOLE, *entries)), "files": archive(files=tar(*below))}


def device(kind: bytes) -> Callable[[], dict[str, bytes]]:
    return lambda: both(Crafted(name="shop/device", kind=kind))


def link(target: str, kind: bytes = tarfile.SYMTYPE) -> Callable[[], dict[str, bytes]]:
    return lambda: both(Crafted(name="shop/link", kind=kind, link=target))


def of(make: Callable[[str], bytes]) -> Callable[[], dict[str, bytes]]:
    """The archive of settings, and the one of files, made of these bytes."""
    return lambda: {"settings": archive(settings=make("shop")), "files": archive(files=make(VOLUME))}


def good(top: str, end: bytes = END) -> bytes:
    return tar(*(Crafted(name=one.name.replace("shop", top), data=one.data) for one in WHOLE), end=end)


OUTSIDE, NEITHER = "would be written elsewhere", "neither a file nor a folder"
KINDS: dict[str, tuple[Callable[[], dict[str, bytes]], str]] = {
    "a path upward": (lambda: both(Crafted(name="shop/../../x")), OUTSIDE),
    "an absolute path": (lambda: both(Crafted(name="/etc/shop")), OUTSIDE),
    "a path in a header of its own": (
        lambda: {"settings": archive(settings=tar(Crafted(name="x", headers={"path": "../x"})))},
        OUTSIDE,
    ),
    "a device": (device(tarfile.CHRTYPE), NEITHER),
    "a disk": (device(tarfile.BLKTYPE), NEITHER),
    "a pipe": (device(tarfile.FIFOTYPE), NEITHER),
    "what tar does not know": (device(b"Z"), NEITHER),
    "a link outside": (link("/etc/shadow"), "a link that leads elsewhere"),
    "a link upward": (link("../../../x"), "a link that leads elsewhere"),
    "a link over another link": (
        lambda: both(
            Crafted(name="shop/a/b/top", kind=tarfile.SYMTYPE, link="../.."),
            Crafted(name="shop/a/b/out", kind=tarfile.SYMTYPE, link="top/../../x"),
        ),
        "a link that leads elsewhere",
    ),
    "a second name of a file outside": (link("/etc/shadow", tarfile.LNKTYPE), OUTSIDE),
    "a second name of no file of it": (link("shop/gone", tarfile.LNKTYPE), "a link to what is not in it"),
    "a file below a link": (
        lambda: both(Crafted(name="shop/a", kind=tarfile.SYMTYPE, link="."), Crafted(name="shop/a/b")),
        OUTSIDE,
    ),
    "a file below a file": (lambda: both(Crafted(name="shop/a"), Crafted(name="shop/a/b")), OUTSIDE),
    "a file that is a folder too": (
        lambda: both(Crafted(name="shop/a"), Crafted(name="shop/a", kind=tarfile.DIRTYPE)),
        "as two different things",
    ),
    "a second name of a file of another folder": (
        lambda: {
            "files": archive(files=tar(Crafted(name="x"), Crafted(name=f"{VOLUME}/x", kind=tarfile.LNKTYPE, link="x")))
        },
        "a link that leads elsewhere",
    ),
    "a link to nothing": (link(""), "a link to nothing"),
    "a volume that is a file": (lambda: {"files": archive(files=tar(Crafted(name=VOLUME)))}, "is no folder"),
    "a folder that is a link": (
        lambda: {"files": archive(files=tar(Crafted(name=FOLDER, kind=tarfile.SYMTYPE, link="x")))},
        "is no folder",
    ),
    "a name longer than any": (lambda: both(Crafted(name=f"shop/{'x' * 256}")), "longer than any file system takes"),
    "a path longer than any": (lambda: both(Crafted(name="shop/" + "x/" * 2000 + "y")), "is no name of a file"),
    "a rotten header": (of(lambda top: rotten(good(top), 1024 + 150)), "a header in it is broken"),
    "no end": (of(lambda top: good(top, b"")), "a header in it is broken"),
    "an end in the middle": (of(lambda top: good(top) + good(top)), "something behind its end"),
    "cut off in a file": (of(lambda top: good(top, b"")[:-500]), "damaged"),
    "a header of gigabytes": (
        of(lambda top: Crafted(name="x", kind=tarfile.XHDTYPE, claims=4 << 30).packed + good(top)),
        "a header in it has 4294967296 bytes",
    ),
    "a file of gigabytes that are not there": (
        of(lambda top: gaps(f"{top}/gaps", 64 << 30)),
        "unpacks to more than 1.1 GB",
    ),
    "two parts of a kind": (
        lambda: {"part": archive(more=(Crafted(name="x/config_1.tar.gz", data=gzip.compress(tar())),))},
        "two parts for one place",
    ),
    "a link as a part": (
        lambda: {"part": archive(more=(Crafted(name="redis_1.rdb.gz", kind=tarfile.SYMTYPE, link="/etc/shadow"),))},
        NEITHER,
    ),
    "a part upward": (lambda: {"part": archive(more=(Crafted(name="../redis_1.rdb.gz"),))}, OUTSIDE),
    "a rotten part": (
        lambda: {"part": archive(more=(Crafted(name="redis_1.rdb.gz", data=gzip.compress(b"x")[:-5] + b"....."),))},
        "damaged",
    ),
}


def gaps(name: str, claimed: int) -> bytes:
    """A sparse file that says it is this large, as the tar of the scripts would pack one."""
    info = tarfile.TarInfo(name)
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[386:398], header[398:410] = b"%011o\0" % 0, b"%011o\0" % 0  # one piece, of nothing
    header[483:495] = b"\x80" + claimed.to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + END


@pytest.mark.parametrize("kind", KINDS)
def test_a_crafted_archive_is_refused_by_the_survey_with_its_reason_and_unpacks_nowhere(
    tmp_path: Path, kind: str
) -> None:
    make, said = KINDS[kind]
    for part, data in make().items():
        with pytest.raises(PermanentError, match=said) as refused:
            survey(data)
        assert NAME in str(refused.value)
        with pytest.raises(PermanentError):
            restored(data, tmp_path / part)
    assert {path.name for path in tmp_path.iterdir()} <= {"settings", "files", "part"}


@pytest.mark.parametrize("before", ["", "./"])
def test_what_is_named_with_a_dot_before_it_comes_back(tmp_path: Path, before: str) -> None:
    """As `tar czf x.tgz .` names it."""
    named = [f"{before}{top}/deep/file" for top in (FOLDER, VOLUME)]
    dot = [Crafted(name="./", kind=tarfile.DIRTYPE)] if before else []
    hard = Crafted(name=f"{before}{VOLUME}/same", kind=tarfile.LNKTYPE, link=named[1])
    data = archive(
        settings=tar(*dot, *(Crafted(name=f"{before}{one.name}", data=one.data) for one in WHOLE)),
        files=tar(*dot, *(Crafted(name=name, data=name.encode()) for name in named), hard),
    )

    survey(data)
    found = restored(data, tmp_path / "top")

    assert found["out/projects/shop/.env"] == WHOLE[0].data
    assert found[f"projects/{FOLDER}/deep/file"] == named[0].encode()
    assert found["volume/deep/file"] == found["volume/same"] == named[1].encode()


def test_an_archive_of_whole_volumes_keeps_links_modes_and_owners(tmp_path: Path) -> None:
    """A volume's links may lead anywhere: they are data of its services."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w") as packed:
        top = tarfile.TarInfo("./uploads")
        top.type, top.mode, top.uid, top.uname = tarfile.DIRTYPE, 0o750, 1234, "root"
        packed.addfile(top)
        add(packed, f"./uploads/{'long-' * 40}/ü", b"x")
        absolute = tarfile.TarInfo("./uploads/current")
        absolute.type, absolute.linkname = tarfile.SYMTYPE, "/var/www/releases/1"
        packed.addfile(absolute)
    data = archive(files=inner.getvalue())

    survey(data)
    stream = b"".join(repacked([gzip.compress(inner.getvalue())], NAME, VOLUME, never))

    with tarfile.open(fileobj=io.BytesIO(stream)) as out:
        named = {one.name: one for one in out}
    assert (named["."].mode, named["."].uid, named["."].uname) == (0o750, 1234, "")
    assert named["./current"].linkname == "/var/www/releases/1"
    assert f"./{'long-' * 40}/ü" in named


def test_the_room_that_it_takes_on_the_host_is_counted_not_guessed(tmp_path: Path) -> None:
    """A hundred megabytes of zeros in a file of a hundred kilobytes: less than anybody calls a bomb."""
    large, content = 100 << 20, Crafted(name=f"{VOLUME}/x", data=bytes(100 << 20))
    path = tmp_path / NAME
    path.write_bytes(archive(files=tar(content)))

    chosen = choose_full_backup((store_in(tmp_path),), FullRules(system="shop", site="production"))

    assert 4 * path.stat().st_size < large < chosen.backup.unpacked < large + 1000
    assert unpacked_size(chosen.backup) == chosen.backup.unpacked


GOOD = ("shop/a", "./shop/b", "shop//c", "shop/deep/er/d", "shop/ü")
NAMES = (*GOOD * 8, "shop/a/b", "shop", ".", "./", "x/../y", "/z", "", "shop/" + "n" * 260)
TARGETS = (*("a", "./b", "deep/er/d") * 4, "shop/a", "./shop/b", "../shop/a", "..", ".", "/etc", "", "b/../../..")
TYPES = (
    *(tarfile.REGTYPE,) * 60,
    *(tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE) * 5,
    *(tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, b"Z"),
)


def crafted_by(chance: random.Random) -> tuple[bytes, bytes]:
    """Anything that somebody, or a disk, could make of a backup, and the settings in it."""
    inner = [mutated(tar(*some_entries(chance, top)), chance) for top in ("shop", FOLDER, VOLUME)]
    settings, *files = inner
    data = archive(settings=settings, files=chance.choice(files))
    return settings, mutated(data, chance) if chance.random() < 0.1 else data


def some_entries(chance: random.Random, top: str) -> Iterator[Crafted]:
    for _ in range(chance.randint(1, 4)):
        kind = chance.choice(TYPES)
        data = chance.randbytes(chance.choice((0, 5, 600))) if kind in tarfile.REGULAR_TYPES else b""
        name, target = (chance.choice(words).replace("shop", top) for words in (NAMES, TARGETS))
        headers = {"path": chance.choice(NAMES)} if chance.random() < 0.05 else {}
        yield Crafted(name=name, kind=kind, link=target, data=data, headers=headers)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """As it is, most of the time; else some bytes are others, or the end is missing."""
    if chance.random() < 0.8:
        return data
    at = chance.randrange(len(data))
    return data[:at] if chance.random() < 0.3 else rotten(data, at)


@pytest.mark.parametrize("seed", range(6))
def test_what_a_survey_lets_through_unpacks_whole_and_what_it_refuses_leads_nowhere(tmp_path: Path, seed: int) -> None:
    """Whole: as the tar that everybody has unpacks it."""
    chance, let_through = random.Random(seed), 0  # noqa: S311 - repeatable
    for number in range(100):
        settings, data = crafted_by(chance)
        try:
            survey(data)
        except PermanentError:
            with pytest.raises(PermanentError):
                restored(data, tmp_path / str(number))
        else:
            found = restored(data, tmp_path / str(number))
            assert found["out/own/all_databases.sql"] == SQL
            out = {path.removeprefix("out/projects/"): data for path, data in found.items() if "out/projects/" in path}
            assert out == unpacked_by_tar(settings, tmp_path / "by-tar" / str(number))
            let_through += 1
        assert {path.name for path in tmp_path.iterdir()} <= {"by-tar", *map(str, range(100))}

    assert 5 < let_through < 95


def unpacked_by_tar(data: bytes, folder: Path) -> dict[str, bytes]:
    folder.mkdir(parents=True)
    subprocess.run(["tar", "-xf", "-", "-C", str(folder)], input=data, check=True, capture_output=True)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_no_folder_is_made_through_a_link_that_lies_in_the_target(tmp_path: Path) -> None:
    outside, target = tmp_path / "outside", tmp_path / "target"
    outside.mkdir()
    target.mkdir()
    (target / FOLDER).parent.mkdir()
    (target / FOLDER).symlink_to(outside)
    packed = gzip.compress(tar(Crafted(name=f"{FOLDER}/made/by/the/archive", data=b"x")), 1)

    with pytest.raises(PermanentError, match="through a link"):
        write_folder([packed], NAME, FOLDER, target, never)

    assert list(outside.iterdir()) == []


def test_a_part_of_gigabytes_that_are_there_is_read() -> None:
    """How much has come when its header is read says nothing of what comes."""
    info = tarfile.TarInfo("backup/all_databases_1.sql.gz")
    info.size = 2 << 30
    zeros = bytes(1 << 20)

    def pieces() -> Iterator[bytes]:
        yield info.tobuf(tarfile.GNU_FORMAT)
        yield from repeat(zeros, info.size // len(zeros))
        yield bytes(tarfile.RECORDSIZE)

    assert [one.path for one in entries(pieces(), NAME)] == ["backup/all_databases_1.sql.gz"]
