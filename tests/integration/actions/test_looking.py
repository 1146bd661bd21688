"""What a survey sees of a system of which nobody said what is broken: on a real one, beside its newest full backup."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drbot.core.site.data_kinds import DataKind
from drbot.core.site.site import Backups, Configuration
from drbot.runners.actions.broken import Looking, down, look
from drbot.runners.backups.make_full import back_up_full
from drbot.runners.foundation.watching import never
from tests.archives import with_quick_key
from tests.integration.actions.conftest import WorkerFixture
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.docker

FILES, LASTING, EXPIRING = 40, 2000, 5000
FILL = """
for i = 1, tonumber(ARGV[1]) do redis.call('SET', 'looked:lasting:' .. i, i) end
for i = 1, tonumber(ARGV[2]) do redis.call('SET', 'looked:brief:' .. i, i, 'EX', 86400) end
"""
ROWS = "INSERT INTO looked SELECT generate_series(1, 200000)"
EMPTY = "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A lab of which a full backup was made, files, keys and rows in it."""

    worker_fixture: WorkerFixture
    configuration: Configuration
    folder: Path

    @property
    def name(self) -> str:
        """Its entry in `files` of dr.yml."""
        return self.folder.relative_to(self.configuration.site().projects).as_posix()

    def looks(self) -> list[tuple[str, str]]:
        return [(one.kind.value, one.files) for one in look(self.looking).broken]

    @property
    def looking(self) -> Looking:
        return Looking(
            clients=self.worker_fixture.clients, site=self.configuration.site(), configuration=self.configuration,
            labels=self.worker_fixture.context("look").labels, cancelled=never, files=self.configuration.site().files,
        )  # fmt: skip

    def redis(self, *words: str) -> None:
        server = self.worker_fixture.clients.redis
        server.ask(server.running(), *words)

    def execute(self, *command: str) -> str:
        """In the container of PostgreSQL."""
        container = self.worker_fixture.clients.postgres.container()
        assert container is not None
        done = self.worker_fixture.clients.docker.execute(container.id, command, seconds=60)
        assert done.code == 0, done.output
        return done.output.strip()

    def psql(self, statement: str) -> str:
        return self.execute("psql", "-XAtqU", "postgres", "-d", "authdb", "-v", "ON_ERROR_STOP=1", "-c", statement)


@pytest.fixture(scope="module")
def seen(shared: WorkerFixture, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    site = shared.configuration.site()
    folder = site.projects / site.services["admin"].project / "pictures"
    folder.mkdir()
    _fill(folder, FILES)
    found = Seen(
        worker_fixture=shared,
        folder=folder,
        configuration=shared.configuration.model_copy(
            update={
                "sites": {"production": site.model_copy(update={"files": (str(folder.relative_to(site.projects)),)})},
                "backups": Backups(directory=tmp_path_factory.mktemp("look") / "backups"),
                "object_store": None,
            }
        ),
    )
    found.redis("eval", FILL, "0", str(LASTING), str(EXPIRING))
    found.psql(f"CREATE TABLE looked (x int); {ROWS}")
    found.psql("CHECKPOINT")
    back_up_full(with_quick_key(found.configuration), "production", clients=shared.clients)
    yield found
    found.redis("eval", EMPTY, "0", "looked:lasting:*")
    found.redis("eval", EMPTY, "0", "looked:brief:*")
    found.psql("DROP TABLE looked")
    shutil.rmtree(folder)


def _fill(folder: Path, count: int) -> None:
    for number in range(count):
        (folder / f"{number}.jpg").write_text("of a cat")


def test_of_a_whole_system_it_is_told_what_works(seen: Seen) -> None:
    found = look(seen.looking)

    assert found.is_sound
    assert re.fullmatch(r"No data looks broken: PostgreSQL answers, 2\d\d,\d{3} rows\.", found.sentence)
    assert re.fullmatch(r"Redis answers, [\d,]+ keys", look(seen.looking, DataKind.REDIS).works)
    files = f"{FILES} files in {seen.name}, {FILES} in the backup"
    assert look(seen.looking, DataKind.FILES).sentence == f"No data looks broken: {files}."


@pytest.mark.parametrize(("left", "lost"), [(FILES // 2, False), (FILES // 2 - 1, True), (1, True), (0, True)])
def test_fewer_than_half_of_the_backups_files_are_lost_files(seen: Seen, left: int, lost: bool) -> None:
    for one in sorted(seen.folder.iterdir())[left:]:
        one.unlink()
    try:
        assert seen.looks() == ([("files", seen.name)] if lost else [])
    finally:
        _fill(seen.folder, FILES)


def test_keys_that_expire_are_not_lost_and_others_are(seen: Seen) -> None:
    seen.redis("eval", EMPTY, "0", "looked:brief:*")
    assert seen.looks() == []

    seen.redis("eval", EMPTY, "0", "looked:*")
    try:
        assert seen.looks() == [("redis", "")]
    finally:
        seen.redis("eval", FILL, "0", str(LASTING), str(EXPIRING))


def test_rows_that_are_gone_are_seen_though_postgresql_answers(seen: Seen) -> None:
    seen.psql("TRUNCATE looked")
    try:
        assert seen.looks() == [("postgres", "")]
    finally:
        seen.psql(ROWS)


def test_a_table_that_cannot_be_read_is_seen_though_postgresql_answers(seen: Seen) -> None:
    path = f"$PGDATA/{seen.psql('SELECT pg_relation_filepath($$looked$$)')}"
    seen.execute("sh", "-c", f"mv {path} {path}.gone")
    try:
        assert seen.looks() == [("postgres", "")]
    finally:
        seen.execute("sh", "-c", f"mv {path}.gone {path}")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_what_somebody_stopped_is_to_be_started_not_replaced(seen: Seen, how: str) -> None:
    clients, site = seen.worker_fixture.clients, seen.configuration.site()
    found = [clients.docker.container(site.services[name]) for name in ("postgres", "redis")]
    containers = [clients.docker.client.containers.get(one.id) for one in found if one is not None]
    for one in containers:
        getattr(one, how)()
    try:
        wait_for(lambda: set(down(seen.looking)) == {"postgres", "redis"}, PATIENCE, "both to be down")
        assert seen.looks() == []
        assert look(seen.looking).sentence.startswith("No data looks broken: PostgreSQL was stopped; its data was not")
    finally:
        for one in containers:
            one.start()
        wait_for(lambda: not down(seen.looking), PATIENCE, "both to work")
