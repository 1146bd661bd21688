"""PostgreSQL and Redis as the source document runs them: one container each, driven by docker's command line."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from drbot.lab.images import POSTGRES_IMAGE, REDIS_IMAGE
from drbot.lab.ownership import LABEL
from tests.waiting import wait_for

LAB = f"t{os.getpid()}document"


@dataclass(frozen=True, kw_only=True, slots=True)
class Docker:
    """The command line, at one engine."""

    host: str

    def run(self, *words: str, stdin: bytes | None = None) -> "subprocess.CompletedProcess[bytes]":
        """One command with what it said; it may fail."""
        return subprocess.run(["docker", "-H", self.host, *words], input=stdin, capture_output=True)

    def do(self, *words: str) -> str:
        """One command that must work."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def shell(self, script: str) -> "subprocess.CompletedProcess[str]":
        """A piece of the document's scripts, word for word but for names and paths."""
        environment = {**os.environ, "DOCKER_HOST": self.host}
        return subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True)

    @contextmanager
    def volume(self, name: str) -> Iterator[str]:
        """A volume with its containers; all gone at the end."""
        full = f"drlab-{LAB}-{name}"
        self.do("volume", "create", "--label", f"{LABEL}={LAB}", full)
        try:
            yield full
        finally:
            found = self.do("ps", "-aq", "--filter", f"volume={full}").split()
            if found:
                self.do("rm", "-f", "-v", *found)
            self.run("volume", "rm", "-f", full)

    def start(self, name: str, *words: str) -> str:
        """A container of ours; its name."""
        full = f"drlab-{LAB}-{name}"
        self.do("run", "-d", "--name", full, "--label", f"{LABEL}={LAB}", *words)
        return full

    def postgres(
        self, volume: str, name: str = "postgres", *, image: str = POSTGRES_IMAGE, command: Sequence[str] = ()
    ) -> str:
        """A server that answers."""
        place = f"{volume}:/var/lib/postgresql/data"
        server = self.start(name, "-e", "POSTGRES_PASSWORD=secret", "-v", place, image, *command)
        ready = ("exec", server, "pg_isready", "-q", "-h", "127.0.0.1", "-U", "postgres")
        wait_for(lambda: self.run(*ready).returncode == 0, 60, "PostgreSQL")
        return server

    def psql(self, server: str, statement: str, database: str = "postgres") -> str:
        """The answer to one statement."""
        return self.do("exec", server, "psql", "-XAtqU", "postgres", "-d", database, "-c", statement)

    def redis(self, volume: str, *options: str, name: str = "redis") -> str:
        """A server that has loaded its data."""
        server = self.start(name, "-v", f"{volume}:/data", REDIS_IMAGE, "redis-server", *options)
        wait_for(lambda: self.cli(server, "ping") == "PONG", 60, "Redis")
        return server

    def cli(self, server: str, *words: str) -> str:
        """redis-cli."""
        return self.run("exec", server, "redis-cli", *words).stdout.decode().strip()

    def saved_rdb(self, server: str) -> bytes:
        """The RDB file of a running server, saved now."""
        assert self.cli(server, "save") == "OK"
        return self.run("exec", server, "cat", "/data/dump.rdb").stdout
