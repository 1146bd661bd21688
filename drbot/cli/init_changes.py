"""What has changed on the engine since a dr.yml was written: what to add to it, and what of it is gone. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from drbot.cli.init_file import Seen, services_of
from drbot.core.site.inventory import Unkept, unkept, with_inventory
from drbot.core.site.site import Postgres, Redis, Site
from drbot.core.text.messages import listed, phrase
from drbot.runners.clients.discovery import Kind, Store

REASON = "why it may be lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """`mark`: + there, - gone, ~ another one. `add`: lines of YAML, below these keys of the site."""

    mark: str
    sentence: str
    below: str = ""
    add: tuple[str, ...] = ()


def changes(site: Site, seen: Seen, is_there: Callable[[str], bool]) -> Iterator[Change]:
    """Of one site. `is_there`: whether a volume, or a folder of this whole path, exists."""
    yield from _of_services(site, seen)
    yield from _of_store(site, seen, "postgres", site.postgres)
    yield from _of_store(site, seen, "redis", site.redis)
    yield from _of_data(site, seen, is_there)
    for project, folder in seen.elsewhere.items():
        said = phrase("The project {project} lies in {folder}, not below `projects`.", project=project, folder=folder)
        yield Change(mark="+", sentence=said)


def _of_services(site: Site, seen: Seen) -> Iterator[Change]:
    named = {(one.project, one.service): key for key, one in site.services.items()}
    known = {(one.project, one.service) for one in seen.inventory.services}
    taken = set(site.services)
    for key, found in services_of(seen):
        place = (str(found["project"]), str(found["service"]))
        old = site.services.get(named.get(place, ""))
        if old is None:
            said = phrase("{project}/{service} is not named in dr.yml.", project=place[0], service=place[1])
            name = key if key not in taken else f"{place[0]}-{place[1]}"
            yield Change(mark="+", sentence=said, below="services", add=(_line({name: found}),))
        elif "health" in found and old.health is None:
            said = phrase("{service} answers at {url}.", service=named[place], url=found["health"])
            yield Change(
                mark="+", sentence=said, below=f"services.{named[place]}", add=(_line({"health": found["health"]}),)
            )
    for place, key in named.items():
        if place not in known:
            said = phrase("{name}: there is no {project}/{service}.", name=key, project=place[0], service=place[1])
            yield Change(mark="-", sentence=said)


def _of_store(site: Site, seen: Seen, kind: Kind, named: Postgres | Redis | None) -> Iterator[Change]:
    found = _found(site, seen, kind, named)
    if named is None:
        if found is not None:
            said = phrase("{project}/{service} runs {program}.", project=found.project, service=found.service,
                          program=found.program)  # fmt: skip
            yield Change(mark="+", sentence=said, add=(_line({kind: _of_new(found)}),))
        return
    if found is None:
        yield Change(mark="-", sentence=phrase("`{kind}`: none runs with a volume of its own.", kind=kind))
        return
    if found.volume != named.volume:
        said = phrase("`{kind}`: its data lies in {now}, not in {volume}.", kind=kind, now=found.volume,
                      volume=named.volume)  # fmt: skip
        yield Change(mark="~", sentence=said, below=kind, add=(_line({"volume": found.volume}),))
    if isinstance(named, Postgres) and found.answers:
        yield from _of_databases(named, found)


def _of_databases(named: Postgres, found: Store) -> Iterator[Change]:
    new = [name for name in found.databases if name not in named.databases]
    gone = [name for name in named.databases if name not in found.databases]
    if new:
        said = phrase("`postgres`: new databases: {names}.", names=listed(new))
        yield Change(mark="+", sentence=said, below="postgres", add=(_line({"databases": [*named.databases, *new]}),))
    if gone:
        yield Change(mark="-", sentence=phrase("`postgres`: databases that are gone: {names}.", names=listed(gone)))


def _of_data(site: Site, seen: Seen, is_there: Callable[[str], bool]) -> Iterator[Change]:
    for one in unkept(with_inventory(site, seen.inventory), seen.inventory):
        said = phrase(
            "{name} is in no backup; {services} keeps data there.", name=one.name, services=listed(one.services)
        )
        where, what = ("files", name) if (name := seen.kept_as(one)) else ("not_needed", {one.name: REASON})
        yield Change(mark="+", sentence=said, below=where, add=(_line(what),))
    for name in seen.data:
        if not any(Path(name).is_relative_to(one) for one in site.file_folders):
            said = phrase("{name} is written to, and kept only with the settings.", name=name)
            yield Change(mark="+", sentence=said, below="files", add=(_line(name),))
    for name in site.files:
        if not is_there(site.place_of(name)):
            yield Change(mark="-", sentence=phrase("`files`: {name} does not exist.", name=name))
    mounted = {one.name for one in _mounted(site, seen)}
    for name in site.not_needed:
        if name not in mounted:
            yield Change(mark="-", sentence=phrase("`not_needed`: nothing mounts {name}.", name=name))


def _mounted(site: Site, seen: Seen) -> tuple[Unkept, ...]:
    """All that would have to be said where it is kept."""
    bare = site.model_copy(update={"files": (), "not_needed": {}})
    return unkept(with_inventory(bare, seen.inventory), seen.inventory)


def _found(site: Site, seen: Seen, kind: Kind, named: Postgres | Redis | None) -> Store | None:
    """The one that dr.yml names where it runs, else the first."""
    service = site.services[named.service] if named is not None else None
    alike = [one for one in seen.stores if one.kind == kind and one.volume]
    place = (service.project, service.service) if service is not None else None
    return next((one for one in alike if (one.project, one.service) == place), alike[0] if alike else None)


def _of_new(found: Store) -> dict[str, Any]:
    what: dict[str, Any] = {"service": found.service, "volume": found.volume}
    return what if found.kind != "postgres" else {**what, "user": found.user, "databases": list(found.databases)}


def _line(what: object) -> str:
    """As it stands in dr.yml: a name that YAML would read as a number or as true is quoted."""
    if isinstance(what, dict) and len(what) == 1:
        ((key, value),) = what.items()
        return f"{_flow(key)}: {_flow(value)}"
    return f"- {_flow(what)}"


def _flow(what: object) -> str:
    written = StringIO()
    yaml = YAML()
    yaml.default_flow_style, yaml.width = True, 1000
    yaml.dump(what, written)
    return written.getvalue().removesuffix("...\n").strip()
