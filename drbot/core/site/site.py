"""dr.yml: the system drbot recovers, its targets and its people.

The models refuse unknown keys; `load_configuration` in core/site/configuration.py adds file, line and "did you mean".
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from os.path import normpath
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field

from drbot.core.base.cron import Calendar, Cron, TimeZone
from drbot.core.base.model import Model
from drbot.core.base.names import Below, Kept, Name, Place, Title, Url, Word, is_below, is_folder
from drbot.core.base.signing import is_public
from drbot.core.site.language import Language
from drbot.core.site.own_alerts import Alerts
from drbot.core.site.own_checks import OwnChecks
from drbot.core.text.messages import phrase
from drbot.core.text.words import seconds_of

Seconds = Annotated[float, BeforeValidator(seconds_of)]
Often = Annotated[Seconds, Field(ge=60)]  # something is done by itself

DRILL_SITE, DRILL_CONTROL = "drill", "drill-control"
"""The sites of drills (core/site/drill_site.py): no site of dr.yml has these names."""

Reason = Annotated[str, Field(min_length=3, max_length=200)]
"""Why something may be lost, in somebody's own words."""

PRICE = r"^[0-9]{1,6}(\.[0-9]{1,6})? [A-Z]{3}$"


ServiceRole = Literal["app", "front", "database", "cache"]


class Service(Model):
    """One service of one compose project. Actions address project + service, never container names."""

    project: Name  # the compose project; it lies below `projects`
    service: Name  # the service's name in that compose file
    role: ServiceRole
    health: str | None = None  # URL that answers 2xx when the service works for its users
    needs: tuple[Name, ...] = ()  # services that must be healthy first
    once: bool = False  # it runs to its end, such as a migration
    pause_for_backup: bool = False  # paused while a full backup copies files: what it keeps is of one moment then
    title: Title = ""


class Continuous(Model):
    """What is committed is received as it is written: the data can be seen as it was at any second."""

    keep: Often = 2 * 86_400.0  # so far back
    base_every: Often = 86_400.0  # a base backup: each reads all data once, and makes replaying shorter


class Postgres(Model):
    service: Name = "postgres"
    user: Word = "postgres"
    volume: Place  # with its data directory: a Docker volume's real name, or a folder (whole path, or below `projects`)
    databases: tuple[str, ...]
    continuous: Continuous | None = None


class Redis(Model):
    service: Name = "redis"
    user: Word | None = None  # of its ACL, whose password is SITE_REDIS_PASSWORD; none = found in its container
    volume: Place  # as of postgres


class Docker(Model):
    """How to reach the engine; nothing given = DOCKER_HOST or the current Docker context."""

    host: str | None = None


class Monitoring(Model):
    """The monitoring of a site: what to start again, and how to see that it works."""

    project: Name  # the compose project with Prometheus and Alertmanager
    prometheus: Url  # as seen from the worker
    alertmanager: Url
    jobs: tuple[str, ...] = ()  # scrape jobs that must all be up, their samples stored
    receiver: Url | None = None  # that lists the alerts that arrived


class Provision(Model):
    """How the machine of a site is made: from a folder of Terraform, else one EC2 instance."""

    terraform: Path | None = None
    image: str | None = None
    instance_type: str = "t3.large"
    region: str = "us-east-1"
    endpoint: Url | None = None  # only where it is not Amazon's
    hourly: Annotated[str, Field(pattern=PRICE)] | None = None  # what it costs, e.g. "0.0832 USD"; shown, not asked


class ComposeFiles(Model):
    """What a compose project is started from, where its name and Compose's own names of files do not tell."""

    folder: Below | None = None  # below `projects`; none = as the project is called
    files: tuple[Below, ...] = ()  # in that folder, in this order; none = as Compose finds them
    env_files: tuple[Below, ...] = ()  # instead of .env


def needs_of(services: Mapping[str, Service]) -> dict[str, list[str]]:
    """What each of these needs of the others."""
    return {name: [need for need in service.needs if need in services] for name, service in services.items()}


class Site(Model):
    """One place where the system runs; each has a queue and a worker of its own."""

    title: Title = ""
    owner: Name | None = None  # of `people`: who is told what has been red for a day; none = whoever commands
    docker: Docker = Docker()
    worker_key: str | None = None  # `drbot worker key` there; not for a machine that drbot rents, whose worker joins
    address: str | None = None  # where users reach this site: DNS points to it, compose files see it as ADDRESS
    monitoring: Monitoring | None = None
    provision: Provision | None = None
    packages: Path | None = None  # folder of .deb files with Docker and Compose; none = from the distribution
    # folder that holds one folder per compose project; a site that only controls others has none
    projects: Path = Path()
    services: dict[Name, Service] = Field(default_factory=dict)
    compose: dict[Name, ComposeFiles] = Field(default_factory=dict)  # project → what its containers do not tell
    variables: tuple[Word, ...] = ()  # of the worker's environment that compose files may use; its secrets stay its own
    postgres: Postgres | None = None
    redis: Redis | None = None
    # kept in full backups: names of volumes, whole paths of folders, or (with a slash) folders below `projects`
    files: tuple[Kept, ...] = ()
    not_needed: dict[str, Reason] = Field(default_factory=dict)  # volumes and folders that are in no backup → why not

    def compose_projects(self, services: Iterable[Service] | None = None) -> tuple[str, ...]:
        """The compose projects of these services (default: all), and the one of the monitoring."""
        chosen = self.services.values() if services is None else services
        monitoring = (self.monitoring.project,) if self.monitoring else ()
        return tuple(dict.fromkeys((*(service.project for service in chosen), *monitoring)))

    def folder_of(self, project: str) -> str:
        """Where it lies below `projects`."""
        known = self.compose.get(project)
        return known.folder if known and known.folder else project

    @property
    def file_volumes(self) -> tuple[str, ...]:
        """Volumes, and folders by their whole path: places of their own, as those of stores are."""
        return tuple(name for name in self.files if not is_below(name))

    @property
    def file_folders(self) -> tuple[str, ...]:
        """What lies below `projects`."""
        return tuple(name for name in self.files if is_below(name))

    def place_of(self, name: str) -> str:
        """An entry of `files`: its volume, or its folder on the host."""
        return normpath(self.whole_path / name) if is_folder(name) else name

    @property
    def stores(self) -> "tuple[Postgres | Redis, ...]":
        return tuple(store for store in (self.postgres, self.redis) if store is not None)

    @property
    def store_folders(self) -> tuple[str, ...]:
        """Folders below `projects` with the data of a store, as paths from there."""
        found, projects = [Path(store.volume) for store in self.stores if is_folder(store.volume)], self.whole_path
        return tuple(str(path.relative_to(projects)) for path in found if path.is_relative_to(projects))

    @property
    def whole_path(self) -> Path:
        """Of `projects`, as Compose writes it."""
        return Path(normpath(self.projects.absolute()))

    def placed(self, projects: Path) -> "Site":
        """The same with its projects in this folder, and with them the folders of stores that lie below."""
        stores = {
            name: store.model_copy(update={"volume": _placed(store.volume, self.projects, projects)})
            for name, store in (("postgres", self.postgres), ("redis", self.redis))
            if store is not None
        }
        return self.model_copy(update={"projects": projects, **stores})

    @property
    def store_services(self) -> tuple[str, ...]:
        """Names of the services whose data drbot restores by itself, what others wait for first."""
        return tuple(store.service for store in self.stores)

    @property
    def apps(self) -> tuple[str, ...]:
        """Names of all other services but the fronts, in the order of the file: whatever may write, also a database
        that drbot has no hand for.
        """
        others = {*self.store_services, *self.fronts}
        return tuple(name for name in self.services if name not in others)

    @property
    def fronts(self) -> tuple[str, ...]:
        """Names of the services that people open, in the order of the file."""
        fronts = (name for name, one in self.services.items() if one.role == "front")
        return tuple(name for name in fronts if name not in self.store_services)


def _placed(place: str, before: Path, now: Path) -> str:
    """A folder as its whole path, where its projects lie now."""
    if not is_folder(place):
        return place
    path, old = Path(place), Path(normpath(before))
    return normpath(now.absolute() / (path.relative_to(old) if path.is_relative_to(old) else path))


class Schedule(Model):
    """When workers make backups by themselves; none = somebody else does."""

    postgres: Cron | None = None
    full: Cron | None = None
    sites: tuple[Name, ...] = ()  # whose workers do; none = the default site's


class Backups(Model):
    """Where backups lie, how old they may be, and when they are made."""

    directory: Path
    max_age: Seconds = 6 * 3600.0
    keep: int = Field(14, ge=2)
    schedule: Schedule = Schedule()
    prove_within: Seconds = 2 * 86_400.0  # so old may the newest proof be that one of each kind can be restored


class ObjectStore(Model):
    """The S3 bucket with the full backups; credentials come from the environment (AWS_*)."""

    bucket: str
    second_bucket: str | None = None  # a copy of every backup, elsewhere
    prefix: str = ""  # of every key, e.g. "ai-micro-service/"
    region: str = "us-east-1"
    endpoint: Url | None = None  # only where it is not Amazon's
    lock: Seconds | None = None  # keep each backup undeletable this long, where the bucket allows it


class Repository(Model):
    """The git repository with the compose projects."""

    url: Word
    commit: Word  # the whole hash, so that a recovery starts what was running


class Dns(Model):
    """The Route 53 zone whose records lead users to a site."""

    zone: str  # e.g. "example.com."
    names: tuple[str, ...]  # the records to point to the new address
    ttl: Seconds = 60.0
    region: str = "us-east-1"
    endpoint: Url | None = None  # only where it is not Amazon's
    server: str | None = None  # host:port of a name server to ask instead of the system's
    url: str | None = None  # what users open; the last check of a recovery fetches it through the new name


class Certificate(Model):
    """The certificate of the system's names, from an ACME server through certbot."""

    names: tuple[Word, ...]
    email: Word
    directory: Word = "https://acme-v02.api.letsencrypt.org/directory"
    http_port: int = 80  # where the answers to the server's challenges are served
    install: Below | None = None  # folder below `projects` that gets fullchain.pem and privkey.pem
    trust: Path | None = None  # the CA of the ACME server itself, where the system does not know it
    roots: Path | None = None  # the CA a new certificate must lead to, where the system does not know it


class Recovery(Model):
    """Where a lost system is built anew. Both are names of sites."""

    site: Name  # levels 3 and 4: the new host
    control: Name | None = None  # level 4: its worker runs outside of every other site


class Targets(Model):
    """What was promised (source document, section 1)."""

    rto: Seconds = 4 * 3600.0
    rpo: Seconds = 6 * 3600.0
    mttr: Seconds = 2 * 3600.0


Role = Literal["commander", "approver", "operator", "observer"]
SecondFactor = Literal["none", "totp"]


def _public_key(given: str) -> str:
    if not is_public(given):
        raise ValueError(phrase("this is not the public part of a key; `drbot dr key new` prints it"))
    return given


class PersonEntry(Model):
    """A person of the roster; may own several Slack ids and still has one vote."""

    name: Title
    slack: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ("observer",)
    language: Language | None = None  # none: that of the file
    key: Annotated[str, AfterValidator(_public_key)] | None = None  # public part of the person's own key


class Channels(Model):
    """Names of Slack channels, without #."""

    home: str = "dr-ops"  # where /dr is used outside of an incident
    status: tuple[str, ...] = ("dr-status",)  # stakeholder posts


class Approvals(Model):
    """The two-person rule; the floor of two is not configurable away."""

    people: int = Field(2, ge=2)
    requester_counts: bool = False
    vote_within: Seconds = 30 * 60.0
    start_within: Seconds = 15 * 60.0
    second_factor: SecondFactor = "none"  # totp: a vote needs a one-time code too, which the worker checks
    break_glass: bool = False  # true: one person alone may, from the recovery host, after a loud hold


class DrillSchedule(Model):
    """When the default site's worker practises a level by itself, with nobody asked."""

    level1: Cron | None = None
    level2: Cron | None = None
    level3: Cron | None = None
    level4: Cron | None = None

    def of(self, level: int) -> str | None:
        """For this level; None = people begin it."""
        expression: str | None = getattr(self, f"level{level}")
        return expression


class Drills(Model):
    schedule: DrillSchedule = DrillSchedule()
    notice: Seconds = 86_400.0  # so long before a scheduled one the home channel is told; 0: not at all
    image: str | None = None  # with a Docker engine, such as docker:dind; none = made of this host's own programs


class Cadence(Model):
    """How often stakeholders hear from us, by level."""

    level1: Often = 30 * 60.0
    level2: Often = 30 * 60.0
    level3: Often = 30 * 60.0
    level4: Often = 15 * 60.0

    def of(self, level: int) -> float:
        """Seconds between two status posts of an incident of this level."""
        return float(getattr(self, f"level{level}"))


class Configuration(Model):
    """The whole of dr.yml."""

    version: Literal[1] = 1
    system: Title  # what people call it, e.g. "ai-micro-service"
    language: Language = "en"
    time_zone: TimeZone = "UTC"  # of what is due by the calendar, and of posts to stakeholders
    sites: dict[Name, Site] = Field(min_length=1)
    default_site: Name = "production"
    backups: Backups
    object_store: ObjectStore | None = None
    repository: Repository | None = None
    dns: Dns | None = None
    certificate: Certificate | None = None
    recovery: Recovery | None = None
    targets: Targets = Targets()
    people: dict[Name, PersonEntry] = Field(default_factory=dict)
    channels: Channels = Channels()
    approvals: Approvals = Approvals()
    alerts: Alerts = Alerts()
    cadence: Cadence = Cadence()
    drills: Drills = Drills()
    proof: OwnChecks = OwnChecks()
    runbooks: Path | None = None  # a folder of further runbooks

    def site(self, name: str = "") -> Site:
        """The site of this name (default: `default_site`, of which the site of drills is a copy)."""
        return self.sites[self.default_site if name in ("", DRILL_SITE) else name]

    def local(self, moment: datetime) -> datetime:
        """In the system's time zone."""
        return moment.astimezone(ZoneInfo(self.time_zone))

    def day(self, moment: datetime) -> date:
        return self.local(moment).date()

    def calendar(self, expression: str | None) -> Calendar | None:
        """When that is due in the system's time zone."""
        return Calendar(expression=expression, time_zone=self.time_zone) if expression is not None else None
