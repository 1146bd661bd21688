"""What a run downloads has a folder of its own; of the folders beside it only downloads go."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.plan import Holds
from core.site import Backups, Configuration, Site
from runners.action import StepContext
from runners.actions import fetching
from runners.clients.full_folder import FolderStore
from runners.clients.full_store import FullBackupStore
from runners.full_choice import FullRules, choose_full_backup
from tests.archives import fetching_context, put


def context(home: Path, run: str, store: FullBackupStore, folder: Path) -> StepContext:
    """A run whose plan names the full backup that is there."""
    site = Site()
    configuration = Configuration(
        system="shop", sites={"recovery": site}, default_site="recovery", backups=Backups(directory=folder)
    )
    chosen = choose_full_backup((store,), FullRules(system="shop", site="production")).backup
    return fetching_context(home, run, chosen, site, configuration)


def test_a_download_makes_room_for_the_next_and_folders_of_others_stay(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "backups"
    folder.mkdir()
    store = FullBackupStore(FolderStore(folder))
    put(store, tmp_path / "work")
    first, second = (context(home, run, store, folder) for run in ("r1", "r2"))
    fetching.fetch(first, {})
    others = home / "recoveries" / "recovery" / "customers"
    others.mkdir()
    (others / "data.db").write_text("all that they have")

    fetching.fetch(second, {})

    assert fetching.unpacked(second).dump.exists()
    assert not fetching.folder_of(first).exists()
    assert (others / "data.db").exists()


@pytest.mark.parametrize(
    ("holds", "said"),
    [
        (Holds(files=("uploads",)), "no uploads"),
        (Holds(redis=True, configuration=True, files=("a", "b")), "no a, no b"),
    ],
)
def test_what_approvers_read_that_a_backup_holds_is_seen_before_they_are_asked(
    tmp_path: Path, holds: Holds, said: str
) -> None:
    """A manifest beside the archive may say anything; the download is the proof, and comes before the gate."""
    folder = tmp_path / "backups"
    folder.mkdir()
    store = FullBackupStore(FolderStore(folder))
    put(store, tmp_path / "work")
    run = context(tmp_path / "home", "r1", store, folder)
    assert run.plan.backup is not None
    told = run.plan.model_copy(update={"backup": run.plan.backup.model_copy(update={"holds": holds})})
    run = replace(run, plan=told)

    fetching.fetch(run, {})

    found = fetching.fetched(run, {})
    assert not found.passed
    assert said in found.sentence
