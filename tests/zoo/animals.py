"""The animals: small systems of ours in the shapes that public compose projects have. One row each.

Nothing here is read by drbot: what it cannot find out by itself stands in the `dr.yml` of the animal's folder.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SYSTEMS = Path(__file__).parent / "systems"

Kind = Literal["postgres", "redis", "mariadb", "nats", "sqlite", "objects", "documents"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """What keeps data for others: whose content is asked for by `kind`, not read as files."""

    kind: Kind
    service: str
    place: str  # where its container has what it keeps
    user: str = "postgres"
    password: str = ""
    port: int = 0  # 0: the usual one
    databases: tuple[str, ...] = ()  # PostgreSQL: made by the seed beside the one that the image makes


@dataclass(frozen=True, kw_only=True, slots=True)
class Animal:
    """One system: its folder below `systems` has this name, a folder per compose project in it, and a dr.yml."""

    name: str
    shows: str  # which shapes
    stores: tuple[Store, ...] = ()
    projects: tuple[str, ...] = ("project",)  # in the order in which they are started
    options: tuple[str, ...] = ()  # what its people type between `docker compose` and the command
    external_volumes: tuple[str, ...] = ()  # what they made by hand; each name goes behind the animal's
    external_networks: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()  # services that write as long as they run
    written: tuple[str, ...] = ()  # what they write: names of tables and files
    refused: tuple[str, ...] = ()  # of what levels.py and recovering.py try: what drbot says no to in time
    keeps_over_down: bool = True  # anonymous volumes are new after `down`: only `up` alone keeps them

    @property
    def folder(self) -> Path:
        return SYSTEMS / self.name


PGDATA = "/var/lib/postgresql/data"


def postgres(
    service: str = "db",
    user: str = "postgres",
    *,
    place: str = PGDATA,
    port: int = 5432,
    databases: tuple[str, ...] = (),
) -> Store:
    return Store(kind="postgres", service=service, user=user, place=place, port=port, databases=databases)


def redis(service: str = "redis", *, password: str = "", port: int = 6379) -> Store:
    return Store(kind="redis", service=service, place="/data", password=password, port=port)


def other(kind: Kind, service: str, place: str, password: str = "") -> Store:
    return Store(kind=kind, service=service, place=place, password=password)


EVERYTHING = ("backup postgres", "backup full", "all in it", "check")

ANIMALS: tuple[Animal, ...] = (
    Animal(
        name="ledgerline",
        stores=(postgres(user="ledger", databases=("analytics",)), redis("cache")),
        shows="one project with eleven services, anchors, env_file, a one-shot migration, two replicas, relative bind",
    ),
    Animal(
        name="tidewater", stores=(postgres("database", "tide"),),
        shows="POSTGRES_* in env_file alone, a superuser of its own, depends_on with service_healthy, no Redis",
    ),
    Animal(
        name="quillpost", stores=(postgres("postgres"), redis()),
        shows="one-shot services (migrations, permissions) with service_completed_successfully, init SQL",
    ),
    Animal(
        name="harborlog", stores=(postgres(user="harbor"), redis()),
        shows="relative binds for everything: PostgreSQL, Redis, uploads, logs, one file",
    ),
    Animal(
        name="granary", stores=(postgres("postgres"),),
        shows="absolute binds outside of the project, the database too; no Redis",
    ),
    Animal(
        name="beacon", stores=(postgres("postgres"), redis(password="flash5")), projects=("stores", "web"),
        external_volumes=("_postgres", "_redis", "_avatars"), external_networks=("_shared",),
        shows="two projects, external volumes and network, env_file beside them and in a folder with data",
    ),
    Animal(
        name="vaultkeeper", stores=(postgres(user="keeper"),),
        shows="secrets as files (POSTGRES_PASSWORD_FILE), configs, restart on-failure",
    ),
    Animal(
        name="saltmarsh", stores=(postgres("timescale", "marsh", place="/srv/pg"),),
        shows="PGDATA elsewhere and below its mount, initdb arguments, an empty anonymous volume beside it",
    ),
    Animal(
        name="switchyard",
        stores=(postgres("pg", port=5544, databases=("analytics",)), redis(password="semaphore", port=6390)),
        shows="commands that override settings: postgres -p 5544 -c …, preload library; redis with a file of its own",
    ),
    Animal(
        name="lanternfish", stores=(postgres("lanternfish-db", "root"),),
        shows="container_name, named volumes, no health check, no depends_on",
    ),
    Animal(
        name="orchardist", stores=(postgres(), redis("valkey")),
        shows="profiles by COMPOSE_PROFILES, one profile that is off",
    ),
    Animal(
        name="millrace", stores=(postgres(), redis()), shows="three compose files by COMPOSE_FILE in .env",
    ),
    Animal(
        name="cartographer",
        stores=(postgres("postgis", "maps"),), options=("-f", "stack.yml", "-f", "stack.host.yml"),
        shows="compose files with other names, given with -f",
    ),
    Animal(
        name="thistledown", stores=(postgres(), redis()),
        shows="extends from another file, x- fields, docker-compose.override.yml",
    ),
    Animal(
        name="forgehand", stores=(postgres(user="forge"),),
        shows="two services with build:, arguments, own Dockerfiles",
    ),
    Animal(
        name="nightjar", stores=(postgres(), redis()),
        shows="user:, read_only, tmpfs, cap_drop, init; restart policies of each kind",
    ),
    Animal(
        name="kelpforest",
        stores=(postgres("postgres", "kelp"), other("mariadb", "mariadb", "/var/lib/mysql", "frond")),
        shows="MariaDB beside PostgreSQL",
    ),
    Animal(
        name="pebblebook", refused=("backup postgres",), stores=(other("sqlite", "pebblebook", "/data/book.db"),),
        shows="SQLite on a relative bind, nothing else",
    ),
    Animal(
        name="driftwood", refused=("all in it", "check", "level 3"),
        stores=(postgres(user="drift"), other("sqlite", "monitor", "/app/data/kuma.db")),
        shows="SQLite beside PostgreSQL, in a service that dr.yml does not name",
    ),
    Animal(
        name="basaltbox", stores=(postgres("postgres"), other("objects", "objects", "/export")),
        shows="an object store, and a one-shot that makes its bucket (restart on-failure)",
    ),
    Animal(
        name="ferryman", stores=(postgres(), redis(), other("nats", "queue", "/data")),
        shows="a queue that keeps its messages; Redis without an append-only file",
    ),
    Animal(
        name="rookery", refused=("backup postgres",),
        stores=(other("mariadb", "db", "/var/lib/mysql", "caw"), redis()),
        shows="MariaDB on a bind mount and Redis, no PostgreSQL",
    ),
    Animal(
        name="cinderpath", refused=("backup postgres",),
        shows="neither PostgreSQL nor Redis: files, and memcached that keeps nothing",
    ),
    Animal(
        name="twostreams",
        stores=(postgres("orders-db", "orders"), postgres("stock-db", "stock"), redis("sessions"), redis("jobs")),
        shows="two PostgreSQL and two Redis in one project",
    ),
    Animal(
        name="wayfarer", stores=(postgres(), redis()), projects=("srv",),
        shows="a project name other than its folder's, a socket file in the project folder",
    ),
    Animal(
        name="mothlight", stores=(postgres(), redis()), keeps_over_down=False,
        refused=(*EVERYTHING, "level 2 postgres", "level 2 redis", "level 3"),
        shows="anonymous volumes: database, Redis and uploads",
    ),
    Animal(
        name="inkwell", stores=(postgres(), redis()), writers=("collector", "access-log"),
        written=("readings", "access.log"),
        shows="uploads, and two services that write all the time and that dr.yml does not name",
    ),
    Animal(
        name="papertrail", stores=(postgres(), other("documents", "documents", "/data/db")),
        shows="documents kept as files (a stand-in for MongoDB, which Debian lacks) beside PostgreSQL",
    ),
    Animal(
        name="dockhand", refused=("check",), stores=(postgres(user="dock"),),
        shows="docker.sock, a published database, Redis on tmpfs, driver options, network_mode, volumes_from",
    ),
)  # fmt: skip

ALWAYS = ("tidewater", "harborlog", "kelpforest")
"""In the normal tests; the others are more of the same kind, and take minutes."""


def animal(name: str) -> Animal:
    """The animal of this name. Raises KeyError."""
    return {one.name: one for one in ANIMALS}[name]
