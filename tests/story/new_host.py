"""A lost host, one backup of it, and a new host that is not empty: what stories of level 3 onto such hosts share."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from drbot.cli import demo_sites
from drbot.cli.demo_player import DemoPlayer
from drbot.cli.demo_story import count
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Run, RunState, StepState
from drbot.core.site.configuration import load_configuration
from drbot.lab.breakage import break_it
from drbot.lab.images import SERVICE_IMAGE
from drbot.lab.layout import TABLES, part
from drbot.lab.ownership import LABEL
from drbot.lab.sites import Sites
from drbot.lab.system import Lab
from drbot.runners.clients.docker_engine import DockerEngine
from tests.hosts import Host
from tests.story.demo_stacks import playing_in
from tests.story.recovering import wait_for_step

PATIENCE_SECONDS = 240
WORDS = "level3 the server does not answer"
# Two 64-bit digests of each row, added up: of ten gigabytes PostgreSQL could not make one text.
ROWS = (
    "SELECT count(*), sum(hashtextextended(one::text, 1)::numeric), sum(hashtextextended(one::text, 2)::numeric) "
    "FROM {table} AS one"
)
KEYS = """
local seen = ''
local names = redis.call('KEYS', '*')
table.sort(names)
for _, name in ipairs(names) do
  seen = redis.sha1hex(seen .. name .. redis.call('DUMP', name) .. redis.call('PEXPIRETIME', name))
end
return #names .. ' keys ' .. seen
"""
MORE_KEYS = "SET once:1 token EX 86400\nHSET cart:1 a 1 b 2\nRPUSH queue 1 2 3\n"


def contents(lab: Lab) -> dict[str, str]:
    """What users get from PostgreSQL and Redis: a digest of every table's rows, and of every key, value and expiry."""
    found = {
        f"{database}.{table}": lab.psql(ROWS.format(table=table), "-d", database).strip()
        for database, table in TABLES.items()
    }
    return {**found, "redis": lab.compose(part("redis"), "exec", "-T", "redis", "redis-cli", "eval", KEYS, "0").strip()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Production is lost; its backup is off-site; the new host is empty before every test."""

    sites: Sites
    player: DemoPlayer
    backup: str
    seen: dict[str, str]  # contents of production before it was lost
    ports: dict[str, int]

    @property
    def lab(self) -> Lab:
        """The lab on the new host."""
        return self.sites.recovered

    @contextmanager
    def host(self) -> Iterator[Host]:
        """The new host, empty, for a test to put something on."""
        self.sites.empty_new_host()
        self.sites.start_new_host()
        engine = DockerEngine(self.sites.second.host)
        lab = self.lab
        lab.projects.parent.mkdir(parents=True, exist_ok=True)
        host = Host(
            docker=engine, name=f"{lab.prefix}{part('admin').folder}", folder=lab.projects, image=SERVICE_IMAGE,
            labels={LABEL: lab.label}, data=f"{lab.prefix}{part('admin').volume}", app=part("admin").service,
            ports=self.ports,
        )  # fmt: skip
        try:
            yield host
        finally:
            for close in host.closing:
                close()
            engine.close()

    def recover(self, incident: Incident) -> Run:
        """From where nobody is asked any more to the end."""
        wait_for_step(self.player, incident, "confirm", StepState.WAITING, seconds=240)
        self.player.press("aiko", incident, f"answer {incident.name} confirm yes")
        return self.player.wait_for_run(incident, RunState.SUCCEEDED)

    def agree(self, incident: Incident) -> None:
        """Two people."""
        for person in ("ben", "chika"):
            self.player.vote(person, incident, target="recovery")

    def resolve(self, incident: Incident) -> None:
        """It is over; the next one may come."""
        self.player.say("aiko", f"/dr resolve {incident.name} users-can-work it is over", incident.channel or "")
        self.player.wait(lambda: not self.player.incident(incident.id).is_open, f"{incident.name} to be resolved")

    def wrong(self, *, alert: bool = True) -> list[str]:
        """Where users do not get what they had: rows, keys, files, services, monitoring. `alert`: who receives it still
        remembers that of the recovery.
        """
        configuration = load_configuration(self.player.stack.configuration).configuration
        found = list(demo_sites.differences(self.sites, configuration, self.backup, alert=alert))
        now = contents(self.lab)
        return found + [f"{name}: {now[name]}, not {was}" for name, was in self.seen.items() if now[name] != was]


def unlike_backup(sites: Sites, player: DemoPlayer, run: Run) -> list[str]:
    """What is not as the manifest says, rows included."""
    assert run.plan is not None
    assert run.plan.backup is not None
    configuration = load_configuration(player.stack.configuration).configuration
    found = list(demo_sites.differences(sites, configuration, run.plan.backup.name))
    for name, rows in run.plan.backup.rows.items():
        database, _, table = name.partition(".")
        if count(sites.recovered, database, table) != rows:
            found.append(f"{name} has not {rows} rows")
    return found


@contextmanager
def playing(sites: Sites, home: Path) -> Iterator[DemoPlayer]:
    """Production works, the new host is empty, drbot is not started yet. At the end all is stopped but the lab."""
    sites.lab.up(print)
    sites.up(print)
    with player_at(sites, home) as player:
        yield player


def player_at(sites: Sites, home: Path) -> AbstractContextManager[DemoPlayer]:
    """Of a drbot that knows of nothing yet and is not started, with a Slack of its own."""
    return playing_in(home, sites.lab.configuration, demo_sites.keys_of(sites), patience=PATIENCE_SECONDS)


@contextmanager
def anew(scene: Scene, home: Path) -> Iterator[Scene]:
    """The same loss with a drbot that knows of nothing yet: what an earlier round left open, or running, because it
    failed is not in the way of this one.
    """
    with player_at(scene.sites, home) as player:
        yield replace(scene, player=player)


@contextmanager
def scene(sites: Sites, home: Path, *, bucket: str = "", lost: str = "host-lost") -> Iterator[Scene]:
    """Production is lost. `bucket`: another way to the buckets, for everybody."""
    with playing(sites, home) as player:
        described = sites.lab.configuration.read_text()
        sites.lab.configuration.write_text(described.replace(sites.bucket.endpoint, bucket or sites.bucket.endpoint))
        sites.lab.compose(part("redis"), "exec", "-T", "redis", "redis-cli", stdin=MORE_KEYS)
        seen, ports = contents(sites.lab), sites.ports()
        backup = demo_sites.back_up_full(sites, player.stack.configuration)
        break_it(sites.lab, lost)
        yield Scene(sites=sites, player=player, backup=backup, seen=seen, ports=ports)
