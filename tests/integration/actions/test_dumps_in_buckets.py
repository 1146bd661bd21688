"""The scheduled backups of a running lab, and level 2's first steps with a dump that only a bucket has."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drbot.core.base.errors import CancelledError
from drbot.core.site.site import Backups, ObjectStore, Schedule
from drbot.lab.object_store import BUCKET, PREFIX, Bucket
from drbot.runners.actions import backup as backup_actions
from drbot.runners.actions import disk
from drbot.runners.actions.postgres import beside_rows, restore_beside
from drbot.runners.actions.site_target import SiteTarget
from drbot.runners.backups.dump_at_hand import folder_of
from drbot.runners.backups.make_dump import back_up_postgres
from drbot.runners.clients.dump_store import dump_stores
from drbot.runners.clients.full_store import full_stores
from drbot.runners.contract.target import Search
from drbot.runners.foundation.watching import never
from drbot.runners.upkeep.routines import Work
from drbot.runners.upkeep.scheduled_backups import DUMP, FULL, scheduled_backups
from tests.helpers_left import no_helper_is_left
from tests.integration.actions.conftest import WorkerFixture
from tests.integration.runners.worker_fixture import worker_fixture_in

pytest.importorskip("moto")
pytestmark = pytest.mark.docker


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    made = Bucket(folder=tmp_path / "s3")
    made.start()
    for name, value in made.keys().items():
        monkeypatch.setenv(name, value)
    yield made
    made.stop()


@pytest.fixture
def scheduled(worker_fixture: WorkerFixture, bucket: Bucket, tmp_path: Path) -> WorkerFixture:
    """The lab with a folder of its own, a bucket, and a schedule."""
    changes = {
        "backups": Backups(directory=tmp_path / "backups", schedule=Schedule(postgres="0 4 * * *", full="0 5 * * *")),
        "object_store": ObjectStore(bucket=BUCKET, prefix=PREFIX, endpoint=bucket.endpoint),
    }
    configuration = worker_fixture.configuration.model_copy(update=changes)
    clients = worker_fixture.with_backups(tmp_path / "backups")
    return replace(worker_fixture, configuration=configuration, clients=clients)


def works(scheduled: WorkerFixture, folder: Path) -> dict[str, Work]:
    """What a worker of the default site has to do."""
    configuration = scheduled.configuration
    made = worker_fixture_in(folder)
    made.database.close()
    target = SiteTarget(configuration.site(), configuration, scheduled.clients)
    context = replace(made.worker_context, configuration=configuration, target=target)
    return {one.key: one for one in scheduled_backups(context, scheduled.lab.configuration)}


def test_the_dump_that_is_due_is_made_and_restored_beside_from_the_bucket_alone(
    scheduled: WorkerFixture, tmp_path: Path
) -> None:
    works(scheduled, tmp_path)[DUMP].act(never)
    shutil.rmtree(scheduled.configuration.backups.directory)
    target = SiteTarget(scheduled.configuration.site(), scheduled.configuration, scheduled.clients)

    chosen = target.choose_backup(Search(site="production"))
    volume = f"{scheduled.volume}_r9"
    context = scheduled.context(run="r9", backup=chosen.backup)
    checked = backup_actions.check_again(context, {"backup": chosen.backup.name})
    room = disk.free(context, {"need": "2.5x backup"})
    try:
        restored = restore_beside(context, {"volume": volume, "backup": chosen.backup.name})
        counted = beside_rows(context, {"volume": volume})
    finally:
        scheduled.clients.docker.remove_own_volume(volume, context.own_work())

    assert chosen.backup.place.startswith(f"s3://{BUCKET}/")
    assert chosen.backup.rows == scheduled.backup.rows
    assert target.identify(chosen.backup) == chosen.backup
    assert checked.facts["sha256"] == chosen.backup.sha256
    assert room.facts["need_bytes"] == 2.5 * chosen.backup.unpacked
    assert restored.facts["rows"] == chosen.backup.rows
    assert counted.passed, counted.sentence
    assert not folder_of(context).exists()


def test_no_row_has_more_backups_made_than_the_calendar_asks_for(scheduled: WorkerFixture, tmp_path: Path) -> None:
    """Whoever writes the database may say that one is due, again and again, until the good ones are pushed out."""
    dump = works(scheduled, tmp_path)[DUMP]
    for _ in range(3):
        dump.act(never)

    made = scheduled.clients.backups.newest_first()
    assert len(made) == 1
    assert [one.name for one in dump_stores(scheduled.configuration)[0].newest_first()] == [made[0].name]


@pytest.mark.long
def test_the_full_backup_that_is_due_is_made(scheduled: WorkerFixture, tmp_path: Path) -> None:
    works(scheduled, tmp_path)[FULL].act(never)

    for store in full_stores(scheduled.configuration):
        (made,) = store.newest_first()
        manifest = store.manifest(made)
        assert manifest is not None and manifest.rows == scheduled.backup.rows


def test_one_that_is_cancelled_leaves_nothing_and_no_program(scheduled: WorkerFixture) -> None:
    stop = threading.Event()

    def stopped() -> bool:
        is_over = stop.is_set()
        stop.set()
        return is_over

    with pytest.raises(CancelledError):
        back_up_postgres(scheduled.configuration, "production", clients=scheduled.clients, cancelled=stopped)

    assert list(scheduled.configuration.backups.directory.iterdir()) == []
    assert dump_stores(scheduled.configuration)[0].newest_first() == ()
    no_helper_is_left(scheduled.clients.docker, {"drbot.step": "dump"})
