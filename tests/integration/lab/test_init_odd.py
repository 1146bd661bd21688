"""`drbot init` on systems that are not as it wants them: a sentence and a way on for each, and no half a file."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drbot.cli.init_doubts import require_some
from drbot.core.base.errors import UserError
from drbot.core.site.configuration import load_configuration
from drbot.core.text.messages import say
from drbot.lab.images import SYSTEM_IMAGES
from drbot.runners.clients.discovery import others_on
from drbot.runners.clients.docker_engine import DockerEngine
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.docker

IMAGE = next(image for image in SYSTEM_IMAGES if "postgres" in image)
REDIS = next(image for image in SYSTEM_IMAGES if "redis" in image)
IDLE = f"{{image: '{IMAGE}', entrypoint: [sleep, '600'], stop_grace_period: 0s, volumes: ['%s']}}"


@dataclass
class Town:
    """Small compose projects of a test's own on the lab's engine."""

    host: str
    folder: Path
    label: str
    started: list[tuple[str, Path]] = field(default_factory=list)

    def compose(self, name: str, folder: Path, *words: str) -> str:
        command = ["docker", f"--host={self.host}", "compose", f"--project-name={name}", *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def up(self, name: str, services: str, place: str = "") -> Path:
        """A project of this name, in a folder of this name unless said otherwise."""
        name, folder = f"{self.label}{name}", self.folder / (place or f"{self.label}{name}")
        folder.mkdir(parents=True)
        (folder / "compose.yml").write_text(services)
        self.started.append((name, folder))
        self.compose(name, folder, "up", "--detach")
        return folder

    def init(self, *projects: str, file: Path | None = None) -> tuple[int, str]:
        """As somebody types it."""
        words = [sys.executable, "-P", "-m", "drbot.cli.main", "init", "--yes", "--file", str(file or self.file)]
        words += [f"--project={self.label}{name}" for name in projects]
        environment = {**os.environ, "DOCKER_HOST": self.host, "DRBOT_HOME": str(self.folder / "home")}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    def check(self) -> str:
        words = [sys.executable, "-P", "-m", "drbot.cli.main", "check", "--config", str(self.file)]
        environment = {**os.environ, "DRBOT_HOME": str(self.folder / "home")}
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False).stdout

    @property
    def file(self) -> Path:
        return self.folder / "dr.yml"

    def clear(self) -> None:
        for name, folder in reversed(self.started):
            if folder.is_dir():
                (folder / "compose.yml").write_text("services: {}\n")
                self.compose(name, folder, "down", "--volumes", "--remove-orphans")


@pytest.fixture
def town(engine: str, tmp_path: Path) -> Iterator[Town]:
    made = Town(host=engine, folder=tmp_path, label=f"odd{os.getpid()}")
    yield made
    made.clear()
    subprocess.run(["docker", f"--host={engine}", "volume", "rm", "--force", f"{made.label}_both"], check=False)


def test_a_project_whose_compose_file_is_gone_is_told(town: Town) -> None:
    folder = town.up("gone", f"services: {{app: {IDLE % 'data:/data'}}}\nvolumes: {{data: {{}}}}\n")
    (folder / "compose.yml").unlink()

    code, said = town.init("gone")

    assert code == 0 and f"its compose file is not in {folder} any more" in said
    assert list(load_configuration(town.file).configuration.site().services) == ["app"]


def test_a_service_that_runs_and_no_file_describes_is_told(town: Town) -> None:
    app = IDLE % "data:/data"
    folder = town.up("other", f"services: {{app: {app}, old: {app}}}\nvolumes: {{data: {{}}}}\n")
    (folder / "compose.yml").write_text(f"services: {{app: {app}}}\nvolumes: {{data: {{}}}}\n")

    code, said = town.init("other")

    assert code == 0 and "other: old run, and no compose file describes them" in said


def test_two_projects_of_one_name_are_told_with_both_folders(town: Town) -> None:
    first = town.up("twin", f"services: {{one: {IDLE % '/data'}}}\n", "a/twin")
    second = town.up("twin", f"services: {{two: {IDLE % '/data'}}}\n", "b/twin")

    code, said = town.init("twin")

    assert code == 0 and "twin was started from" in said and str(first) in said and str(second) in said


def test_a_volume_of_two_projects_is_told_unless_both_are_described(town: Town) -> None:
    both = f"services: {{app: {IDLE % 'both:/both'}}}\nvolumes: {{both: {{name: {town.label}_both%s}}}}\n"
    town.up("left", both % "")
    town.up("right", both % ", external: true")

    code, said = town.init("left")
    assert code == 0 and f"{town.label}_both is used by {town.label}right-app-1 too" in said

    _, of_both = town.init("left", "right", file=town.folder / "both.yml")
    assert "is used by" not in of_both


def test_names_in_japanese_and_a_database_without_a_password(town: Town) -> None:
    database = (
        f"{{image: '{IMAGE}', environment: {{POSTGRES_HOST_AUTH_METHOD: trust}}, "
        "volumes: ['./データ:/var/lib/postgresql/data'], stop_grace_period: 0s}"
    )
    app = IDLE % "./画像:/images"
    folder = town.up("shop", f"services: {{db: {database}, app: {app}}}\n", "店舗")
    psql = ("exec", "--no-TTY", "db", "psql", "-h", "127.0.0.1", "-U", "postgres", "-c")
    ready = ["docker", f"--host={town.host}", "exec", f"{town.label}shop-db-1", "pg_isready", "-q", "-h", "127.0.0.1"]
    wait_for(lambda: subprocess.run(ready, check=False).returncode == 0, PATIENCE, "PostgreSQL")
    town.compose(f"{town.label}shop", folder, *psql, "CREATE DATABASE 顧客")

    code, said = town.init("shop")

    site = load_configuration(town.file).configuration.site()
    assert code == 0 and "!" not in said, said
    assert site.postgres is not None
    assert site.postgres.databases == ("顧客",)
    assert site.postgres.volume == str(folder / "データ")
    assert town.init("shop")[0] == 0


def test_a_postgresql_that_does_not_answer_is_told_and_marked_in_the_file(town: Town) -> None:
    database = (
        f"{{image: '{IMAGE}', command: [postgres, -c, unix_socket_directories=/tmp, -c, listen_addresses=127.0.0.2], "
        "environment: {POSTGRES_PASSWORD: x}, volumes: ['data:/var/lib/postgresql/data'], stop_grace_period: 0s}"
    )
    town.up("mute", f"services: {{db: {database}}}\nvolumes: {{data: {{}}}}\n")
    socket = ["docker", f"--host={town.host}", "exec", f"{town.label}mute-db-1", "rm", "-f", "/tmp/.s.PGSQL.5432"]
    wait_for(lambda: "ready to accept" in town.compose(*mute_logs(town)), PATIENCE, "PostgreSQL")
    subprocess.run(socket, check=True)

    code, said = town.init("mute")

    assert code == 0 and "mute/db: PostgreSQL did not answer" in said
    assert "MISSING: it did not answer" in town.file.read_text()


def mute_logs(town: Town) -> tuple[str, Path, str]:
    name, folder = town.started[-1]
    return name, folder, "logs"


def test_the_volume_of_redis_is_the_one_it_writes_to_and_none_is_told(town: Town) -> None:
    redis = (
        f"{{image: '{REDIS}', command: [redis-server, --dir, %s, --requirepass, flash5], stop_grace_period: 0s, "
        "volumes: ['keys:/srv/keys', './settings:/etc/redis/settings']}"
    )
    volumes = "\nvolumes: {keys: {}}\n"
    town.up("keys", f"services: {{cache: {redis % '/srv/keys'}}}{volumes}")
    town.up("astray", f"services: {{cache: {redis % '/tmp'}}}{volumes}")

    _, well = town.init("keys")
    site = load_configuration(town.file).configuration.site()
    _, astray = town.init("astray", file=town.folder / "astray.yml")

    assert site.redis is not None and site.redis.volume == f"{town.label}keys_keys"
    assert "!" not in well, well
    assert "astray/cache keeps its data in no volume with a name" in astray
    assert load_configuration(town.folder / "astray.yml").configuration.site().redis is None
    assert "astray/cache:/data: why it may be lost" in (town.folder / "astray.yml").read_text()  # empty as it is

    text = town.file.read_text().replace(f"{town.label}keys", f"{town.label}astray")
    town.file.write_text(text)  # as somebody may have written it
    assert "cache writes to /tmp, which is not in it" in town.check()


def test_a_project_that_is_not_there_is_told_with_the_nearest_that_is(town: Town) -> None:
    town.up("near", f"services: {{app: {IDLE % '/data'}}}\n")

    code, said = town.init("nearr")

    assert code == 2 and f'Did you mean "{town.label}near"?' in said
    assert not town.file.exists()


def test_of_several_projects_those_of_one_system_are_to_be_named_once(town: Town) -> None:
    for name in ("shop", "notes"):
        town.up(name, f"services: {{app: {IDLE % 'data:/data'}}}\nvolumes: {{data: {{}}}}\n")

    code, said = town.init()
    assert code == 2 and "--project=" in said, said
    assert not town.file.exists()

    assert town.init("shop")[0] == 0
    code, said = town.init()
    assert code == 0 and "is as what runs here" in said, said


def test_a_system_that_is_gone_is_told_also_beside_others(town: Town) -> None:
    town.up("notes", f"services: {{app: {IDLE % '/data'}}}\n")
    folder = town.up("shop", f"services: {{app: {IDLE % '/data'}}}\n")
    assert town.init("shop")[0] == 0
    town.compose(*town.started.pop(), "down")
    assert folder.is_dir()

    code, said = town.init()

    assert code == 2 and f"No container of the project {town.label}shop is on this engine." in said


def test_containers_that_compose_has_not_started_are_named(town: Town) -> None:
    name, docker = f"{town.label}-plain", DockerEngine(town.host, 0)
    plain = docker.client.containers.run(IMAGE, ["sleep", "600"], name=name, detach=True, entrypoint=[])
    others = others_on(docker)
    plain.remove(force=True, v=True)

    assert name in others and not any("drlab" in one for one in others)
    with pytest.raises(UserError) as refused:
        require_some({}, {}, (), [name])
    assert say(refused.value.why, "en") == f"Containers run here, and Compose has started none of them: {name}."


def test_no_half_a_file_is_left_where_there_is_no_folder_for_it(town: Town) -> None:
    town.up("app", f"services: {{app: {IDLE % '/data'}}}\n")
    shutil.rmtree(town.folder / "home", ignore_errors=True)

    code, said = town.init("app", file=town.folder / "no" / "dr.yml")

    assert code == 2 and f"There is no folder {town.folder}/no." in said
    assert [path.name for path in town.folder.rglob("*dr.yml*")] == []
