"""A full backup of a running lab: everything is in it, whatever kind of file it is, and comes back as it was."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drbot.core.base.errors import CancelledError, PermanentError
from drbot.core.runs.plan import Holds
from drbot.core.site.full_manifest import DUMP, REDIS, FullManifest
from drbot.core.site.site import Backups, Configuration
from drbot.runners.actions.equality import not_as_they_ran
from drbot.runners.backups.choose_full import FullRules, check_full_backup, choose_full_backup
from drbot.runners.backups.held import require_held
from drbot.runners.backups.make_full import back_up_full
from drbot.runners.clients.compose_settings import digest_of, settings_of
from drbot.runners.clients.fetched import Fetched, Recovery, Volume, files_wanted
from drbot.runners.clients.full_store import FullBackup, FullBackupStore
from drbot.runners.foundation.watching import never, unheard
from tests.archives import store_in
from tests.integration.actions.conftest import WorkerFixture, own
from tests.torture import MANY, picture, plant

pytestmark = pytest.mark.docker


@dataclass(frozen=True, kw_only=True)
class Made:
    """A backup with 1000 keys, and what is in it as a recovery sees it."""

    backup: FullBackup
    manifest: FullManifest
    stores: tuple[FullBackupStore, ...]
    fetched: Fetched
    folder: Path


@pytest.fixture(scope="module")
def files(shared: WorkerFixture) -> Iterator[str]:
    """A volume with everything that files can be."""
    name = own("uploads")
    engine = shared.clients.docker
    engine.create_volume(name, {})
    try:
        plant(lies_in(shared, name))
        yield name
    finally:
        engine.client.api.remove_volume(name)


def lies_in(worker_fixture: WorkerFixture, volume: str) -> Path:
    found = worker_fixture.clients.docker.volume(volume)
    assert found is not None
    return Path(found.mountpoint)


def with_files(worker_fixture: WorkerFixture, folder: Path, *names: str) -> Configuration:
    site = worker_fixture.configuration.site().model_copy(update={"files": names})
    return worker_fixture.configuration.model_copy(
        update={"sites": {"production": site}, "backups": Backups(directory=folder), "object_store": None}
    )


@pytest.fixture(scope="module")
def made(shared: WorkerFixture, files: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("full")
    redis = shared.clients.docker.container(shared.configuration.site().services["redis"])
    assert redis is not None
    script = 'for i = 1, 1000 do redis.call("SET", "key:" .. i, i) end redis.call("EXPIRE", "key:1", 9999)'
    assert shared.clients.docker.execute(redis.id, ["redis-cli", "EVAL", script, "0"], seconds=20).code == 0
    project = shared.configuration.site().projects / shared.configuration.site().services["postgres"].project
    (folder / "outside.env").write_text("SECRET=kept elsewhere\n")
    (project / "linked.env").symlink_to(folder / "outside.env")
    stores = tuple(store_in(folder / name) for name in ("copy", "backups"))
    try:
        backup, manifest = back_up_full(
            with_files(shared, folder / "backups", files), "production", clients=shared.clients,
            document=shared.lab.configuration, stores=stores,
        )  # fmt: skip
    finally:
        (project / "linked.env").unlink()
    recovery = Recovery(home=folder / "home", site="recovery", cancelled=never, progress=unheard)
    recovery.folder.mkdir(parents=True)
    snapshot = recovery.fetch(stores[0].get(backup.name))
    fetched = Fetched(recovery, recovery.facts_of(snapshot, snapshot.tree))
    yield Made(backup=backup, manifest=manifest, stores=stores, fetched=fetched, folder=folder)


def test_it_is_good_in_every_place_and_nothing_else_is_left(shared: WorkerFixture, files: str, made: Made) -> None:
    rules = FullRules(system=shared.configuration.system, site="production", server_major=15)

    for store in made.stores:
        chosen = choose_full_backup((store,), rules)
        assert (chosen.backup.name, chosen.backup.sha256, chosen.refused) == (made.backup.name, made.backup.digest, ())
        holds, uses, state = chosen.backup.holds, made.manifest.uses, made.manifest.redis
        assert state is not None
        known: dict[str, Any] = {"mounts": uses.volumes, "ports": uses.ports, "containers": uses.containers}
        known |= {"inventory": made.manifest.inventory}
        assert holds == Holds(redis=True, keys=state.keys, configuration=True, files=(files,), **known)
        require_held(made.fetched.facts, chosen.backup)
        assert check_full_backup(store.get(made.backup.name), rules) == chosen.backup
    assert [path.name for path in (made.folder / "backups").iterdir()] == ["restic"]


def test_its_rows_are_the_servers_and_its_dump_is_whole(shared: WorkerFixture, made: Made) -> None:
    dump = b"".join(made.fetched.part(DUMP))

    assert made.manifest.rows == shared.backup.rows
    assert made.manifest.system_identifier == shared.backup.system_identifier
    assert set(made.manifest.databases) == {"authdb", "apidb", "admindb", "postgres", "template1"}
    assert len(dump) == made.manifest.sql_bytes
    assert dump.rstrip().endswith(b"-- PostgreSQL database cluster dump complete\n--")


def test_its_keys_are_counted(made: Made) -> None:
    state = made.manifest.redis
    assert state is not None

    assert state.keys >= 1000
    assert state.expires >= 1
    assert state.appendonly
    assert b"".join(made.fetched.part(REDIS)).startswith(b"REDIS")


def test_every_kind_of_file_comes_back_as_it_was(worker_fixture: WorkerFixture, files: str, made: Made) -> None:
    name = files
    before = picture(lies_in(worker_fixture, name))
    kept = own("kept-uploads")
    clients = worker_fixture.clients
    there = Volume(
        name=name, engine=clients.docker, image=clients.postgres.recipe(never).image, labels={"drbot.test": kept},
        wanted=files_wanted(name),
    )  # fmt: skip
    shutil.rmtree(lies_in(worker_fixture, name) / "many")
    (lies_in(worker_fixture, name) / "program").write_text("changed")
    changed = made.fetched.compare_volume(there)
    emptied(lies_in(worker_fixture, name))
    made.fetched.put_volume(there)

    assert any(path.endswith("/program") for path in changed.other)
    assert len(changed.other) == MANY + 1
    assert differing(before, picture(lies_in(worker_fixture, name))) == []
    assert made.fetched.compare_volume(there).other == ()


def emptied(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    folder.chmod(0o700)


def differing(before: object, after: object) -> list[object]:
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    return [(path, before.get(path), after.get(path)) for path in before | after if before.get(path) != after.get(path)]


def test_settings_come_back_with_what_links_among_them_led_to(
    shared: WorkerFixture, made: Made, tmp_path: Path
) -> None:
    project = shared.configuration.site().services["postgres"].project

    made.fetched.put_settings(tmp_path, ())

    assert (tmp_path / project / ".env").read_text() == (shared.lab.projects / project / ".env").read_text()
    assert (tmp_path / project / "linked.env").read_text() == "SECRET=kept elsewhere\n"
    assert made.fetched.compare_settings(tmp_path, ()).other == ()
    (tmp_path / project / ".env").write_text("changed")
    assert made.fetched.compare_settings(tmp_path, ()).other == (f"/{project}/.env",)


def test_a_volume_that_is_not_there_and_stop_leave_nothing(worker_fixture: WorkerFixture, tmp_path: Path) -> None:
    configuration = with_files(worker_fixture, tmp_path / "backups", own("no-such-volume"))

    with pytest.raises(PermanentError, match="does not exist"):
        back_up_full(configuration, "production", clients=worker_fixture.clients)
    with pytest.raises(CancelledError):
        back_up_full(
            with_files(worker_fixture, tmp_path / "backups"),
            "production",
            clients=worker_fixture.clients,
            cancelled=lambda: True,
        )

    assert list((tmp_path / "backups").iterdir()) == []


def test_it_tells_what_its_system_needs_of_a_host(shared: WorkerFixture, made: Made) -> None:
    assert shared.volume in made.manifest.uses.volumes
    assert len(made.manifest.uses.ports) >= 5


def test_what_services_ran_with_and_no_file_holds_is_named(shared: WorkerFixture, made: Made) -> None:
    """A password that somebody's shell knew: Compose would start the service with an empty one."""
    address = shared.configuration.site().address
    now = dict(
        found
        for project in made.manifest.projects
        for found in settings_of(project, shared.clients.compose.describe(project, never), address)
    )
    ran = made.manifest.uses.settings
    (password,) = (name for name in ran if name.endswith("/postgres/POSTGRES_PASSWORD"))

    assert not_as_they_ran(ran, now) == []
    assert not_as_they_ran(ran, now | {password: digest_of("", address)}) == [password]
    assert not_as_they_ran(ran | {"shop/app/TOKEN": "1234"}, now) == ["shop/app/TOKEN"]
