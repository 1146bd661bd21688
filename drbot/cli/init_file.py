"""The text of a first dr.yml: what was read, with a comment at what people should look at and at what is missing."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from drbot.core.base.names import is_name
from drbot.core.site.inventory import Inventory, KnownService, Unkept, unkept
from drbot.core.site.site import Postgres, Redis, Service, Site
from drbot.core.site.store_folders import entangled
from drbot.runners.clients.discovery import Store
from drbot.runners.clients.sqlite_files import SQLITE

MISSING = "MISSING"
GAPS = f"{MISSING}: in no backup. Keep it in a volume with a name or in a folder, or say why it is not needed:"
_ENDS = re.compile("[\r\x85\u2028\u2029]")
"""What ends a line, and with it a comment, in YAML; only a name in a comment can bring it: values are quoted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What was found on the engine. `elsewhere`: projects whose folder is not in `folder`."""

    host: str
    folder: Path
    inventory: Inventory
    stores: tuple[Store, ...]
    addresses: Mapping[tuple[str, str], str]
    jobs: frozenset[tuple[str, str]]  # what has run to its end, and nothing waits for it
    written: tuple[str, ...] = ()  # folders of the projects that containers write to, from `folder` on
    elsewhere: Mapping[str, Path]

    @property
    def projects(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.project for one in self.inventory.services))

    @property
    def data(self) -> tuple[str, ...]:
        """What is written among the settings, without the folders of stores: it comes back alone, and is looked at."""
        stores = [Path(one.volume) for kind in ("postgres", "redis") if (one := self.first(kind)) is not None]
        return tuple(name for name in self.written if not any(one.is_relative_to(self.folder / name) for one in stores))

    def kept_as(self, one: Unkept) -> str | None:
        """How `files` can name it: a volume with a name, or a folder that drbot can put aside. None: not at all."""
        mounts = (mount for service in self.inventory.all_services for mount in service.mounts)
        if one.name in {mount.source for mount in mounts if mount.kind == "volume"}:
            return one.name
        path = Path(one.name)
        name = f"{path.relative_to(self.folder)}/" if path.is_relative_to(self.folder) else one.name
        try:
            site = Site(projects=self.folder, files=(name,))
        except ValidationError:
            return None
        return name if path.is_dir() and not any(entangled(site, {})) else None

    @property
    def count(self) -> int:
        return len(self.inventory.services)

    def first(self, kind: str) -> Store | None:
        """The store of this kind with a volume: dr.yml names one of each."""
        return next((one for one in self.stores if one.kind == kind and one.volume), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """What only people know; empty = marked as a gap."""

    people: Mapping[str, str] = field(default_factory=dict)  # name → Slack id
    backups: Path = Path("/var/backups/drbot")
    bucket: str = ""
    language: str = "en"


def text_of(seen: Seen, answers: Answers, now: datetime) -> str:
    """dr.yml, which `drbot check` accepts; docs/configuration.md explains every key."""
    document = CommentedMap(version=1, system=seen.projects[0])
    if answers.language != "en":
        document["language"] = answers.language
    document["sites"] = CommentedMap(production=_site(seen))
    document["backups"] = CommentedMap(
        directory=str(answers.backups), schedule=CommentedMap(_schedule(seen)),
    )  # fmt: skip
    document.yaml_set_comment_before_after_key(
        "backups", before="\nOn another disk than the data; better also in a bucket."
    )
    if answers.bucket:
        document["object_store"] = CommentedMap(bucket=answers.bucket)
    document["targets"] = CommentedMap(rto="4h", rpo="6h", mttr="2h")
    document["people"] = CommentedMap(_people(answers.people))
    if len(answers.people) < 2:
        document.yaml_set_comment_before_after_key(
            "people",
            before=f"\n{MISSING}: two people who may approve, better three. Until then no gate opens.\n"
            "aiko: {name: Aiko, slack: [U012ABCDEF], roles: [commander, approver]}",
        )
    document.yaml_set_start_comment(f"Written by `drbot init` on {now:%Y-%m-%d}. See it: drbot inventory, drbot check")
    written = StringIO()
    yaml = YAML()
    yaml.width = 4096  # a URL stays on its line
    yaml.dump(document, written)
    return _ENDS.sub("?", written.getvalue())


def _schedule(seen: Seen) -> dict[str, str]:
    return {**({"postgres": "30 */3 * * *"} if seen.first("postgres") else {}), "full": "0 2 * * *"}


def _people(given: Mapping[str, str]) -> Iterator[tuple[str, CommentedMap]]:
    """The first one commands too. A name in other letters than a to z is what people read; its key is another one."""
    for number, (name, slack) in enumerate(given.items(), 1):
        roles = CommentedSeq(["commander", "approver"] if number == 1 else ["approver"])
        ids = CommentedSeq([slack] if slack else [])
        person = CommentedMap(name=name.capitalize() if name.islower() else name, slack=ids, roles=roles)
        for part in (roles, ids, person):
            part.fa.set_flow_style()
        key = "-".join(name.lower().split())
        yield key if is_name(key) else f"person{number}", person


def _site(seen: Seen) -> CommentedMap:
    site = CommentedMap()
    if seen.host:
        site["docker"] = CommentedMap(host=seen.host)
    site["projects"] = str(seen.folder)
    site["services"] = CommentedMap(services_of(seen))
    site.yaml_set_comment_before_after_key(
        "services", before="What drbot should know more of than Compose says; `drbot inventory` shows all.", indent=4
    )
    postgres, redis = seen.first("postgres"), seen.first("redis")
    if postgres is not None:
        site["postgres"] = CommentedMap(
            service=_key(seen, postgres), user=postgres.user, volume=postgres.volume, databases=list(postgres.databases)
        )
        if not postgres.answers:
            site["postgres"].yaml_add_eol_comment("MISSING: it did not answer; which are there?", "databases")
    if redis is not None:
        site["redis"] = CommentedMap(service=_key(seen, redis), volume=redis.volume)
    _add_files(site, seen)
    if seen.elsewhere:
        said = "\n".join(f"{name}: {folder}" for name, folder in seen.elsewhere.items())
        site.yaml_set_comment_before_after_key(
            "projects", before=f"{MISSING}: these projects lie elsewhere, and are not in here:\n{said}", indent=4
        )
    return site


def services_of(seen: Seen) -> Iterator[tuple[str, CommentedMap]]:
    """Stores, who writes to SQLite or answers on a port, and one of each other project, which nothing would know."""
    named: set[str] = set()
    dumped = {(store.project, store.service) for store in map(seen.first, ("postgres", "redis")) if store is not None}
    needed = {(one.project, need) for one in seen.inventory.services for need in one.needs}
    for one in seen.inventory.services:
        place = (one.project, one.service)
        is_store = any((store.project, store.service) == place for store in seen.stores)
        is_written = one.program == SQLITE or (is_store and place not in dumped)
        is_known = is_store or is_written or place in seen.addresses or place in seen.jobs
        if not is_known and one.project in named:
            continue
        named.add(one.project)
        role = "database" if is_store else "app" if place in needed or place not in seen.addresses else "front"
        service = CommentedMap(project=one.project, service=one.service, role=role)
        if is_written:  # drbot has no hand for it: its files are copied
            service["pause_for_backup"] = True
        if place in seen.addresses and not is_store:
            service["health"] = seen.addresses[place]
        if place in seen.jobs:
            service["once"] = True
        service.fa.set_flow_style()
        yield _name(seen, one), service


def _name(seen: Seen, known: KnownService) -> str:
    alike = [one for one in seen.inventory.services if one.service == known.service]
    return known.service if len(alike) == 1 else f"{known.project}-{known.service}"


def _key(seen: Seen, store: Store) -> str:
    known = next(one for one in seen.inventory.services if (one.project, one.service) == (store.project, store.service))
    return _name(seen, known)


def _add_files(site: CommentedMap, seen: Seen) -> None:
    """Every other volume and folder is in `files`; what else there is is a gap, which check and readiness name too."""
    there = _as_site(site, seen)
    left = unkept(there, seen.inventory)
    names = [name for one in left if (name := seen.kept_as(one)) is not None]
    names = [one for one in names if not any(one != name and Path(one).is_relative_to(name) for name in names)]
    files = [*names, *seen.data]
    if files:
        site["files"] = CommentedSeq(files)
    gaps = unkept(there.model_copy(update={"files": tuple(files)}), seen.inventory)
    if gaps:
        said = "\n".join(f"  {one.name}: why it may be lost   # of {', '.join(one.services)}" for one in gaps)
        after = "files" if files else "services"
        site.yaml_set_comment_before_after_key(
            after, before=f"{GAPS}\nnot_needed:\n{said}",
            indent=4,
        )  # fmt: skip


def _as_site(site: CommentedMap, seen: Seen) -> Site:
    """To ask of it what is kept already."""
    services = {name: Service.model_validate(dict(one)) for name, one in site["services"].items()}
    postgres: Any = site.get("postgres")
    redis: Any = site.get("redis")
    return Site(
        projects=seen.folder,
        services=services,
        postgres=Postgres.model_construct(**postgres) if postgres else None,
        redis=Redis.model_construct(**redis) if redis else None,
    )
