"""A site that is only a Redis: it is filled, backed up, lost, and brought back as level 3 does it."""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis

from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.site import Backups, Configuration, Docker, Redis, Service, Site
from drbot.lab.images import REDIS_IMAGE
from drbot.runners.actions import fetching, restoring
from drbot.runners.backups.choose_full import identity_of
from drbot.runners.backups.make_full import Making, back_up_full
from drbot.runners.clients.clients import Clients, clients_of
from drbot.runners.contract.action import StepContext
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.foundation.watching import never, unheard
from tests.archives import fetching_context
from tests.integration.redis.forms import Kind, project
from tests.permits import own
from tests.waiting import wait_for

Keys = dict[tuple[int, bytes], tuple[str, Any, int]]  # database and key → type, value, moment of its end (-1: none)
READERS: dict[Any, Any] = {
    b"string": lambda server, key: server.get(key),
    b"list": lambda server, key: server.lrange(key, 0, -1),
    b"set": lambda server, key: server.smembers(key),
    b"hash": lambda server, key: server.hgetall(key),
    b"zset": lambda server, key: server.zrange(key, 0, -1, withscores=True),
    b"stream": lambda server, key: server.xrange(key),
}


@dataclass(frozen=True, kw_only=True)
class RedisSite:
    """One compose project with one Redis."""

    name: str
    host: str
    folder: Path
    kind: Kind
    port: int
    configuration: Configuration
    clients: Clients

    @property
    def volume(self) -> str:
        return f"{self.name}_data"

    @property
    def site(self) -> Site:
        return self.configuration.site()

    @property
    def projects(self) -> Path:
        return self.folder / "projects"

    def docker(self, *arguments: str) -> str:
        done = subprocess.run(["docker", "-H", self.host, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def compose(self, *arguments: str) -> str:
        return self.docker("compose", f"--project-directory={self.projects / self.name}", "-p", self.name, *arguments)

    def up(self) -> None:
        """As anybody starts it."""
        self.compose("up", "--detach")
        wait_for(self.answers, 60, "Redis to answer")

    def answers(self) -> bool:
        if not self.compose("ps", "--quiet", "redis"):  # it is not running yet, or any more
            return False
        try:
            return bool(next(self.servers()).ping())
        except redis.exceptions.RedisError:
            return False

    def servers(self) -> Iterator["redis.Redis"]:
        """One client for each database that it has; each has to be asked in turn."""
        container = self.compose("ps", "--quiet", "redis")
        form = f'{{{{(index .NetworkSettings.Networks "{self.name}_default").IPAddress}}}}'
        address = self.docker("inspect", "--format", form, container)
        for database in range(max(16, *self.kind.databases) + 1 if len(self.kind.databases) > 1 else 16):
            with redis.Redis(
                host=address, port=self.port, db=database, socket_timeout=5, username=self.kind.username,
                password=self.kind.password,
            ) as server:  # fmt: skip
                yield server

    def fill(self) -> None:
        """Keys of all types; of those that expire, some soon."""
        for database, server in enumerate(self.servers()):
            if database not in self.kind.databases:
                continue
            pipe = server.pipeline(transaction=False)
            for number in range(300):
                pipe.set(f"session:{number}", f"user {number}", px=3_600_000 + number)
            for number in range(40):
                pipe.set(f"soon:{number}", "gone by then", px=15_000 + 10 * number)
            pipe.rpush("list", *range(500))
            pipe.sadd("set", "a", "b", "日本")
            pipe.hset("hash", mapping={"field": "value", "binary": b"\x00\xff"})
            pipe.zadd("zset", {"one": 1.5, "two": 2})
            pipe.xadd("stream", {"event": "login"}, id="1-1")
            pipe.set(b"binary\x00key\n", os.urandom(2000))
            if not self.kind.lasting:
                for key in ("list", "set", "hash", "zset", "stream", b"binary\x00key\n"):
                    pipe.pexpireat(key, int(time.time() * 1000) + 7_200_000)
            pipe.execute()

    def keys(self) -> Keys:
        """Everything that is there."""
        found: Keys = {}
        for database, server in enumerate(self.servers()):
            for key in server.scan_iter(count=1000):
                with server.pipeline(transaction=True) as pipe:
                    kind = server.type(key)
                    if kind == b"none":  # its time was over between two questions
                        continue
                    READERS[kind](pipe, key)
                    pipe.pexpiretime(key)
                    value, ends = pipe.execute()
                if ends != -2:
                    found[database, key] = (str(kind), value, ends)
        return found

    def back_up(self) -> StepContext:
        """A full backup; the context of a level 3 that uses it."""
        made, manifest = back_up_full(self.configuration, "production", clients=self.clients)
        return self.context(identity_of(made, manifest))

    def context(self, sealed: BackupIdentity) -> StepContext:
        """Of a step of a level 3."""
        run = f"run-{self.name}"
        context = fetching_context(self.folder / "home", run, sealed, self.site, self.configuration)
        labels = {"drbot.run": run, "drbot.step": "restore-redis"}
        return replace(context, clients=self.clients, labels=labels, own=own(run))

    def lose(self) -> None:
        """The host; its folders come back with `restore`."""
        self.compose("down", "--timeout", "2")
        self.docker("volume", "rm", self.volume)
        shutil.rmtree(self.projects / self.name)

    def restore(self, context: StepContext) -> None:
        """Steps of level 3, as its runbook has them."""
        fetching.fetch(context, {})
        (self.projects / self.name).mkdir(parents=True)
        fetching.fetched(context).put_settings(self.projects, ())
        restoring.restore_redis(context, {"volume": self.volume})

    def on_volume(self, script: str) -> None:
        """Do something to its data."""
        shut_in = ("--rm", "--network=none", "--user=root", "--entrypoint=sh")
        self.docker("run", *shut_in, f"--volume={self.volume}:/data", REDIS_IMAGE, "-c", script)

    def making(self) -> Making:
        """A full backup at its beginning."""
        (self.folder / "parts").mkdir()
        return Making(
            configuration=self.configuration, site_name="production", clients=self.clients, started=datetime.now(UTC),
            folder=self.folder / "parts", progress=unheard, cancelled=never,
        )  # fmt: skip


@contextmanager
def redis_site(host: str, folder: Path, form: str, kind: Kind) -> Iterator[RedisSite]:
    """A new one, that is up; all of it is gone afterwards."""
    name = f"r{os.getpid()}{secrets.token_hex(3)}"
    (folder / "projects" / name).mkdir(parents=True)
    volume = f"{name}_data"
    port, ready = project(folder / "projects" / name, form, kind, volume)
    site = Site(
        docker=Docker(host=host), projects=folder / "projects", redis=Redis(service="redis", volume=volume),
        services={"redis": Service(project=name, service="redis", role="cache")},
    )  # fmt: skip
    backups = Backups(directory=folder / "backups")
    configuration = Configuration(system="shop", sites={"production": site}, backups=backups)
    settings = RunnerSettings(home=folder / "home", docker_host=host)
    made = RedisSite(
        name=name, host=host, folder=folder, kind=kind, port=port, configuration=configuration,
        clients=clients_of(site, configuration, settings),
    )  # fmt: skip
    made.docker("volume", "create", volume)
    try:
        if ready:
            made.on_volume(ready)
        made.up()
        yield made
    finally:
        for container in made.docker("ps", "-aq", "--filter", f"volume={volume}").split():
            print(made.docker("logs", "--tail", "20", container))
            made.docker("rm", "-f", "-v", container)
        for what in ("network", "volume"):
            for found in made.docker(what, "ls", "-q", "--filter", f"name={name}_").split():
                made.docker(what, "rm", found)
        made.clients.close()
