"""A full backup is brought to the recoveries' own repository, whole and exactly the sealed one; beside it only what
other runs have downloaded goes.
"""

import io
import os
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from drbot.core.base.errors import CancelledError, PermanentError
from drbot.core.runs.plan import BackupIdentity, Holds
from drbot.core.site.full_manifest import DUMP, full_name
from drbot.core.site.site import Backups, Configuration, Site
from drbot.runners.actions import fetching, file_sets
from drbot.runners.backups.choose_full import FullRules, choose_full_backup
from drbot.runners.clients.fetched import Fetched
from drbot.runners.clients.full_store import FullBackupStore
from drbot.runners.contract.action import StepContext
from tests.archives import MOMENT, SQL, add, fetching_context, make_foreign, new_repository, put, put_files, store_in


@dataclass(frozen=True, kw_only=True)
class Made:
    """What takes many seconds is made once: a place with a full backup, and a home with it fetched by run r1."""

    folder: Path
    home: Path
    sealed: BackupIdentity


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder, home = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("home")
    put(store_in(folder))
    found = Made(folder=folder, home=home, sealed=chosen_in(folder))
    fetching.fetch(context(home, "r1", folder, found.sealed), {})
    return found


@pytest.fixture
def fetched(made: Made, tmp_path: Path) -> StepContext:
    """Run r1, which has fetched its backup into a home of this test's own."""
    return context(shutil.copytree(made.home, tmp_path / "home"), "r1", made.folder, made.sealed)


@pytest.fixture
def fresh(made: Made, tmp_path: Path) -> StepContext:
    """The same run before it has fetched anything; the place is this test's own."""
    return context(tmp_path / "home", "r1", shutil.copytree(made.folder, tmp_path / "backups"), made.sealed)


def store_of(run: StepContext) -> FullBackupStore:
    return store_in(run.configuration.backups.directory)


def chosen_in(folder: Path) -> BackupIdentity:
    store = store_in(folder)
    return choose_full_backup((store,), FullRules(system="shop", site="production")).backup


def context(home: Path, run: str, folder: Path, sealed: BackupIdentity) -> StepContext:
    """A run whose plan names this full backup."""
    site = Site()
    configuration = Configuration(
        system="shop", sites={"recovery": site}, default_site="recovery", backups=Backups(directory=folder)
    )
    return fetching_context(home, run, sealed, site, configuration)


def other_run(run: StepContext, sealed: BackupIdentity, folder: Path | None = None) -> StepContext:
    """A later one at the same site."""
    return context(run.clients.settings.home, "r2", folder or run.configuration.backups.directory, sealed)


def with_sealed(run: StepContext, **changes: Any) -> StepContext:
    """The same run, whose plan says something else of its backup."""
    assert run.plan.backup is not None
    backup = run.plan.backup.model_copy(update=changes)
    return replace(run, plan=run.plan.model_copy(update={"backup": backup}))


def dump_of(run: StepContext) -> bytes:
    return b"".join(fetching.fetched(run).part(DUMP))


def trees(run: StepContext) -> set[str]:
    """What lies in the recoveries' own repository."""
    return {one.tree for one in fetching.recovery_of(run).restic.snapshots()}


def test_what_is_fetched_is_here_and_whole(fetched: StepContext, made: Made) -> None:
    found = fetching.fetched(fetched)

    assert fetching.is_fetched(fetched, {}).passed
    assert found.manifest is not None
    assert found.manifest.name == made.sealed.name
    assert (found.facts.projects, found.facts.volumes) == (("ai-micro-postgres",), ("uploads",))
    assert dump_of(fetched) == SQL


def test_a_download_makes_room_for_the_next_and_folders_of_others_stay(fetched: StepContext, tmp_path: Path) -> None:
    others = tmp_path / "home" / "recoveries" / "recovery" / "customers"
    others.mkdir()
    (others / "data.db").write_text("all that they have")
    newer = put(store_in(tmp_path / "backups"), sql=SQL + b"-- newer")
    second = other_run(fetched, chosen_in(tmp_path / "backups"), tmp_path / "backups")

    fetching.fetch(second, {})

    assert dump_of(second) == SQL + b"-- newer"
    assert trees(second) == {newer.digest}
    assert not fetching.folder_of(fetched).exists()
    assert (others / "data.db").exists()


def test_a_run_that_has_fetched_nothing_uses_nothing_of_another_one(fetched: StepContext, made: Made) -> None:
    with pytest.raises(PermanentError, match="was not fetched whole"):
        fetching.fetched(other_run(fetched, made.sealed))


def test_notes_of_another_backup_are_not_believed(fetched: StepContext) -> None:
    facts, other = fetching.fetched(fetched).facts, "0" * 64
    for noted, said in (
        ("{", "was not fetched whole"),
        (facts.model_copy(update={"backup": other}).model_dump_json(), "another backup than the plan's"),
        (facts.model_copy(update={"tree": other}).model_dump_json(), "another backup than the plan's"),
    ):
        (fetching.folder_of(fetched) / fetching.COMPLETE).write_text(noted)
        finding = fetching.is_fetched(fetched, {})
        assert not finding.passed
        assert said in finding.sentence


@pytest.mark.more
def test_a_backup_that_went_from_here_is_missed_and_can_be_had_again(fetched: StepContext) -> None:
    restic = fetching.recovery_of(fetched).restic

    restic.forget([one.id for one in restic.snapshots()])

    finding = fetching.is_fetched(fetched, {})
    assert not finding.passed
    assert "could not be listed" in finding.sentence
    fetching.fetch(fetched, {})
    assert fetching.is_fetched(fetched, {}).passed


@pytest.mark.parametrize("rotten", ["data", "index", "config"])
@pytest.mark.more
def test_what_has_rotted_here_is_brought_again(fetched: StepContext, rotten: str) -> None:
    """Else every attempt would end at the same byte."""
    folder = fetching.recovery_of(fetched).folder / "restic"
    paths = (
        [folder / "config"] if rotten == "config" else [one for one in (folder / rotten).rglob("*") if one.is_file()]
    )
    for path in paths:
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-40] + b"?" * 40)

    fetching.fetch(fetched, {})

    assert b"COPY public.users" in dump_of(fetched)


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir])
@pytest.mark.more
def test_what_is_no_file_here_holds_nobody_up(fetched: StepContext, make: Callable[[Path], object]) -> None:
    """restic would wait for the writer of a pipe for ever."""
    path = next((fetching.recovery_of(fetched).folder / "restic" / "data").glob("*/*"))
    path.unlink()
    make(path)

    fetching.fetch(fetched, {})

    assert b"COPY public.users" in dump_of(fetched)


def test_one_that_is_not_there_any_more_is_not_replaced_by_another(fresh: StepContext) -> None:
    store = store_of(fresh)
    store.remove_old(0, "shop", "production")
    put(store, sql=SQL + b"-- another of the same name")

    with pytest.raises(PermanentError, match=f"does not hold the {full_name(MOMENT)} that the plan was made for"):
        fetching.fetch(fresh, {})
    assert not fetching.is_fetched(fresh, {}).passed


def test_a_damaged_one_is_refused_and_nothing_of_it_passes_for_whole(fresh: StepContext) -> None:
    """Where the same one lies in another place too: tests/integration/backups."""
    folder = fresh.configuration.backups.directory
    contents, _ = sorted(folder.rglob("restic/data/*/*"), key=lambda path: path.stat().st_size)
    contents.unlink()

    with pytest.raises(PermanentError, match=f"could not be filled from file:{folder}"):
        fetching.fetch(fresh, {})
    assert not fetching.is_fetched(fresh, {}).passed
    assert trees(fresh) == set()


def test_what_an_index_has_lost_is_missed_though_restic_copies_without_a_word(tmp_path: Path) -> None:
    """That copy is the proof for which a host is cleared."""
    store = store_in(tmp_path / "backups")
    put_files(store, MOMENT - timedelta(hours=1), {f"own/{DUMP}": SQL})
    (index,) = (tmp_path / "backups" / "restic" / "index").iterdir()
    put(store)
    run = context(tmp_path / "home", "r1", tmp_path / "backups", chosen_in(tmp_path / "backups"))
    shutil.copytree(new_repository(), fetching.recovery_of(run).folder / "restic")
    index.unlink()

    with pytest.raises(PermanentError, match=f"file:{tmp_path}/backups/.* is damaged: parts of it are missing"):
        fetching.fetch(run, {})

    assert not fetching.is_fetched(run, {}).passed


def test_a_disk_that_is_too_small_is_noticed_before_a_byte_is_copied(fresh: StepContext, tmp_path: Path) -> None:
    recovery = fetching.recovery_of(fresh)
    (backup,) = store_of(fresh).newest_first()

    with pytest.raises(PermanentError, match="too small"):
        fetching.bring(fresh, recovery, replace(backup, size=2**60), tmp_path)
    assert not recovery.folder.exists()


@pytest.mark.more
def test_what_is_here_already_needs_no_room(fetched: StepContext) -> None:
    recovery = fetching.recovery_of(fetched)
    (backup,) = store_of(fetched).newest_first()

    with (recovery.folder / "restic" / "data" / "00" / "large").open("wb") as file:
        file.truncate(2**42)  # takes no room itself

    assert fetching.bring(fetched, recovery, replace(backup, size=2**42), recovery.folder).tree == backup.digest


@pytest.mark.parametrize(
    ("holds", "said"),
    [
        (Holds(files=("uploads", "orders")), "no orders"),
        (Holds(redis=True, configuration=True, files=("a", "b", "shop/folder")), "no a, no b,"),
    ],
)
def test_what_approvers_read_that_a_backup_holds_is_seen_before_they_are_asked(
    fetched: StepContext, holds: Holds, said: str
) -> None:
    """A manifest may say anything; what was fetched is the proof, and comes before the gate."""
    run = with_sealed(fetched, holds=holds)

    with pytest.raises(PermanentError, match=said):
        fetching.fetch(run, {})

    finding = fetching.is_fetched(run, {})
    assert not finding.passed
    assert said in finding.sentence


def test_one_of_the_scripts_is_fetched_as_exactly_its_bytes(tmp_path: Path) -> None:
    archive = make_foreign(tmp_path / "backups")
    run = context(tmp_path / "home", "r1", archive.parent, chosen_in(archive.parent))

    fetching.fetch(run, {})

    found = fetching.fetched(run)
    assert (found.manifest, found.facts.projects, found.facts.volumes) == (None, ("ai-micro-postgres",), ())
    assert dump_of(run) == SQL
    assert len(trees(run)) == 1
    assert not (fetching.folder_of(run) / fetching.WORK).exists()
    with pytest.raises(PermanentError, match="holds no uploads"):
        fetching.fetch(with_sealed(run, holds=Holds(redis=True, files=("uploads",))), {})

    archive.write_bytes(archive.read_bytes()[:-1] + b"x")
    (fetching.folder_of(run) / archive.name).unlink()
    with pytest.raises(PermanentError, match="replaced"):
        fetching.fetch(run, {})


def test_files_of_an_archive_that_lead_elsewhere_make_nothing_there(fresh: StepContext, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        add(archive, "app/uploads/../../../elsewhere/deep/file", b"x")
    site = fresh.site.model_copy(update={"projects": tmp_path / "srv" / "projects"})
    found = cast("Fetched", SimpleNamespace(part=lambda name: iter([packed.getvalue()])))

    with pytest.raises(PermanentError, match="would be written elsewhere"):
        file_sets.unpack_folder(replace(fresh, site=site), found, "app/uploads")

    assert not (tmp_path / "srv" / "elsewhere").exists() and not (tmp_path / "elsewhere").exists()


def test_stop_ends_it_and_it_can_be_begun_again(fetched: StepContext) -> None:
    with pytest.raises(CancelledError):
        fetching.fetch(replace(fetched, cancelled=lambda: True), {})
    assert not fetching.is_fetched(fetched, {}).passed

    fetching.fetch(fetched, {})

    assert fetching.is_fetched(fetched, {}).passed


def test_with_a_password_it_lies_here_encrypted_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTIC_PASSWORD", "of these backups")
    put(store_in(tmp_path / "backups"))
    run = context(tmp_path / "home", "r1", tmp_path / "backups", chosen_in(tmp_path / "backups"))
    fetching.fetch(run, {})

    monkeypatch.delenv("RESTIC_PASSWORD")

    finding = fetching.is_fetched(run, {})
    assert not finding.passed
    assert "RESTIC_PASSWORD" in finding.sentence
