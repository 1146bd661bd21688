"""A site as many have it: one compose project whose stores keep their data in `./data` beside the compose file."""

import os
import secrets
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drbot.core.runbooks.runbook import Step
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.configuration import load_configuration
from drbot.core.site.site import Configuration
from drbot.lab.images import POSTGRES_IMAGE, REDIS_IMAGE
from drbot.runners.actions.site_target import SiteTarget
from drbot.runners.backups.make_dump import back_up_postgres
from drbot.runners.clients.clients import Clients, clients_of
from drbot.runners.contract.action import StepContext
from drbot.runners.contract.target import Search
from drbot.runners.foundation.permit import emptied, services, volume
from drbot.runners.foundation.settings import RunnerSettings
from tests.permits import own, permit
from tests.step_contexts import step_context
from tests.waiting import wait_for

COMPOSE = """
services:
  db:
    image: {image}
    environment: {{POSTGRES_PASSWORD: secret}}
    volumes: ["./data/postgres:/var/lib/postgresql/data"]
    healthcheck: {{test: [CMD, pg_isready, -U, postgres, -h, 127.0.0.1], interval: 1s}}
  cache:
    image: {redis}
    volumes: [{{type: bind, source: ./data/redis, target: /data, bind: {{create_host_path: true}}}}]
"""
DR = """
version: 1
system: shop
sites:
  production:
    docker: {{host: "{host}"}}
    projects: projects
    services:
      postgres: {{project: {name}, service: db, role: database}}
      redis: {{project: {name}, service: cache, role: cache}}
    postgres: {{volume: ./{name}/data/postgres/, databases: [postgres]}}
    redis: {{volume: {name}/data/redis}}
backups: {{directory: backups}}
channels: {{home: dr-ops}}
"""
ROWS = 200


@dataclass(frozen=True, kw_only=True)
class BoundSite:
    """Its configuration, clients and shell."""

    name: str
    host: str
    folder: Path
    configuration: Configuration
    clients: Clients
    lines: list[str] = field(default_factory=list)

    @property
    def data(self) -> Path:
        """Production's."""
        return self.folder / "projects" / self.name / "data" / "postgres"

    def beside(self, suffix: str) -> Path:
        return self.data.with_name(f"{self.data.name}_{suffix}")

    def there(self) -> set[str]:
        """The folders of data, and what lies beside them."""
        return {one.name for one in self.data.parent.iterdir()}

    def docker(self, *words: str) -> str:
        done = subprocess.run(["docker", "-H", self.host, *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def compose(self, *words: str) -> str:
        return self.docker("compose", f"--project-directory={self.folder / 'projects' / self.name}", *words)

    def up(self) -> None:
        self.compose("up", "--detach")
        wait_for(lambda: self.clients.postgres.fault() is None, 60, "PostgreSQL to answer")

    def sql(self, statement: str) -> str:
        return self.compose("exec", "-T", "db", "psql", "-XAtqU", "postgres", "-c", statement)

    def cli(self, *words: str) -> str:
        return self.compose("exec", "-T", "cache", "redis-cli", *words)

    def backup(self) -> BackupIdentity:
        back_up_postgres(self.configuration, "production", clients=self.clients)
        return self.target.choose_backup(Search(site="production")).backup

    @property
    def target(self) -> SiteTarget:
        return SiteTarget(self.configuration.site(), self.configuration, self.clients)

    def context(self, run: str, step: str, backup: BackupIdentity | None, **changes: Any) -> StepContext:
        """A step of a run that may take away what a level 2 takes."""
        places = [store.volume for store in self.configuration.site().stores]
        mine = [f"{place}{suffix}_{run}" for place in places for suffix in ("", "_before")]
        subjects = (*map(volume, places), *map(emptied, mine), *services(self.name, ["db", "cache"]))
        return step_context(
            run, Step(id=step, title={"en": step}, do="evidence.collect"), "production", self.configuration,
            self.clients, plan={"backup": backup}, log=self.lines.append,
            permit=changes.get("permit") or permit(*subjects, run=run), own=own(run),
        )  # fmt: skip

    def clear(self) -> None:
        """Nothing of it stays on the engine."""
        self.compose("down", "--volumes", "--timeout=1")
        for name in self.docker("volume", "ls", "-q", "--filter", "label=drbot.folder").split():
            label = self.docker("volume", "inspect", "--format", '{{index .Labels "drbot.folder"}}', name)
            if label.startswith(f"{self.folder}/"):
                self.docker("volume", "rm", name)
        self.clients.close()


def bound_site(host: str, folder: Path) -> BoundSite:
    """Up, with rows in it."""
    name = f"binds{os.getpid()}{secrets.token_hex(3)}"
    project = folder / "projects" / name
    project.mkdir(parents=True)
    (project / "compose.yml").write_text(COMPOSE.format(image=POSTGRES_IMAGE, redis=REDIS_IMAGE))
    (folder / "backups").mkdir()
    (folder / "dr.yml").write_text(DR.format(host=host, name=name))
    configuration = load_configuration(folder / "dr.yml").configuration
    settings = RunnerSettings(home=folder / "home", docker_host=None)
    clients = clients_of(configuration.site(), configuration, settings)
    site = BoundSite(name=name, host=host, folder=folder, configuration=configuration, clients=clients)
    site.up()
    site.sql(f"CREATE TABLE orders AS SELECT n, md5(n::text) AS what FROM generate_series(1, {ROWS}) AS n")
    return site
