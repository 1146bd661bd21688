"""What the lab consists of, as in the source document, and the dr.yml that describes it to drbot."""

from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML

from drbot.core.site.site import (
    Backups,
    Configuration,
    Docker,
    PersonEntry,
    Postgres,
    Redis,
    Service,
    ServiceRole,
    Site,
)
from drbot.lab.images import POSTGRES_IMAGE, REDIS_IMAGE, SERVICE_IMAGE


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One service: its name in dr.yml, the folder it comes from and its name in the compose file there."""

    name: str
    folder: str
    service: str
    role: ServiceRole
    image: str
    title: str
    port: int | None = None  # the document's port, taken if it is free
    needs: tuple[str, ...] = ()
    volume: str | None = None


STORES = ("postgres", "redis")
PARTS = (
    Part(
        name="postgres", folder="ai-micro-postgres", service="postgres", role="database", image=POSTGRES_IMAGE,
        title="PostgreSQL", volume="postgres_data",
    ),
    Part(
        name="redis", folder="ai-micro-redis", service="redis", role="cache", image=REDIS_IMAGE,
        title="Redis", volume="redis_data",
    ),
    Part(
        name="auth", folder="ai-micro-api-auth", service="auth-service", role="app", image=SERVICE_IMAGE,
        title="Auth API", port=8002, needs=STORES,
    ),
    Part(
        name="user", folder="ai-micro-api-user", service="user-service", role="app", image=SERVICE_IMAGE,
        title="User API", port=8001, needs=STORES,
    ),
    Part(
        name="admin", folder="ai-micro-api-admin", service="admin-service", role="app", image=SERVICE_IMAGE,
        title="Admin API", port=8003, needs=STORES, volume="admin_files",
    ),
    Part(
        name="front-user", folder="ai-micro-front-user", service="front-user", role="front", image=SERVICE_IMAGE,
        title="User front end", port=3002, needs=("auth", "user"),
    ),
    Part(
        name="front-admin", folder="ai-micro-front-admin", service="front-admin", role="front", image=SERVICE_IMAGE,
        title="Admin front end", port=3003, needs=("auth", "admin"),
    ),
)  # fmt: skip

# database → its table; the counts the source document takes after a restore
TABLES = {"authdb": "users", "apidb": "profiles", "admindb": "documents"}

PEOPLE = {
    "aiko": PersonEntry(name="Aiko", slack=("U00AIKO",), roles=("commander", "approver"), language="ja"),
    "ben": PersonEntry(name="Ben", slack=("U00BEN",), roles=("approver",), language="en"),
    "chika": PersonEntry(name="Chika", slack=("U00CHIKA",), roles=("approver",), language="ja"),
    "dan": PersonEntry(name="Dan", slack=("U00DAN",), roles=("observer",), language="en"),
}


def part(name: str) -> Part:
    """The part of this name. Raises KeyError."""
    return next(part for part in PARTS if part.name == name)


def describe(folder: Path, prefix: str, host: str, ports: dict[str, int]) -> Configuration:
    return Configuration(
        system="ai-micro-service",
        sites={"production": describe_site(folder / "ai-micro-service", prefix, host, ports)},
        backups=Backups(directory=folder / "backups"),
        people=PEOPLE,
    )


def describe_site(
    projects: Path, prefix: str, host: str, ports: dict[str, int], *, address: str = "127.0.0.1", title: str = "The lab"
) -> Site:
    services = {
        part.name: Service(
            project=prefix + part.folder,
            service=part.service,
            role=part.role,
            health=f"http://{address}:{ports[part.name]}/health" if part.port else None,
            needs=part.needs,
            title=part.title,
        )
        for part in PARTS
    }
    return Site(
        title=title,
        docker=Docker(host=host),
        projects=projects,
        services=services,
        postgres=Postgres(volume=f"{prefix}postgres_data", databases=tuple(TABLES)),
        redis=Redis(volume=f"{prefix}redis_data"),
        files=(f"{prefix}admin_files",),
    )


def as_yaml(configuration: Configuration) -> str:
    """The text of dr.yml, without what is the default anyway."""
    yaml = YAML()
    yaml.width = 120
    text = StringIO()
    yaml.dump(configuration.model_dump(mode="json", exclude_defaults=True), text)
    return "# Written by `drbot lab up`.\n" + text.getvalue()
