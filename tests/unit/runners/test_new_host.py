"""The parts of a recovery on a new host that need no host."""

import subprocess
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.files.runbook_file import PACKAGED, load_runbook
from drbot.core.runbooks.runbook import without
from drbot.runners.actions.host import faults_of
from drbot.runners.clients import git, own_folder
from drbot.runners.clients.compose import Watch
from drbot.runners.clients.host_packages import engine_is_missing
from drbot.runners.clients.process import Bounds
from drbot.runners.foundation import permit as permits
from tests.permits import own, permit

WATCH = Watch(bounds=Bounds(cancelled=lambda: False), on_line=lambda line: None)
SETTINGS = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


def commit(repository: Path, text: str) -> str:
    (repository / "compose.yml").write_text(text)
    for words in (("add", "--all"), ("commit", "-q", "--no-verify", "-m", text)):
        subprocess.run(["git", "-C", str(repository), *SETTINGS, *words], check=True)
    return git.head_of(repository, WATCH)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


def test_the_clone_is_at_the_pinned_commit_although_the_branch_has_moved(repository: Path, tmp_path: Path) -> None:
    pinned = commit(repository, "as it ran")
    commit(repository, "as somebody changed it since")

    for _ in range(2):  # the second time it is there already
        git.clone(f"file://{repository}", pinned, tmp_path / "new" / "system", own(), WATCH)

    assert (tmp_path / "new" / "system" / "compose.yml").read_text() == "as it ran"


def test_neither_a_foreign_folder_nor_a_change_is_overwritten(repository: Path, tmp_path: Path) -> None:
    pinned = commit(repository, "as it ran")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "notes").write_text("mine")
    changed = tmp_path / "changed"
    git.clone(f"file://{repository}", pinned, changed, own("r0"), WATCH)
    (changed / "compose.yml").write_text("mended by hand at night")

    for folder in (foreign, changed):
        with pytest.raises(PermanentError, match="this run has not made"):
            git.clone(f"file://{repository}", pinned, folder, own("r1"), WATCH)
    git.clone(f"file://{repository}", pinned, changed, own("r0"), WATCH)

    assert (changed / "compose.yml").read_text() == "mended by hand at night"


def test_a_folder_of_somebody_else_beside_the_clone_stays(repository: Path, tmp_path: Path) -> None:
    """dr.yml says where the clone lies, so the folder beside it may be anybody's, whatever its name."""
    pinned = commit(repository, "as it ran")
    foreign = tmp_path / "customers.part"
    foreign.mkdir()
    (foreign / "notes").write_text("theirs")

    git.clone(f"file://{repository}", pinned, tmp_path / "customers", own(), WATCH)

    assert (foreign / "notes").read_text() == "theirs"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["customers", "customers.part", "repository"]


def test_another_folder_under_the_name_of_the_kept_one_is_not_deleted(tmp_path: Path) -> None:
    kept, other = tmp_path / "kept", tmp_path / "moved"
    kept.mkdir()
    identity = own_folder.identity_of(kept)
    kept.rename(other)
    kept.mkdir()
    (kept / "somebody's").write_text("data")

    with pytest.raises(PermanentError, match="is not the folder of the plan"):
        own_folder.remove_kept(kept, identity, permit(permits.folder(kept)))

    assert (kept / "somebody's").exists() and other.exists()


@pytest.mark.parametrize(
    ("docker", "compose", "faults"),
    [("26.1.5+dfsg1", "2.26.1-4", 0), ("20.9", "v2.0", 1), ("", "1.29.2", 2), ("100.0", "10.0", 0)],
)
def test_versions_are_compared_as_numbers(docker: str, compose: str, faults: int) -> None:
    found = faults_of({"docker": docker, "compose": compose}, {"docker": "20.10", "compose": "2.0"})

    assert len(found) == faults


def test_an_engine_that_was_never_installed_is_told_from_one_that_is_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    assert engine_is_missing(None, "/nonexistent")
    assert engine_is_missing("unix:///var/run/docker.sock", "/nonexistent")
    assert not engine_is_missing("tcp://10.0.0.7:2376", "/nonexistent")


def test_on_an_empty_host_nobody_is_asked_and_the_order_stays() -> None:
    steps = load_runbook(PACKAGED / "level3-host.yml").runbook.steps
    asked = {step.id for step in steps if any(one.probe == "host.occupied" for one in step.when)}

    left = {step.id: step.after for step in without(steps, asked)}

    assert asked == {"approval", "set-aside"}
    assert all(step.gate is None and step.effect != "destroy" for step in steps if step.id in left)
    assert left["clone"] == ()
    assert left["restore-postgres"] == ("volumes",)
