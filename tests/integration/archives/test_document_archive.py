"""What comes out of an archive of the source document's scripts, and what never does."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from drbot.core.base.errors import CancelledError, PermanentError
from drbot.core.site.full_manifest import DUMP, REDIS
from drbot.runners.clients.archive_files import folders_in
from drbot.runners.clients.document_archive import read_archive, unpack
from drbot.runners.foundation.watching import never, unheard
from tests.archives import SQL, add, make_foreign

CONFIGURATION, NAME = "config_20261126_030000.tar.gz", "full_backup_20261126_030000.tar.gz"


def archive_of(folder: Path, *members: tuple[tarfile.TarInfo | str, bytes]) -> Path:
    """An archive with these members; a name is that of a plain file."""
    path = folder / NAME
    with tarfile.open(path, "w:gz") as archive:
        pack(archive, *members)
    return path


def pack(archive: tarfile.TarFile, *members: tuple[tarfile.TarInfo | str, bytes]) -> None:
    for member, data in members:
        if isinstance(member, str):
            add(archive, member, data)
        else:
            archive.addfile(member, io.BytesIO(data))


def settings_of(*members: tuple[tarfile.TarInfo | str, bytes]) -> tuple[str, bytes]:
    """The archive of settings inside, with these members."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as archive:
        pack(archive, *members)
    return f"backup/{CONFIGURATION}", inner.getvalue()


def linked(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("top", ["full_backup_20261126_030000", "./backup", "backup_20261126/postgres"])
def test_its_parts_come_out_where_a_backup_of_drbots_has_them(tmp_path: Path, top: str) -> None:
    told: list[float] = []
    archive = make_foreign(tmp_path, top=top)

    files = unpack(archive, tmp_path / "out", lambda done, total, unit: told.append(done), never)

    assert files is None
    assert files_in(tmp_path / "out") == {f"own/{DUMP}", f"own/{REDIS}", "projects/ai-micro-postgres/.env"}
    assert (tmp_path / "out" / "own" / DUMP).read_bytes() == SQL
    assert (tmp_path / "out" / "own" / DUMP).stat().st_mode & 0o077 == 0
    assert told[-1] == archive.stat().st_size


def test_its_files_are_left_for_whoever_may_give_them_their_owners(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as archive:
        add(archive, "./uploads/a/b.png", b"x")
        add(archive, "shop/data/c", b"y")
    path = archive_of(tmp_path, ("backup/files_backup_20261126_030000.tar.gz", inner.getvalue()))

    files = unpack(path, tmp_path / "out", unheard, never)

    assert files is not None
    assert files.read_bytes() == inner.getvalue()
    assert folders_in([files.read_bytes()], NAME, ["uploads", "other", "/shop/data/"]) == ("uploads", "/shop/data/")


def test_settings_keep_their_modes_and_the_links_that_stay_among_them(tmp_path: Path) -> None:
    script = tarfile.TarInfo("shop/start.sh")
    script.mode, script.size = 0o4755, 2
    path = archive_of(
        tmp_path,
        settings_of(
            (script, b"#!"),
            linked("shop/link", "start.sh"),
            linked("web/up", "../shop/start.sh"),
            linked("web/same", "./shop/start.sh", tarfile.LNKTYPE),
        ),
    )

    unpack(path, tmp_path / "out", unheard, never)

    projects = tmp_path / "out" / "projects"
    assert files_in(tmp_path / "out") == {
        f"projects/{name}" for name in ("shop/start.sh", "shop/link", "web/up", "web/same")
    }
    assert (projects / "shop/start.sh").stat().st_mode & 0o7777 == 0o755
    assert {(projects / name).read_bytes() for name in ("shop/link", "web/up", "web/same")} == {b"#!"}


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "backup/../../outside", "."])
def test_a_path_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    """Of the archive, and of the settings inside."""
    for number, member in enumerate(((name, b"x"), settings_of((name, b"x")))):
        with pytest.raises(PermanentError, match="written elsewhere"):
            unpack(archive_of(tmp_path, member), tmp_path / "out" / str(number), unheard, never)
    assert list(tmp_path.rglob("outside")) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: bytes) -> None:
    path = archive_of(tmp_path, linked("backup/all_databases_x.sql.gz", "/etc/shadow", kind))

    with pytest.raises(PermanentError, match=r"neither a file nor a folder|would be written elsewhere"):
        unpack(path, tmp_path / "out", unheard, never)


def test_two_parts_for_one_place_are_refused(tmp_path: Path) -> None:
    dump = gzip.compress(SQL)
    path = archive_of(tmp_path, ("a/all_databases_1.sql.gz", dump), ("b/all_databases_2.sql.gz", dump))

    with pytest.raises(PermanentError, match="two parts for"):
        unpack(path, tmp_path / "out", unheard, never)


@pytest.mark.parametrize("part", ["all_databases_1.sql.gz", CONFIGURATION, "redis_1.rdb.gz"])
def test_a_part_that_unpacks_to_far_more_than_any_real_one_is_refused_on_the_way(tmp_path: Path, part: str) -> None:
    """Whoever reads it keeps nothing; an archive that was not read whole is never unpacked."""
    path = archive_of(tmp_path, (f"backup/{part}", gzip.compress(bytes(64 << 20)) * 32))

    with pytest.raises(PermanentError, match=f"{part} in {NAME}: it unpacks to more than"):
        read_archive([path.read_bytes()], NAME, (), never)


@pytest.mark.parametrize("part", ["all_databases_1.sql.gz", CONFIGURATION, "redis_1.rdb.gz"])
def test_a_part_that_was_damaged_before_it_was_packed_is_refused(tmp_path: Path, part: str) -> None:
    path = archive_of(tmp_path, (f"backup/{part}", gzip.compress(SQL)[:-6] + b"xxxxxx"))

    with pytest.raises(PermanentError, match="damaged"):
        unpack(path, tmp_path / "out", unheard, never)


def test_one_that_is_cut_off_is_refused_and_stop_ends_it(tmp_path: Path) -> None:
    path = make_foreign(tmp_path)
    with pytest.raises(CancelledError):
        unpack(path, tmp_path / "first", unheard, lambda: True)

    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(PermanentError, match="cut off"):
        unpack(path, tmp_path / "second", unheard, never)
