"""The miniature ai-micro-service on real Docker: started, looked at, stopped and removed.

Every lab has a name; several live side by side on one engine.
"""

import re
import secrets
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import docker
import httpx
from docker.models.containers import Container

from drbot.core.base.errors import UserError
from drbot.core.text.messages import listed, phrase
from drbot.lab import layout, ownership, ports, programs
from drbot.lab.compose import compose, read_env, write_env
from drbot.lab.engine import connect
from drbot.lab.identity import identity_of
from drbot.lab.images import SERVICE_IMAGE
from drbot.lab.layout import PARTS, STORES, Part, as_yaml, describe

Say = Callable[[str], None]

DEFAULT_NAME = "main"  # the only lab that takes the document's ports
TEMPLATES = Path(__file__).parent / "ai-micro-service"
SCHEMA = Path(__file__).parent / "schema.sql"
HEALTHY_WITHIN_SECONDS = 120
FILES = """
cd /srv/files && [ -z "$(ls -A)" ] || exit 0
mkdir -p contracts/2026 pictures
for number in $(seq 20); do echo "Contract $number" > "contracts/2026/contract $number.txt"; done
head -c 300000 /dev/urandom > pictures/photo.raw
chmod 640 contracts/2026/* && chown -R 1000:1000 . && ln -s ../contracts/2026 pictures/latest
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PartStatus:
    """How one service is: the container's state as Docker says it, and whether it works for its users."""

    name: str
    title: str
    state: str  # "running", "restarting", "exited", … or "missing"
    fault: str  # why it does not work for its users; empty when it does
    url: str | None

    @property
    def healthy(self) -> bool:
        return not self.fault


@dataclass(frozen=True, kw_only=True, slots=True)
class Lab:
    """One lab: its name, the folder all labs live in, and the URL of the engine.

    The last two describe the same lab after it moved to a new host.
    """

    name: str
    home: Path
    host: str
    address: str = "127.0.0.1"
    moved_to: Path | None = None  # the folder of its projects there

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]{0,29}", self.name):
            raise UserError(
                phrase('"{name}" is not a name for a lab.', name=self.name),
                phrase("A name is lower-case letters and digits."),
                phrase("Example: main"),
            )

    @property
    def label(self) -> str:
        """What the label of everything of this lab says: the same name elsewhere is another lab."""
        return f"{identity_of(self.home)}-{self.name}"

    @property
    def prefix(self) -> str:
        """What the names of all its projects, volumes and networks begin with."""
        return f"drlab-{self.label}-"

    @property
    def folder(self) -> Path:
        return self.home / self.name

    @property
    def configuration(self) -> Path:
        return self.folder / "dr.yml"

    @property
    def projects(self) -> Path:
        return self.moved_to or self.folder / "ai-micro-service"

    def project(self, part: Part) -> Path:
        """The folder of a part; its name is the name of the compose project."""
        return self.projects / (self.prefix + part.folder)

    def client(self) -> closing[docker.DockerClient]:
        return closing(connect(self.host))

    def container(self, client: docker.DockerClient, part: Part) -> Container | None:
        """The container of a part, running or not. Raises UserError if it does not carry our label."""
        labels = [
            f"com.docker.compose.project={self.prefix}{part.folder}",
            f"com.docker.compose.service={part.service}",
        ]
        for container in client.containers.list(all=True, filters={"label": labels}, ignore_removed=True):
            ownership.require(container.labels, self.label, phrase("the container {name}", name=container.name))
            return container
        return None

    def up(self, say: Say) -> None:
        """Create what is missing, start everything, wait until it is healthy, write dr.yml. Raises UserError."""
        with self.client() as client:
            ownership.ensure_network(client, f"{self.prefix}network", self.label)
            for part in PARTS:
                if part.volume:
                    ownership.ensure_volume(client, self.prefix + part.volume, self.label)
            chosen = self.write_files(client)
        say(phrase("Starting PostgreSQL and Redis"))
        self.start([part for part in PARTS if part.name in STORES])
        self.wait_for_stores()
        self.fill()
        say(phrase("Starting the services"))
        chosen = self.start_services(chosen)
        self.wait_until_healthy()
        ports = listed(map(str, sorted(chosen.values())))
        well = phrase(
            "Everything is healthy; described in {file} (ports {ports})", file=self.configuration, ports=ports
        )
        say(well)

    def down(self) -> None:
        """Stop and remove containers and network; the data stays in its volumes."""
        with self.client() as client:
            ownership.remove_containers(client, self.label, self.prefix)
            ownership.remove_networks(client, self.label, self.prefix)

    def forget_drbots(self) -> None:
        """The drbot of an earlier story or demo is gone for good, and its lock with it."""
        with self.client() as client:
            ownership.remove_locks(client, self.prefix)

    def reset(self) -> None:
        """Remove everything of this lab: containers, data, network, files, and the servers around it."""
        programs.stop_all(self.folder)
        self.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def remove(self) -> None:
        self.down()
        with self.client() as client:
            ownership.remove_volumes(client, self.label, self.prefix)
            ownership.remove_kept_containers(client, self.prefix)

    def status(self) -> tuple[PartStatus, ...]:
        """How every service is, asked at the same time."""
        with self.client() as client, ThreadPoolExecutor(len(PARTS)) as pool:
            return tuple(pool.map(lambda part: self.status_of(client, part), PARTS))

    def faults(self) -> dict[str, str]:
        """Name → why it does not work, for the services that do not."""
        return {part.name: part.fault for part in self.status() if part.fault}

    def status_of(self, client: docker.DockerClient, part: Part) -> PartStatus:
        """One service: its own health URL, or Docker's health check where it has none."""
        container = self.container(client, part)
        url = self.url(part)
        state = container.status if container else "missing"
        if container is None or state != "running":
            fault: str = phrase("its container is {state}", state=state)
        elif url:
            fault = fault_of_url(url)
        else:
            health = container.health
            fault = "" if health == "healthy" else phrase("Docker says it is {health}", health=health)
        return PartStatus(name=part.name, title=part.title, state=state, fault=fault, url=url)

    def url(self, part: Part) -> str | None:
        port = read_env(self.project(part)).get("PORT")
        return f"http://{self.address}:{port}/health" if port else None

    def write_files(self, client: docker.DockerClient) -> dict[str, int]:
        """Compose folders, .env files and dr.yml; passwords and ports of an earlier `up` stay. Returns the ports."""
        known = {name: value for part in PARTS for name, value in read_env(self.project(part)).items()}
        passwords = {
            name: known.get(name) or secrets.token_hex(16)
            for name in ("POSTGRES_PASSWORD", "APP_PASSWORD", "REDIS_PASSWORD")
        }
        chosen = self.choose_ports(client)
        for part in PARTS:
            project = self.project(part)
            shutil.copytree(TEMPLATES / part.folder, project, dirs_exist_ok=True)
            names = {"LAB": self.label, "NETWORK": f"{self.prefix}network", "IMAGE": part.image}
            volume = {"VOLUME": self.prefix + part.volume} if part.volume else {}
            port = {"PORT": str(chosen[part.name])} if part.port else {}
            asked = (project / "docker-compose.yml").read_text()
            needed = {name: value for name, value in passwords.items() if name in asked}
            write_env(project, names | volume | port | needed)
        (self.folder / "backups").mkdir(exist_ok=True)
        self.configuration.write_text(as_yaml(describe(self.folder, self.prefix, self.host, chosen)))
        return chosen

    def choose_ports(self, client: docker.DockerClient) -> dict[str, int]:
        """A port for each service with one: that of an earlier `up`, unless somebody else has it by now."""
        chosen: dict[str, int] = {}
        for part in PARTS:
            if part.port is None:
                continue
            known = int(read_env(self.project(part)).get("PORT", 0))
            running = self.container(client, part)
            if known and running and running.status == "running":
                chosen[part.name] = known
                continue
            wanted = known or (part.port if self.name == DEFAULT_NAME else None)
            chosen[part.name] = ports.choose(wanted, set(chosen.values()))
        return chosen

    def start_services(self, chosen: dict[str, int]) -> dict[str, int]:
        """A port that somebody took meanwhile is chosen again. Returns the ports. Raises UserError."""
        services = [part for part in PARTS if part.name not in STORES]
        try:
            self.start(services)
        except UserError:
            with self.client() as client:
                again = self.write_files(client)
            if again == chosen:
                raise
            self.start(services)
            return again
        return chosen

    def start(self, parts: list[Part]) -> None:
        """`compose up` for several projects at the same time."""
        with ThreadPoolExecutor(len(parts)) as pool:
            list(pool.map(lambda part: self.compose(part, "up", "-d"), parts))

    def compose(self, part: Part, *arguments: str, stdin: str | None = None) -> str:
        """One compose command in a part's folder, for where the lab runs now. Raises UserError."""
        return compose(self.host, self.project(part), *arguments, stdin=stdin, address=self.address)

    def wait_for_stores(self) -> None:
        """Until PostgreSQL answers over TCP and Redis to a ping. Raises UserError with PostgreSQL's last words."""
        commands = (
            (PARTS[0], ("pg_isready", "-q", "-h", "127.0.0.1", "-U", "postgres")),
            (PARTS[1], ("sh", "-c", "redis-cli ping | grep -q PONG")),
        )
        for part, command in commands:
            self.wait(part, partial(self.runs, part, command))

    def runs(self, part: Part, command: tuple[str, ...]) -> bool:
        with self.client() as client:
            container = self.container(client, part)
            try:
                return container is not None and container.exec_run(list(command)).exit_code == 0
            except docker.errors.APIError:
                return False  # it does not run, or has just ended

    def wait_until_healthy(self) -> None:
        for part in PARTS:
            self.wait(part, partial(self.is_healthy, part))

    def is_healthy(self, part: Part) -> bool:
        url = self.url(part)
        return not (url and fault_of_url(url))  # the stores were waited for before

    def wait(self, part: Part, condition: Callable[[], bool]) -> None:
        """Wait for a part. Raises UserError with the end of its log."""
        deadline = time.monotonic() + HEALTHY_WITHIN_SECONDS
        while not condition():
            if time.monotonic() > deadline or self.has_ended(part):
                raise UserError(
                    phrase("{service} does not start.", service=part.title),
                    phrase("Its log ends: {words}", words=self.last_words(part)),
                    phrase("`drbot lab reset` removes this lab with its data."),
                )
            time.sleep(0.2)

    def has_ended(self, part: Part) -> bool:
        """Whether a part's container ended and Docker does not start it again, as after `break postgres-corrupt`."""
        with self.client() as client:
            container = self.container(client, part)
            return bool(container and container.status == "exited")

    def last_words(self, part: Part) -> str:
        with self.client() as client:
            container = self.container(client, part)
            return container.logs(tail=5).decode(errors="replace").strip() if container else phrase("(no container)")

    def psql(self, script: str, *options: str) -> str:
        """Run a script in the lab's PostgreSQL, as its superuser; the output without ornaments."""
        command = ("exec", "-T", "postgres", "psql", "-U", "postgres", "-qAtX", "-v", "ON_ERROR_STOP=1", *options)
        return self.compose(PARTS[0], *command, stdin=script)

    def fill(self) -> None:
        """Databases, tables and first rows, some sessions in Redis, and some files that people uploaded, as their own
        user and with modes; what is there stays.
        """
        passwords = {name: value for part in PARTS for name, value in read_env(self.project(part)).items()}
        self.psql(
            SCHEMA.read_text(),
            *("-v", f"postgres_password={passwords['POSTGRES_PASSWORD']}"),
            *("-v", f"app_password={passwords['APP_PASSWORD']}"),
        )
        sessions = "for i in $(seq 500); do echo SETNX session:$i user$i; done | redis-cli > /dev/null"
        self.compose(PARTS[1], "exec", "-T", "redis", "sh", "-c", sessions)
        self.on_volume(self.prefix + str(layout.part("admin").volume), "/srv/files", FILES)

    def on_volume(self, volume: str, folder: str, script: str) -> None:
        """Run a script as root in a helper container that sees the volume as this folder."""
        with self.client() as client:
            client.containers.run(
                SERVICE_IMAGE,  # it declares no volume, so none is left behind
                ["-ec", script],
                entrypoint="bash",
                user="root",
                volumes={volume: {"bind": folder, "mode": "rw"}},
                labels={ownership.LABEL: self.label},
                network_mode="none",
                remove=True,
            )


def fault_of_url(url: str) -> str:
    """Why a health URL does not say that the service works; empty when it does."""
    try:
        answer = httpx.get(url, timeout=10)
    except httpx.HTTPError as error:
        return phrase("it does not answer: {why}", why=str(error) or type(error).__name__)
    if answer.status_code == 200:
        return ""
    return phrase("it answers {status}: {text}", status=answer.status_code, text=answer.text[:160])
