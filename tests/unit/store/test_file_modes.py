"""Files are made with their mode, whatever the umask, and what was left open is closed at the start of a process."""

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.runners.clients import git
from drbot.runners.clients.backup_store import close_own
from drbot.runners.clients.compose import Watch
from drbot.runners.clients.process import Bounds, run_process
from drbot.store.base.database import Database
from drbot.store.base.file_modes import PUBLIC_UMASK, begin_private, private, public_folder, write_private
from tests.permits import own


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.lstat().st_mode))


def test_the_state_and_what_sqlite_puts_beside_it_are_private_from_the_first_moment(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'state.db'}")
    database.migrate()
    with database.read():
        modes = {path.name: mode(path) for path in tmp_path.glob("state.db*")}
    database.close()

    assert modes == {"state.db": "0o600", "state.db-wal": "0o600", "state.db-shm": "0o600"}


def test_what_an_older_drbot_left_open_is_closed_and_nothing_else(tmp_path: Path) -> None:
    own, foreign, linked = tmp_path / "logs" / "r1" / "a.log", tmp_path / "engine" / "volume", tmp_path / "target"
    for path in (own, foreign, linked):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (tmp_path / "logs" / "link").symlink_to(linked)
    (tmp_path / "state.db").touch()

    begin_private(tmp_path)

    assert [mode(path) for path in (own, own.parent, tmp_path / "logs", tmp_path / "state.db")] == [
        "0o600", "0o700", "0o700", "0o600",
    ]  # fmt: skip
    assert (mode(foreign), mode(linked)) == ("0o666", "0o666")
    (tmp_path / "later").touch()
    assert mode(tmp_path / "later") == "0o600"


def test_a_file_that_was_open_is_closed_when_it_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    write_private(path, "new")
    with open(tmp_path / "other", "ab", opener=private):
        pass

    assert (path.read_text(), mode(path), mode(tmp_path / "other")) == ("new", "0o600", "0o600")


def test_backups_of_drbot_are_closed_and_those_of_other_scripts_stay(tmp_path: Path) -> None:
    for name in ("a.sql.gz", "a.manifest.json", "b.tar.gz", "b.manifest.json", "foreign.sql.gz"):
        (tmp_path / name).touch()

    close_own(tmp_path)

    modes = {path.name: mode(path) for path in tmp_path.iterdir()}
    assert modes.pop("foreign.sql.gz") == "0o666"
    assert set(modes.values()) == {"0o600"}


def test_programs_write_for_their_owner_and_for_everybody_only_where_they_are_asked_to(tmp_path: Path) -> None:
    bounds = Bounds(cancelled=lambda: False)
    run_process(["touch", str(tmp_path / "own")], bounds, lambda line: None)
    run_process(["touch", str(tmp_path / "systems")], bounds, lambda line: None, umask=PUBLIC_UMASK)

    assert (mode(tmp_path / "own"), mode(tmp_path / "systems")) == ("0o600", "0o644")


def test_folders_of_the_recovered_system_are_open_also_under_a_private_umask(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o700)
    os.umask(0o077)

    public_folder(tmp_path / "mine" / "a" / "b")

    assert [mode(tmp_path / "mine" / name) for name in ("", "a", "a/b")] == ["0o700", "0o755", "0o755"]


def test_a_clone_can_be_read_by_the_containers_it_is_for(tmp_path: Path) -> None:

    origin = tmp_path / "origin"
    author = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "init", "-q", str(origin)], check=True)
    (origin / "nginx.conf").write_text("x")
    for words in (("add", "--all"), ("commit", "-q", "--no-verify", "-m", "one")):
        subprocess.run(["git", "-C", str(origin), *author, *words], check=True)
    watch = Watch(bounds=Bounds(cancelled=lambda: False), on_line=lambda line: None)
    os.umask(0o077)

    git.clone(f"file://{origin}", git.head_of(origin, watch), tmp_path / "new" / "system", own(), watch)

    assert [mode(tmp_path / "new" / name) for name in ("", "system", "system/nginx.conf")] == [
        "0o755", "0o755", "0o644",
    ]  # fmt: skip
