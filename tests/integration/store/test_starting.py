"""A state that cannot be opened is one sentence that says what to do, whatever is started; never a traceback."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.store.base.database import Database

COMMANDS = [["all"], ["worker"], ["dr", "status"]]
DOCUMENT = """
system: shop
sites:
  production:
    projects: .
    services: {auth: {project: auth, service: auth, role: app}}
backups: {directory: backups}
people:
  aiko: {name: Aiko, slack: [U1], roles: [approver]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a dr.yml."""
    (tmp_path / "dr.yml").write_text(DOCUMENT)
    return tmp_path


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A disk of 512 kB with 4 kB left."""
    home = tmp_path / "full"
    home.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", home], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"a disk cannot be mounted here: {mounted.stderr.strip()}")
    (home / "ballast").write_bytes(b"x" * 508 * 1024)
    try:
        yield home
    finally:
        subprocess.run(["umount", home], check=True)


def start(folder: Path, home: Path, command: list[str]) -> "subprocess.CompletedProcess[str]":
    """The command as a person types it, to its end."""
    variables = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    variables |= {"DRBOT_CONFIG": str(folder / "dr.yml"), "DRBOT_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-P", "-m", "drbot.cli.main", *command],
        capture_output=True,
        text=True,
        timeout=120,
        env=variables,
    )


def said(ended: "subprocess.CompletedProcess[str]") -> str:
    """What a person reads, in one line."""
    shown = " ".join((ended.stdout + ended.stderr).split())
    assert "Traceback" not in shown, shown
    assert ended.returncode != 0
    return shown


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_full_disk_below_home_is_a_sentence(folder: Path, full: Path, command: list[str]) -> None:
    shown = said(start(folder, full, command))

    assert f"Make room on the disk of {full}" in shown


@pytest.mark.more
def test_a_disk_that_fills_up_later_is_a_sentence_too(folder: Path, full: Path) -> None:
    (full / "ballast").unlink()
    started = start(folder, full, ["dr", "status"])
    with (full / "ballast").open("wb") as ballast:
        room = os.statvfs(full)
        ballast.write(b"x" * (room.f_bavail * room.f_frsize))

    shown = said(start(folder, full, ["dr", "declare", "--as", "aiko", "level1", "auth"]))

    assert "No incident is open" in started.stderr
    assert "othing started" in shown or "Make room on the disk" in shown


@pytest.mark.parametrize(
    "command", [COMMANDS[0], *(pytest.param(one, marks=pytest.mark.more) for one in COMMANDS[1:])], ids=" ".join
)
def test_a_state_that_somebody_holds_locked_is_a_sentence(folder: Path, command: list[str]) -> None:
    home = folder / "home"
    home.mkdir()
    with sqlite3.connect(home / "state.db", isolation_level=None) as holder:
        holder.execute("BEGIN EXCLUSIVE")

        shown = said(start(folder, home, command))

    assert "database is locked" in shown
    assert "Another program holds it" in shown


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_state_of_a_newer_drbot_is_a_sentence(folder: Path, command: list[str]) -> None:
    home = folder / "home"
    state = Database(f"sqlite:///{home / 'state.db'}")
    state.migrate()
    state.close()
    with sqlite3.connect(home / "state.db") as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")

    shown = said(start(folder, home, command))

    assert "Another version of drbot made it (its tables are at 9999)" in shown


def test_a_state_that_is_no_database_is_a_sentence(folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    (home / "state.db").write_bytes(b"not a database" * 1000)

    assert "file is not a database" in said(start(folder, home, ["dr", "status"]))


def test_check_says_the_same_in_its_table_and_goes_on(folder: Path, full: Path) -> None:
    shown = said(start(folder, full, ["check"]))

    assert "state and ledger" in shown
    assert "database or disk is full" in shown or "Make room" in shown
    assert "full backup" in shown
