"""What can happen to a repository of full backups: bytes rot, files go, passwords differ. Each is told in words, and
nothing that is damaged passes for whole.
"""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drbot.core.base.errors import CancelledError, PermanentError, TemporaryError, UserError
from drbot.core.site.full_manifest import MANIFEST, OWN, PROJECTS, full_name
from drbot.core.site.readiness import Colour
from drbot.core.site.site import Backups, Configuration, Postgres, Site
from drbot.runners.backups.choose_full import FullRules, check_full_backup, choose_full_backup, require_whole
from drbot.runners.clients.full_store import FullBackup, FullBackupStore
from drbot.runners.clients.restic import Repository, Restic, Wanted
from drbot.runners.clients.restic_words import Said
from drbot.runners.foundation.watching import unheard
from drbot.runners.upkeep.backup_readiness import look_at_backups
from tests import torture
from tests.archives import MOMENT, make_foreign, put, snapshot_of, store_in
from tests.waiting import wait_for

RULES = FullRules(system="shop", site="production", server_major=15)
LATER = MOMENT + timedelta(hours=1)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with two good full backups."""
    folder = tmp_path_factory.mktemp("made")
    for moment in (MOMENT, LATER):
        put(store_in(folder), moment)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """The same, of this test's own."""
    return shutil.copytree(made, tmp_path / "store")


@pytest.fixture
def store(folder: Path) -> FullBackupStore:
    return store_in(folder)


def files_in(folder: Path, part: str) -> list[Path]:
    return sorted(path for path in (folder / "restic" / part).rglob("*") if path.is_file())


def changed(path: Path, at: int) -> None:
    """One bit of it is another."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    written(path, bytes(data))


def written(path: Path, data: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(data)


def restic(folder: Path) -> list[str]:
    """The program itself, for this place."""
    return ["restic", "--insecure-no-password", "--no-cache", "-r", str(folder / "restic")]


def pieces_of(folder: Path) -> Iterator[tuple[str, int]]:
    """Where every piece of data lies: its pack file and the middle of it."""
    for index in files_in(folder, "index"):
        said = subprocess.run([*restic(folder), "cat", "index", index.name], capture_output=True, check=True)
        for pack in json.loads(said.stdout)["packs"]:
            yield from ((pack["id"], blob["offset"] + blob["length"] // 2) for blob in pack["blobs"])


def test_whatever_bit_rots_a_check_refuses_it(tmp_path: Path) -> None:
    """In folders too: over a damaged one restic itself ends as if all were well, or breaks down."""
    backup = put(store_in(tmp_path))
    pieces = list(pieces_of(tmp_path))

    for pack, middle in pieces:
        path = tmp_path / "restic" / "data" / pack[:2] / pack
        changed(path, middle)
        assert not is_good(backup), f"byte {middle} of {pack}"
        changed(path, middle)

    assert len(pieces) == 4 + 6  # files that hold something, and folders
    assert is_good(backup)


def is_good(backup: FullBackup) -> bool:
    """As a check sees it; what it says of a damaged one names the place."""
    try:
        check_full_backup(backup, RULES)
    except PermanentError as error:
        assert backup.store.place in str(error)
        return False
    return True


def test_whatever_kinds_of_files_are_in_it_a_whole_one_is_whole(store: FullBackupStore, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make devices and files of others")
    (tmp_path / "top" / "files").mkdir(parents=True)
    torture.plant(tmp_path / "top" / "files", many=20, sparse=8 << 20)
    made = store.restic().backup(["files"], host="x", tags=(), moment=MOMENT, folder=tmp_path / "top")

    require_whole(store.newest_first()[0], made, RULES)


def test_what_cannot_be_read_only_while_it_is_read_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a store fails for a moment: over a damaged folder restic breaks down, or leaves it out and ends as if all
    were well. Which of the two is chance, so that here the folder is always left out.
    """
    backup = put(store_in(tmp_path / "backups"))
    program = tmp_path / "bin" / "restic"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nreal="{shutil.which("restic")}"\ncase "$*" in\n'
        '  dump*--archive=tar*) "$real" "$@" | tar --delete -f - files ;;\n  *) exec "$real" "$@" ;;\nesac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    with pytest.raises(PermanentError, match=r"is damaged: not all of its \d+ entries can be read"):
        check_full_backup(backup, RULES)


def cut(path: Path) -> None:
    written(path, path.read_bytes()[: path.stat().st_size // 3])


@pytest.mark.parametrize("harm", [cut, Path.unlink], ids=["cut off", "gone"])
def test_a_pack_that_is_cut_or_gone_is_found(
    store: FullBackupStore, folder: Path, harm: Callable[[Path], object]
) -> None:
    first, *_ = files_in(folder, "data")
    harm(first)

    assert not all(map(is_good, store.newest_first()))


def test_a_backup_that_nobody_can_read_is_told_and_hides_no_good_one(store: FullBackupStore, folder: Path) -> None:
    snapshot = snapshot_of(store.newest_first()[0])
    changed(folder / "restic" / "snapshots" / snapshot.id, 20)

    chosen = choose_full_backup((store,), RULES)

    assert chosen.backup.name == full_name(MOMENT)
    assert chosen.silent[0].startswith(f"{store.place}: a backup there cannot be read: ")
    assert snapshot.id in chosen.silent[0]


def test_one_whose_index_is_gone_is_refused_by_its_name(store: FullBackupStore, folder: Path) -> None:
    known = set(files_in(folder, "index"))
    put(store, LATER + timedelta(hours=1))
    (new,) = set(files_in(folder, "index")) - known
    new.unlink()

    chosen = choose_full_backup((store,), RULES)

    assert chosen.backup.name == full_name(LATER)
    assert chosen.refused[0].startswith(full_name(LATER + timedelta(hours=1)))
    assert "not found in repository" in chosen.refused[0]


def instead(part: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
    """Something else lies where the first file of this part was."""

    def harm(repository: Path) -> None:
        path = files_in(repository.parent, part)[0]
        path.unlink()
        make(path)

    return harm


@pytest.mark.parametrize("part", ["keys", "snapshots", "index", "data"])
@pytest.mark.parametrize(("make", "said"), [(os.mkfifo, "it is a pipe"), (Path.mkdir, "it is a folder")])
def test_what_is_no_file_in_a_repository_holds_nobody_up(
    store: FullBackupStore, folder: Path, part: str, make: Callable[[Path], object], said: str
) -> None:
    """restic waits for the writer of a pipe for ever, and for a folder to become a file a quarter of an hour."""
    instead(part, make)(folder / "restic")

    with pytest.raises(PermanentError, match=f"{folder}/restic/{part}/.* cannot be read: {said}"):
        store.newest_first()


BROKEN: dict[str, Callable[[Path], Any]] = {
    "its settings rotted": lambda repository: changed(repository / "config", 40),
    "its settings are empty": lambda repository: written(repository / "config", b""),
    "every key is gone": lambda repository: shutil.rmtree(repository / "keys"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_place_is_told_and_another_one_is_used(
    store: FullBackupStore, folder: Path, made: Path, kind: str
) -> None:
    BROKEN[kind](folder / "restic")

    chosen = choose_full_backup((store, store_in(made)), RULES)

    assert chosen.backup.place.startswith(f"file:{made}/")
    assert f"could not be listed: {store.place}" in chosen.silent[0]


def test_a_folder_that_nobody_may_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "restic").write_text("no folder")

    with pytest.raises(PermanentError, match=f"file:{tmp_path}/ cannot be listed"):
        store_in(tmp_path).newest_first()


def test_a_password_opens_what_was_made_with_it_alone(
    store: FullBackupStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing or wrong: told in words, and another place is used."""
    secret = store_in(tmp_path / "secret")
    monkeypatch.setenv("RESTIC_PASSWORD", "of these backups")
    backup = put(secret)
    assert choose_full_backup((secret,), RULES).backup.sha256 == backup.digest

    monkeypatch.setenv("RESTIC_PASSWORD", "another")
    with pytest.raises(
        PermanentError, match=f"{secret.place}: it was made with another RESTIC_PASSWORD than this process"
    ):
        secret.newest_first()

    monkeypatch.delenv("RESTIC_PASSWORD")
    with pytest.raises(PermanentError, match="it was made with a RESTIC_PASSWORD, and this process has none"):
        secret.newest_first()
    with pytest.raises(UserError, match="it was made with a RESTIC_PASSWORD"):
        choose_full_backup((secret,), RULES)
    chosen = choose_full_backup((secret, store), RULES)
    assert chosen.backup.place.startswith(store.place)
    assert "RESTIC_PASSWORD" in chosen.silent[0]


def test_one_without_a_password_is_not_taken_by_whoever_has_one(
    store: FullBackupStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not encrypted, so anybody could have put it there."""
    monkeypatch.setenv("RESTIC_PASSWORD", "of these backups")

    with pytest.raises(UserError, match="it was made with another RESTIC_PASSWORD than this process has"):
        choose_full_backup((store,), RULES)


def test_one_that_cannot_be_opened_is_red_also_where_dumps_are_made(
    store: FullBackupStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every scheduled full backup would fail."""
    monkeypatch.setenv("RESTIC_PASSWORD", "of these backups")
    postgres = Postgres(volume="pgdata", databases=("shop",))
    configuration = Configuration(
        system="shop", sites={"production": Site(postgres=postgres)}, backups=Backups(directory=folder)
    )

    lines = {line.what: line for line in look_at_backups(configuration).lines}

    assert lines["places of backups"].colour is Colour.RED
    assert "another RESTIC_PASSWORD than this process has, or with none" in lines["places of backups"].reason
    assert lines["full backup"].colour is Colour.RED


def test_where_backups_are_encrypted_an_archive_that_anybody_could_have_put_there_is_chosen_by_a_person_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes in the bucket would say by a newer one which compose files are started on an empty host."""
    monkeypatch.setenv("RESTIC_PASSWORD", "of these backups")
    store = store_in(tmp_path / "secret")
    planted = make_foreign(tmp_path / "secret", MOMENT + timedelta(hours=1))
    with pytest.raises(UserError, match="its origin cannot be verified"):
        choose_full_backup((store,), RULES)
    ours = put(store)

    chosen = choose_full_backup((store,), RULES)

    assert chosen.backup.sha256 == ours.digest
    assert any(planted.name in why and "its origin cannot be verified" in why for why in chosen.refused)
    assert choose_full_backup((store,), RULES, planted.name).backup.name == planted.name


def test_a_password_is_in_no_message_and_no_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RESTIC_PASSWORD", "hunter2")
    store = store_in(tmp_path)

    assert "hunter2" not in repr(store.repository)
    with pytest.raises(PermanentError) as refused:
        store.restic().snapshots()
    assert "hunter2" not in str(refused.value)
    assert "no repository" in str(refused.value)


def test_what_is_copied_to_another_place_has_the_same_digest_and_takes_no_second_room(
    store: FullBackupStore, folder: Path, tmp_path: Path
) -> None:
    copy = store_in(tmp_path / "copy")
    newest, oldest = map(snapshot_of, store.newest_first())
    for snapshot in (oldest, newest, newest):  # twice, as after a failure
        copy.add(store.repository, snapshot)

    assert [one.digest for one in copy.newest_first()] == [one.digest for one in store.newest_first()]
    assert [one.moment for one in copy.newest_first()] == [LATER, MOMENT]
    assert sum(path.stat().st_size for path in files_in(tmp_path / "copy", "data")) < 2 * sum(
        path.stat().st_size for path in files_in(folder, "data")
    )


def test_work_that_nobody_wants_any_more_ends(store: FullBackupStore) -> None:
    with pytest.raises(CancelledError):
        store.newest_first(cancelled=lambda: True)


def test_a_file_that_is_not_there_is_a_difference_also_when_it_is_empty(store: FullBackupStore, tmp_path: Path) -> None:
    """restic says of an empty one what it says of every folder."""
    source, target, restic = tmp_path / "source", tmp_path / "target", store.restic()
    (source / "files" / "below").mkdir(parents=True)
    for name, text in (("full", "x"), ("empty", ""), ("below/empty", "")):
        (source / "files" / name).write_text(text)
    made = restic.backup(["files"], host="h", tags=(), moment=MOMENT, folder=source)
    restic.restore(made, Wanted(folder="/files"), str(target))
    assert restic.compare(made, Wanted(folder="/files"), str(target), alone=True).other == ()

    for gone in ("full", "empty", "below/empty"):
        (target / gone).rename(tmp_path / "gone")
        assert restic.compare(made, Wanted(folder="/files"), str(target), alone=True).other == (f"/{gone}",)
        (tmp_path / "gone").rename(target / gone)


@pytest.mark.parametrize("text", ["", "x"])
def test_each_further_name_of_a_file_is_compared_too(store: FullBackupStore, tmp_path: Path, text: str) -> None:
    """restic says of them only that they are links to the first, whatever is there."""
    source, target, restic = tmp_path / "source", tmp_path / "target", store.restic()
    (source / "files").mkdir(parents=True)
    (source / "files" / "a").write_text(text)
    for name in ("b *[x]", "c"):
        (source / "files" / name).hardlink_to(source / "files" / "a")
    made = restic.backup(["files"], host="h", tags=(), moment=MOMENT, folder=source)
    restic.restore(made, Wanted(folder="/files"), str(target))

    compared = restic.compare(made, Wanted(folder="/files"), str(target), alone=True)
    assert (compared.same, compared.other) == (3, ())

    for name in ("a", "b *[x]", "c"):
        (target / name).rename(tmp_path / "gone")
        assert restic.compare(made, Wanted(folder="/files"), str(target), alone=True).other == (f"/{name}",)
        (target / name).write_text("something else")
        assert restic.compare(made, Wanted(folder="/files"), str(target), alone=True).other == (f"/{name}",)
        (tmp_path / "gone").rename(target / name)


def test_a_bucket_that_went_away_holds_no_survey_up(tmp_path: Path) -> None:
    """restic alone would try for a quarter of an hour."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"http://127.0.0.1:{silent.getsockname()[1]}/bucket"
        keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
        restic = Restic(Repository(url=f"s3:{place}", place=place, keys=keys), answers_within=1)

        for ask in (restic.exists, restic.snapshots, lambda: restic.document("latest", "/own/manifest.json")):
            with pytest.raises(TemporaryError, match=f"{place} did not answer within 1 s"):
                ask()


def test_a_backup_in_use_is_removed_next_time(store: FullBackupStore, folder: Path) -> None:
    """Whoever reads or copies holds a lock; it goes with the program, and one that was killed holds nobody."""
    command = [*restic(folder), "backup", "--stdin", "-q"]
    at_work = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: bool(files_in(folder, "locks")), 30, "its lock")
        assert store.remove_old(1, "shop", "production") == ()
    finally:
        at_work.kill()
        at_work.communicate()

    assert files_in(folder, "locks")  # left behind
    assert store.remove_old(1, "shop", "production") == (full_name(MOMENT),)


def test_the_manifest_of_a_backup_is_sealed_with_it(store: FullBackupStore) -> None:
    """Nobody can exchange it alone: it lies inside, and the digest is of everything."""
    backup = store.newest_first()[0]
    tree, paths = store.restic().listed(snapshot_of(backup).id, [OWN])
    assert (tree, f"{OWN}/{MANIFEST}" in paths) == (backup.digest, True)

    assert put(store, LATER, rows={"authdb.users": 3}).digest != backup.digest


def test_a_breakdown_is_told_by_its_first_words() -> None:
    said = Said(unheard, None)

    for line in ("panic: runtime error: invalid memory address", "goroutine 1 [running]:", "\tmain.go:172 +0x267"):
        said.take(line)

    assert said.reason == "restic broke down (panic: runtime error: invalid memory address)"


def test_what_is_made_is_for_its_owner_alone(store: FullBackupStore, folder: Path) -> None:
    put(store, LATER + timedelta(hours=1))

    assert {path.stat().st_mode & 0o077 for path in files_in(folder, "snapshots")} == {0}
    assert (folder / "restic").stat().st_mode & 0o077 == 0


def test_a_comparison_writes_and_removes_nothing(tmp_path: Path) -> None:
    backup = put(store_in(tmp_path / "backups"))
    folder = tmp_path / "shop"
    (folder / "ai-micro-postgres" / "more").mkdir(parents=True)
    (folder / "ai-micro-postgres" / ".env").write_text("of today")
    (folder / "ai-micro-postgres" / "more" / "orders").write_text("of users")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}

    compared = backup.store.restic().compare(snapshot_of(backup).id, Wanted(folder=PROJECTS), str(folder), alone=True)

    assert compared.same == 0
    assert len(compared.other) >= 2
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert (folder / "ai-micro-postgres" / ".env").read_text() == "of today"
